//! The chains whose user code is running on this thread.

use std::cell::Cell;
use std::ptr;

use super::header::CellRef;
use crate::sync::thread_local;

/// User code of a chain on this thread's stack, in a list from the innermost outwards.
struct Frame {
    root: CellRef,
    outer: *const Frame,
}

thread_local! {
    static INNERMOST: Cell<*const Frame> = const { Cell::new(ptr::null()) };
}

/// Takes the frame out of the list, also if what runs in it unwinds.
struct Leave(*const Frame);

impl Drop for Leave {
    fn drop(&mut self) {
        INNERMOST.set(self.0);
    }
}

/// Runs user code of the chain of `root`.
pub(super) fn framed<R>(root: CellRef, f: impl FnOnce() -> R) -> R {
    let frame = Frame { root, outer: INNERMOST.get() };
    let _leave = Leave(frame.outer);
    INNERMOST.set(&raw const frame);
    f()
}

/// The roots of the chains whose user code this thread is running, from the innermost outwards.
pub(super) fn running() -> Vec<CellRef> {
    let (mut roots, mut at) = (Vec::new(), INNERMOST.get());
    // SAFETY: the frames of this thread's stack, each taken out of the list before it goes (`Leave`).
    while let Some(frame) = unsafe { at.as_ref() } {
        roots.push(frame.root);
        at = frame.outer;
    }
    roots
}
