//! The end of a pool.

use std::panic::Location;
use std::time::Duration;

use super::core::Core;
use super::handle::Pool;
use super::state::PoolState;
use super::worker::Worker;
use crate::cell::{Item, ShutDown, ThisThread};
use crate::clock::Clock;
use crate::sync::atomic::Ordering;
use crate::sync::{MutexGuard, thread};
use crate::telemetry;
use crate::timeout::{Deadline, Timeout};

/// How often it is looked how many jobs are queued, if workers are moving some at that time.
const LOOKS: usize = 100;

/// What [`Pool::shutdown`] does with work that is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shutdown {
    /// It is run, with the callbacks and chained jobs that become ready meanwhile.
    Drain,
    /// It is dropped, and its promises fail with [`Failure::Abandoned`](crate::Failure::Abandoned).
    CancelQueued,
}

/// What [`Pool::shutdown`] came to: what has become of all jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Jobs that were finished during the call.
    pub finished: usize,
    /// Queued jobs that were dropped by the call: their promises have failed with
    /// [`Failure::Abandoned`](crate::Failure::Abandoned).
    pub abandoned: usize,
    /// Workers that were still running something when the time was over.
    pub still_running: usize,
    /// Jobs that were still queued when the time was over: `Drain` goes on with them in the background.
    pub queued: usize,
}

/// What was left when the time was over: how many workers were running something, how many jobs were queued.
type Left = (usize, usize);

impl Pool {
    /// Shuts the pool down, and waits for it until `timeout` is over.
    ///
    /// From now on a job that is spawned, and a `map`, `then` or `chain` that becomes ready, fails with
    /// `Abandoned`, as do the jobs that `CancelQueued` drops, and its [`trace`](crate::Promise::trace) names
    /// this call; `catch`, `handle`, `finally` and `inspect` run on [`Pool::global`]. After the deadline,
    /// which is one for all, `Drain` goes on in the background. From one of the pool's own jobs it neither counts nor
    /// waits for that job, nor for others that have shut the pool down. It may be called again. On
    /// [`Pool::global`] it only waits until the pool is idle.
    ///
    /// ```
    /// use asynckit::{Pool, Shutdown};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(2);
    /// let mut sum = pool.run(|| 1 + 1);
    /// let report = pool.shutdown(Shutdown::Drain, Duration::from_secs(5));
    /// assert_eq!(report.still_running, 0);
    /// assert_eq!(sum.get(None)?, 2);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown, timeout: impl Into<Timeout>) -> ShutdownReport {
        let core = self.core;
        let timeout = timeout.into();
        ThisThread::flush();
        let before = core.finished();
        let abandoned = match std::ptr::eq(core, Pool::global().core) {
            true => 0,
            false => {
                let abandoned = core.begin_closing(how, Some(Location::caller()));
                core.tell_guests();
                abandoned
            }
        };
        let inside = Worker::with_current(core, |worker| worker.shuts(true)).is_some();
        let (still_running, queued) = core.wait_until_idle(timeout.start_by(Clock::REAL), inside);
        let finished = core.finished() - before;
        ShutdownReport { finished, abandoned, still_running, queued }
    }
}

impl Core {
    /// How many jobs were finished, ever.
    fn finished(&self) -> usize {
        self.lock().finished()
    }

    /// No new jobs; the last worker that rests closes the queue. Says how many queued jobs were
    /// dropped.
    fn begin_closing(&'static self, how: Shutdown, shut_down: ShutDown) -> usize {
        if let Some(location) = shut_down {
            self.shut_down.lock().note(self.number(), location);
        }
        // ORDERING: Relaxed, a hint; the closed queue decides.
        self.closing.store(true, Ordering::Relaxed);
        // Before a worker could be woken for them.
        let abandoned = match how {
            Shutdown::Drain => 0,
            Shutdown::CancelQueued => self.abandon_queue(shut_down),
        };
        telemetry::shutdown(&self.settings().name, abandoned);
        let mut state = self.lock();
        state.closing = true;
        state.target = state.target.max(1); // also a paused pool finishes its work
        if state.live == 0 {
            self.close(&mut state);
        }
        state.publish(self);
        self.work_available.notify_all();
        let work = self.has_work(&state);
        drop(state);
        if work {
            self.wake_if_needed();
        }
        abandoned
    }

    /// No worker is at work while the pool is closing: it is closed, unless something has come. Whether it is.
    pub(super) fn close(&self, state: &mut PoolState) -> bool {
        if !state.closed && !self.has_work(state) && self.inbox.close_if_empty() {
            state.closed = true;
            state.publish(self);
            self.work_available.notify_all();
        }
        state.closed
    }

