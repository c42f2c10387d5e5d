//! A clock that is set: what is due by it, and who is at work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::entered::Entered;
use super::quiet::{self, Look, Mark, Used};
use super::{Alarm, Clock, Key};
use crate::failure::{contain, drop_quietly};
use crate::sync;
use crate::sync::thread::Thread;
use crate::sync::{Arc, Mutex, MutexGuard};

/// How alarms are rung.
pub(crate) struct Ringing {
    /// Has them rung, in this order, by other threads.
    pub(crate) ring: fn(&mut Vec<Box<dyn Alarm>>),
    /// Sees to it that they are.
    pub(crate) look: fn(),
}

/// A clock that is set.
pub(crate) struct Set {
    clock: Clock,
    /// When it was made.
    base: Instant,
    /// By itself, when all is quiet.
    goes_on: bool,
    ringing: Ringing,
    state: Mutex<State>,
}

sync::global! {
    static CLOCKS: Mutex<BTreeMap<Clock, Arc<Set>>> = Mutex::new(BTreeMap::new());
}

impl Clock {
    pub(crate) fn set(self) -> Option<Arc<Set>> {
        if self == Clock::REAL { None } else { CLOCKS.lock().get(&self).cloned() }
    }
}

/// No user code runs under its lock, and no other lock is taken.
pub(super) struct State {
    elapsed: Duration,
    alarms: BTreeMap<Key, Box<dyn Alarm>>,
    /// Alarms that were rung and are not through.
    ringing: usize,
    /// How often a thread has entered it, and work that was begun by it runs.
    threads: usize,
    jobs: usize,
    /// Threads that wait for something that no clock knows of.
    pub(super) away: usize,
    /// Counts what is done.
    moves: u64,
    waiters: BTreeMap<u64, Waiter>,
    places: Vec<Used>,
    ended: bool,
}

/// A thread that waits for the clock.
struct Waiter {
    thread: Thread,
    /// When its wait is over.
    until: Option<Duration>,
    /// Under which mark it has found that it has to wait on.
    seen: Option<Mark>,
}

/// What a step has set off.
struct Step {
    due: Vec<Box<dyn Alarm>>,
    woken: Vec<Thread>,
}

impl State {
    /// So many more, or fewer, are at work.
    pub(super) fn at_work(&mut self, job: bool, more: isize) {
        let count = if job { &mut self.jobs } else { &mut self.threads };
        *count = count.wrapping_add_signed(more);
    }

    fn all_have_seen(&self, mark: Mark) -> bool {
        self.moves == mark.moves && self.waiters.values().all(|waiter| waiter.seen == Some(mark))
    }

    fn is_over(&self, waiter: u64) -> bool {
        let until = self.waiters.get(&waiter).and_then(|waiter| waiter.until);
        self.ended || until.is_some_and(|until| until <= self.elapsed)
    }

    /// When something is due next. What nobody wants is taken out.
    fn next(&mut self, base: Instant, unwanted: &mut Vec<Box<dyn Alarm>>) -> Option<Duration> {
        while let Some(first) = self.alarms.first_entry() {
            if !first.get().is_unwanted() {
                break;
            }
            unwanted.push(first.remove());
        }
        let alarm = self.alarms.keys().next().map(|key| key.at.saturating_duration_since(base));
        let waiter = self.waiters.values().filter_map(|waiter| waiter.until).min();
        alarm.into_iter().chain(waiter).min().map(|next| next.max(self.elapsed))
    }

    /// Goes on to this time, and takes out what is due then.
    fn step(&mut self, base: Instant, next: Duration) -> Step {
        self.elapsed = self.elapsed.max(next);
        self.moves += 1;
        let (mut due, now) = (Vec::new(), base + self.elapsed);
        while self.alarms.keys().next().is_some_and(|key| key.at <= now) {
            due.extend(self.alarms.pop_first().map(|(_, alarm)| alarm));
        }
        self.ringing += due.len();
        let over = self.waiters.values().filter(|w| w.until.is_some_and(|at| at <= self.elapsed));
        Step { due, woken: over.map(|waiter| waiter.thread.clone()).collect() }
    }
}

