//! What the cells do, told without cells: the work of a job, the step of a link. No unsafe code is
//! needed to add one.

use super::consumer::Consumer;
use super::header::CellRef;
use super::waiters::Ticket;
use crate::failure::{Failure, Outcome};
use crate::trace::Trace;

/// What user code has come to.
pub(crate) enum Next<T, E> {
    /// An outcome of its own.
    Settled(Outcome<T, E>),
    /// The failure that it was given: whoever has seen that has seen this.
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

/// What a job waits for that is in no queue: a shared value.
pub(crate) struct Depends {
    pub(crate) value: Box<dyn Dependency>,
    /// Its place among those who wait.
    pub(crate) ticket: Ticket,
}

/// A shared value, for a job that waits for it.
pub(crate) trait Dependency: Send + Sync {
    /// The tail of the chain that gives the value: kept as long as this is.
    fn tail(&self) -> CellRef;
    /// The promise of the branch in this place was dropped. Whether the pending value is nobody's by
    /// that.
    fn left(&self, ticket: Ticket) -> bool;
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
    /// Fails with `Abandoned` where its pool was shut down; else it runs on the pool of the process then.
    const NEEDS_EXECUTOR: bool = false;
    /// What of an outcome the user's function gets.
    type Wanted;
    /// Whether this outcome is for the user's function.
    fn wants(outcome: &Outcome<T, E>) -> bool;
    /// Takes what the user's function gets, or passes on what it does not get.
    fn sort(outcome: Outcome<T, E>) -> Result<Self::Wanted, Outcome<Self::Ok, Self::Err>>;
    /// Calls the user's function. A panic becomes the outcome.
    fn run(self, wanted: Self::Wanted) -> Next<Self::Ok, Self::Err>;
    /// An outcome passes that the user's function does not get. On the settling thread.
    fn passed_by(self, _outcome: &Outcome<T, E>)
    where
        Self: Sized,
    {
    }
}
