//! Promises that fail when their time is over.

use std::panic::Location;
use std::time::{Duration, Instant};

use super::timer::{Alarm, Guard};
use crate::cell::{Ended, Ender, Origin};
use crate::promise::Promise;
use crate::relay::{Relay, relay};
use crate::sync;

struct TimeOut;

impl Origin for TimeOut {
    const KIND: &'static str = "timeout";
}

struct DeadLine;

impl Origin for DeadLine {
    const KIND: &'static str = "deadline";
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Fails with [`Failure::TimedOut`](crate::Failure::TimedOut) if the promise has not settled
    /// when `limit` is over, and cancels what is upstream.
    ///
    /// What is upstream has been cancelled when the failure is seen. This needs no worker, so it
    /// happens in time also when all are busy; cancellation handlers then run on a thread that is there
    /// for that, callbacks on the promise's executor as always. If the promise settles in time, its
    /// outcome passes unchanged and the timer is removed. Zero is over at once, [`Duration::MAX`] never.
    ///
    /// Upstream goes on undisturbed behind [`shield`](Promise::shield); another outcome than the
    /// failure is made by [`catch_if`](Promise::catch_if). To wait for some time only, give
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
        match sync::now().checked_add(limit) {
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

    fn limit<O: Origin>(self, at: Instant, location: &'static Location<'static>) -> Self {
        if self.is_set() && !self.is_error() {
            // A failure passes through all the same: its way does not depend on when it came.
            return self;
        }
        let over = at <= sync::now();
        let (timed, ender) = relay::<O, _, _, _>(self, location, |producer, ender| {
            let alarm = || Box::new(TimeIsUp(ender.clone()));
            Relay::new(producer, (!over).then(|| Guard::new(at, alarm())))
        });
        if over {
            ender.end(Ended::TimedOut);
        }
        timed
    }
}

struct TimeIsUp(Ender);

impl Alarm for TimeIsUp {
    fn ring(self: Box<Self>) {
        self.0.end(Ended::TimedOut);
    }

    fn refuse(self: Box<Self>) {
        self.0.end(Ended::Abandoned);
    }
}
