//! `Timeout`: how long a call may wait; the one place where durations become instants.

use std::time::{Duration, Instant};

use crate::clock::{self, Clock};

/// How long a call may wait, made from an `Option<Duration>`, a `Duration` or an `Instant`.
///
/// `None` and `Duration::MAX` (and any duration whose end no clock can show) are no limit. Zero,
/// or an `Instant` that is past, asks without waiting.
///
/// # Examples
///
/// ```
/// use asynckit::Timeout;
/// use std::time::{Duration, Instant};
///
/// fn get(timeout: impl Into<Timeout>) {
///     let _: Timeout = timeout.into();
/// }
///
/// get(None);
/// get(Some(Duration::from_secs(5)));
/// get(Duration::from_millis(20));
/// get(Instant::now() + Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timeout(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Never,
    Poll,
    After(Duration),
    At(Instant),
}

impl Timeout {
    /// Whether there surely is no limit. Reads no clock, so that a far too long duration is told
    /// only by [`Deadline::is_never`].
    pub(crate) fn is_never(self) -> bool {
        matches!(self.0, Kind::Never)
    }

    /// Whether the caller does not want to wait. Reads the clock only for the end of several calls.
    pub(crate) fn is_poll(self) -> bool {
        match self.0 {
            Kind::Poll => true,
            Kind::At(instant) => instant <= clock::now(),
            Kind::Never | Kind::After(_) => false,
        }
    }

    /// The same end for several waits. Reads the clock unless that is not needed.
    pub(crate) fn fixed(self) -> Timeout {
        match self.0 {
            Kind::After(_) => self.start().into(),
            _ => self,
        }
    }

    /// Fixes the end of the wait. Reads the clock: call it once, when it is clear that the caller
    /// has to wait.
    pub(crate) fn start(self) -> Deadline {
        self.start_by(Clock::current())
    }

    /// The same by another clock than this thread's.
    pub(crate) fn start_by(self, clock: Clock) -> Deadline {
        let end = match self.0 {
            Kind::Never => None,
            Kind::Poll => Some(clock.now()),
            Kind::After(duration) => clock.now().checked_add(duration),
            Kind::At(instant) => Some(instant),
        };
        Deadline(end, clock)
    }
}

/// `None` is no limit.
impl From<Option<Duration>> for Timeout {
    fn from(limit: Option<Duration>) -> Timeout {
        limit.map_or(Timeout(Kind::Never), Timeout::from)
    }
}

/// Counted from the moment when the call begins to wait; zero asks without waiting.
impl From<Duration> for Timeout {
    fn from(limit: Duration) -> Timeout {
        Timeout(match limit {
            Duration::ZERO => Kind::Poll,
            Duration::MAX => Kind::Never,
            limit => Kind::After(limit),
        })
    }
}

/// The same end for several calls, whenever they begin.
// No `From<Option<Instant>>`: with two `Option`s to choose from, `get(None)` would not compile.
impl From<Instant> for Timeout {
    fn from(end: Instant) -> Timeout {
        Timeout(Kind::At(end))
    }
}

/// The same end for a part of the wait.
impl From<Deadline> for Timeout {
    fn from(deadline: Deadline) -> Timeout {
        Timeout(deadline.0.map_or(Kind::Never, Kind::At))
    }
}

/// The end of a wait that has begun, by a clock; `None` is never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>, Clock);

impl Deadline {
    /// Whether the wait may last for ever.
    pub(crate) fn is_never(self) -> bool {
        self.0.is_none()
    }

    /// By which clock.
    pub(crate) fn clock(self) -> Clock {
        self.1
    }

    /// How long the wait may still last: `None` when it is over, `Duration::MAX` without a limit.
    pub(crate) fn remaining(self) -> Option<Duration> {
        let Some(end) = self.0 else {
            return Some(Duration::MAX);
        };
        let left = self.1.until(end);
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn timeout(timeout: impl Into<Timeout>) -> Timeout {
        timeout.into()
    }

    #[test]
    fn none_and_the_longest_duration_are_no_limit() {
        for timeout in [timeout(None), timeout(Duration::MAX), timeout(Some(Duration::MAX))] {
            assert!(timeout.is_never());
            assert!(timeout.start().is_never());
            assert_eq!(timeout.start().remaining(), Some(Duration::MAX));
        }
    }

    #[test]
    fn an_end_beyond_the_clock_is_no_limit() {
        let timeout = timeout(Duration::MAX - Duration::from_nanos(1));
        assert!(!timeout.is_never());
        assert!(timeout.start().is_never());
    }

    #[test]
    fn zero_polls() {
        for timeout in [timeout(Duration::ZERO), timeout(Some(Duration::ZERO))] {
            assert!(timeout.is_poll());
            assert_eq!(timeout.start().remaining(), None);
        }
        assert!(!timeout(None).is_poll());
    }

    #[test]
    fn a_past_instant_leaves_nothing() {
        assert!(timeout(Instant::now()).is_poll());
        let deadline = timeout(Instant::now()).start();
        assert_eq!(deadline.remaining(), None);
        assert!(!deadline.is_never());
    }

    #[test]
    fn what_remains_is_at_most_the_limit() {
        for timeout in [timeout(HOUR), timeout(Some(HOUR)), timeout(Instant::now() + HOUR)] {
            assert!(!timeout.is_never() && !timeout.is_poll());
            let left = timeout.start().remaining().expect("an hour is not over yet");
            assert!(left <= HOUR && left > HOUR / 2);
        }
    }
}
