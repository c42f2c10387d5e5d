//! What others see of a worker: its queues, to be stolen from, and whether it waits.

use crate::cell::Item;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use crate::sync::deque::{Steal, Stealer, Worker as Deque};
use crate::sync::thread::Thread;
use crate::sync::{Arc, Mutex, OnceLock};

/// An item in a deque.
#[derive(Clone, Copy)]
pub(super) struct Queued(pub(super) *mut ());

// SAFETY: an item may be run by any thread of its executor; its cell is Send by construction.
unsafe impl Send for Queued {}

/// What others see of a worker.
pub(super) struct Seat {
    next: Stealer<Queued>,
    batch: Stealer<Queued>,
    /// How many jobs it has finished. Written by the worker only.
    pub(super) finished: AtomicUsize,
    /// Odd while items are on their way from one queue to another. Written by the worker only.
    moves: AtomicUsize,
    /// The thread.
    pub(super) thread: OnceLock<Thread>,
    /// It waits, and can be called. Touched under the state's lock.
    pub(super) waits: AtomicBool,
    /// Its wait is to end. Written under the state's lock.
    pub(super) called: AtomicBool,
    /// Set with `called`, for a wait that something else ends, too. Written by the worker.
    pub(super) also: Mutex<Option<Arc<AtomicBool>>>,
    /// What it runs has shut the pool down. Written by the worker, under the state's lock.
    pub(super) shuts: AtomicBool,
}

impl Seat {
    /// The seat of a worker with these queues.
    pub(super) fn new(next: Stealer<Queued>, batch: Stealer<Queued>) -> Self {
        Seat {
            next,
            batch,
            finished: AtomicUsize::new(0),
            moves: AtomicUsize::new(0),
            thread: OnceLock::new(),
            waits: AtomicBool::new(false),
            called: AtomicBool::new(false),
            also: Mutex::new(None),
            shuts: AtomicBool::new(false),
        }
    }

    /// Takes one item of another worker: of its batch half goes along, into this deque.
    pub(super) fn give_to(&self, batch: &Deque<Queued>) -> Option<Queued> {
        stolen(|| self.batch.steal_batch_and_pop(batch)).or_else(|| stolen(|| self.next.steal()))
    }

    /// Has `f` move items from one queue to another.
    pub(super) fn moving<R>(&self, f: impl FnOnce() -> R) -> R {
        // ORDERING: Relaxed, one writer; the fences order it around the move; they pair with the
        // ones in `moves`.
        let moves = self.moves.load(Ordering::Relaxed);
        self.moves.store(moves + 1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let result = f();
        fence(Ordering::SeqCst);
        self.moves.store(moves + 2, Ordering::Relaxed);
        result
    }

    /// A number that is odd while items are on their way, and another one after each move. If it is
    /// even, and the same before and after a look at the queues, that look has missed nothing.
    pub(super) fn moves(&self) -> usize {
        fence(Ordering::SeqCst);
        let moves = self.moves.load(Ordering::Relaxed);
        fence(Ordering::SeqCst);
        moves
    }

    /// Ends the worker's wait, if it is in one that can be ended. Under the state's lock.
    pub(super) fn call(&self) -> bool {
        // ORDERING: Relaxed, as said at the fields; `unpark` publishes.
        let calls =
            self.waits.load(Ordering::Relaxed) && !self.called.swap(true, Ordering::Relaxed);
        if calls {
            // ORDERING: Relaxed, as `called`.
            self.also.lock().iter().for_each(|also| also.store(true, Ordering::Relaxed));
            self.thread.get().into_iter().for_each(Thread::unpark);
        }
        calls
    }

    pub(super) fn has_work(&self) -> bool {
        !self.next.is_empty() || !self.batch.is_empty()
    }

    /// Takes everything out.
    pub(super) fn drain(&self, items: &mut Vec<*mut ()>) {
        for deque in [&self.next, &self.batch] {
            while let Some(Queued(word)) = stolen(|| deque.steal()) {
                items.push(word);
            }
        }
    }
}

/// Steals until it is clear whether there is something.
fn stolen(steal: impl Fn() -> Steal<Queued>) -> Option<Queued> {
    loop {
        match steal() {
            Steal::Success(queued) => return Some(queued),
            Steal::Retry => {}
            Steal::Empty => return None,
        }
    }
}

pub(super) fn to_item(word: *mut ()) -> Item {
    // SAFETY: only words of items are put into the deques.
    unsafe { Item::from_word(word) }
}
