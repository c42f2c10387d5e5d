//! The threads that ring alarms, so that the timer's own thread runs no user code.
//!
//! Mostly it is one, started when the first alarm is due. Who rings may meet user code that takes its
//! time: a cancellation handler, a destructor. Then others ring what is due meanwhile.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use crate::clock::Alarm;
use crate::failure::contain;
use crate::sync;
use crate::sync::thread;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// As long as this nobody has begun with another alarm: one more thread is to help. Far longer than
/// alarms take that do not wait for anything, and shorter than what people notice.
const STUCK: Duration = Duration::from_millis(5);
/// No more threads than this, as with the spare workers of a pool: behind so many that are stuck at the
/// same time alarms are late.
const MOST: usize = 64;

sync::global! {
    static RINGERS: Ringers = Ringers::new();
}

/// Has these alarms rung, in this order. Called by the timer's thread.
pub(super) fn ring(alarms: &mut Vec<Box<dyn Alarm>>) {
    RINGERS.ring(alarms, start);
}

/// Sees to it that what is due is being rung. Gives the time at which to look again, if there is need.
pub(super) fn look(now: Instant) -> Option<Instant> {
    RINGERS.look(now, start)
}

fn start() -> io::Result<()> {
    let ringer = || RINGERS.ring_all();
    thread::Builder::new().name("asynckit-alarms".to_owned()).spawn(ringer).map(drop)
}

struct Ringers {
    state: Mutex<State>,
    /// Rung for the thread that has nothing to do.
    bell: Condvar,
}

struct State {
    due: VecDeque<Box<dyn Alarm>>,
    threads: usize,
    /// Those of them that have nothing to do: one at the most.
    idle: usize,
    /// When the last alarm was begun with, or the first of those that are due came.
    since: Option<Instant>,
}

impl Ringers {
    const fn new() -> Self {
        let state = State { due: VecDeque::new(), threads: 0, idle: 0, since: None };
        Ringers { state: Mutex::new(state), bell: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, so it is never poisoned half-way.
        self.state.lock()
    }

    fn ring(&self, alarms: &mut Vec<Box<dyn Alarm>>, start: impl Fn() -> io::Result<()>) {
        let mut state = self.lock();
        if state.due.is_empty() {
            state.since = Some(sync::now());
        }
        state.due.extend(alarms.drain(..));
        if state.idle > 0 || state.threads == 0 {
            state = self.help(state, start);
        }
        if state.threads == 0 {
            drop(self.ring_some(state)); // the system has no thread: better here than never
        }
    }

    fn look(&self, now: Instant, start: impl Fn() -> io::Result<()>) -> Option<Instant> {
        let mut state = self.lock();
        let since = state.since.filter(|_| !state.due.is_empty())?;
        if now < since + STUCK {
            return Some(since + STUCK);
        }
        state.since = Some(now);
        drop(self.help(state, start));
        Some(now + STUCK)
    }

    /// Wakes the thread that has nothing to do, or starts another one.
    fn help<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        start: impl Fn() -> io::Result<()>,
    ) -> MutexGuard<'a, State> {
        if state.idle > 0 {
            self.bell.notify_one();
        } else if state.threads < MOST && start().is_ok() {
            state.threads += 1; // it comes to the lock after this
        }
        state
    }

    /// A thread's life: one stays, others leave when there is nothing to do.
    fn ring_all(&self) {
        let mut state = self.lock();
        loop {
            state = self.ring_some(state);
            if state.idle > 0 {
                state.threads -= 1;
                return;
            }
            state.idle += 1;
            while state.due.is_empty() {
                state = self.bell.wait(state);
            }
            state.idle -= 1;
        }
    }

    /// Rings what is due, one after the other.
    fn ring_some<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        while let Some(alarm) = state.due.pop_front() {
            state.since = Some(sync::now());
            drop(state);
            contain(|| alarm.ring());
            state = self.lock();
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::mpsc::{Sender, channel};

    struct Number(u32, Sender<u32>);

    impl Alarm for Number {
        fn ring(self: Box<Self>) {
            self.1.send(self.0).unwrap();
        }
    }

    fn alarms(numbers: &[u32], sender: &Sender<u32>) -> Vec<Box<dyn Alarm>> {
        let alarm = |&number: &u32| Box::new(Number(number, sender.clone())) as Box<dyn Alarm>;
        numbers.iter().map(alarm).collect()
    }

    #[test]
    fn a_thread_is_started_for_the_first_alarm_and_another_one_only_when_that_is_stuck() {
        let (ringers, started, (sender, rung)) = (Ringers::new(), Cell::new(0), channel());
        let start = || {
            started.set(started.get() + 1);
            Ok(())
        };
        assert!(ringers.look(Instant::now(), start).is_none(), "nothing is due");
        ringers.ring(&mut alarms(&[1, 2], &sender), start);
        ringers.ring(&mut alarms(&[3], &sender), start);
        assert_eq!(started.get(), 1);

        let since = ringers.lock().since.unwrap();
        assert_eq!(ringers.look(since, start), Some(since + STUCK));
        assert_eq!(started.get(), 1, "it may be slow to start");
        assert_eq!(ringers.look(since + STUCK, start), Some(since + STUCK * 2));
        assert_eq!(started.get(), 2);

        drop(ringers.ring_some(ringers.lock()));
        assert_eq!(rung.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(ringers.look(since + STUCK * 9, start).is_none());
        assert_eq!(started.get(), 2);
    }

    #[test]
    fn there_are_not_more_threads_than_that() {
        let (ringers, (sender, _rung)) = (Ringers::new(), channel());
        ringers.ring(&mut alarms(&[1], &sender), || Ok(()));
        let mut now = Instant::now();
        for _ in 0..2 * MOST {
            now += STUCK;
            assert!(ringers.look(now, || Ok(())).is_some());
        }
        assert_eq!(ringers.lock().threads, MOST);
    }

    /// H11
    #[test]
    fn without_any_thread_the_caller_rings() {
        let (ringers, (sender, rung)) = (Ringers::new(), channel());
        ringers.ring(&mut alarms(&[1, 2], &sender), || Err(io::ErrorKind::WouldBlock.into()));
        assert_eq!(rung.try_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
