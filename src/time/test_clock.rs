//! A clock that tests set: the feature `test-clock`.

use std::fmt;
use std::time::{Duration, Instant};

use super::ringers;
use crate::clock::{Clock, Entered, Ringing};
use crate::pool::Worker;
use crate::sync;
use crate::sync::Arc;

/// A clock that stands still until it is set: an hour of pauses is tested in a millisecond.
///
/// A thread that has [entered](Self::enter) it has its time, and so has all that it begins from then on: jobs, callbacks,
/// further attempts, wherever they run. Threads that have not, such as those of other tests of the same program, keep
/// the system's. That is [`tokio::time::pause`] for programs of several threads, and Twisted's `Clock`.
///
/// # How it goes on
///
/// One from [`new`](Self::new) goes on by itself, at once to what is due next, when nothing else can happen: each thread
/// that has entered it waits in a `get`, `wait` or the like, and no work that was begun by it runs or is queued in a
/// [`Pool`](crate::Pool). One from [`manual`](Self::manual) goes on by [`advance`](Self::advance) only.
///
/// # What runs on it
///
/// [`delay`](crate::delay), [`delay_value`](crate::Promise::delay_value), [`timeout`](crate::Promise::timeout),
/// [`deadline`](crate::Promise::deadline), [`retry`](crate::retry()), [`repeat_until`](crate::repeat_until),
/// [`repeat_every`](crate::Pool::repeat_every) and `repeat_after`, [`cancel_after`](crate::CancelSource::cancel_after),
/// the rate of a [`Limiter`](crate::Limiter) (that of the thread that has made it), how long a `Memo` keeps a value, and
/// each wait with a limit of a promise, a value, a list, a set, a [`LocalQueue`](crate::LocalQueue) or for room in a
/// queue. An [`Instant`] is one of this clock: [`now`](Self::now) tells it.
///
/// Not on it run: the limits of requests of `http` and what else a socket waits for, `std::thread::sleep`, channels and locks of
/// others, [`shutdown`](crate::Pool::shutdown) and [`keep_alive`](crate::PoolBuilder::keep_alive) of a pool, whose
/// threads are the system's. The clock sees nothing of what is queued in executors that are no pools; where such are used, set
/// it by hand. A job that is inside of [`blocking`](crate::blocking()) waits for something that is not the clock's:
/// meanwhile it does not go on by itself, and `advance` does not wait for it. Other work on a pool that a test uses holds
/// the clock, too: give each test a pool of its own.
///
/// When the last handle and guard are dropped, the clock has come to its end: what was to come by it fails with
/// [`Failure::Abandoned`](crate::Failure::Abandoned), and each wait by it is over.
///
/// ```
/// use asynckit::{Backoff, Pool, TestClock, retry};
/// use std::time::Duration;
///
/// let (clock, pool) = (TestClock::new(), Pool::new(1));
/// let _entered = clock.enter();
///
/// let pauses = Backoff::constant(Duration::from_secs(360)).times(10);
/// let mut tries = retry(pauses, move |n| pool.spawn(move || if n > 10 { Ok(n) } else { Err("not yet") }));
///
/// assert!(matches!(tries.get(Duration::from_secs(1800)), Err(failure) if failure.is_timed_out()));
/// assert!(matches!(tries.get(None), Ok(11)));
/// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
/// ```
///
/// [`tokio::time::pause`]: https://docs.rs/tokio/latest/tokio/time/fn.pause.html
#[derive(Clone)]
pub struct TestClock {
    owner: Arc<Owner>,
}

/// The clock ends with it.
struct Owner(Clock);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl TestClock {
    /// A clock that goes on by itself when nothing else can happen.
    #[expect(clippy::new_without_default, reason = "a clock begins somewhere: it is no value")]
    #[must_use]
    pub fn new() -> Self {
        TestClock::make(true)
    }

    /// A clock that goes on by [`advance`](Self::advance) only.
    ///
    /// ```
    /// use asynckit::{Promise, TestClock};
    /// use std::time::Duration;
    ///
    /// let clock = TestClock::manual();
    /// let _entered = clock.enter();
    /// let (_deferred, mut answer) = Promise::<u32>::deferred();
    /// answer = answer.timeout(Duration::from_secs(60));
    /// clock.advance(Duration::from_secs(59));
    /// assert!(!answer.is_set());
    /// clock.advance(Duration::from_secs(1));
    /// assert!(answer.get(None).unwrap_err().is_timed_out());
    /// ```
    #[must_use]
    pub fn manual() -> Self {
        TestClock::make(false)
    }

    fn make(goes_on: bool) -> Self {
        let look = || {
            let _ = ringers::look(sync::now());
        };
        let clock = Clock::make(goes_on, Ringing { ring: ringers::ring, look });
        TestClock { owner: Arc::new(Owner(clock)) }
    }

    /// This thread, and all that it begins, has this clock until the guard is dropped.
    ///
    /// Guards may be nested, also those of different clocks: the innermost one counts. What has begun keeps its clock.
    #[must_use = "the clock is left when the guard is dropped"]
    pub fn enter(&self) -> EnteredClock {
        EnteredClock { entered: Entered::new(self.owner.0, false), clock: self.clone() }
    }

    /// Goes on by so much.
    ///
    /// It stops at each time at which something is due, and goes on when all that this has set off is through: what runs in
    /// the pools where this clock's work is queued, and what waits for it and was woken. In the end that is so, too, for what
    /// is due at the very end; zero just waits for that. It blocks the calling thread for as long; called in a job, it does not
    /// wait for that job. Alarms are rung, and what they cancel is cancelled, on a thread that is there for that, as ever.
    ///
    /// A job that waits for this thread by something else than a promise, a channel for one, would keep it for ever: put
    /// that wait into [`blocking`](crate::blocking()).
    pub fn advance(&self, duration: Duration) {
        if let Some(set) = self.owner.0.set() {
            Worker::blocked(|| set.advance(duration));
        }
    }

    /// What time it is by this clock, for [`deadline`](crate::Promise::deadline) and waits until an [`Instant`].
    #[must_use]
    pub fn now(&self) -> Instant {
        self.owner.0.now()
    }

    /// How far it has gone on since it was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.owner.0.set().map_or(Duration::ZERO, |set| set.so_far())
    }

    /// How many timers there are: delays, timeouts, pauses that are not over and were not cancelled.
    #[must_use]
    pub fn timers(&self) -> usize {
        self.owner.0.set().map_or(0, |set| set.alarms().0)
    }

    /// How long it is to the next one; `None`: there is none.
    #[must_use]
    pub fn next_timer(&self) -> Option<Duration> {
        self.owner.0.set().and_then(|set| set.alarms().1)
    }
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestClock({:?} on, {} timers)", self.elapsed(), self.timers())
    }
}

/// A thread has a clock until this is dropped: see [`TestClock::enter`].
#[must_use = "the clock is left when the guard is dropped"]
pub struct EnteredClock {
    // Left before the clock could end.
    entered: Entered,
    clock: TestClock,
}

impl fmt::Debug for EnteredClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnteredClock({:?}, {:?})", self.clock, self.entered)
    }
}
