//! The deques of workers behind a lock: `crossbeam_deque` reads what is being written, and looks afterwards whether that
//! was right, and the counts of what it frees go by fences.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Arc, Mutex};

/// As many as `crossbeam_deque` moves at a time.
const MOST: usize = 32;

struct Queue<T> {
    items: Mutex<VecDeque<T>>,
    /// Written under the lock; read without, so that who only looks is not ordered behind who has pushed.
    length: AtomicUsize,
}

impl<T> Queue<T> {
    fn change<R>(&self, f: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        let mut items = self.items.lock();
        let result = f(&mut items);
        // ORDERING: Relaxed, as the queue's own; the pool has fences around its looks.
        self.length.store(items.len(), Ordering::Relaxed);
        result
    }

    fn is_empty(&self) -> bool {
        // ORDERING: as above.
        self.length.load(Ordering::Relaxed) == 0
    }
}

/// What a thief gets.
pub(crate) enum Steal<T> {
    Empty,
    Success(T),
    /// Never made here.
    #[expect(dead_code, reason = "the real ones have it")]
    Retry,
}

/// The owner's end.
pub(crate) struct Worker<T>(Arc<Queue<T>>, PhantomData<std::cell::Cell<()>>);

/// The thieves' end.
pub(crate) struct Stealer<T>(Arc<Queue<T>>);

impl<T> Worker<T> {
    pub(crate) fn new_fifo() -> Self {
        let queue = Queue { items: Mutex::new(VecDeque::new()), length: AtomicUsize::new(0) };
        Worker(Arc::new(queue), PhantomData)
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(Arc::clone(&self.0))
    }

    pub(crate) fn push(&self, item: T) {
        self.0.change(|items| items.push_back(item));
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.change(VecDeque::pop_front)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Stealer<T> {
    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.change(VecDeque::pop_front).map_or(Steal::Empty, Steal::Success)
    }

    /// Takes half: the first is the caller's, the others are in `to` afterwards.
    pub(crate) fn steal_batch_and_pop(&self, to: &Worker<T>) -> Steal<T> {
        let half = |items: &mut VecDeque<T>| {
            items.drain(..items.len().div_ceil(2).min(MOST)).collect::<Vec<_>>()
        };
        let mut stolen = self.0.change(half).into_iter();
        let first = stolen.next().map_or(Steal::Empty, Steal::Success);
        to.0.change(|items| items.extend(stolen));
        first
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
