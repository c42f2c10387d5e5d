//! The beginning of a pool.

use std::io;
use std::time::Duration;

use super::core::{Core, Settings};
use super::handle::Pool;
use super::hooks::Hook;
use super::shutdown::Shutdown;
use crate::failure::watch_panics;

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
    settings: Settings,
}

impl PoolBuilder {
    pub(super) fn new() -> Self {
        let name = "asynckit".to_owned();
        let settings =
            Settings { name, max_spare_workers: MAX_SPARE_WORKERS, ..Settings::default() };
        PoolBuilder { workers: 1, settings }
    }

    /// How many workers may be at work at a time: 1 if this is not called.
    pub fn workers(mut self, count: usize) -> Self {
        self.workers = count;
        self
    }

    /// The name of the threads, which a number is put behind: `asynckit-0` if this is not called.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.settings.name);
        self
    }

    /// The size of each thread's stack in bytes; that of `std::thread` if this is not called.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.settings.stack_size = Some(bytes);
        self
    }

    /// How many jobs may be queued before `try_spawn` refuses more; no limit if this is not called.
    pub fn queue_limit(mut self, jobs: usize) -> Self {
        self.settings.queue_limit = Some(jobs);
        self
    }

    /// How many threads may stand in for workers that wait in a `get`: 64 if this is not called.
    ///
    /// Where no more may be started, and all wait without a limit of time while work is queued, one of
    /// the waits ends with [`Failure::WouldDeadlock`](crate::Failure::WouldDeadlock).
    pub fn max_spare_workers(mut self, count: usize) -> Self {
        self.settings.max_spare_workers = count;
        self
    }

    /// What becomes of queued work when the last handle is dropped: it is run, if this is not called.
    ///
    /// That is [`Shutdown::Drain`]: a program that leaves `main` early, by `?` behind a `get` that timed out, ends only
    /// when the queue is empty. With [`Shutdown::CancelQueued`] it ends when what runs now has ended; what is queued is
    /// dropped, and its promises fail with [`Failure::Abandoned`](crate::Failure::Abandoned).
    ///
    /// ```
    /// use asynckit::{Pool, Shutdown};
    ///
    /// let pool = Pool::builder().workers(0).on_drop(Shutdown::CancelQueued).build()?;
    /// let mut queued = pool.run(|| 42);
    /// drop(pool);
    /// assert!(queued.get(None).unwrap_err().is_abandoned());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_drop(mut self, how: Shutdown) -> Self {
        self.settings.cancel_on_drop = how == Shutdown::CancelQueued;
        self
    }

    /// How long a thread that has nothing to do is kept: as long as the pool, if this is not called.
    ///
    /// A thread that has been idle for so long ends, also the last one; when there is work again, one is started, which
    /// takes some 20 to 50 µs more. For a program that works in bursts, with a large pool. Java's `keepAliveTime`.
    ///
    /// ```
    /// use asynckit::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder().workers(64).keep_alive(Duration::from_secs(10)).build()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn keep_alive(mut self, idle: Duration) -> Self {
        self.settings.keep_alive = Some(idle);
        self
    }

    /// What each of the pool's threads does first: a connection of its own, its affinity, its priority.
    ///
    /// It runs on the new thread, before its first job; jobs that are queued wait for it, or other threads run them. It may
    /// use the pool. A panic in it is contained: the thread goes on to its work. The last call counts.
    ///
    /// ```
    /// use asynckit::Pool;
    /// use std::cell::Cell;
    ///
    /// thread_local!(static SESSION: Cell<Option<u32>> = const { Cell::new(None) });
    ///
    /// let pool = Pool::builder().on_thread_start(|| SESSION.set(Some(7))).build()?;
    /// assert_eq!(pool.run(|| SESSION.get()).get(None)?, Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_thread_start(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.settings.on_start = Hook::new(f);
        self
    }

    /// What each of the pool's threads does last, after its last job; dropping the pool waits for it, and
    /// [`shutdown`](Pool::shutdown) as long as its time lasts.
    ///
    /// The thread does not count among the pool's any more, but among those that `shutdown` reports as still running. A
    /// panic in it is contained. The last call counts.
    pub fn on_thread_stop(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.settings.on_stop = Hook::new(f);
        self
    }

    /// Makes the pool. No thread is started yet.
    ///
    /// # Errors
    /// If the name cannot be one of a thread, because there is a NUL byte in it.
    pub fn build(&self) -> io::Result<Pool> {
        let name = &self.settings.name;
        if name.contains('\0') {
            let message = format!("the name of a pool has a NUL byte in it: {name:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Pool::from_builder(self))
    }

    pub(super) fn core(&self) -> &'static Core {
        watch_panics();
        Core::open(self.settings.clone(), self.workers)
    }
}
