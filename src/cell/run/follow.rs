//! Following: a work gave a promise instead of a value, so its cell waits for that promise.

use super::cancel;
use crate::cell::defer::followed;
use crate::cell::defer::free::{end_chain, release};
use crate::cell::state::body;
use crate::cell::state::header::{CellRef, FailureKind};
use crate::cell::state::word::{Attach, Receiver, Seen};
use crate::cell::wait::graph;
use crate::cell::wait::park;

/// Makes `cell`, whose body is empty, wait for the promise whose cell is `inner`. Gives the cell
/// that is settled by this, with its outcome in the body, if there is one.
///
/// # Safety
/// The caller is the producer of `cell` and the consumer of `inner`, which has an outcome of the
/// same type; it gives both away.
pub(crate) unsafe fn follow(mut cell: CellRef, inner: CellRef) -> Option<CellRef> {
    // SAFETY: the caller's promise.
    unsafe {
        while let Some(outer) = step_aside(cell) {
            cell = outer;
        }
        match inner.header().word.seen() {
            Seen::Pending => {}
            _ => return Some(take_over(cell, inner)),
        }
        cell.header().set_following();
        if !cell.chain().attach(inner.root().address()) {
            cancel::cancel(inner);
            return Some(give_up(cell, inner, FailureKind::Cancelled));
        }
        // Only now, so that of two threads that do this at the same time one sees the other's.
        if let Some(fate) = graph::undo_circle(cell, inner) {
            return Some(give_up(cell, inner, fate));
        }
        // A promise that was dropped keeps no shared value wanted.
        let left = cell.header().word.is_left();
        let unwanted = if left { graph::shared_before(inner) } else { None };
        let attached = inner.header().word.attach(Receiver::Continuation(cell.address()));
        unwanted.into_iter().for_each(graph::leave_shared);
        match attached {
            Attach::Attached(listener) => {
                listener.into_iter().for_each(|listener| park::forget(listener));
                None
            }
            Attach::Settled | Attach::WithoutOutcome => {
                arrive(inner, cell);
                Some(cell)
            }
        }
    }
}

/// A loop of `then(|| promise)` would build a chain of cells that only wait for the next one. Where
/// what waits for `cell` is such a cell itself, it takes over, and `cell` goes.
///
/// # Safety
/// The caller is the producer of `cell`, whose body is empty, and gives it up if it gets another one.
unsafe fn step_aside(cell: CellRef) -> Option<CellRef> {
    // SAFETY: the caller is the producer of `cell`. A continuation that follows is the one of an
    // outer chain, and has an outcome of the same type by construction.
    unsafe {
        let Some(Receiver::Continuation(outer)) = cell.header().word.receiver() else {
            return None;
        };
        let outer = CellRef::from_address(outer);
        if !outer.header().is_following() {
            return None;
        }
        let root = cell.root();
        let busy = outer.chain().detach();
        followed::pass_on(root, outer.root());
        if root != cell {
            body::free(cell);
        }
        if !busy {
            end_chain(root);
        }
        Some(outer)
    }
}

/// The inner chain has settled before anybody attached: its outcome is the cell's.
///
/// # Safety
/// As for [`follow`], and `inner` has settled.
unsafe fn take_over(cell: CellRef, inner: CellRef) -> CellRef {
    // SAFETY: the caller's promise in `follow`.
    unsafe {
        match inner.header().word.seen() {
            Seen::Settled => {
                (cell.header().vtable().move_outcome)(inner, cell);
                followed::given_up(cell.root());
                release(inner);
            }
            Seen::TakenValue | Seen::TakenFailure => {
                return give_up(cell, inner, FailureKind::Taken);
            }
            _ => return give_up(cell, inner, FailureKind::Cancelled),
        }
    }
    cell
}

/// The cell does not follow in the end: it fails instead.
///
/// # Safety
/// As for [`follow`].
unsafe fn give_up(cell: CellRef, inner: CellRef, fate: FailureKind) -> CellRef {
    // SAFETY: the caller's promise in `follow`.
    unsafe {
        cancel::leave(inner);
        followed::given_up(cell.root());
        (cell.header().vtable().fail)(cell, fate);
    }
    cell
}

/// The inner chain's outcome has come: moves it into `cell`, which follows it.
///
/// # Safety
/// The caller owns the settled `inner` and is the producer of `cell`.
pub(crate) unsafe fn arrive(inner: CellRef, cell: CellRef) {
    // SAFETY: the caller's promise. The inner chain is ended once: by us, or by the thread that was using
    // its root when we detached.
    unsafe {
        (cell.header().vtable().move_outcome)(inner, cell);
        let root = inner.root();
        let busy = cell.chain().detach();
        followed::arrived(cell.root());
        if root != inner {
            body::free(inner);
        }
        if !busy {
            end_chain(root);
        }
    }
}