    /// The last handle is gone: finishes all accepted work, or what runs, then, if it `waits`, joins the threads.
    ///
    /// It waits neither on one of the pool's own threads, nor where the handle was captured by a
    /// callback that is dropped on a thread that is settling something: others wait for that.
    pub(super) fn finish(&'static self, waits: bool) {
        let settling = ThisThread::is_settling();
        ThisThread::flush();
        let how = match self.settings().cancel_on_drop {
            true => Shutdown::CancelQueued,
            false => Shutdown::Drain,
        };
        self.begin_closing(how, None);
        if !waits || settling || Worker::with_current(self, |_| ()).is_some() {
            let mut state = self.lock();
            state.detached = true;
            state.ended = true;
            let _threads = std::mem::take(&mut state.threads);
            self.give_back(state);
        } else {
            self.wait_until_idle(Timeout::from(None).start_by(Clock::REAL), false);
            let mut state = self.lock();
            state.ended = true;
            self.give_back(state);
        }
    }

    /// Waits until nothing runs and nothing is queued; `inside` of the pool, workers that shut it down are
    /// not counted. Says what was left in the end.
    fn wait_until_idle(&'static self, deadline: Deadline, inside: bool) -> Left {
        Worker::blocked(|| self.running_after(deadline, inside))
    }

    fn running_after(&'static self, deadline: Deadline, inside: bool) -> Left {
        let mut state = self.lock();
        loop {
            let running = state.live - state.idle - if inside { shutting(&state) } else { 0 };
            let ends = state.closing && !inside;
            let deserted = ends && state.live == 0;
            if deserted && self.close(&mut state) {
                return self.join_threads(state, deadline);
            }
            if !ends && running == 0 && !self.has_work(&state) {
                return (0, 0);
            }
            let Some(left) = deadline.remaining() else {
                return (running, self.count_queued(state));
            };
            state = match deserted {
                true => self.see_to_work(state),
                false => self.wait_rested(state, left),
            };
        }
    }

    /// The pool is closed: waits for the threads, also for the hooks that some of them still run.
    fn join_threads<'a>(
        &'a self,
        mut state: MutexGuard<'a, PoolState>,
        deadline: Deadline,
    ) -> Left {
        let this = thread::current().id();
        while !deadline.is_never() && !state.stopping.is_empty() {
            match deadline.remaining() {
                Some(left) if !state.stopping.contains(&this) => {
                    state = self.wait_rested(state, left);
                }
                _ => {
                    let running =
                        state.stopping.iter().filter(|stopping| **stopping != this).count();
                    return (running, 0);
                }
            }
        }
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != this) {
            let _ = thread.join(); // a worker contains the panics of user code
        }
        (0, 0)
    }

    /// Work is queued, and there is no worker: its pusher is about to start one, or this does.
    fn see_to_work(
        &'static self,
        state: MutexGuard<'_, PoolState>,
    ) -> MutexGuard<'static, PoolState> {
        drop(state);
        self.wake_if_needed();
        thread::yield_now();
        self.lock()
    }

    /// How many jobs are queued.
    pub(super) fn queued(&'static self) -> usize {
        ThisThread::flush();
        self.count_queued(self.lock())
    }

    /// How many jobs are queued. It takes all items out and puts them back, in their order: the lock keeps
    /// workers that find nothing meanwhile from going to rest, and the last one from closing the queue.
    fn count_queued(&'static self, mut state: MutexGuard<'_, PoolState>) -> usize {
        let mut looks = 0;
        loop {
            looks += 1;
            let (items, all) = self.take_queued(&state);
            // SAFETY: taken out of the queue, so it is ours until it is put back.
            let is_job = |word: &&*mut ()| unsafe { Item::from_word(**word) }.is_waiting();
            let queued = items.iter().filter(is_job).count();
            self.inbox.put_back(&items);
            drop(state);
            self.wake_if_needed();
            if all || looks == LOOKS {
                return queued;
            }
            thread::yield_now(); // a worker that is moving items may need the lock
            state = self.lock();
        }
    }

    fn wait_rested<'a>(
        &self,
        state: MutexGuard<'a, PoolState>,
        left: Duration,
    ) -> MutexGuard<'a, PoolState> {
        Clock::current().rest((&self.worker_idle, state), left)
    }
}

/// How many workers run what has shut their pool down: none of these waits for another one.
fn shutting(state: &PoolState) -> usize {
    // ORDERING: Relaxed, written under the lock.
    state.seats.iter().filter(|seat| seat.shuts.load(Ordering::Relaxed)).count()
}

impl Worker {
    /// What this worker runs shuts the pool down, from now on until it is through.
    #[cold]
    pub(super) fn shuts(&self, shuts: bool) {
        let _roster = self.core.lock();
        // ORDERING: Relaxed, under the lock.
        self.seat.shuts.store(shuts, Ordering::Relaxed);
        self.core.worker_idle.notify_all(); // others that do so need not wait for it any more
    }
}
