//! One step after the other, some of them ahead of the consumer.
//!
//! The step function is in one place at a time: with the state while it is idle, with the callback behind the promise
//! that it has made while that is under way. That promise ends when the callback has put the value where the consumer
//! finds it, so it is what the consumer waits for.

use std::collections::VecDeque;
use std::mem;

use super::Source;
use crate::cell::ExecutorHandle;
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
}

struct State<T, E> {
    phase: Phase<T, E>,
    /// What has come, and was not taken.
    ready: VecDeque<Outcome<T, E>>,
    /// The newest step, as far as it is known, unless the consumer waits for it.
    under_way: Option<Promise<(), E>>,
    /// How many steps were started, and which of them `under_way` is, or was.
    started: u64,
    noted: u64,
    ahead: usize,
    /// That of the first step's promise.
    executor: Option<ExecutorHandle>,
}

enum Phase<T, E> {
    Idle(Step<T, E>),
    Running,
    Over,
}

impl<T: Send + 'static, E: Send + 'static> Ahead<T, E> {
    pub(super) fn new(step: Step<T, E>) -> Self {
        let state = State {
            phase: Phase::Idle(step),
            ready: VecDeque::new(),
            under_way: None,
            started: 0,
            noted: 0,
            ahead: 1,
            executor: None,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state) });
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
        let promise = self.begin(step);
        self.note(number, promise);
    }

    /// Makes the step's promise, behind which it arrives.
    fn begin(self: &Arc<Self>, mut step: Step<T, E>) -> Promise<(), E> {
        let made = catch(&mut step);
        let made = made.unwrap_or_else(|panic| Promise::settled(Err(Failure::Panicked(panic))));
        let (consumer, own) = made.into_parts();
        let executor = self.state.lock().executor.get_or_insert(own).clone();
        let mut run = Run { shared: Arc::clone(self), step: Some(step) };
        Promise::new(consumer, executor).handle(move |outcome| {
            run.arrived(outcome);
            Ok(())
        })
    }

    /// Notes the promise of a step, unless a later one was noted: that may have come to its end, and the next one may have been
    /// started, before this thread is here.
    fn note(&self, number: u64, promise: Promise<(), E>) {
        let mut state = self.state.lock();
        let over = matches!(state.phase, Phase::Over);
        if over || state.noted > number {
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
            if let Some(outcome) = state.ready.pop_front() {
                let executor = state.executor.clone();
                drop(state);
                self.start(0);
                return settled(outcome.map(Some), executor);
            }
            if let Some(step) = state.under_way.take() {
                drop(state);
                let shared = Arc::clone(self);
                return step.handle(move |outcome| match outcome {
                    Ok(()) => shared.pull(),
                    Err(failure) => Promise::settled(Err(failure)),
                });
            }
            let executor = state.executor.clone();
            match state.phase {
                Phase::Idle(_) => {}
                Phase::Over => return settled(Ok(None), executor),
                // It was waited for, and given up.
                Phase::Running => return settled(Err(Failure::Cancelled), executor),
            }
            drop(state);
            self.start(1);
        }
    }

    fn close(&self) {
        let mut state = self.state.lock();
        let phase = mem::replace(&mut state.phase, Phase::Over);
        let (ready, step) = (mem::take(&mut state.ready), state.under_way.take());
        drop(state);
        if let Some(step) = &step {
            step.cancel();
        }
        drop_quietly((phase, step));
        for outcome in ready {
            match outcome {
                Ok(value) => drop_quietly(value),
                // Nothing has seen it: it is told of.
                Err(failure) => drop(Promise::<(), E>::settled(Err(failure))),
            }
        }
    }
}

/// A settled promise whose callbacks run on the flow's executor.
fn settled<T: 'static, E: 'static>(
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

impl<T: Send + 'static, E: Send + 'static> Run<T, E> {
    fn arrived(&mut self, outcome: Outcome<Option<T>, E>) {
        let Some(outcome) = outcome.transpose() else { return self.over() };
        let goes_on = outcome.is_ok();
        let mut state = self.shared.state.lock();
        if matches!(state.phase, Phase::Over) {
            drop(state);
            return drop_quietly(outcome); // closed
        }
        state.ready.push_back(outcome);
        if goes_on {
            if let Some(step) = self.step.take() {
                state.phase = Phase::Idle(step);
            }
        }
        drop(state);
        if goes_on {
            self.shared.start(0);
        } else {
            self.over();
        }
    }
}

impl<T, E> Run<T, E> {
    fn over(&mut self) {
        let step = self.step.take();
        self.shared.state.lock().phase = Phase::Over;
        drop_quietly(step);
    }
}

impl<T, E> Drop for Run<T, E> {
    /// Not even called: the step was cancelled, or refused.
    fn drop(&mut self) {
        if self.step.is_some() {
            self.over();
        }
    }
}
