//! A future, as queues, cancellers and its wakers see it: in a place of its cell that its table tells. Cells that
//! are no futures have none.

use super::header::CellRef;
use super::schedule::Schedule;

/// What is known of a future without its types.
pub(in crate::cell) struct Core {
    pub(in crate::cell) schedule: Schedule,
    /// That of a pool, whose handles are not counted.
    pub(in crate::cell) executor: *mut (),
}

/// # Safety
/// The cell lives while the reference is used.
pub(in crate::cell) unsafe fn core<'a>(cell: CellRef) -> Option<&'a Core> {
    // SAFETY: the caller's promise; the table says where the core is.
    unsafe {
        let offset = cell.header().vtable().task.as_ref()?.core;
        Some(&*cell.as_ptr().cast::<u8>().add(offset).cast::<Core>())
    }
}

/// Whether a queued future was never polled.
///
/// # Safety
/// An entry or the chain keeps the cell.
pub(in crate::cell) unsafe fn is_fresh(cell: CellRef) -> bool {
    // SAFETY: the caller's promise.
    unsafe { core(cell) }.is_some_and(|core| core.schedule.is_fresh())
}

/// Takes a future that is queued for `executor`, to be run by the caller.
///
/// # Safety
/// The caller keeps the chain of the root `cell`.
pub(in crate::cell) unsafe fn claim(cell: CellRef, executor: *mut ()) -> bool {
    // SAFETY: the caller's promise.
    let core = unsafe { core(cell) };
    core.is_some_and(|core| core.executor == executor && core.schedule.claim(false))
}

/// The chain of the root `cell`, which is under way, was cancelled: a future that was never polled is
/// dropped here, any other on its executor.
///
/// # Safety
/// The caller keeps the chain.
pub(in crate::cell) unsafe fn cancelled(cell: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(table) = &cell.header().vtable().task {
            (table.cancelled)(cell);
        }
    }
}
