//! Atomics of the same size as the standard library's; a thread can be taken off before and after an access.

use super::execution::pause;

/// In a loop that waits for others.
pub fn spin_loop() {
    pause();
}

/// The atomics.
pub mod atomic {
    pub use std::sync::atomic::Ordering;

    use crate::sync::controlled::execution::{before, point};

    /// Orders nothing: what is not reordered needs no fence.
    pub fn fence(_: Ordering) {}

    macro_rules! atomic {
        ($name:ident $(<$parameter:ident>)?, $value:ty, $($operation:ident),*) => {
            /// As the one of the standard library.
            #[repr(transparent)]
            #[derive(Debug, Default)]
            pub struct $name $(<$parameter>)? (std::sync::atomic::$name $(<$parameter>)?);

            #[expect(missing_docs, reason = "as in the standard library")]
            impl $(<$parameter>)? $name $(<$parameter>)? {
                pub const fn new(value: $value) -> Self {
                    $name(std::sync::atomic::$name::new(value))
                }

                pub fn get_mut(&mut self) -> &mut $value {
                    self.0.get_mut()
                }

                pub fn into_inner(self) -> $value {
                    self.0.into_inner()
                }

                pub fn load(&self, _: Ordering) -> $value {
                    before(self);
                    self.0.load(Ordering::SeqCst)
                }

                pub fn store(&self, value: $value, _: Ordering) {
                    before(self);
                    self.0.store(value, Ordering::SeqCst);
                    point();
                }

                pub fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    _: Ordering,
                    _: Ordering,
                ) -> Result<$value, $value> {
                    before(self);
                    let order = Ordering::SeqCst;
                    let result = self.0.compare_exchange(current, new, order, order);
                    if result.is_ok() {
                        point();
                    }
                    result
                }

                pub fn compare_exchange_weak(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.compare_exchange(current, new, success, failure)
                }

                atomic!(@ $value, swap $($operation)*);
            }
        };
        (@ $value:ty, $($operation:ident)*) => {
            $(pub fn $operation(&self, value: $value, _: Ordering) -> $value {
                before(self);
                let result = self.0.$operation(value, Ordering::SeqCst);
                point();
                result
            })*
        };
    }

    atomic!(AtomicBool, bool, fetch_and, fetch_or, fetch_xor);
    atomic!(AtomicPtr<T>, *mut T,);
    atomic!(AtomicU32, u32, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max);
    atomic!(AtomicU64, u64, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max);
    atomic!(AtomicUsize, usize, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max);
}
