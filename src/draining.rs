//! Queues that one thread drains: it runs what is in them also while it waits for something else.
//!
//! Each thread has a list of those that it drains. A thread that waits without a limit leaves with each of
//! them how it is woken; a job that is brought ends its wait, and it goes on waiting when the job is
//! through.

use std::cell::RefCell;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, Thread};
use crate::sync::{Arc, Weak, thread_local};

/// A queue that one thread drains.
pub(crate) trait Local: Send + Sync {
    /// Runs a job of the queue. `false`: there is none, or this is not the thread that drains it.
    fn run_one(&self) -> bool;
    /// From now on this is woken by jobs that come. Gives what was there before.
    fn set_waiting(&self, waiting: Option<Waiting>) -> Option<Waiting>;
}

/// A thread that waits for something.
#[derive(Clone)]
pub(crate) struct Waiting {
    thread: Thread,
    called: Arc<AtomicBool>,
}

impl Waiting {
    /// A job has come: the wait ends.
    pub(crate) fn call(&self) {
        // ORDERING: Relaxed, ordered by the unparking.
        self.called.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

thread_local! {
    /// The queues that this thread drains, or has drained.
    static LOCALS: RefCell<Vec<Weak<dyn Local>>> = const { RefCell::new(Vec::new()) };
}

/// This thread waits, and is woken by jobs for the queues that it drains.
pub(crate) struct Draining {
    /// With what was woken before: a wait further out.
    queues: Vec<(Arc<dyn Local>, Option<Waiting>)>,
    called: Arc<AtomicBool>,
}

impl Draining {
    /// This thread drains the queue from now on.
    pub(crate) fn register(queue: &Arc<dyn Local>) {
        let mut others = Vec::new(); // what may be dropped with them is the user's: when nothing is borrowed
        let mut is_other = |local: &Weak<dyn Local>| {
            let Some(other) = local.upgrade() else { return false };
            let same = std::ptr::addr_eq(Arc::as_ptr(&other), Arc::as_ptr(queue));
            others.push(other);
            !same
        };
        // It fails where the thread ends: then it will not wait any more.
        let _ = LOCALS.try_with(|locals| {
            let mut locals = locals.borrow_mut();
            locals.retain(&mut is_other);
            locals.push(Arc::downgrade(queue));
        });
        drop(others);
    }

    /// `None`: this thread drains no queue.
    pub(crate) fn begin() -> Option<Self> {
        let all = |locals: &RefCell<Vec<Weak<dyn Local>>>| {
            locals.borrow().iter().filter_map(Weak::upgrade).collect::<Vec<_>>()
        };
        let queues = LOCALS.try_with(all).unwrap_or_default();
        if queues.is_empty() {
            return None;
        }
        let called = Arc::new(AtomicBool::new(false));
        let waiting = Waiting { thread: thread::current(), called: Arc::clone(&called) };
        let listen = |queue: Arc<dyn Local>| {
            let before = queue.set_waiting(Some(waiting.clone()));
            (queue, before)
        };
        Some(Draining { queues: queues.into_iter().map(listen).collect(), called })
    }

    /// Runs a job of one of the queues; `false`: there is none.
    pub(crate) fn run_one(&self) -> bool {
        // ORDERING: Relaxed, the queues' locks order it: what comes after the look calls again.
        self.called.store(false, Ordering::Relaxed);
        self.queues.iter().any(|(queue, _)| queue.run_one())
    }

    /// Set when a job has come since the last look.
    pub(crate) fn called(&self) -> &Arc<AtomicBool> {
        &self.called
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        for (queue, before) in self.queues.drain(..) {
            if let Some(before) = &before {
                before.call(); // what has come meanwhile may be its
            }
            drop(queue.set_waiting(before));
        }
    }
}
