//! Many steps that do not depend on each other, handed out in order.

use std::collections::VecDeque;

use super::Source;
use crate::failure::{Failure, catch, drop_quietly};
use crate::promise::{IntoPromise, Promise};

pub(super) struct AtOnce<I, F, T, E> {
    /// `None` behind the end.
    inputs: Option<(I, F)>,
    limit: usize,
    under_way: VecDeque<Promise<T, E>>,
}

impl<I, F, R> AtOnce<I, F, R::Ok, R::Err>
where
    I: Iterator,
    F: FnMut(I::Item) -> R,
    R: IntoPromise,
    R::Ok: Send + 'static,
    R::Err: Send + 'static,
{
    pub(super) fn new(inputs: I, limit: usize, make: F) -> Self {
        let mut this = AtOnce { inputs: Some((inputs, make)), limit, under_way: VecDeque::new() };
        this.fill();
        this
    }

    fn fill(&mut self) {
        while self.under_way.len() < self.limit {
            let Some((inputs, make)) = &mut self.inputs else { return };
            match catch(|| inputs.next().map(|input| make(input).into_promise())) {
                Ok(Some(promise)) => self.under_way.push_back(promise),
                Ok(None) => drop_quietly(self.inputs.take()),
                Err(panic) => {
                    self.under_way.push_back(Promise::settled(Err(Failure::Panicked(panic))));
                    drop_quietly(self.inputs.take());
                }
            }
        }
    }
}

impl<I, F, R> Source<R::Ok, R::Err> for AtOnce<I, F, R::Ok, R::Err>
where
    I: Iterator + Send,
    F: FnMut(I::Item) -> R + Send,
    R: IntoPromise,
    R::Ok: Send + 'static,
    R::Err: Send + 'static,
{
    fn pull(&mut self) -> Promise<Option<R::Ok>, R::Err> {
        self.fill();
        let Some(next) = self.under_way.pop_front() else { return Promise::ready(None) };
        if next.is_set() {
            self.fill();
        }
        next.map(Some)
    }

    fn read_ahead(&mut self, _: usize) {}

    fn close(&mut self) {
        drop_quietly(self.inputs.take());
        for promise in self.under_way.drain(..) {
            promise.cancel();
        }
    }
}