impl Set {
    /// A clock that stands still until it is set.
    pub(super) fn make(clock: Clock, goes_on: bool, ringing: Ringing) {
        let state = State {
            elapsed: Duration::ZERO,
            alarms: BTreeMap::new(),
            ringing: 0,
            threads: 0,
            jobs: 0,
            away: 0,
            moves: 0,
            waiters: BTreeMap::new(),
            places: Vec::new(),
            ended: false,
        };
        let set = Set { clock, base: sync::now(), goes_on, ringing, state: Mutex::new(state) };
        CLOCKS.lock().insert(clock, Arc::new(set));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn now(&self) -> Instant {
        self.base + self.so_far()
    }

    /// How far it has gone on.
    pub(crate) fn so_far(&self) -> Duration {
        self.lock().elapsed
    }

    /// How many alarms are there that somebody wants, and how long it is to the first one.
    pub(crate) fn alarms(&self) -> (usize, Option<Duration>) {
        let state = self.lock();
        let wanted = state.alarms.iter().filter(|(_, alarm)| !alarm.is_unwanted());
        let mut times =
            wanted.map(|(key, _)| key.at.saturating_duration_since(self.base)).peekable();
        let first = times.peek().map(|first| first.saturating_sub(state.elapsed));
        (times.count(), first)
    }

    /// Something was done.
    pub(super) fn count(&self, f: impl FnOnce(&mut State)) {
        self.count_as(true, f);
    }

    pub(super) fn count_as(&self, moves: bool, f: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        state.moves += u64::from(moves);
        f(&mut state);
    }

    pub(super) fn uses(&self, used: Used) {
        let mut state = self.lock();
        if !state.places.iter().any(|known| known.is(&used)) {
            state.places.push(used);
        }
    }

    pub(super) fn keep(&self, key: Key, alarm: Box<dyn Alarm>) {
        let mut state = self.lock();
        if state.ended {
            drop(state);
            contain(|| alarm.refuse()); // what it holds is the user's
        } else {
            state.alarms.insert(key, alarm);
        }
    }

    pub(super) fn take(&self, key: Key) -> Option<Box<dyn Alarm>> {
        self.lock().alarms.remove(&key)
    }

    /// The clock ends: what is due is refused, and nothing waits for it any more.
    pub(super) fn end(clock: Clock) {
        let Some(set) = CLOCKS.lock().remove(&clock) else { return };
        let mut state = set.lock();
        state.ended = true;
        let alarms = std::mem::take(&mut state.alarms);
        let waiters: Vec<_> = state.waiters.values().map(|waiter| waiter.thread.clone()).collect();
        drop(state);
        waiters.iter().for_each(Thread::unpark);
        alarms.into_values().for_each(|alarm| {
            contain(|| alarm.refuse());
        });
    }

    // ── Threads that wait ────────────────────────────────────────────────────────────────────

    /// A thread waits, at the most so long. Gives its number.
    pub(super) fn begin_wait(&self, thread: Thread, left: Duration) -> u64 {
        let mut state = self.lock();
        state.moves += 1;
        let number = state.waiters.last_key_value().map_or(1, |(last, _)| last + 1);
        let until = (left != Duration::MAX).then(|| state.elapsed.saturating_add(left));
        state.waiters.insert(number, Waiter { thread, until, seen: None });
        number
    }

    pub(super) fn end_wait(&self, number: u64) {
        let mut state = self.lock();
        state.moves += 1;
        state.waiters.remove(&number);
    }

    pub(super) fn is_over(&self, waiter: u64) -> bool {
        self.lock().is_over(waiter)
    }

    // ── Going on ─────────────────────────────────────────────────────────────────────────────

    /// Whether nothing is under way. Also sees to it that what is rung goes on.
    pub(super) fn look(&self) -> Option<Look> {
        (self.ringing.look)();
        let state = self.lock();
        if state.ringing > 0 {
            return None;
        }
        let (moves, places) = (state.moves, state.places.clone());
        drop(state);
        quiet::look(moves, &places)
    }

    /// A waiter has found, after this look, that it has to wait on. Goes on if all of them have, and nothing else holds
    /// the clock. Whether it went on.
    pub(super) fn waits_on(self: &Arc<Self>, waiter: u64, look: &Look) -> bool {
        let mut state = self.lock();
        if state.moves != look.mark.moves || state.is_over(waiter) {
            return false;
        }
        if let Some(waiter) = state.waiters.get_mut(&waiter) {
            waiter.seen = Some(look.mark);
        }
        let held = look.elsewhere || state.threads + state.jobs + state.away > 0;
        if !self.goes_on || held || !state.all_have_seen(look.mark) {
            return false;
        }
        let mut unwanted = Vec::new();
        let step = state.next(self.base, &mut unwanted).map(|next| state.step(self.base, next));
        drop(state);
        self.go(step, unwanted)
    }

    /// Whether nothing is under way but what waits for the clock, or for something that no clock knows of.
    pub(super) fn is_quiet(&self) -> bool {
        self.look().is_some_and(|look| {
            let state = self.lock();
            state.jobs == 0 && state.all_have_seen(look.mark)
        })
    }

    /// Goes on to what is due next, or, if that is later, to `until`. Whether something was due.
    pub(super) fn step_until(self: &Arc<Self>, until: Duration) -> bool {
        let (mut state, mut unwanted) = (self.lock(), Vec::new());
        let next = state.next(self.base, &mut unwanted).filter(|next| *next <= until);
        let step = match next {
            Some(next) => Some(state.step(self.base, next)),
            None => {
                state.elapsed = state.elapsed.max(until);
                state.moves += 1;
                None
            }
        };
        drop(state);
        self.go(step, unwanted)
    }

    fn go(self: &Arc<Self>, step: Option<Step>, unwanted: Vec<Box<dyn Alarm>>) -> bool {
        unwanted.into_iter().for_each(drop_quietly); // not under the lock
        let Some(step) = step else { return false };
        step.woken.iter().for_each(Thread::unpark);
        let rung = |alarm| {
            let through = Through(Arc::clone(self));
            Box::new(Rung { alarm: Some(alarm), through }) as Box<dyn Alarm>
        };
        let mut due: Vec<_> = step.due.into_iter().map(rung).collect();
        if !due.is_empty() {
            (self.ringing.ring)(&mut due);
        }
        true
    }
}

/// An alarm that is rung: by its own clock, and counted.
struct Rung {
    alarm: Option<Box<dyn Alarm>>,
    through: Through,
}

impl Alarm for Rung {
    fn ring(mut self: Box<Self>) {
        let entered = Entered::new(self.through.0.clock, true);
        if let Some(alarm) = self.alarm.take() {
            contain(|| alarm.ring());
        }
        drop(entered);
    }
}

/// It is through when this is dropped.
struct Through(Arc<Set>);

impl Drop for Through {
    fn drop(&mut self) {
        self.0.count(|state| state.ringing -= 1);
    }
}
