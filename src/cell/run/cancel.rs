//! Cancelling: settles the tail of a chain, and sends the cancellation up to its root.

use super::run_loop;
use crate::cell::defer::followed;
use crate::cell::defer::free::{self, end_chain};
use crate::cell::defer::handlers;
use crate::cell::defer::trampoline;
use crate::cell::state::chain::Cancel;
use crate::cell::state::header::{CellRef, Dropped, Permission};
use crate::cell::state::task;
use crate::cell::state::word::Leave;
use crate::cell::wait::graph;
use crate::cell::wait::park;

/// Cancels the chain whose tail is `tail`. `false`: it was settled.
///
/// # Safety
/// The caller keeps the tail alive.
pub(crate) unsafe fn cancel(tail: CellRef) -> bool {
    // SAFETY: the caller's promise; the root lives as long as the tail.
    unsafe {
        let Some(listener) = tail.header().word.cancel() else { return false };
        cancel_root(tail.root());
        if let Some(listener) = listener {
            park::wake(listener);
        }
    }
    true
}

/// Cancels a chain from its root: what has not started never does, what runs is told.
///
/// # Safety
/// The caller keeps the root alive.
pub(crate) unsafe fn cancel_root(root: CellRef) {
    let mut held = Vec::new(); // allocates only where promises were followed
    let mut at = root;
    // SAFETY: the first root is alive by the caller's promise, each further one because the one
    // above it is BUSY with it.
    unsafe {
        loop {
            match at.header().up.cancel() {
                Cancel::Before => break,
                Cancel::Running => {
                    task::cancelled(at);
                    followed::cancelled(at);
                    break;
                }
                Cancel::Claimed => {
                    settle_claimed(at);
                    break;
                }
                Cancel::Inner(inner) => {
                    let inner = CellRef::from_address(inner);
                    held.push((at, inner));
                    followed::cancelled(at);
                    at = inner;
                }
            }
        }
        for (outer, inner) in held.into_iter().rev() {
            if outer.header().up.release().end_inner {
                end_chain(inner);
            }
        }
    }
}

/// Settles a root that will never start, and runs the run loop down to the tail.
///
/// # Safety
/// The caller has claimed the root by its chain word.
unsafe fn settle_claimed(root: CellRef) {
    // SAFETY: the claim makes this the root's producer; REFERRED keeps the cell until its queue or
    // deferred lets go, or until the chain ends in the run loop, after which it is not touched.
    unsafe {
        let header = root.header();
        let handlers = if header.vtable().job {
            let _ = (header.vtable().work)(root, None, Permission::Cancelled);
            None
        } else {
            handlers::close(&header.link)
        };
        run_loop::settle_without_outcome(root);
        if let Some(handlers) = handlers {
            trampoline::handle(handlers);
        }
    }
}

// ── Leaving ──────────────────────────────────────────────────────────────────────────────────────

/// The consumer of `cell` leaves.
///
/// # Safety
/// The caller is the consumer, and gives that part up.
#[inline]
pub(in crate::cell) unsafe fn leave(cell: CellRef) {
    // SAFETY: the caller's promise; each arm has what the word gave it.
    unsafe {
        match cell.header().word.leave_settled() {
            Some(Leave::Bare) => free::release(cell), // mostly: the outcome was taken
            Some(leave) => leave_behind(cell, leave),
            None => {
                if cell.root().header().vtable().fragile {
                    cancel(cell); // the work is wanted no more
                }
                detach(cell);
            }
        }
    }
}

/// As [`leave`], but what goes on does so, also where leaving would cancel it. A shared value may lose an owner by it.
///
/// # Safety
/// As for [`leave`].
pub(in crate::cell) unsafe fn detach(cell: CellRef) {
    // SAFETY: as in `leave`; what is held is there afterwards.
    unsafe {
        let word = &cell.header().word;
        if let Some(leave) = word.leave_settled() {
            return leave_behind(cell, leave);
        }
        let shared = graph::shared_before(cell);
        let leave = word.leave();
        let was_pending = matches!(leave, Leave::Pending(_));
        leave_behind(cell, leave);
        match shared {
            Some(place) if was_pending => graph::leave_shared(place),
            place => trampoline::shield(|| drop(place)),
        }
    }
}

/// Drops what is left.
///
/// # Safety
/// The word has given the caller this duty, once.
unsafe fn leave_behind(cell: CellRef, leave: Leave) {
    // SAFETY: as in `leave`.
    unsafe {
        match leave {
            Leave::Bare => free::release(cell),
            Leave::Outcome => free::discard(cell, Dropped::Unseen),
            Leave::Pending(Some(listener)) => park::forget(listener),
            Leave::Pending(None) => {}
        }
    }
}
