//! An observer receives a settled cell in place of a next link: a list, or a shared value.

use super::header::CellRef;
use super::word::Receiver;

/// A settled cell, and what receives it.
pub(in crate::cell) type Delivery = (CellRef, Receiver);

/// What the observers of one list, or a shared value, have in common; its first field.
#[repr(C)]
pub(crate) struct Target {
    /// Receives the settled cell, on the settling thread, shielded from nested run loops. Gives what this
    /// has settled, if the caller is to hand that on: then no user code has run since, nor will.
    ///
    /// # Safety
    /// The observer was attached to the cell, which is its own from now on.
    pub(in crate::cell) notify: unsafe fn(*const Observer, CellRef) -> Option<Delivery>,
}

/// What an observer begins with.
#[repr(C, align(8))]
pub(crate) struct Observer {
    pub(in crate::cell) target: *const Target,
}

/// Hands a settled cell to its observer. What this has settled is the caller's to hand on.
///
/// # Safety
/// The cell's word named the observer, and the caller gives the cell away.
pub(in crate::cell) unsafe fn notify(observer: *mut (), cell: CellRef) -> Option<Delivery> {
    let observer = observer.cast_const().cast::<Observer>();
    // SAFETY: observer and target live until all cells that they were attached to have come.
    unsafe { ((*(*observer).target).notify)(observer, cell) }
}
