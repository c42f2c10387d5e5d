//! Many steps that do not depend on each other, handed out in order.

use std::collections::VecDeque;
use std::panic::Location;

use super::Source;
use crate::failure::{Failure, catch, drop_quietly};
use crate::promise::{IntoPromise, Promise};
use crate::sync::{Arc, Mutex};

/// The consumer's end.
pub(super) struct AtOnce<I, F, T, E> {
    shared: Arc<Shared<I, F, T, E>>,
}

struct Shared<I, F, T, E> {
    limit: usize,
    location: &'static Location<'static>,
    /// No user code runs under this lock.
    state: Mutex<State<I, F, T, E>>,
}

struct State<I, F, T, E> {
    /// `None` while they are called, and behind the end. They are called inside of the first call, and then when the
    /// value that the consumer waits for has come: never by two at a time.
    inputs: Option<(I, F)>,
    under_way: VecDeque<Promise<T, E>>,
    closed: bool,
}

impl<I, F, R> AtOnce<I, F, R::Ok, R::Err>
where
    I: Iterator,
    F: FnMut(I::Item) -> R,
    R: IntoPromise,
    R::Ok: Send + 'static,
    R::Err: Send + 'static,
{
    pub(super) fn new(
        inputs: I,
        limit: usize,
        make: F,
        location: &'static Location<'static>,
    ) -> Self {
        let under_way = VecDeque::new();
        let state = State { inputs: Some((inputs, make)), under_way, closed: false };
        let shared = Shared { limit, location, state: Mutex::new(state) };
        shared.fill();
        AtOnce { shared: Arc::new(shared) }
    }
}

impl<I, F, R> Shared<I, F, R::Ok, R::Err>
where
    I: Iterator,
    F: FnMut(I::Item) -> R,
    R: IntoPromise,
    R::Ok: Send + 'static,
    R::Err: Send + 'static,
{
    /// Starts as many as may be under way.
    fn fill(&self) {
        loop {
            let mut state = self.state.lock();
            if state.under_way.len() >= self.limit {
                return;
            }
            let Some((mut inputs, mut make)) = state.inputs.take() else { return };
            drop(state);
            let made = catch(|| inputs.next().map(|input| make(input).into_promise()));
            let goes_on = matches!(made, Ok(Some(_)));
            let made =
                made.unwrap_or_else(|panic| Some(Promise::settled(Err(Failure::Panicked(panic)))));
            let mut state = self.state.lock();
            if state.closed {
                drop(state);
                if let Some(promise) = &made {
                    promise.cancel();
                }
                return drop_quietly((inputs, make, made));
            }
            state.under_way.extend(made);
            if !goes_on {
                drop(state);
                return drop_quietly((inputs, make));
            }
            state.inputs = Some((inputs, make));
        }
    }
}

impl<I, F, R> Source<R::Ok, R::Err> for AtOnce<I, F, R::Ok, R::Err>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item) -> R + Send + 'static,
    R: IntoPromise + 'static,
    R::Ok: Send + 'static,
    R::Err: Send + 'static,
{
    fn pull(&mut self) -> Promise<Option<R::Ok>, R::Err> {
        let next = self.shared.state.lock().under_way.pop_front();
        let Some(next) = next else { return Promise::ready(None) };
        let shared = Arc::clone(&self.shared);
        next.then_at(self.shared.location, move |value| {
            shared.fill();
            Ok(Some(value))
        })
    }

    fn read_ahead(&mut self, _: usize) {}

    fn close(&mut self) {
        let mut state = self.shared.state.lock();
        state.closed = true;
        let (inputs, under_way) = (state.inputs.take(), std::mem::take(&mut state.under_way));
        drop(state);
        for promise in &under_way {
            promise.cancel();
        }
        drop_quietly((inputs, under_way));
    }
}
