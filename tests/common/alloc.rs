//! A global allocator that counts, for the threads that ask for it.

mod counting;

/// Install it with `#[global_allocator]` in the test files that count.
pub(crate) use counting::Counting;

use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What the threads that count on it have asked for.
#[derive(Default)]
pub(crate) struct Counter {
    allocations: AtomicUsize,
    live_bytes: AtomicIsize,
    live_chunk_bytes: AtomicIsize,
}

/// Never freed; this says so to leak checkers.
static ALL: Mutex<Vec<&'static Counter>> = Mutex::new(Vec::new());

thread_local! {
    static COUNTER: Cell<Option<&'static Counter>> = const { Cell::new(None) };
}

impl Counter {
    /// One for each test: the tests of a file run side by side.
    pub(crate) fn leaked() -> &'static Counter {
        let counter: &'static Counter = Box::leak(Box::default());
        ALL.lock().unwrap_or_else(PoisonError::into_inner).push(counter);
        counter
    }

    /// From here on, what this thread allocates counts.
    pub(crate) fn count_this_thread(&'static self) {
        COUNTER.set(Some(self));
    }

    /// How often memory was asked for; growing a block counts as asking.
    pub(crate) fn allocations(&self) -> usize {
        self.allocations.load(Ordering::SeqCst)
    }

    /// Bytes asked for and not yet given back.
    pub(crate) fn live_bytes(&self) -> isize {
        self.live_bytes.load(Ordering::SeqCst)
    }

    /// The same, each block as large as glibc makes it: a word more, in steps of 16, four words at least.
    pub(crate) fn live_chunk_bytes(&self) -> isize {
        self.live_chunk_bytes.load(Ordering::SeqCst)
    }

    fn moved(&self, before: usize, after: usize) {
        const WORD: usize = size_of::<usize>();
        let signed = |bytes: usize| isize::try_from(bytes).unwrap_or(isize::MAX);
        let chunk = |bytes: usize| {
            if bytes == 0 { 0 } else { signed((bytes + WORD).next_multiple_of(16).max(4 * WORD)) }
        };
        self.live_bytes.fetch_add(signed(after) - signed(before), Ordering::SeqCst);
        self.live_chunk_bytes.fetch_add(chunk(after) - chunk(before), Ordering::SeqCst);
        if after > 0 {
            self.allocations.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A block has changed its size: from or to nothing where it is new or goes.
fn note(before: usize, after: usize) {
    if let Ok(Some(counter)) = COUNTER.try_with(Cell::get) {
        counter.moved(before, after);
    }
}
