//! A scope whose jobs stand and fall together: `Pool::try_scope`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::cell::{CloseReason, Closer, Collector, Items, Origin, Producer};
use crate::clock::Clock;
use crate::failure::{AnyError, Failure, Outcome, catch, drop_quietly};
use crate::pool::{Pool, Scope, Worker};
use crate::promise::{IntoPromise, Promise};
use crate::relay::relay;
use crate::sync::{Arc, Condvar, Mutex};

impl Pool {
    /// Runs `f` with a scope whose jobs stand and fall together: the first failure cancels the others,
    /// and is the result.
    ///
    /// As [`scope`](Self::scope) it returns, or unwinds, only when every job has run or been dropped; it
    /// returns when their promises have settled, too, also those that a job has returned. `f` runs on the
    /// calling thread. The result is that of `f`, unless a job has failed: then that
    /// failure, whatever `f` makes of it. A job that was only cancelled has not failed. When something
    /// fails, a job or `f` itself, also by a panic or because it was cancelled, jobs that are queued never run, and those that run go on to
    /// their end; the promises of both have failed with [`Failure::Cancelled`].
    ///
    /// What `f` makes of the promises, a [`join`](crate::join()) or a list, fails with the cause, not
    /// with the cancellation that it has caused.
    ///
    /// # Errors
    /// The first failure in time, of a job or of `f`, that is not a cancellation.
    ///
    /// # Panics
    /// If `f` panics, after all jobs are through. A panic of a job is a failure.
    ///
    /// ```
    /// use asynckit::{Failure, Pool};
    ///
    /// let pool = Pool::new(2);
    /// let numbers = ["1", "2", "x"].map(String::from);
    /// let sum = |texts: &[String]| {
    ///     pool.try_scope(|scope| {
    ///         let parts: asynckit::AsyncList<u32, _> =
    ///             texts.iter().map(|text| scope.spawn(|| text.parse::<u32>())).collect();
    ///         parts.map(|all| all.iter().sum::<u32>()).get(None)
    ///     })
    /// };
    /// assert_eq!(sum(&numbers[..2])?, 3);
    /// assert!(matches!(sum(&numbers), Err(Failure::Error(_))));
    /// # Ok::<(), Failure<std::num::ParseIntError>>(())
    /// ```
    pub fn try_scope<'env, R, E>(
        &self,
        f: impl for<'scope> FnOnce(&TryScope<'scope, 'env, E>) -> Outcome<R, E>,
    ) -> Outcome<R, E>
    where
        E: Clone + Send + 'static,
    {
        let nursery = Arc::new(Nursery::default());
        let own = Arc::clone(&nursery);
        let result = Scope::run(self, |scope| {
            let scope = TryScope { scope, nursery: own };
            let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
            let nursery = &scope.nursery;
            match &result {
                Ok(Ok(_)) => {}
                // A job's own failure may come behind this, and cause it.
                Ok(Err(failure)) if failure.is_cancelled() => nursery.cancel(),
                Ok(Err(_)) | Err(_) => {
                    if nursery.fail(None) {
                        nursery.cancel();
                    }
                }
            }
            result
        });
        nursery.wait(); // a job is through before its promise has settled
        match (result, nursery.first()) {
            (Err(payload), first) => {
                drop_quietly(first);
                resume_unwind(payload)
            }
            (Ok(result), Some(failure)) => {
                drop_quietly(result);
                Err(failure)
            }
            (Ok(result), None) => result,
        }
    }
}

/// Where jobs are spawned that stand and fall together: see [`Pool::try_scope`].
///
/// Clones are handles on the same scope, for jobs that spawn others.
pub struct TryScope<'scope, 'env: 'scope, E = AnyError> {
    scope: &'scope Scope<'scope, 'env>,
    nursery: Arc<Nursery<E>>,
}

impl<'scope, E: Clone + Send + 'static> TryScope<'scope, '_, E> {
    /// Queues work that may borrow. Behind a failure it is cancelled at once. See [`Pool::try_scope`]
    /// and [`Pool::spawn`].
    #[track_caller]
    pub fn spawn<R, F>(&self, work: F) -> Promise<R::Ok, E>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: IntoPromise<Err = E>,
        R::Ok: Send + 'static,
    {
        let (id, over) = self.nursery.enter();
        let promise = self.scope.spawn(work);
        let nursery = &self.nursery;
        let child = |producer, closer: &Closer| {
            nursery.add(id, closer);
            Child { producer: Some(producer), nursery: Arc::clone(nursery), id }
        };
        let (promise, closer) = relay::<Job, _, _, _>(promise, Location::caller(), child);
        if over || self.nursery.is_over() {
            closer.close(CloseReason::Cancelled);
        }
        promise
    }
}

