//! The end of cells: outcomes that go with them, the last cell of a chain, its root.

use super::trampoline::{Bounce, bounce, dropping, must_wait, shield};
use crate::cell::state::body;
use crate::cell::state::header::{CellRef, Dropped};

/// Frees the last cell of a chain, and ends the chain.
///
/// # Safety
/// The caller owns the cell, whose body is empty.
#[inline]
pub(crate) unsafe fn release(tail: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        let root = tail.root();
        if root != tail {
            body::free(tail);
        }
        end_chain(root);
    }
}

/// The chain has no cell but its root any more.
///
/// # Safety
/// The caller has freed the chain's last cell.
#[inline]
pub(crate) unsafe fn end_chain(root: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        if root.header().up.end() {
            body::free_root(root);
        }
    }
}

/// A queue lets go of a job that another thread has claimed.
///
/// # Safety
/// The caller has the queue's reference, and gives it up.
pub(in crate::cell) unsafe fn lost(root: CellRef) {
    // SAFETY: the caller has the queue's reference.
    unsafe {
        if root.header().up.drop_reference() {
            body::free_root(root);
        }
    }
}

/// Drops the outcome of a settled cell, if there is one, and frees the cell, which is its chain's last;
/// inside of another drop, or under a lock, later.
///
/// # Safety
/// The caller owns the cell, whose outcome was not taken, and gives it up.
pub(in crate::cell) unsafe fn discard(cell: CellRef, why: Dropped) {
    if must_wait() {
        bounce(Bounce::Discard(cell, why, discard_now));
    } else {
        // SAFETY: the caller's promise.
        shield(|| unsafe { discard_now(cell, why) });
    }
}

/// # Safety
/// As for [`discard`].
unsafe fn discard_now(cell: CellRef, why: Dropped) {
    // SAFETY: the caller's promise.
    unsafe {
        drop_outcome(cell, why);
        release(cell);
    }
}

/// Drops the outcome of a settled cell, if there is one, at once.
///
/// # Safety
/// The caller owns the cell, whose outcome was not taken.
pub(in crate::cell) unsafe fn drop_outcome(cell: CellRef, why: Dropped) {
    // SAFETY: the caller's promise.
    unsafe {
        if cell.header().word.has_outcome() {
            shield(|| dropping(|| (cell.header().vtable().drop_outcome)(cell, why)));
        }
    }
}
