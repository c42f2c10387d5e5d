//! Cancelling: settles the tail of a chain, and sends the cancellation up to its root.

use super::chain::Cancel;
use super::followed;
use super::handlers;
use super::header::{CellRef, Turn};
use super::later;
use super::park;
use super::task;
use super::wave;

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
                wave::end_chain(inner);
            }
        }
    }
}

/// Settles a root that will never start, and runs the wave down to the tail.
unsafe fn settle_claimed(root: CellRef) {
    // SAFETY: the claim makes this the root's producer; REFERRED keeps the cell until its queue or
    // deferred lets go, or until the chain ends in the wave, after which it is not touched.
    unsafe {
        let header = root.header();
        let handlers = if header.vtable().job {
            let _ = (header.vtable().work)(root, None, Turn::Cancelled);
            None
        } else {
            handlers::close(&header.link)
        };
        wave::settle_without_outcome(root);
        if let Some(handlers) = handlers {
            later::handle(handlers);
        }
    }
}
