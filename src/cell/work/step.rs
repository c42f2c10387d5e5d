//! What the cells do, told without cells: the work of a job, the step of a link. No unsafe code is
//! needed to add one.

use super::consumer::Consumer;
use crate::cell::state::dependency::Depends;
use crate::failure::{Failure, Outcome};
use crate::trace::Trace;

/// What user code has come to.
pub(crate) enum Next<T, E> {
    /// An outcome of its own.
    Settled(Outcome<T, E>),
    /// The failure that it was given: if that was seen, so was this.
    Same(Failure<E>),
    /// A failure that has come some way.
    Failed(Failure<E>, Box<Trace>),
    /// A promise that will have the outcome.
    Follow(Consumer<T, E>),
}

/// The work of a job.
pub(crate) trait Work: Send + 'static {
    /// The value that it gives.
    type Ok: 'static;
    /// The error that it gives.
    type Err: 'static;
    /// Its name in a trace.
    const KIND: &'static str;
    /// Does it. A panic becomes the outcome.
    fn run(self) -> Next<Self::Ok, Self::Err>;
    /// The shared value that it waits for, and its place there. Runs no user code.
    fn dependency(&self) -> Option<Depends> {
        None
    }
}

/// What a link does with the outcome of the cell before it.
pub(crate) trait Step<T, E>: Send + 'static {
    /// The value that it gives.
    type Ok: 'static;
    /// The error that it gives.
    type Err: 'static;
    /// Its name in a trace.
    const KIND: &'static str;
    /// Whether the trace of a failure that passes through tells of it: not, where it is a part of
    /// something that does.
    const IN_WAY: bool = true;
    /// Goes behind what the executor has queued.
    const QUEUED: bool = false;
    /// Runs also on the way of a cancellation.
    const ALWAYS: bool = false;
    /// The user's function is shown the failure that passes through.
    const LOOKS: bool = false;
    /// Takes the way of a failure that it gets, and tells that of its own: by [`Next::Failed`].
    const TAKES_WAY: bool = false;
    /// Fails with `Abandoned` where its pool was shut down; else it runs on the pool of the process then.
    const NEEDS_EXECUTOR: bool = false;
    /// What of an outcome the user's function gets.
    type Wanted;
    /// Whether this outcome is for the user's function.
    fn wants(outcome: &Outcome<T, E>) -> bool;
    /// Takes what the user's function gets, or passes on what it does not get.
    fn sort(outcome: Outcome<T, E>) -> Result<Self::Wanted, Outcome<Self::Ok, Self::Err>>;
    /// Gets the way that a failure came before it is run, where it [takes](Self::TAKES_WAY) that.
    fn came_by(&mut self, _way: Option<Box<Trace>>) {}
    /// Calls the user's function. A panic becomes the outcome.
    fn run(self, wanted: Self::Wanted) -> Next<Self::Ok, Self::Err>;
    /// An outcome passes that the user's function does not get. On the settling thread.
    fn passed_by(self, _outcome: &Outcome<T, E>)
    where
        Self: Sized,
    {
    }
}
