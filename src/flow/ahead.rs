//! One step after the other, some of them ahead of the consumer.
//!
//! The step function is in one place at a time: with the state while it is idle, with the callback behind the promise
//! that it has made while that is under way. That promise ends when the callback has put the value where the consumer
//! finds it, or fails as the step has: so it is what the consumer waits for.

use std::collections::VecDeque;
use std::mem;
use std::panic::Location;

use super::Source;
use crate::cell::ExecutorHandle;
use crate::deferred::Deferred;
use crate::failure::{Failure, Outcome, catch, drop_quietly};
use crate::promise::Promise;
use crate::sync::{Arc, Mutex};

pub(super) type Step<T, E> = Box<dyn FnMut() -> Promise<Option<T>, E> + Send>;

/// The consumer's end.
pub(super) struct Ahead<T, E> {
    shared: Arc<Shared<T, E>>,
}

struct Shared<T, E> {
    /// No user code runs under this lock.
    state: Mutex<State<T, E>>,
    location: &'static Location<'static>,
}

struct State<T, E> {
    phase: Phase<T, E>,
    /// What has come, and was not taken.
    ready: VecDeque<T>,
    /// The newest step, as far as it is known, unless the consumer waits for it.
    under_way: Option<Promise<(), E>>,
    /// How many steps were started, and which of them `under_way` is, or was.
    started: u64,
    noted: u64,
    /// The consumer has come while a step was being made, and its promise was not known: told of whatever comes of it.
    asked: Option<Deferred<(), E>>,
    ahead: usize,
    closed: bool,
    /// That of the first step's promise.
    executor: Option<ExecutorHandle>,
}

enum Phase<T, E> {
    Idle(Step<T, E>),
    Running,
    Over,
}

impl<T: Send + 'static, E: Send + 'static> Ahead<T, E> {
    pub(super) fn new(step: Step<T, E>, location: &'static Location<'static>) -> Self {
        let state = State {
            phase: Phase::Idle(step),
            ready: VecDeque::new(),
            under_way: None,
            started: 0,
            noted: 0,
            asked: None,
            ahead: 1,
            closed: false,
            executor: None,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), location });
        shared.start(0);
        Ahead { shared }
    }
}

impl<T: Send + 'static, E: Send + 'static> Source<T, E> for Ahead<T, E> {
    fn pull(&mut self) -> Promise<Option<T>, E> {
        self.shared.pull()
    }

    fn read_ahead(&mut self, count: usize) {
        self.shared.state.lock().ahead = count;
        self.shared.start(0);
    }

    fn close(&mut self) {
        self.shared.close();
    }
}

impl<T: Send + 'static, E: Send + 'static> Shared<T, E> {
    /// Starts the next step, if none is under way and fewer are there than are to be, or than `wanted`.
    fn start(self: &Arc<Self>, wanted: usize) {
        loop {
            let mut state = self.state.lock();
            if state.ready.len() >= state.ahead.max(wanted) {
                return;
            }
            let step = match mem::replace(&mut state.phase, Phase::Running) {
                Phase::Idle(step) => step,
                other => return state.phase = other,
            };
            state.started += 1;
            let number = state.started;
            drop(state);
            let made = self.begin(step);
            let noted = made.map(|promise| self.note(number, promise));
            self.tell();
            if noted.is_some() {
                return;
            }
        }
    }

    /// Makes the step's promise, behind which it arrives. `None`: it was there at once, and has arrived.
    fn begin(self: &Arc<Self>, mut step: Step<T, E>) -> Option<Promise<(), E>> {
        let made = catch(&mut step);
        let made = made.unwrap_or_else(|panic| Promise::settled(Err(Failure::Panicked(panic))));
        let there = made.is_set() && !made.is_error();
        let (mut consumer, own) = made.into_parts();
        let executor = self.state.lock().executor.get_or_insert(own).clone();
        let mut run = Run { shared: Arc::clone(self), step: Some(step) };
        if there {
            if let Some(Ok(value)) = consumer.take() {
                run.arrived(value);
                return None;
            }
        }
        let arrives = Promise::new(consumer, executor).then_at(self.location, move |value| {
            let shared = Arc::clone(&run.shared);
            run.arrived(value);
            shared.start(0);
            Ok(())
        });
        Some(arrives)
    }

