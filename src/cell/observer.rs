//! An observer receives a settled cell in place of a next link: a list, or a shared value.

use super::header::CellRef;

/// What an observer begins with.
#[repr(C, align(8))]
pub(crate) struct Observer {
    /// Receives the settled cell, on the settling thread.
    ///
    /// # Safety
    /// The observer is the one of this function, and was attached to the cell, which is its own now.
    pub(crate) notify: unsafe fn(*const Observer, CellRef),
}

/// Hands a settled cell to its observer.
///
/// # Safety
/// The cell's word named the observer, and the caller gives the cell away.
pub(super) unsafe fn notify(observer: *mut (), cell: CellRef) {
    let observer = observer.cast_const().cast::<Observer>();
    // SAFETY: an observer lives until all cells that it was attached to have come.
    unsafe { ((*observer).notify)(observer, cell) };
}
