//! What the timer knows of an alarm: what it does, and its place among the others.

use std::time::{Duration, Instant};

use super::Clock;
use crate::sync::atomic::{AtomicU64, Ordering};

/// What happens when a time has come.
pub(crate) trait Alarm: Send {
    /// Whether nobody wants it any more. Asked under the timer's lock: no user code.
    fn is_unwanted(&self) -> bool {
        false
    }

    /// The time has come. Never called on the timer's own thread, if the system has another one.
    fn ring(self: Box<Self>);

    /// It will never be called, because the system has no thread for the timer.
    fn refuse(self: Box<Self>) {}
}

/// The place of an alarm: by time, and those of the same time as they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) at: Instant,
    number: u64,
    /// By which clock.
    pub(crate) clock: Clock,
}

/// A new place, which nobody else has, by this clock.
pub(crate) fn key(clock: Clock, at: Instant) -> Key {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // ORDERING: Relaxed, the number only has to be another one each time.
    Key { at, number: NEXT.fetch_add(1, Ordering::Relaxed), clock }
}

/// For all that is longer than any program runs: no clock has to show it.
pub(super) const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_have_different_places() {
        let now = Instant::now();
        let (first, second) = (key(Clock::REAL, now), key(Clock::REAL, now));
        assert!(first < second && second < key(Clock::REAL, now + Duration::from_nanos(1)));
    }

    #[test]
    fn no_duration_is_too_long() {
        assert!(Clock::REAL.after(Duration::MAX) > Instant::now() + NEVER / 2);
        assert!(Clock::REAL.after(Duration::ZERO) <= Instant::now());
    }
}
