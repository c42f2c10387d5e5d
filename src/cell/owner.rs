//! The handles of a shared value: they are counted apart from what else keeps it, because the last
//! one abandons a value that was never set, and those that have not cancelled keep it wanted.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::shared::Shared;
use crate::sync::atomic::{AtomicBool, Ordering};

/// One handle, in the low half of the count.
const HANDLE: u64 = 1;
/// One handle that has not cancelled, in the high half.
const OWNER: u64 = 1 << 32;
/// More handles than memory holds, unless they were forgotten.
const MOST: u64 = OWNER / 2;

/// How many handles there are, and how many of them have not cancelled: one word, so that a clone
/// costs one read-modify-write.
pub(super) struct Owners(AtomicU64);

impl Owners {
    pub(super) fn one() -> Self {
        Owners(AtomicU64::new(HANDLE + OWNER))
    }

    /// Whether a handle is left that has not cancelled.
    pub(super) fn any(&self) -> bool {
        // ORDERING: Acquire pairs with the Release of the handle that went last.
        self.0.load(Ordering::Acquire) >= OWNER
    }
}

/// A handle on a shared value.
pub(crate) struct Owner<T: 'static, E: 'static> {
    /// All handles together have one reference, which the last one gives up.
    shared: ManuallyDrop<Arc<Shared<T, E>>>,
    has_cancelled: AtomicBool,
}

impl<T: 'static, E: 'static> Owner<T, E> {
    /// The first handle.
    pub(crate) fn new(shared: Arc<Shared<T, E>>) -> Self {
        Owner { shared: ManuallyDrop::new(shared), has_cancelled: AtomicBool::new(false) }
    }

    /// A reference that is no handle.
    pub(crate) fn reference(&self) -> Arc<Shared<T, E>> {
        Arc::clone(&self.shared)
    }

    /// This handle does not want the value any more.
    pub(crate) fn cancel(&self) {
        // ORDERING: Relaxed, only so that it counts once.
        if !self.has_cancelled.swap(true, Ordering::Relaxed) {
            self.shared.owners.0.fetch_sub(OWNER, Ordering::AcqRel);
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
        // ORDERING: Relaxed as in `Arc`: the one who clones has a handle.
        let before = self.shared.owners.0.fetch_add(HANDLE + OWNER, Ordering::Relaxed);
        if before % OWNER > MOST {
            std::process::abort(); // as `Arc` does: the count must not wrap
        }
        // SAFETY: the handles' one reference is given up by the last handle only.
        let shared = unsafe { std::ptr::read(&raw const self.shared) };
        Owner { shared, has_cancelled: AtomicBool::new(false) }
    }
}

impl<T: 'static, E: 'static> Owner<T, E> {
    /// Gives this handle's count up. Whether it was the last handle.
    ///
    /// A handle that is not the last must not touch the shared part afterwards, since the last one
    /// may free it; so one that has to look does so before it goes.
    fn leave(&mut self) -> bool {
        let cancelled = *self.has_cancelled.get_mut();
        let count = &self.shared.owners.0;
        if self.shared.is_settled() {
            // ORDERING: Acquire as below. Who has the only handle can make no other one meanwhile.
            if count.load(Ordering::Acquire) % OWNER == HANDLE {
                return true;
            }
            // Nothing is left to cancel, so nobody has to look.
            let gives = if cancelled { HANDLE } else { HANDLE + OWNER };
            // ORDERING: AcqRel as below.
            return count.fetch_sub(gives, Ordering::AcqRel) % OWNER == HANDLE;
        }
        // ORDERING: Relaxed, the CAS decides.
        let mut now = count.load(Ordering::Relaxed);
        loop {
            let last = now % OWNER == HANDLE;
            let looks = !last && !cancelled && now < 2 * OWNER; // the last owner, not the last handle
            let gives = match (looks, cancelled) {
                (true, _) => OWNER,
                (false, true) => HANDLE,
                (false, false) => HANDLE + OWNER,
            };
            // ORDERING: AcqRel as in `Arc`: what the other handles did happens before the end.
            let left =
                count.compare_exchange_weak(now, now - gives, Ordering::AcqRel, Ordering::Relaxed);
            match left {
                Err(seen) => now = seen,
                Ok(_) if looks => {
                    self.shared.cancel_if_unwanted(false);
                    return count.fetch_sub(HANDLE, Ordering::AcqRel) % OWNER == HANDLE;
                }
                Ok(_) => return last,
            }
        }
    }
}

impl<T: 'static, E: 'static> Drop for Owner<T, E> {
    fn drop(&mut self) {
        if !self.leave() {
            return;
        }
        drop(self.shared.take_setter());
        if !self.shared.is_settled() {
            self.shared.cancel_if_unwanted(false);
        }
        // SAFETY: the last handle gives the handles' reference up, once.
        unsafe { ManuallyDrop::drop(&mut self.shared) };
    }
}