    /// Notes the promise of a step, unless a later one was noted: that may have come to its end, and the next one may have been
    /// started, before this thread is here.
    fn note(&self, number: u64, promise: Promise<(), E>) {
        let mut state = self.state.lock();
        if state.closed || state.noted > number {
            drop(state);
            promise.cancel(); // nothing, where it has arrived
            return;
        }
        state.noted = number;
        let before = state.under_way.replace(promise);
        drop(state);
        drop(before);
    }

    fn pull(self: &Arc<Self>) -> Promise<Option<T>, E> {
        loop {
            let mut state = self.state.lock();
            let executor = state.executor.clone();
            if let Some(value) = state.ready.pop_front() {
                drop(state);
                self.start(0);
                return settled(Ok(Some(value)), executor);
            }
            if let Some(step) = state.under_way.take() {
                drop(state);
                if step.is_set() && !step.is_error() {
                    continue; // it has arrived before
                }
                let shared = Arc::clone(self);
                return step.then_at(self.location, move |()| shared.pull());
            }
            match state.phase {
                Phase::Idle(_) => {}
                Phase::Over => return settled(Ok(None), executor),
                Phase::Running if state.noted != state.started => {
                    let (deferred, promise) = Promise::<(), E>::deferred();
                    let before = state.asked.replace(deferred);
                    drop(state);
                    drop(before); // its promise was given up
                    let (consumer, own) = promise.into_parts();
                    let shared = Arc::clone(self);
                    return Promise::new(consumer, executor.unwrap_or(own))
                        .then_at(self.location, move |()| shared.pull());
                }
                // It was waited for, and given up.
                Phase::Running => return settled(Err(Failure::Cancelled), executor),
            }
            drop(state);
            self.start(1);
        }
    }

    /// Tells the consumer that has come too early to look again.
    fn tell(&self) {
        let asked = self.state.lock().asked.take();
        if let Some(asked) = asked {
            asked.resolve(());
        }
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let phase = mem::replace(&mut state.phase, Phase::Over);
        let (ready, step) = (mem::take(&mut state.ready), state.under_way.take());
        drop(state);
        if let Some(step) = &step {
            step.cancel();
        }
        drop_quietly((phase, step));
        ready.into_iter().for_each(drop_quietly);
        self.tell();
    }
}

/// A settled promise whose callbacks run on the flow's executor.
pub(super) fn settled<T: 'static, E: 'static>(
    outcome: Outcome<T, E>,
    executor: Option<ExecutorHandle>,
) -> Promise<T, E> {
    let (consumer, own) = Promise::settled(outcome).into_parts();
    Promise::new(consumer, executor.unwrap_or(own))
}

/// Behind a step that is under way.
struct Run<T, E> {
    shared: Arc<Shared<T, E>>,
    step: Option<Step<T, E>>,
}

impl<T, E> Run<T, E> {
    /// Puts the value where the consumer finds it; `None` is the end.
    fn arrived(&mut self, value: Option<T>) {
        let mut state = self.shared.state.lock();
        if state.closed || value.is_none() {
            drop(state);
            self.over();
            return drop_quietly(value);
        }
        state.ready.extend(value);
        if let Some(step) = self.step.take() {
            state.phase = Phase::Idle(step);
        }
    }

    fn over(&mut self) {
        let step = self.step.take();
        self.shared.state.lock().phase = Phase::Over;
        drop_quietly(step);
    }
}

impl<T, E> Drop for Run<T, E> {
    /// Not even called: the step has failed, or was cancelled.
    fn drop(&mut self) {
        if self.step.is_some() {
            self.over();
        }
    }
}
