//! Work and steps that run in the context in which they were attached.

use crate::cell::{Depends, Next, Step, Work};
use crate::failure::Outcome;
use crate::telemetry::Context;
use crate::trace::Trace;

/// A job or a step, and its context.
pub(crate) struct Within<S> {
    context: Context,
    inner: S,
}

impl<S> Within<S> {
    pub(crate) fn current(inner: S) -> Self {
        Within::new(Context::current(), inner)
    }

    pub(crate) fn new(context: Context, inner: S) -> Self {
        Within { context, inner }
    }
}

impl<W: Work> Work for Within<W> {
    type Ok = W::Ok;
    type Err = W::Err;
    const KIND: &'static str = W::KIND;

    fn run(self) -> Next<W::Ok, W::Err> {
        let Within { context, inner } = self;
        context.within(|| inner.run())
    }

    fn dependency(&self) -> Option<Depends> {
        self.inner.dependency()
    }
}

impl<T, E, S: Step<T, E>> Step<T, E> for Within<S> {
    type Ok = S::Ok;
    type Err = S::Err;
    type Wanted = S::Wanted;
    const KIND: &'static str = S::KIND;
    const IN_WAY: bool = S::IN_WAY;
    const QUEUED: bool = S::QUEUED;
    const ALWAYS: bool = S::ALWAYS;
    const LOOKS: bool = S::LOOKS;
    const TAKES_WAY: bool = S::TAKES_WAY;
    const NEEDS_EXECUTOR: bool = S::NEEDS_EXECUTOR;

    fn wants(outcome: &Outcome<T, E>) -> bool {
        S::wants(outcome)
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Self::Wanted, Outcome<Self::Ok, Self::Err>> {
        S::sort(outcome)
    }

    fn came_by(&mut self, way: Option<Box<Trace>>) {
        self.inner.came_by(way);
    }

    fn run(self, wanted: Self::Wanted) -> Next<Self::Ok, Self::Err> {
        let Within { context, inner } = self;
        context.within(|| inner.run(wanted))
    }

    fn passed_by(self, outcome: &Outcome<T, E>) {
        self.inner.passed_by(outcome);
    }
}
