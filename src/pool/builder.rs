//! The beginning of a pool.

use std::io;

use super::Pool;
use super::core::{Core, Settings};

/// How many threads may stand in for blocked ones.
const MAX_SPARE_WORKERS: usize = 64;

/// Settings for a new [`Pool`].
///
/// ```
/// use asynckit::Pool;
///
/// let pool = Pool::builder().workers(2).name("fetch").stack_size(256 * 1024).build()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder makes no pool until `build` is called"]
pub struct PoolBuilder {
    workers: usize,
    name: String,
    stack_size: Option<usize>,
    queue_limit: Option<usize>,
    max_spare_workers: usize,
}

impl PoolBuilder {
    pub(super) fn new() -> Self {
        PoolBuilder {
            workers: 1,
            name: "asynckit".to_owned(),
            stack_size: None,
            queue_limit: None,
            max_spare_workers: MAX_SPARE_WORKERS,
        }
    }

    /// How many workers may be at work at a time: 1 if this is not called, as in asynckit.py.
    pub fn workers(mut self, count: usize) -> Self {
        self.workers = count;
        self
    }

    /// The name of the threads, which a number is put behind: `asynckit-0` if this is not called.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The size of each thread's stack in bytes; that of `std::thread` if this is not called.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// How many jobs may be queued before `try_spawn` refuses more; no limit if this is not called.
    pub fn queue_limit(mut self, jobs: usize) -> Self {
        self.queue_limit = Some(jobs);
        self
    }

    /// How many threads may stand in for workers that wait in a `get`: 64 if this is not called.
    ///
    /// Where no more may be started, and all wait without a limit of time while work is queued, one of
    /// the waits ends with [`Failure::WouldDeadlock`](crate::Failure::WouldDeadlock).
    pub fn max_spare_workers(mut self, count: usize) -> Self {
        self.max_spare_workers = count;
        self
    }

    /// Makes the pool. No thread is started yet.
    ///
    /// # Errors
    /// If the name cannot be one of a thread, because there is a NUL byte in it.
    pub fn build(&self) -> io::Result<Pool> {
        if self.name.contains('\0') {
            let message = format!("the name of a pool has a NUL byte in it: {:?}", self.name);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Pool::from_builder(self))
    }

    pub(super) fn core(&self) -> &'static Core {
        let settings = Settings {
            name: self.name.clone(),
            stack_size: self.stack_size,
            max_spare_workers: self.max_spare_workers,
            queue_limit: self.queue_limit,
        };
        Core::open(settings, self.workers)
    }
}