impl<E> Clone for TryScope<'_, '_, E> {
    fn clone(&self) -> Self {
        TryScope { scope: self.scope, nursery: Arc::clone(&self.nursery) }
    }
}

impl<E> std::fmt::Debug for TryScope<'_, '_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = if self.nursery.is_over() { "failed" } else { "running" };
        write!(f, "TryScope({state}, {:?})", self.scope)
    }
}

struct Job;

impl Origin for Job {
    const KIND: &'static str = "spawn";
}

/// What the jobs have in common.
struct Nursery<E> {
    state: Mutex<State<E>>,
    /// Rung when the last job has settled.
    settled: Condvar,
}

struct State<E> {
    /// Something has failed.
    over: bool,
    /// The failure of the job that was the first to fail, if `f` was not.
    first: Option<Failure<E>>,
    /// What cancels the jobs that have not settled.
    jobs: BTreeMap<u64, Closer>,
    /// How many have not settled, or have not told what has become of them.
    pending: usize,
    next: u64,
}

impl<E> Default for Nursery<E> {
    fn default() -> Self {
        let (over, first, jobs, pending, next) = (false, None, BTreeMap::new(), 0, 0);
        let state = Mutex::new(State { over, first, jobs, pending, next });
        Nursery { state, settled: Condvar::new() }
    }
}

impl<E> Nursery<E> {
    /// The number of a new job, and whether it comes too late.
    fn enter(&self) -> (u64, bool) {
        let mut state = self.state.lock();
        state.next += 1;
        (state.next, state.over)
    }

    fn add(&self, id: u64, closer: &Closer) {
        let mut state = self.state.lock();
        state.jobs.insert(id, closer.clone());
        state.pending += 1;
    }

    /// A job has settled, and is cancelled no more.
    fn leave(&self, id: u64) {
        let closer = self.state.lock().jobs.remove(&id);
        drop(closer);
    }

    /// A job has settled, and has told what has become of it.
    fn through(&self) {
        let mut state = self.state.lock();
        state.pending -= 1;
        if state.pending == 0 {
            self.settled.notify_all();
        }
    }

    /// Waits until all jobs have settled.
    fn wait(&self) {
        if self.state.lock().pending == 0 {
            return;
        }
        Worker::blocked(|| {
            let mut state = self.state.lock();
            while state.pending > 0 {
                let (bell, lock) = ((&self.settled, state), || self.state.lock());
                state =
                    Clock::current().wait(bell, Duration::MAX, lock, |state| state.pending == 0);
            }
        });
    }

    fn is_over(&self) -> bool {
        self.state.lock().over
    }

    fn first(&self) -> Option<Failure<E>> {
        self.state.lock().first.take()
    }

    /// Something fails, a job with this failure. `false`: it was not the first.
    fn fail(&self, failure: Option<Failure<E>>) -> bool {
        let mut state = self.state.lock();
        let first = !std::mem::replace(&mut state.over, true);
        let late = if first { std::mem::replace(&mut state.first, failure) } else { failure };
        drop(state);
        drop_quietly(late);
        first
    }

    /// Cancels all jobs that have not settled; handlers run in here.
    fn cancel(&self) {
        let jobs = std::mem::take(&mut self.state.lock().jobs);
        jobs.into_values().for_each(|job| job.close(CloseReason::Cancelled));
    }
}

/// Passes the outcome of a job on, and tells the others of a failure.
struct Child<T, E> {
    /// `None` once it is settled.
    producer: Option<Producer<T, E>>,
    nursery: Arc<Nursery<E>>,
    id: u64,
}

impl<T, E> Drop for Child<T, E> {
    /// The job has settled, and all is done that follows from it.
    fn drop(&mut self) {
        self.nursery.through();
    }
}

impl<T: Send + 'static, E: Clone + Send + 'static> Collector<T, E> for Child<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        self.nursery.leave(self.id);
        let Some((outcome, mut trace)) = items.take_with_trace(index) else { return };
        let mut first = false;
        if let Err(failure) = &outcome {
            if !failure.is_cancelled() && !self.nursery.is_over() {
                let clone = catch(|| failure.clone()).unwrap_or_else(Failure::Panicked);
                first = self.nursery.fail(Some(clone));
            }
        }
        if let (true, Some(trace)) = (first, &mut trace) {
            trace.set_seen(true); // it is the result of the scope
        }
        // The cause before its consequences: so what is made of both sees it first.
        match self.producer.take() {
            Some(producer) => producer.settle_for(outcome, trace),
            None => drop_quietly(outcome),
        }
        if first {
            self.nursery.cancel();
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.nursery.leave(self.id);
        self.producer = None;
        items.cancel_pending();
    }

    fn closed(&mut self, items: &mut Items<T, E>, failure: Failure<E>) {
        let producer = self.producer.take();
        items.cancel_pending();
        if let Some(producer) = producer {
            producer.settle(Err(failure));
        }
    }
}
