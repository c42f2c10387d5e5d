//! Promises that fail when their time is over.

use std::panic::Location;
use std::time::{Duration, Instant};

use super::timer::Guard;
use crate::cell::{CloseReason, Closer, Origin};
use crate::clock::{self, Alarm};
use crate::failure::Failure;
use crate::promise::{IntoPromise, Promise};
use crate::relay::{Relay, relay};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::value::AsyncValue;

struct TimeOut;

impl Origin for TimeOut {
    const KIND: &'static str = "timeout";
}

struct DeadLine;

impl Origin for DeadLine {
    const KIND: &'static str = "deadline";
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Fails with [`Failure::TimedOut`] if the promise has not settled
    /// when `limit` is over, and cancels what is upstream.
    ///
    /// What is upstream has been cancelled when the failure is seen. This needs no worker, so it
    /// happens in time also when all are busy; cancellation handlers then run on a thread that is there
    /// for that, callbacks on the promise's executor as always. If the promise settles in time, its
    /// outcome passes unchanged and the timer is removed. Zero is over at once, [`Duration::MAX`] never.
    ///
    /// Upstream goes on undisturbed behind [`shield`](Promise::shield); another outcome than the
    /// failure is made by [`timeout_or`](Promise::timeout_or). To wait for some time only, give
    /// [`get`](Promise::get) a timeout.
    ///
    /// ```
    /// use asynckit::{Failure, Promise};
    /// use std::time::Duration;
    ///
    /// let (deferred, answer) = Promise::<u32>::deferred();
    /// let mut answer = answer
    ///     .timeout(Duration::from_millis(10))
    ///     .catch_if(Failure::is_timed_out, |_| Ok(0));
    /// assert_eq!(answer.get(None)?, 0);
    /// assert!(deferred.is_cancelled());
    /// # Ok::<(), Failure>(())
    /// ```
    #[track_caller]
    pub fn timeout(self, limit: Duration) -> Self {
        match clock::now().checked_add(limit) {
            Some(at) => self.limit::<TimeOut>(at, Location::caller()),
            None => self,
        }
    }

    /// As [`timeout`](Self::timeout), with the end as a point in time: the same for several promises.
    ///
    /// ```
    /// use asynckit::Promise;
    /// use std::time::{Duration, Instant};
    ///
    /// let deadline = Instant::now() + Duration::from_millis(10);
    /// let (_deferred, answer) = Promise::<u32>::deferred();
    /// assert!(answer.deadline(deadline).get(None).unwrap_err().is_timed_out());
    /// ```
    #[track_caller]
    pub fn deadline(self, at: Instant) -> Self {
        self.limit::<DeadLine>(at, Location::caller())
    }

    /// As [`timeout`](Self::timeout), with another outcome in place of the failure: what `fallback` returns, a `Result` or
    /// a promise.
    ///
    /// It runs on the promise's executor, next, if this limit passes; a `TimedOut` from upstream passes on as it is.
    ///
    /// ```
    /// use asynckit::Promise;
    /// use std::time::Duration;
    ///
    /// let (deferred, answer) = Promise::<u32>::deferred();
    /// let mut answer = answer.timeout_or(Duration::from_millis(10), || Ok(0));
    /// assert_eq!(answer.get(None)?, 0);
    /// assert!(deferred.is_cancelled());
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn timeout_or<R, F>(self, limit: Duration, fallback: F) -> Self
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoPromise<Ok = T, Err = E> + 'static,
    {
        let passed = Arc::new(AtomicBool::new(false));
        let watch = Arc::clone(&passed);
        // A failure that comes from upstream has come before the flag is set, or at the same time.
        // ORDERING: Relaxed, the flag is set before the promise is ended, which publishes it.
        let is_ours =
            move |failure: &Failure<E>| failure.is_timed_out() && passed.load(Ordering::Relaxed);
        let timed = match clock::now().checked_add(limit) {
            Some(at) => self.limit_told::<TimeOut>(at, Location::caller(), Some(watch)),
            None => self,
        };
        timed.catch_if(is_ours, move |_| fallback())
    }

    fn limit<O: Origin>(self, at: Instant, location: &'static Location<'static>) -> Self {
        self.limit_told::<O>(at, location, None)
    }

    /// `passed` is set when the time is over.
    fn limit_told<O: Origin>(
        self,
        at: Instant,
        location: &'static Location<'static>,
        passed: Option<Arc<AtomicBool>>,
    ) -> Self {
        if self.is_set() && !self.is_error() {
            // A failure passes through all the same: its way does not depend on when it came.
            return self;
        }
        let over = at <= clock::now();
        let (timed, closer) = relay::<O, _, _, _>(self, location, |producer, closer| {
            let alarm = || Box::new(TimeIsUp(closer.clone(), passed.clone()));
            Relay::new(producer, (!over).then(|| Guard::new(at, alarm())))
        });
        if over {
            Box::new(TimeIsUp(closer, passed)).ring();
        }
        timed
    }
}

impl<T, E> AsyncValue<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// A promise of a clone of the value that fails with [`Failure::TimedOut`] if it is not there when `limit` is over:
    /// see [`Promise::timeout`].
    ///
    /// Then this branch has let go of the value, which goes on for the others that want it.
    ///
    /// ```
    /// use asynckit::AsyncValue;
    /// use std::time::Duration;
    ///
    /// let event = AsyncValue::<u32>::new();
    /// let late = event.timeout(Duration::from_millis(10));
    /// assert!({ late }.get(None).unwrap_err().is_timed_out());
    /// assert_eq!(event.set(1), Ok(()));
    /// ```
    #[track_caller]
    pub fn timeout(&self, limit: Duration) -> Promise<T, E> {
        self.copy(Location::caller()).timeout(limit)
    }
}

/// Ends the promise; first sets the flag, for those who want to know that it was this.
struct TimeIsUp(Closer, Option<Arc<AtomicBool>>);

impl Alarm for TimeIsUp {
    fn ring(self: Box<Self>) {
        if let Some(passed) = &self.1 {
            // ORDERING: Relaxed, as in `timeout_or`.
            passed.store(true, Ordering::Relaxed);
        }
        self.0.close(CloseReason::TimedOut);
    }

    fn refuse(self: Box<Self>) {
        self.0.close(CloseReason::Abandoned);
    }
}
