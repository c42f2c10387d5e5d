//! How far a promise is: `state`.

use super::Promise;

/// How far a [`Promise`] is, by [`Promise::state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PromiseState {
    /// It waits for something that is no job of a pool: a deferred, a timer, other promises, a promise that it follows.
    Waiting,
    /// The job that it begins with is in the queue of its pool.
    Queued,
    /// The job that it begins with was taken from the queue, or what it begins with has settled: that job, or a callback
    /// behind it, runs or is about to. Also a job of a [`Serial`](crate::Serial), which is a callback.
    Running,
    /// It has its outcome.
    Settled,
}

impl<T, E> Promise<T, E> {
    /// How far the promise is, for a display or a log. It may be further when this returns; never less far, but for a
    /// callback that returns a promise, which is then waited for.
    ///
    /// `Debug` tells more, in words: what it waits for, and where that was made.
    ///
    /// ```
    /// use asynckit::{Pool, Promise, PromiseState};
    ///
    /// let pool = Pool::new(0);
    /// let mut job = pool.run(|| 1).map(|n| n + 1);
    /// assert_eq!(job.state(), PromiseState::Queued);
    /// pool.set_worker_count(1);
    /// job.get(None)?;
    /// assert_eq!(job.state(), PromiseState::Settled);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> PromiseState {
        if self.is_set() {
            return PromiseState::Settled;
        }
        match self.consumer.job_state() {
            _ if self.consumer.follows() => PromiseState::Waiting,
            Some("queued") => PromiseState::Queued,
            Some(_) => PromiseState::Running,
            None if self.consumer.has_begun() => PromiseState::Running,
            None => PromiseState::Waiting,
        }
    }
}
