//! Threads that wait for a clock that is set, and such as set it.

use std::time::Duration;

use super::alarm::NEVER;
use super::entered::{Away, Resting};
use super::quiet::Waiting;
use super::set::Set;
use crate::sync;
use crate::sync::{Arc, Condvar, MutexGuard, thread};

/// How long a thread sleeps before it looks again whether all is quiet: at first, and at the most.
const NAPS: [Duration; 2] = [Duration::from_micros(20), Duration::from_micros(200)];
/// The same for one that waits for other threads to end.
const REST: Duration = Duration::from_millis(1);
/// When `advance` tells what it waits for.
const LONG: Duration = Duration::from_secs(10);

/// A thread that waits.
struct Wait<'a> {
    // At work again before it waits no more: else it would be neither, and the clock could go on past it.
    _resting: Resting,
    _place: PlaceAmongWaiters<'a>,
    _waiting: Waiting,
}

struct PlaceAmongWaiters<'a>(&'a Set, u64);

impl Drop for PlaceAmongWaiters<'_> {
    fn drop(&mut self) {
        self.0.end_wait(self.1);
    }
}

/// Waits, at the most so long by this clock, until it is ready. If all others wait, too, the clock goes on.
pub(super) fn wait_by(set: &Arc<Set>, left: Duration, ready: &dyn Fn() -> bool) {
    let number = set.begin_wait(thread::current(), left);
    let wait = Wait {
        _place: PlaceAmongWaiters(set, number),
        _waiting: Waiting::begin(),
        _resting: Resting::new(set, true),
    };
    let mut nap = NAPS[0];
    while !set.is_over(number) && !ready() {
        thread::park_timeout(nap);
        nap = (nap * 2).min(NAPS[1]);
        let Some(look) = set.look() else { continue };
        // After the look: what was under way before it is seen now.
        if !ready() && set.waits_on(number, &look) {
            nap = NAPS[0];
        }
    }
    drop(wait);
}

/// Waits a moment for the bell, of something that has to do with threads: the clock may go on meanwhile.
pub(super) fn rest<'a, T>(
    set: &Arc<Set>,
    bell: &Condvar,
    guard: MutexGuard<'a, T>,
    left: Duration,
) -> MutexGuard<'a, T> {
    let resting = Resting::new(set, false);
    let guard = bell.wait_timeout(guard, left.min(REST)).0;
    drop(resting);
    guard
}

impl Set {
    /// Goes on by so much, from one alarm to the next, each when all that the one before has set off is through.
    pub(crate) fn advance(self: &Arc<Self>, by: Duration) {
        let (waiting, away) = (Waiting::begin(), Away::new(Arc::clone(self)));
        let until = self.so_far().saturating_add(by).min(NEVER);
        loop {
            self.wait_until_quiet();
            if !self.step_until(until) {
                break;
            }
        }
        drop((waiting, away));
    }

    fn wait_until_quiet(&self) {
        let (begin, mut told, mut nap) = (sync::now(), false, NAPS[0]);
        while !self.is_quiet() {
            thread::park_timeout(nap);
            nap = (nap * 2).min(NAPS[1]);
            if !told && sync::now().saturating_duration_since(begin) > LONG {
                told = true;
                eprintln!(
                    "asynckit: a test's clock has waited for {LONG:?} for jobs that are at work; \
                     one that waits for something else than promises says so with `asynckit::blocking`"
                );
            }
        }
    }
}
