//! References to the shared part of a value. An `Arc` would do, but for its second count, which costs a
//! read-modify-write at the end, and for the copy of what it is made of.

use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::NonNull;

use super::value::Shared;
use crate::cell::state::dependency::{Dependency, Ticket};
use crate::cell::state::header::CellRef;

/// Keeps the shared part of a value.
pub(crate) struct Reference<T: 'static, E: 'static>(NonNull<Shared<T, E>>);

// SAFETY: as `Arc`: any thread may read what is shared, and the last reference drops it.
unsafe impl<T: 'static, E: 'static> Send for Reference<T, E> where Shared<T, E>: Send + Sync {}
// SAFETY: as above.
unsafe impl<T: 'static, E: 'static> Sync for Reference<T, E> where Shared<T, E>: Send + Sync {}

impl<T: 'static, E: 'static> Reference<T, E> {
    /// The first one.
    // By a function, so that the shared part is made where it stays.
    #[inline]
    pub(super) fn new(make: impl FnOnce() -> Shared<T, E>) -> Self {
        let memory = Box::leak(Box::new(MaybeUninit::uninit()));
        Reference(NonNull::from(memory.write(make())))
    }

    /// The shared part, which is there as long as there are references.
    pub(super) fn as_ptr(&self) -> *const Shared<T, E> {
        self.0.as_ptr()
    }

    /// The reference that another party has given away by its address.
    ///
    /// # Safety
    /// `shared` came from [`as_ptr`](Self::as_ptr), and the caller has a reference to give up.
    pub(super) unsafe fn from_ptr(shared: *const Shared<T, E>) -> Self {
        // SAFETY: the caller's promise; the address of what is shared is not null.
        Reference(unsafe { NonNull::new_unchecked(shared.cast_mut()) })
    }
}

impl<T: 'static, E: 'static> Deref for Reference<T, E> {
    type Target = Shared<T, E>;

    fn deref(&self) -> &Shared<T, E> {
        // SAFETY: this reference keeps it; only the last one has it exclusively, when it is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl<T: 'static, E: 'static> Clone for Reference<T, E> {
    fn clone(&self) -> Self {
        if !self.counts.refer() {
            std::process::abort(); // as `Arc` does: the count must not wrap
        }
        Reference(self.0)
    }
}

impl<T: 'static, E: 'static> Drop for Reference<T, E> {
    fn drop(&mut self) {
        if self.counts.let_go() {
            // SAFETY: made by `new`, as a box; the last reference is gone.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

impl<T: Send + Sync + 'static, E: Send + Sync + 'static> Dependency for Reference<T, E> {
    fn tail(&self) -> CellRef {
        self.feeder()
    }

    fn left(&self, ticket: Ticket) -> bool {
        Shared::left(self, ticket)
    }
}
