//! Which clock a thread has, with the feature `test-clock`.
//!
//! When the last handle of the test's is gone, so is the clock, and for what still asks, it is the end of time.

use std::time::{Duration, Instant};

use super::alarm::NEVER;
use super::entered::{self, Away, Entered};
use super::set::{Ringing, Set};
use super::wait::{rest, wait_by};
use super::{Alarm, Clock, Key};
use crate::failure::contain;
use crate::sync;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Condvar, MutexGuard, thread};

pub(crate) use super::quiet::{Place, Used, place};

/// Whether there ever was another clock than the system's.
static USED: AtomicBool = AtomicBool::new(false);

impl Clock {
    /// A clock that stands still until it is set.
    pub(crate) fn make(goes_on: bool, ringing: Ringing) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // ORDERING: Relaxed, the number only has to be another one each time.
        let clock = Clock(NEXT.fetch_add(1, Ordering::Relaxed));
        Set::make(clock, goes_on, ringing);
        // ORDERING: Relaxed, a thread that has the clock has it from this one.
        USED.store(true, Ordering::Relaxed);
        clock
    }

    /// The clock ends: what is due is refused, and nothing waits for it any more.
    pub(crate) fn end(self) {
        Set::end(self);
    }

    /// That of this thread.
    #[inline]
    pub(crate) fn current() -> Self {
        // ORDERING: Relaxed, as in `make`.
        if USED.load(Ordering::Relaxed) { entered::current() } else { Clock::REAL }
    }

    #[inline]
    pub(crate) fn now(self) -> Instant {
        if self == Clock::REAL {
            return sync::now();
        }
        self.set().map_or_else(|| sync::now() + NEVER, |set| set.now())
    }

    /// How long it is until then: no time, if the clock has ended.
    pub(crate) fn until(self, end: Instant) -> Duration {
        if self == Clock::REAL {
            return end.saturating_duration_since(sync::now());
        }
        self.set().map_or(Duration::ZERO, |set| end.saturating_duration_since(set.now()))
    }

    /// When `duration` from now is over; in some decades, if that is never.
    pub(crate) fn after(self, duration: Duration) -> Instant {
        let now = self.now();
        now.checked_add(duration.min(NEVER)).unwrap_or(now)
    }

    /// Waits, at the most so long, until this thread is unparked; or longer or shorter, where `ready` tells.
    #[inline]
    pub(crate) fn park(self, left: Duration, ready: impl Fn() -> bool) {
        match self.set() {
            Some(set) => wait_by(&set, left, &ready),
            None if left == Duration::MAX => thread::park(),
            None => thread::park_timeout(left),
        }
    }

    /// Waits, at the most so long, for the bell. `lock` is the guard's, and `ready` what is waited for.
    pub(crate) fn wait<'a, T>(
        self,
        (bell, guard): (&Condvar, MutexGuard<'a, T>),
        left: Duration,
        lock: impl Fn() -> MutexGuard<'a, T>,
        ready: impl Fn(&T) -> bool,
    ) -> MutexGuard<'a, T> {
        match self.set() {
            Some(set) => {
                drop(guard);
                wait_by(&set, left, &|| ready(&lock()));
                lock()
            }
            None => plain(bell, guard, left),
        }
    }

    /// The same, where what is waited for has to do with threads and not with time: it may come back early.
    pub(crate) fn rest<'a, T>(
        self,
        (bell, guard): (&Condvar, MutexGuard<'a, T>),
        left: Duration,
    ) -> MutexGuard<'a, T> {
        match self.set() {
            Some(set) => rest(&set, bell, guard, left),
            None => plain(bell, guard, left),
        }
    }

    /// Keeps an alarm that is due by a clock that is set. `Some`: it is the timer's.
    pub(crate) fn keep(key: Key, alarm: Box<dyn Alarm>) -> Option<Box<dyn Alarm>> {
        if key.clock == Clock::REAL {
            return Some(alarm);
        }
        match key.clock.set() {
            Some(set) => set.keep(key, alarm),
            // What it holds is the user's.
            None => drop(contain(|| alarm.refuse())),
        }
        None
    }

    /// Takes such an alarm out. `None`: it is the timer's.
    pub(crate) fn take(key: Key) -> Option<Option<Box<dyn Alarm>>> {
        (key.clock != Clock::REAL).then(|| key.clock.set().and_then(|set| set.take(key)))
    }

    /// Has this clock on this thread, for work that was begun by it, until what it returns is dropped.
    #[inline]
    pub(crate) fn within(self) -> Option<Entered> {
        (self != Clock::current()).then(|| Entered::new(self, true))
    }
}

fn plain<'a, T>(bell: &Condvar, guard: MutexGuard<'a, T>, left: Duration) -> MutexGuard<'a, T> {
    match left {
        Duration::MAX => bell.wait(guard),
        left => bell.wait_timeout(guard, left).0,
    }
}

/// What time it is for this thread.
#[inline]
pub(crate) fn now() -> Instant {
    Clock::current().now()
}

/// This thread's clock waits for what is queued there.
#[inline]
pub(crate) fn uses(place: impl FnOnce() -> Option<Used>) {
    let clock = Clock::current();
    if clock != Clock::REAL {
        if let (Some(set), Some(used)) = (clock.set(), place()) {
            set.uses(used);
        }
    }
}

/// Runs `f`, which waits for something that no clock knows of: this thread's does not go on by itself meanwhile.
pub(crate) fn away<R>(f: impl FnOnce() -> R) -> R {
    let away = Clock::current().set().map(Away::new);
    let result = f();
    drop(away);
    result
}
