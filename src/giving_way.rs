//! Giving others the core before a thread sleeps, as long as that is quick.
//!
//! Where there is a core to spare, or the thread that is waited for is on this one, a yield costs less than to sleep and be
//! woken. Where all cores have other work, each yield costs that thread's whole slice: then no thread yields for a while,
//! and waiting threads sleep, because a thread that is woken is let in at once.

use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Instant, OnceLock, now, thread};

/// How often a thread yields: what is about to happen is then seen without a system call. Looking without yielding
/// would keep it away where there are more threads than cores.
const YIELDS: u32 = 16;
/// A yield that takes as long has let another program have the core: a switch there and back takes some
/// microseconds, a slice milliseconds.
const SLOW: Duration = Duration::from_millis(1);
/// For so many times what a slow yield took no thread yields then: the next try costs four percent of the time at most.
const PAUSE: u64 = 25;

/// When threads may yield again, in microseconds since the first wait; 0: at once. Only a hint: all accesses are Relaxed.
struct Ways(AtomicU64);

crate::sync::global! {
    static WAYS: Ways = Ways::new();
}

/// A moment's wait for what must come. `true`: it is there.
pub(crate) fn wait_a_moment(ready: impl Fn() -> bool) -> bool {
    WAYS.give(ready, now, thread::yield_now, true)
}

/// A moment's rest of a thread that has nothing to do: it loses nothing by a slow yield, which tells nothing then.
/// `true`: there is something to do.
pub(crate) fn rest_a_moment(ready: impl Fn() -> bool) -> bool {
    WAYS.give(ready, now, thread::yield_now, false)
}

impl Ways {
    const fn new() -> Self {
        Ways(AtomicU64::new(0))
    }

    /// Yields some times, until it is ready; if one was slow and `heeds`, that was the last one for a while.
    fn give(
        &self,
        ready: impl Fn() -> bool,
        now: impl Fn() -> Instant,
        yields: impl Fn(),
        heeds: bool,
    ) -> bool {
        let mut before = now();
        let again = self.0.load(Ordering::Relaxed);
        if again != 0 && micros(before) < again {
            return false;
        }
        for _ in 0..YIELDS {
            yields();
            let (ready, at) = (ready(), now());
            let took = at.saturating_duration_since(before);
            if heeds && took > SLOW {
                let pause = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                let again = micros(at).saturating_add(pause.saturating_mul(PAUSE));
                self.0.store(again, Ordering::Relaxed);
                return ready;
            }
            if ready {
                return true;
            }
            before = at;
        }
        false
    }
}

fn micros(at: Instant) -> u64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    let since = at.saturating_duration_since(*BEGIN.get_or_init(|| at));
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// How often a thread yields in a wait in vain, where each yield takes so long.
    fn yields(ways: &Ways, clock: &Cell<Instant>, each: Duration) -> u32 {
        let count = Cell::new(0);
        let yields = || {
            count.set(count.get() + 1);
            clock.set(clock.get() + each);
        };
        assert!(!ways.give(|| false, || clock.get(), yields, true));
        count.get()
    }

    #[test]
    fn a_slow_yield_ends_the_yielding_for_a_while() {
        let ways = Ways::new();
        let clock = Cell::new(now());
        let (quick, slow) = (Duration::from_micros(1), Duration::from_millis(4));
        assert_eq!(yields(&ways, &clock, quick), YIELDS);
        assert_eq!(yields(&ways, &clock, slow), 1);
        assert_eq!(yields(&ways, &clock, quick), 0, "no thread yields now");
        clock.set(clock.get() + slow * (PAUSE as u32 - 1));
        assert_eq!(yields(&ways, &clock, quick), 0, "nor yet");
        clock.set(clock.get() + slow + quick);
        assert_eq!(yields(&ways, &clock, slow), 1, "it is tried again");
        clock.set(clock.get() + slow * (PAUSE as u32 + 1));
        assert_eq!(yields(&ways, &clock, quick), YIELDS, "and then as ever");
    }

    #[test]
    fn a_thread_that_has_nothing_to_do_learns_nothing_from_a_slow_yield() {
        let ways = Ways::new();
        let clock = Cell::new(now());
        let slow = || clock.set(clock.get() + Duration::from_millis(4));
        assert!(!ways.give(|| false, || clock.get(), slow, false));
        assert_eq!(yields(&ways, &clock, Duration::from_micros(1)), YIELDS);
    }
}
