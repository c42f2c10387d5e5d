//! The chains whose user code is running on this thread.

use std::cell::Cell;
use std::mem;
use std::ptr;

use crate::cell::state::header::CellRef;
use crate::failure::AbortOnUnwind;
use crate::sync::thread_local;

/// User code of a chain on this thread's stack, in a list from the innermost outwards.
struct Frame {
    root: CellRef,
    outer: *const Frame,
}

thread_local! {
    static INNERMOST: Cell<*const Frame> = const { Cell::new(ptr::null()) };
}

/// Runs user code of the chain of `root`. `f` must not unwind: that aborts.
#[inline]
pub(in crate::cell) fn framed<R>(root: CellRef, f: impl FnOnce() -> R) -> R {
    INNERMOST.with(|innermost| {
        let frame = Frame { root, outer: innermost.get() };
        innermost.set(&raw const frame);
        let abort = AbortOnUnwind; // the list would name a frame that is gone
        let result = f();
        mem::forget(abort);
        innermost.set(frame.outer);
        result
    })
}

/// The roots of the chains whose user code this thread is running, from the innermost outwards.
pub(in crate::cell) fn running() -> Vec<CellRef> {
    let (mut roots, mut at) = (Vec::new(), INNERMOST.get());
    // SAFETY: the frames of this thread's stack, each taken out of the list before it goes: see `framed`.
    while let Some(frame) = unsafe { at.as_ref() } {
        roots.push(frame.root);
        at = frame.outer;
    }
    roots
}
