//! What `asynckit`'s `src/sync` exports, over loom. `Mutex` is for statics only, which loom has not.
//!
//! The atomics differ from loom's in two points:
//! - They notice when they are dropped: every access is checked to happen before the drop. So the models find a
//!   cell that is freed while another party still uses it.
//! - A load counts as a conflict with every other access. Loom, when it looks for orders that are worth trying,
//!   compares a write with the last access only; so where a thread loads and then writes (every compare-and-swap
//!   loop does), its own load hides the other threads' loads before it, and orders are left out (issues 166 and 392
//!   of its repository). Here each access is preceded by one to a word that nobody else looks at: a
//!   compare-and-swap that always fails, so that it orders nothing, but conflicts with all others.

use std::any::Any;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::PoisonError;

pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::MutexGuard;
// No model depends on what these do.
pub(crate) use std::sync::Arc;
pub(crate) use std::thread;
pub(crate) use std::thread_local;

/// A static, which `Mutex` makes anew for each execution.
#[cfg(test)]
macro_rules! global {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;) => {
        $(#[$attribute])*
        static $name: $type = $value;
    };
}
#[cfg(test)]
pub(crate) use global;

/// A mutex that may be a static: in each execution of a model it begins as it was made.
pub(crate) struct Mutex<T: 'static>(ManuallyDrop<T>);

thread_local! {
    /// Those of this execution, by the addresses of the statics. All of its threads run on one of the system.
    static MUTEXES: RefCell<Vec<(usize, Box<dyn Any>)>> = const { RefCell::new(Vec::new()) };
}

/// An execution begins.
pub(crate) fn begin() {
    MUTEXES.take();
}

// SAFETY: what it was made of is only copied, and loom's mutex is made for each thread of the system.
unsafe impl<T> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    pub(crate) const fn new(made: T) -> Self {
        Mutex(ManuallyDrop::new(made))
    }

    pub(crate) fn lock(&'static self) -> MutexGuard<'static, T> {
        self.of_this_execution().lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_this_execution(&'static self) -> &'static loom::sync::Mutex<T> {
        MUTEXES.with_borrow_mut(|mutexes| {
            let address = std::ptr::from_ref(self).addr();
            let place = mutexes.iter().position(|mutex| mutex.0 == address).unwrap_or_else(|| {
                // SAFETY: made in a constant, so it owns nothing: a copy is as good.
                let made = unsafe { std::ptr::read(&*self.0) };
                mutexes.push((address, Box::new(loom::sync::Mutex::new(made))));
                mutexes.len() - 1
            });
            let mutex = mutexes[place].1.downcast_ref::<loom::sync::Mutex<T>>();
            // SAFETY: in a box that goes when the next execution begins; the threads have ended by then.
            unsafe { &*std::ptr::from_ref(mutex.expect("of this type")) }
        })
    }
}

pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::{Ordering, fence};

    /// What the atomics have in common.
    struct Watch {
        conflicts: loom::sync::atomic::AtomicBool,
        dropped: std::cell::Cell<bool>,
    }

    impl Watch {
        #[track_caller]
        fn new() -> Self {
            Watch {
                conflicts: loom::sync::atomic::AtomicBool::new(false),
                dropped: std::cell::Cell::new(false),
            }
        }

        #[track_caller]
        fn access(&self) {
            assert!(!self.dropped.get(), "an atomic is used after it was freed");
            let conflict =
                self.conflicts.compare_exchange(true, true, Ordering::Relaxed, Ordering::Relaxed);
            assert_eq!(conflict, Err(false));
            assert!(!self.dropped.get(), "an atomic is used after it was freed");
        }
    }

    macro_rules! atomic {
        ($name:ident $(<$parameter:ident>)?, $value:ty, $($operation:ident),*) => {
            pub(crate) struct $name $(<$parameter>)? {
                inner: loom::sync::atomic::$name $(<$parameter>)?,
                watch: Watch,
            }

            // SAFETY: loom runs the threads of a model one at a time, on one thread of the system.
            unsafe impl $(<$parameter>)? Sync for $name $(<$parameter>)? {}
            // SAFETY: as above.
            unsafe impl $(<$parameter>)? Send for $name $(<$parameter>)? {}

            #[allow(dead_code, reason = "each protocol file uses some")]
            impl $(<$parameter>)? $name $(<$parameter>)? {
                #[track_caller]
                pub(crate) fn new(value: $value) -> Self {
                    $name { inner: loom::sync::atomic::$name::new(value), watch: Watch::new() }
                }

                #[track_caller]
                pub(crate) fn load(&self, order: Ordering) -> $value {
                    self.watch.access();
                    self.inner.load(order)
                }

                #[track_caller]
                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    self.watch.access();
                    self.inner.store(value, order);
                }

                #[track_caller]
                pub(crate) fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.watch.access();
                    self.inner.compare_exchange(current, new, success, failure)
                }

                #[track_caller]
                pub(crate) fn compare_exchange_weak(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.compare_exchange(current, new, success, failure)
                }

                $(#[track_caller]
                pub(crate) fn $operation(&self, value: $value, order: Ordering) -> $value {
                    self.watch.access();
                    self.inner.$operation(value, order)
                })*
            }
        };
    }

    atomic!(AtomicPtr<T>, *mut T, swap);
    atomic!(AtomicU64, u64, fetch_add, fetch_sub, fetch_or);
    atomic!(AtomicUsize, usize, swap, fetch_add, fetch_sub, fetch_or, fetch_and);
    atomic!(AtomicBool, bool, swap, fetch_or, fetch_and);

    /// Dropped while it can be reached from several threads: loom checks that every access happens before.
    impl<T> Drop for AtomicPtr<T> {
        fn drop(&mut self) {
            self.watch.dropped.set(true);
            if !std::thread::panicking() {
                self.inner.with_mut(|_| ());
            }
        }
    }

    /// As above.
    impl Drop for AtomicU64 {
        fn drop(&mut self) {
            self.watch.dropped.set(true);
            if !std::thread::panicking() {
                self.inner.with_mut(|_| ());
            }
        }
    }
}
