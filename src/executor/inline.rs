//! The executor that is wherever the promise is settled.

use super::{Executor, ExecutorRef, Job};
use crate::cell::ExecutorHandle;

/// Runs callbacks inside the call that settles the promise, or that attaches the callback to a settled
/// one, on that thread.
///
/// For callbacks that are so short that a trip to a pool is not worth it, and that need no lock the
/// settling thread could hold. A callback that is set off inside another one waits until that one
/// is through, so that a long chain needs no stack; [`get`](crate::Promise::get) inside a callback runs
/// what waits so.
///
/// ```
/// use asynckit::{Inline, Promise};
///
/// let (deferred, promise) = Promise::<i32>::deferred();
/// let here = std::thread::current().id();
/// let mut ran_here = promise.via(Inline).map(move |_| std::thread::current().id() == here);
/// deferred.resolve(1);
/// assert!(ran_here.try_get().unwrap()?);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inline;

impl Executor for Inline {
    fn execute(&self, job: Job) {
        job.run();
    }
}

impl From<Inline> for ExecutorRef {
    fn from(_: Inline) -> Self {
        ExecutorRef(ExecutorHandle::inline())
    }
}
