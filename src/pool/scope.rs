//! The unsafe half of a scope: work that borrows runs on threads that outlive the borrow, so the
//! scope must not end before the work has been run or dropped.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use super::handle::Pool;
use super::worker::Worker;
use crate::cell::{CellRef, ThisThread};
use crate::clock::Clock;
use crate::failure::AbortOnUnwind;
use crate::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Where jobs that borrow are spawned: see [`Pool::scope`](crate::Pool::scope).
///
/// `'scope` is the time in which its jobs may run, `'env` that of what they borrow, as in
/// [`std::thread::Scope`].
pub struct Scope<'scope, 'env: 'scope> {
    pub(crate) pool: Pool,
    children: Arc<Children>,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// What a scope knows of its jobs.
#[derive(Default)]
struct Children {
    state: Mutex<State>,
    /// Rung when the last job is through.
    through: Condvar,
}

#[derive(Default)]
struct State {
    /// Jobs that have neither been run nor dropped.
    running: usize,
    /// The roots of those that were not started, by their tickets: each lives as long as it is in here,
    /// since its work has the ticket, which takes it out.
    queued: BTreeMap<u64, CellRef>,
    next: u64,
}

/// A job of the scope is not through.
struct Ticket {
    children: Arc<Children>,
    id: u64,
}

/// Work whose borrows the scope vouches for.
pub(crate) struct Borrowed<T: 'static> {
    /// Dropped before the ticket.
    work: Box<dyn FnOnce() -> T + Send>,
    ticket: Ticket,
}

impl<T: 'static> Borrowed<T> {
    /// Does the work; the scope may end when this returns.
    pub(crate) fn run(self) -> T {
        let Borrowed { work, ticket } = self;
        ticket.start();
        // What the work has captured is dropped in this call, also if it panics.
        let result = work();
        drop(ticket);
        result
    }

    /// What has to be done with the root of the job that does this work, before it is queued: then a
    /// thread that waits for the scope can run it.
    pub(crate) fn register(&self) -> impl FnOnce(CellRef) + use<T> {
        let (children, id) = (Arc::clone(&self.ticket.children), self.ticket.id);
        move |root| {
            children.lock().queued.insert(id, root);
        }
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Runs `f` with a scope on `pool`, and waits for all its jobs, also if `f` panics.
    pub(crate) fn run<R>(pool: &Pool, f: impl for<'s> FnOnce(&'s Scope<'s, 'env>) -> R) -> R {
        let scope = Scope {
            pool: pool.clone(),
            children: Arc::default(),
            scope: PhantomData,
            env: PhantomData,
        };
        let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
        let abort = AbortOnUnwind; // jobs that are not through borrow what would go
        scope.children.wait();
        std::mem::forget(abort);
        match result {
            Ok(result) => result,
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Lets work that borrows for `'scope` go to other threads.
    pub(crate) fn borrow<T: 'static>(
        &'scope self,
        work: impl FnOnce() -> T + Send + 'scope,
    ) -> Borrowed<T> {
        let work: Box<dyn FnOnce() -> T + Send + 'scope> = Box::new(work);
        let ticket = Ticket::new(&self.children);
        // SAFETY: only the lifetime changes. `Scope::run`, the one place where scopes are made, does
        // not return, nor unwind, before the ticket is gone; and the ticket goes after the work: see
        // `Borrowed`. `T` is `'static`, so the result borrows nothing.
        let work = unsafe {
            std::mem::transmute::<
                Box<dyn FnOnce() -> T + Send + 'scope>,
                Box<dyn FnOnce() -> T + Send + 'static>,
            >(work)
        };
        Borrowed { work, ticket }
    }
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn is_through(&self) -> bool {
        self.lock().running == 0
    }

    /// Waits until all jobs have been run or dropped. A worker of the pool runs those that are queued
    /// itself.
    fn wait(&self) {
        ThisThread::flush();
        if Worker::is_current() {
            self.help();
        }
        if self.is_through() {
            return;
        }
        Worker::blocked(|| {
            let mut state = self.lock();
            while state.running > 0 {
                let (bell, lock) = ((&self.through, state), || self.lock());
                state =
                    Clock::current().wait(bell, Duration::MAX, lock, |state| state.running == 0);
            }
        });
    }

    /// Runs the jobs that no thread has started. Where the stack is deep others do, as long as there are any:
    /// a scope cannot give up.
    fn help(&self) {
        Worker::with_any(|worker| {
            while !worker.is_deep() || worker.core.is_exhausted() {
                let Some(root) = self.claim_one(worker.here.executor) else { return };
                worker.run_claimed(root);
            }
        });
    }

    /// Claims a job that waits in the queue of this pool.
    fn claim_one(&self, pool: *mut ()) -> Option<CellRef> {
        let mut state = self.lock();
        // SAFETY: a root is alive, as said at `queued`, while the lock keeps its ticket from going.
        let claimed = |root: &CellRef| unsafe { root.claim_root(pool) };
        std::iter::from_fn(|| state.queued.pop_first()).map(|(_, root)| root).find(claimed)
    }
}

impl Ticket {
    fn new(children: &Arc<Children>) -> Self {
        let mut state = children.lock();
        state.running += 1;
        state.next += 1;
        Ticket { children: Arc::clone(children), id: state.next }
    }

    /// The job has been started.
    fn start(&self) {
        self.children.lock().queued.remove(&self.id);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.children.lock();
        state.queued.remove(&self.id);
        state.running -= 1;
        if state.running == 0 {
            self.children.through.notify_all();
        }
    }
}

impl std::fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scope({} jobs not through)", self.children.lock().running)
    }
}
