//! Links that let every outcome pass, and tell somebody that it did. They need no worker.

use std::convert::Infallible;

use crate::cell::{Next, Step};
use crate::failure::Outcome;

/// Is told that an outcome passes; dropped instead, if none ever does.
pub(crate) trait Pass: Send + 'static {
    /// Its name in a trace.
    const KIND: &'static str;
    /// Whether the trace of a failure tells of it.
    const IN_WAY: bool;
    /// An outcome passes. On the settling thread.
    fn passed(self, failed: bool);
}

/// The link.
pub(crate) struct Passing<P>(pub(crate) P);

impl<T: 'static, E: 'static, P: Pass> Step<T, E> for Passing<P> {
    type Ok = T;
    type Err = E;
    type Wanted = Infallible;
    const KIND: &'static str = P::KIND;
    const IN_WAY: bool = P::IN_WAY;

    fn wants(_: &Outcome<T, E>) -> bool {
        false
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Infallible, Outcome<T, E>> {
        Err(outcome)
    }

    fn run(self, never: Infallible) -> Next<T, E> {
        match never {}
    }

    fn passed_by(self, outcome: &Outcome<T, E>) {
        self.0.passed(outcome.is_err());
    }
}
