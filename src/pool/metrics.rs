//! What a pool is doing, in numbers.

use super::handle::Pool;

/// What a [`Pool`] was doing at a moment: the numbers go together.
///
/// Threads that run a job or a callback, or look for one, are `running`; those that wait in a `get`, or in
/// [`blocking`](crate::blocking()), are `blocked`; the others are `idle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// How many workers may be at work at a time.
    pub workers: usize,
    /// How many threads run something, or look for it.
    pub running: usize,
    /// How many threads wait inside of what they run.
    pub blocked: usize,
    /// How many threads have nothing to do.
    pub idle: usize,
    /// How many threads were ever started.
    pub started: usize,
    /// How many spawned jobs and futures have been finished. Callbacks are not counted, nor the jobs of a
    /// [`Serial`](crate::Serial).
    pub finished: usize,
}

impl Pool {
    /// What the pool is doing now.
    ///
    /// It takes the lock that workers take when they fall asleep or wake, for some nanoseconds. How many jobs are queued
    /// is another question, [`queued`](Self::queued), because the queue keeps no count.
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::new(4);
    /// pool.run(|| ()).get(None)?;
    /// let metrics = pool.metrics();
    /// assert_eq!((metrics.workers, metrics.started, metrics.finished), (4, 1, 1));
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[must_use]
    pub fn metrics(&self) -> PoolMetrics {
        let state = self.core().lock();
        PoolMetrics {
            workers: state.target,
            running: state.busy(),
            blocked: state.blocked,
            idle: state.idle,
            started: state.started,
            finished: state.finished(),
        }
    }

    /// How many jobs are queued: spawned, and not yet begun.
    ///
    /// It counts them, one by one, and pushers and workers that need the queue meanwhile find it empty: so this is for a
    /// look now and then, not for a limit. That is [`queue_limit`](crate::PoolBuilder::queue_limit).
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::new(0);
    /// let jobs: Vec<_> = (0..3).map(|n| pool.run(move || n)).collect();
    /// assert_eq!(pool.queued(), 3);
    /// pool.set_worker_count(1);
    /// # drop(jobs);
    /// ```
    #[must_use]
    pub fn queued(&self) -> usize {
        self.core().queued()
    }
}
