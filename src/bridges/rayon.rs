//! A rayon pool as an executor.

use rayon_core::ThreadPool;

use crate::executor::{Executor, Job};

/// Runs the job on one of the pool's threads: pass an `Arc` of the pool to
/// [`via`](crate::Promise::via), which keeps it alive as long as promises point to it.
///
/// ```
/// use asynckit::Promise;
/// use std::sync::Arc;
///
/// let rayon = Arc::new(rayon_core::ThreadPoolBuilder::new().num_threads(2).build()?);
/// let mut index = Promise::<_>::ready(()).via(rayon).map(|()| rayon_core::current_thread_index());
/// assert!(index.get(None)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Executor for ThreadPool {
    fn execute(&self, job: Job) {
        self.spawn(move || job.run());
    }
}
