//! Without the feature `test-clock`: the system's clock. Nothing of this takes room or time.

use std::time::{Duration, Instant};

use super::alarm::NEVER;
use super::{Alarm, Key};
use crate::sync;
use crate::sync::{Condvar, MutexGuard, thread};

/// The clock of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clock;

impl Clock {
    /// The system's.
    pub(crate) const REAL: Clock = Clock;

    /// That of this thread.
    #[inline]
    pub(crate) fn current() -> Self {
        Clock
    }

    #[inline]
    pub(crate) fn now(self) -> Instant {
        sync::now()
    }

    /// How long it is until then.
    #[inline]
    pub(crate) fn until(self, end: Instant) -> Duration {
        end.saturating_duration_since(self.now())
    }

    /// When `duration` from now is over; in some decades, if that is never.
    #[inline]
    pub(crate) fn after(self, duration: Duration) -> Instant {
        let now = self.now();
        now.checked_add(duration.min(NEVER)).unwrap_or(now)
    }

    /// Waits, at the most so long, until this thread is unparked; or longer or shorter, where `ready` tells.
    #[inline]
    pub(crate) fn park(self, left: Duration, _ready: impl Fn() -> bool) {
        match left {
            Duration::MAX => thread::park(),
            left => thread::park_timeout(left),
        }
    }

    /// Waits, at the most so long, for the bell. `lock` is the guard's, and `ready` what is waited for.
    #[inline]
    pub(crate) fn wait<'a, T>(
        self,
        (bell, guard): (&Condvar, MutexGuard<'a, T>),
        left: Duration,
        _lock: impl Fn() -> MutexGuard<'a, T>,
        _ready: impl Fn(&T) -> bool,
    ) -> MutexGuard<'a, T> {
        self.rest((bell, guard), left)
    }

    /// The same, where what is waited for has to do with threads and not with time: it may come back early.
    #[inline]
    pub(crate) fn rest<'a, T>(
        self,
        (bell, guard): (&Condvar, MutexGuard<'a, T>),
        left: Duration,
    ) -> MutexGuard<'a, T> {
        match left {
            Duration::MAX => bell.wait(guard),
            left => bell.wait_timeout(guard, left).0,
        }
    }

    /// Keeps an alarm that is due by a clock that is set. `Some`: it is the timer's.
    #[inline]
    pub(crate) fn keep(_key: Key, alarm: Box<dyn Alarm>) -> Option<Box<dyn Alarm>> {
        Some(alarm)
    }

    /// Takes such an alarm out. `None`: it is the timer's.
    #[inline]
    pub(crate) fn take(_key: Key) -> Option<Option<Box<dyn Alarm>>> {
        None
    }

    /// Has this clock on this thread, until what it returns is dropped.
    #[cfg(feature = "context")]
    #[inline]
    pub(crate) fn within(self) -> impl Sized {}
}

/// What time it is for this thread.
#[inline]
pub(crate) fn now() -> Instant {
    sync::now()
}

/// Where work is run, as a clock that is set sees it.
pub(crate) trait Place {}

impl<T> Place for T {}

/// A place, and which one it is where it is used again.
#[derive(Clone, Copy)]
pub(crate) struct Used;

#[inline]
pub(crate) fn place(_place: &'static dyn Place, _number: usize) -> Used {
    Used
}

/// This thread's clock waits for what is queued there.
#[inline]
pub(crate) fn uses(_place: impl FnOnce() -> Option<Used>) {}

/// Runs `f`, which waits for something that no clock knows of.
#[inline]
pub(crate) fn away<R>(f: impl FnOnce() -> R) -> R {
    f()
}
