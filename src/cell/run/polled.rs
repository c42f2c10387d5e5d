//! Futures in a queue: when they are polled, and by which thread. How one is polled, its table knows.

use std::task::{RawWaker, RawWakerVTable, Waker};

use super::queued;
use super::run_loop;
use crate::cell::defer::free::lost;
use crate::cell::executor::handle::{ExecutorHandle, Item};
use crate::cell::state::context::RunContext;
use crate::cell::state::header::{CellRef, Lane, Permission, Progress};
use crate::cell::state::schedule::{Left, Popped};
use crate::cell::state::task::core;

/// A queue gives up an entry. Whether the caller has the future now, to be [`run`].
///
/// # Safety
/// The entry was taken out of the queue, once.
pub(super) unsafe fn pop(cell: CellRef) -> bool {
    // SAFETY: the entry's reference keeps the cell, and is given up where the word says so.
    unsafe {
        match core(cell).map(|core| core.schedule.pop()) {
            Some(Popped::Left(left)) => act(cell, left),
            popped => return popped.is_some(),
        }
    }
    false
}

/// Polls a future, and runs what comes of it. Whether it is through.
///
/// # Safety
/// The caller has it from [`pop`], or has claimed it.
pub(super) unsafe fn run(cell: CellRef, turn: Permission, here: Option<&RunContext>) -> bool {
    // SAFETY: the poller's reference keeps the cell until it is given up; the poller is the producer.
    unsafe {
        let Some(core) = core(cell) else { return false };
        let forsaken = core.schedule.is_forsaken();
        let turn = if forsaken { Permission::Refused(None) } else { turn };
        let progress = (cell.header().vtable().work)(cell, None, turn);
        if matches!(progress, Progress::Pending) {
            act(cell, core.schedule.idle());
            return false;
        }
        run_loop::settle_job(cell, progress, here);
        act(cell, core.schedule.finish());
        true
    }
}

/// As [`task::cancelled`](crate::cell::state::task::cancelled).
///
/// # Safety
/// The caller keeps the chain of the root `cell`.
pub(in crate::cell) unsafe fn cancelled(cell: CellRef) {
    // SAFETY: the caller's promise; the claimer of the future is the cell's producer.
    unsafe {
        let Some(core) = core(cell) else { return };
        if core.schedule.claim(true) {
            let _ = (cell.header().vtable().work)(cell, None, Permission::Cancelled);
            run_loop::settle_without_outcome(cell);
            act(cell, core.schedule.finish());
        } else {
            wake_by_ref(cell.address());
        }
    }
}

/// Does what is left to do when a reference was given up. The entry is pushed; where the executor is closed, the
/// future is dropped, as soon as user code may run on this thread.
///
/// # Safety
/// The schedule word has just given this to the caller, with the reference that `Free` and `Push` speak of.
unsafe fn act(cell: CellRef, left: Left) {
    // SAFETY: the word has given the caller what it acts on: for `Nothing` the cell may be gone by now, and it is not
    // touched; for `Push` the entry's reference keeps it, until `post_to_link` has it.
    unsafe {
        match left {
            Left::Nothing => {}
            Left::Free => lost(cell),
            Left::Push => {
                let Some(executor) = core(cell).map(|core| core.executor) else { return };
                let posted = ExecutorHandle::post_to_link(executor, Item::Task(cell), Lane::Back);
                posted.unwrap_or_else(|refused| queued::refuse(refused));
            }
        }
    }
}

// ── Wakers ───────────────────────────────────────────────────────────────────────────────────────

static WAKER: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, release);

/// A waker without a reference of its own.
///
/// # Safety
/// The caller keeps the cell, and does not drop the waker.
pub(in crate::cell) unsafe fn borrowed(cell: CellRef) -> Waker {
    // SAFETY: the table's functions take the address of a task's cell, from any thread.
    unsafe { Waker::from_raw(RawWaker::new(cell.address().cast_const(), &WAKER)) }
}

/// # Safety
/// The address is that of a task's cell, kept by the caller's waker.
unsafe fn clone(address: *const ()) -> RawWaker {
    // SAFETY: the waker's reference keeps the cell.
    if let Some(core) = unsafe { core(CellRef::from_address(address.cast_mut())) } {
        core.schedule.retain();
    }
    RawWaker::new(address, &WAKER)
}

/// # Safety
/// As for [`clone`], and the waker is used up by this.
unsafe fn wake(address: *const ()) {
    // SAFETY: the waker is used up.
    unsafe {
        wake_by_ref(address);
        release(address);
    }
}

/// # Safety
/// As for [`clone`].
unsafe fn wake_by_ref(address: *const ()) {
    // SAFETY: the waker's reference keeps the cell; the entry is ours if the word says so.
    unsafe {
        let cell = CellRef::from_address(address.cast_mut());
        if core(cell).is_some_and(|core| core.schedule.wake()) {
            act(cell, Left::Push);
        }
    }
}

/// # Safety
/// As for [`clone`], and the waker is gone with this.
unsafe fn release(address: *const ()) {
    // SAFETY: the waker's reference keeps the cell until it is given up.
    unsafe {
        let cell = CellRef::from_address(address.cast_mut());
        if let Some(core) = core(cell) {
            act(cell, core.schedule.release());
        }
    }
}
