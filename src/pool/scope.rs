//! The unsafe half of a scope: work that borrows runs on threads that outlive the borrow, so the
//! scope must not end before the work has been run or dropped.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::Pool;
use super::worker::Worker;
use crate::cell::{Ender, Upstream};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Where jobs that borrow are spawned: see [`Pool::scope`](crate::Pool::scope).
///
/// `'scope` is the time in which its jobs may run, `'env` that of what they borrow, as in
/// [`std::thread::Scope`].
pub struct Scope<'scope, 'env: 'scope> {
    pub(crate) pool: Pool,
    pub(crate) children: Arc<Children>,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// What a scope knows of its jobs.
#[derive(Default)]
pub(crate) struct Children {
    state: Mutex<State>,
    /// Rung when the last job is through.
    through: Condvar,
}

#[derive(Default)]
struct State {
    /// Jobs that have neither been run nor dropped.
    running: usize,
    failed: bool,
    children: Vec<Child>,
}

/// How to reach a job of the scope.
#[derive(Clone)]
pub(crate) struct Child {
    /// Cancels it.
    pub(crate) ender: Ender,
    /// Leads to it, for a worker that waits.
    pub(crate) upstream: std::sync::Weak<dyn Upstream>,
}

/// A job of the scope is not through.
struct Ticket(Arc<Children>);

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
        // What the work has captured is dropped in this call, also if it panics.
        let result = work();
        drop(ticket);
        result
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
        let children = Arc::clone(&scope.children);
        let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
        if result.is_err() {
            children.fail();
        }
        children.wait();
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
        self.children.lock().running += 1;
        let ticket = Ticket(Arc::clone(&self.children));
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
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// One more job that can be reached; those that are gone are forgotten now and then.
    pub(crate) fn add(&self, child: Child) {
        let mut state = self.lock();
        let count = state.children.len();
        if count == state.children.capacity() {
            state.children.retain(|child| child.upstream.strong_count() > 0);
        }
        state.children.push(child.clone());
        let failed = state.failed;
        drop(state);
        if failed {
            child.ender.end(crate::cell::Ended::Cancelled);
        }
    }

    /// The first failure cancels all jobs.
    pub(crate) fn fail(&self) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.failed, true) {
            return;
        }
        let children = state.children.clone();
        drop(state);
        for child in children {
            child.ender.end(crate::cell::Ended::Cancelled);
        }
    }

    fn is_through(&self) -> bool {
        self.lock().running == 0
    }

    /// Waits until all jobs have been run or dropped. A worker of the pool runs those that are queued
    /// itself.
    fn wait(&self) {
        crate::cell::flush();
        if Worker::is_current() {
            self.help();
        }
        if self.is_through() {
            return;
        }
        Worker::blocked(|| {
            let mut state = self.lock();
            while state.running > 0 {
                state = self.through.wait(state).unwrap_or_else(|p| p.into_inner());
            }
        });
    }

    fn help(&self) {
        let mut done = true;
        while done && !self.is_through() {
            done = false; // jobs that were run may have spawned others
            let children = self.lock().children.clone();
            for child in children {
                let Some(upstream) = child.upstream.upgrade() else { continue };
                while !self.is_through() && Worker::help_upstream(Arc::clone(&upstream)) {
                    done = true;
                }
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.running -= 1;
        if state.running == 0 {
            self.0.through.notify_all();
        }
    }
}

impl std::fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scope({} jobs not through)", self.children.lock().running)
    }
}
