//! The handle on a pool.

use std::fmt;

use super::builder::PoolBuilder;
use super::core::Core;
use super::tuning::{GLOBAL_MORE, GLOBAL_MOST};
use crate::sync;
use crate::sync::OnceLock;
use crate::sync::atomic::Ordering;
use crate::timeout::Timeout;

/// A handle on a pool of threads.
///
/// `spawn` queues work and hands back a [`Promise`](crate::Promise) at once. Clones are handles on
/// the same pool. Threads are started when there is work for them, never more than
/// [`worker_count`](Pool::worker_count) at work at a time; while a job waits in `get`, another
/// thread takes its place.
///
/// Dropping the last handle finishes all accepted work (only what runs, with
/// [`on_drop`](PoolBuilder::on_drop)`(Shutdown::CancelQueued)`) and then joins the threads. It does not wait on
/// one of the pool's own threads, nor where a callback that had captured it is dropped unrun. Promises keep no pool alive: what is attached to them later, or becomes
/// ready later, runs on [`Pool::global`].
///
/// ```
/// use asynckit::Pool;
///
/// let pool = Pool::new(4);
/// let mut answer = pool.run(|| 6 * 7);
/// assert_eq!(answer.get(None)?, 42);
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub struct Pool {
    pub(super) core: &'static Core,
    /// The drop of the last handle waits until all is finished.
    waits: bool,
}

impl Pool {
    /// Makes a pool of `workers` threads; they are started when there is work.
    ///
    /// With 0 it queues work until [`set_worker_count`](Self::set_worker_count) lets it begin.
    pub fn new(workers: usize) -> Pool {
        Pool::from_builder(&Pool::builder().workers(workers))
    }

    /// Makes a pool with a name, a stack size, a limit of the queue …
    pub fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// The pool of the process, for [`spawn`](crate::spawn) and promises that were made by hand.
    ///
    /// It has as many workers as there are cores plus 4, 32 at the most, and is never shut down:
    /// when `main` returns, what it still runs is cut off.
    pub fn global() -> &'static Pool {
        sync::global! {
            static GLOBAL: OnceLock<Pool> = OnceLock::new();
        }
        GLOBAL.get_or_init(|| {
            let cores = sync::thread::available_parallelism().map_or(1, usize::from);
            let workers = cores.saturating_add(GLOBAL_MORE).min(GLOBAL_MOST);
            Pool::from_builder(&Pool::builder().workers(workers).name("asynckit-global"))
        })
    }

    pub(super) fn from_builder(builder: &PoolBuilder) -> Pool {
        Pool { core: builder.core(), waits: true }
    }

    pub(crate) fn core(&self) -> &'static Core {
        self.core
    }

    /// How many workers the pool may have at work at a time, as it was set last.
    pub fn worker_count(&self) -> usize {
        self.core.lock().target
    }

    /// How many threads the pool has now, idle ones and those that stand in for blocked ones
    /// included.
    pub fn live_workers(&self) -> usize {
        self.core.lock().live
    }

    /// Waits until `try_spawn` would find room in the queue. `false`: the time is over.
    ///
    /// Without a [`queue_limit`](PoolBuilder::queue_limit) there always is.
    pub fn wait_for_room(&self, timeout: impl Into<Timeout>) -> bool {
        self.core.wait_for_room(timeout.into())
    }

    /// Lets go of the pool without waiting for it: what the drop of the last handle would wait for goes on by itself.
    ///
    /// Accepted work is finished (only what runs, with [`on_drop`](PoolBuilder::on_drop)`(Shutdown::CancelQueued)`), then the
    /// threads end. When `main` returns before that, they are cut off. If there are other handles, this one is just
    /// dropped.
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::new(1);
    /// let mut answer = pool.run(|| 42);
    /// pool.detach();
    /// assert_eq!(answer.get(None)?, 42);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    pub fn detach(mut self) {
        self.waits = false;
    }

    /// Changes how many workers may be at work, while jobs run; 0 pauses.
    ///
    /// A worker that is too many finishes what it is running, and gives back what it has taken from
    /// the queue; nothing is lost and the order stays.
    pub fn set_worker_count(&self, count: usize) {
        let mut state = self.core.lock();
        if state.closing {
            return;
        }
        state.target = count;
        state.retire = state.live.saturating_sub(count);
        state.publish(self.core);
        if state.retire > 0 {
            self.core.work_available.notify_all();
        }
        let work = self.core.has_work(&state);
        drop(state);
        if work {
            self.core.wake_if_needed();
        }
    }
}

/// Its name, what its threads are doing, and whether work is queued.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = self.core;
        let state = core.lock();
        let (target, closing) = (state.target, state.closing);
        let (busy, idle, waiting) = (state.busy(), state.idle, state.blocked);
        let queued = core.has_work(&state);
        drop(state); // what is written to is the user's
        let name = &core.settings().name;
        write!(
            f,
            "Pool({name:?}, {busy} of {target} workers busy, {idle} idle, {waiting} waiting"
        )?;
        f.write_str(if queued { ", work is queued" } else { ", nothing is queued" })?;
        f.write_str(if closing { ", shut down)" } else { ")" })
    }
}

impl Clone for Pool {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed as in `Arc`: the cloner has a handle.
        if self.core.handles.fetch_add(1, Ordering::Relaxed) > usize::MAX / 2 {
            std::process::abort(); // as `Arc` does: the count must not wrap
        }
        Pool { core: self.core, waits: true }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // ORDERING: AcqRel as in `Arc`: what the other handles did happens before the end.
        if self.core.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.core.finish(self.waits);
        }
    }
}
