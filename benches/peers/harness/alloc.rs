//! The system's allocator, counting on request. Off, it costs one load that is always the same.

#[path = "../../../tests/common/alloc/counting.rs"]
mod counting;

/// Of the bench's `#[global_allocator]`.
pub(crate) use counting::Counting;

use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::Relaxed};

/// Within [`counted`].
static WANTED: AtomicBool = AtomicBool::new(false);
/// Within [`watched`], too.
static COUNTS: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicIsize = AtomicIsize::new(0);

/// What was asked for, by all threads.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) allocations: usize,
    pub(crate) bytes: usize,
}

/// Counts what is asked for in [`watched`] parts of `work`.
pub(crate) fn counted<R>(work: impl FnOnce() -> R) -> Asked {
    ALLOCATIONS.store(0, Relaxed);
    BYTES.store(0, Relaxed);
    WANTED.store(true, Relaxed);
    work();
    WANTED.store(false, Relaxed);
    Asked { allocations: ALLOCATIONS.load(Relaxed), bytes: BYTES.load(Relaxed) }
}

/// A part of the work that counts, on whatever threads it runs.
pub(crate) fn watched<R>(work: impl FnOnce() -> R) -> R {
    if !WANTED.load(Relaxed) {
        return work();
    }
    COUNTS.store(true, Relaxed);
    let result = work();
    COUNTS.store(false, Relaxed);
    result
}

/// How many bytes are there after `work` that it has asked for, and nobody has given back.
pub(crate) fn left_by<R>(work: impl FnOnce() -> R) -> (isize, R) {
    LIVE.store(0, Relaxed);
    COUNTS.store(true, Relaxed);
    let result = work();
    COUNTS.store(false, Relaxed);
    (LIVE.load(Relaxed), result)
}

/// A block has changed its size: from or to nothing where it is new or goes.
fn note(before: usize, after: usize) {
    if COUNTS.load(Relaxed) {
        let signed = |bytes: usize| isize::try_from(bytes).unwrap_or(isize::MAX);
        LIVE.fetch_add(signed(after) - signed(before), Relaxed);
        if after > 0 {
            ALLOCATIONS.fetch_add(1, Relaxed);
            BYTES.fetch_add(after, Relaxed);
        }
    }
}
