//! What the hammer's threads share things with: such as ThreadSanitizer understands, though the standard library is not
//! instrumented. That has its locks' slow paths, the ends of scoped threads and the fences in `Arc` hidden from it.
//!
//! Under `--cfg asynckit_tsan` the `Arc` and the threads are the library's own for this, by the same files.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{RawWaker, RawWakerVTable, Waker};
use std::thread::yield_now;

#[cfg(not(asynckit_tsan))]
pub(crate) use std::{
    sync::Arc,
    thread::{Builder, current},
};

#[cfg(asynckit_tsan)]
#[path = "../../../src/sync/instrumented/arc.rs"]
#[expect(dead_code, reason = "the library uses the rest")]
mod arc;
#[cfg(asynckit_tsan)]
#[path = "../../../src/sync/instrumented/threads.rs"]
mod threads;

#[cfg(asynckit_tsan)]
pub(crate) use self::{
    arc::Arc,
    threads::{Builder, current},
};

/// Starts a thread that nobody waits for.
pub(crate) fn start(name: &str, f: impl FnOnce() + Send + 'static) {
    drop(Builder::new().name(name.to_owned()).spawn(f).expect("a thread"));
}

/// A lock that spins, so that it parks nobody: a thread that waits for it comes back in the next few instructions, inside
/// of the windows that the hammer is after.
#[derive(Default)]
pub(crate) struct Lock<T> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one thread at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

/// Unlocks when it is dropped.
pub(crate) struct Guard<'a, T>(&'a Lock<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Lock { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        loop {
            match self.try_lock() {
                Some(guard) => return guard,
                None => yield_now(),
            }
        }
    }

    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        (!self.locked.swap(true, Ordering::Acquire)).then(|| Guard(self))
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.0.locked.store(false, Ordering::Release);
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this thread has the lock.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this thread has the lock.
        unsafe { &mut *self.0.value.get() }
    }
}

/// Where threads wait until all are there.
pub(crate) struct Begin(AtomicUsize);

impl Begin {
    pub(crate) fn new(threads: usize) -> Self {
        Begin(AtomicUsize::new(threads))
    }

    pub(crate) fn wait(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
        while self.0.load(Ordering::Acquire) > 0 {
            yield_now();
        }
    }
}

/// `std::task::Wake` for the `Arc` of here.
pub(crate) trait Ring: Send + Sync + Sized + 'static {
    fn ring(&self);

    /// A waker that rings.
    fn waker(self) -> Waker {
        let raw = raw(Arc::into_raw(Arc::new(self)));
        // SAFETY: the table's functions keep to what `RawWakerVTable` asks for: see there.
        unsafe { Waker::from_raw(raw) }
    }
}

fn raw<R: Ring>(ring: *const R) -> RawWaker {
    RawWaker::new(ring.cast(), const { &table::<R>() })
}

/// The data of each waker is a count of an `Arc<R>`.
const fn table<R: Ring>() -> RawWakerVTable {
    RawWakerVTable::new(
        |data| {
            // SAFETY: the waker that is cloned has a count.
            unsafe { Arc::<R>::increment_strong_count(data.cast()) };
            raw::<R>(data.cast())
        },
        // SAFETY: the waker that is used up gives its count.
        |data| unsafe { Arc::<R>::from_raw(data.cast()) }.ring(),
        // SAFETY: the waker has a count meanwhile.
        |data| unsafe { &*data.cast::<R>() }.ring(),
        // SAFETY: the waker that is dropped gives its count.
        |data| drop(unsafe { Arc::<R>::from_raw(data.cast()) }),
    )
}
