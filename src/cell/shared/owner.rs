//! The handles of a shared value: they are counted apart from what else keeps it, because the last
//! one abandons a value that was never set, and those that have not cancelled keep it wanted.

use std::mem::ManuallyDrop;
use std::ops::Deref;

use super::counts::Leave;
use super::reference::Reference;
use super::value::Shared;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A handle on a shared value.
pub(crate) struct Owner<T: 'static, E: 'static> {
    /// All handles and the feeder together have one reference, which the last of them gives up.
    shared: ManuallyDrop<Reference<T, E>>,
    has_cancelled: AtomicBool,
}

impl<T: 'static, E: 'static> Owner<T, E> {
    /// The first handle.
    pub(crate) fn new(shared: Reference<T, E>) -> Self {
        Owner { shared: ManuallyDrop::new(shared), has_cancelled: AtomicBool::new(false) }
    }

    /// A reference that is no handle.
    pub(crate) fn reference(&self) -> Reference<T, E> {
        Reference::clone(&self.shared)
    }

    /// This handle does not want the value any more.
    pub(crate) fn cancel(&self) {
        // ORDERING: Relaxed, only so that it counts once.
        if !self.has_cancelled.swap(true, Ordering::Relaxed) {
            self.shared.counts.cancel();
            self.shared.cancel_if_unwanted(true);
        }
    }
}

impl<T: 'static, E: 'static> Deref for Owner<T, E> {
    type Target = Shared<T, E>;

    fn deref(&self) -> &Shared<T, E> {
        &self.shared
    }
}

impl<T: 'static, E: 'static> Clone for Owner<T, E> {
    fn clone(&self) -> Self {
        if !self.shared.counts.add() {
            std::process::abort(); // as `Arc` does: the count must not wrap
        }
        // SAFETY: the one reference of all holders is given up by the last one only.
        let shared = unsafe { std::ptr::read(&raw const self.shared) };
        Owner { shared, has_cancelled: AtomicBool::new(false) }
    }
}

impl<T: 'static, E: 'static> Owner<T, E> {
    /// Gives up all but the handle itself, if it is the last one; else also that. Whether it is the last one.
    fn leave(&mut self) -> bool {
        let mut leave = self.shared.counts.leave(!*self.has_cancelled.get_mut());
        while leave == Leave::Look {
            leave = self.look_and_leave();
        }
        leave == Leave::Last
    }

    #[cold]
    fn look_and_leave(&self) -> Leave {
        self.shared.handle_left();
        self.shared.counts.leave(false)
    }

    /// The last handle goes.
    #[inline(never)]
    fn end(&mut self) {
        drop(self.shared.take_setter());
        if !self.shared.is_settled() {
            self.shared.handle_left();
        }
        if self.shared.counts.leave_last() {
            // SAFETY: the last holder gives the holders' reference up, once.
            unsafe { ManuallyDrop::drop(&mut self.shared) };
        }
    }
}

impl<T: 'static, E: 'static> Drop for Owner<T, E> {
    fn drop(&mut self) {
        if self.leave() {
            self.end();
        }
    }
}
