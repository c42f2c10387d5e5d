//! The clocks that a thread has, one within the other.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use super::Clock;
use super::set::Set;
use crate::sync::{Arc, thread_local};

/// A clock that a thread has.
struct Place {
    number: u64,
    clock: Clock,
    /// For work that was begun by it; else the thread has entered it by itself.
    job: bool,
    /// The thread waits, so that it does not count as one that is at work by this clock.
    rests: bool,
}

thread_local! {
    static HERE: Cell<Clock> = const { Cell::new(Clock::REAL) };
    static NEXT: Cell<u64> = const { Cell::new(1) };
    static STACK: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

/// The innermost one.
pub(super) fn current() -> Clock {
    HERE.try_with(Cell::get).unwrap_or(Clock::REAL)
}

fn with<R>(f: impl FnOnce(&mut Vec<Place>) -> R) -> Option<R> {
    STACK.try_with(|stack| f(&mut stack.borrow_mut())).ok()
}

/// A thread has this clock until this is dropped, on the same thread.
#[derive(Debug)]
pub(crate) struct Entered {
    number: u64,
    clock: Clock,
    thread: PhantomData<*const ()>,
}

impl Entered {
    pub(crate) fn new(clock: Clock, job: bool) -> Self {
        let pushed = with(|stack| {
            let number = NEXT.replace(NEXT.get() + 1);
            stack.push(Place { number, clock, job, rests: false });
            HERE.set(clock);
            number
        });
        let set = clock.set().filter(|_| pushed.is_some());
        if let Some(set) = set {
            set.count(|state| state.at_work(job, 1));
        }
        Entered { number: pushed.unwrap_or(0), clock, thread: PhantomData }
    }
}

/// In whichever order they are dropped.
impl Drop for Entered {
    fn drop(&mut self) {
        let left = with(|stack| {
            let at = stack.iter().position(|place| place.number == self.number)?;
            let place = stack.remove(at);
            HERE.set(stack.last().map_or(Clock::REAL, |last| last.clock));
            Some(place)
        });
        let set = self.clock.set();
        if let (Some(place), Some(set)) = (left.flatten(), set) {
            set.count(|state| state.at_work(place.job, if place.rests { 0 } else { -1 }));
        }
    }
}

/// This thread is not at work by the clock, until this is dropped.
pub(super) struct Resting {
    set: Arc<Set>,
    numbers: Vec<u64>,
    /// What it counts as meanwhile is new to those that look.
    moves: bool,
}

impl Resting {
    pub(super) fn new(set: &Arc<Set>, moves: bool) -> Self {
        let (mut threads, mut jobs) = (0, 0);
        let numbers = with(|stack| {
            let clock = set.clock();
            let own = stack.iter_mut().filter(|place| place.clock == clock && !place.rests);
            own.map(|place| {
                place.rests = true;
                *(if place.job { &mut jobs } else { &mut threads }) += 1;
                place.number
            })
            .collect()
        });
        set.count_as(moves, |state| {
            state.at_work(true, -jobs);
            state.at_work(false, -threads);
        });
        Resting { set: Arc::clone(set), numbers: numbers.unwrap_or_default(), moves }
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        let (mut threads, mut jobs) = (0, 0);
        let _ = with(|stack| {
            for place in stack.iter_mut().filter(|place| self.numbers.contains(&place.number)) {
                place.rests = false;
                *(if place.job { &mut jobs } else { &mut threads }) += 1;
            }
        });
        self.set.count_as(self.moves, |state| {
            state.at_work(true, jobs);
            state.at_work(false, threads);
        });
    }
}

/// This thread waits for something that no clock knows of.
pub(super) struct Away {
    set: Arc<Set>,
    _resting: Resting,
}

impl Away {
    pub(super) fn new(set: Arc<Set>) -> Self {
        set.count(|state| state.away += 1);
        let resting = Resting::new(&set, true);
        Away { set, _resting: resting }
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        self.set.count(|state| state.away -= 1);
    }
}
