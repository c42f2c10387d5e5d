//! What is done with a future from outside, by its table: so that neither queues nor cancellers know how one is
//! polled. Cells that are no futures have none of it to do.

use super::context::RunContext;
use super::header::{CellRef, Permission, TaskTable};

/// # Safety
/// The cell is alive.
unsafe fn table(cell: CellRef) -> Option<&'static TaskTable> {
    // SAFETY: the caller's promise.
    unsafe { cell.header() }.vtable().task.as_ref()
}

/// Whether a queued future was never polled.
///
/// # Safety
/// An entry or the chain keeps the cell.
pub(in crate::cell) unsafe fn is_fresh(cell: CellRef) -> bool {
    // SAFETY: the caller's promise.
    unsafe { table(cell).is_some_and(|table| (table.is_fresh)(cell)) }
}

/// A queue gives up an entry. Whether the caller has the future now, to be [`run`].
///
/// # Safety
/// The entry was taken out of the queue, once.
pub(in crate::cell) unsafe fn pop(cell: CellRef) -> bool {
    // SAFETY: the caller's promise.
    unsafe { table(cell).is_some_and(|table| (table.pop)(cell)) }
}

/// Takes a future that is queued for `executor`, to be [`run`] by the caller.
///
/// # Safety
/// The caller keeps the chain of the root `cell`.
pub(in crate::cell) unsafe fn claim(cell: CellRef, executor: *mut ()) -> bool {
    // SAFETY: the caller's promise.
    unsafe { table(cell).is_some_and(|table| (table.claim)(cell, executor)) }
}

/// Polls a future, and runs what comes of it. Whether it is through.
///
/// # Safety
/// The caller has it from [`pop`] or [`claim`].
pub(in crate::cell) unsafe fn run(
    cell: CellRef,
    turn: Permission,
    here: Option<&RunContext>,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe { table(cell).is_some_and(|table| (table.run)(cell, turn, here)) }
}

/// The chain of the root `cell`, which is under way, was cancelled: a future that was never polled is
/// dropped here, any other on its executor.
///
/// # Safety
/// The caller keeps the chain.
pub(in crate::cell) unsafe fn cancelled(cell: CellRef) {
    // SAFETY: the caller's promise.
    if let Some(table) = unsafe { table(cell) } {
        // SAFETY: as above.
        unsafe { (table.cancelled)(cell) };
    }
}
