//! The end of a pool.

use std::panic::Location;
use std::time::Duration;

use super::Pool;
use super::core::Core;
use super::roster::Roster;
use super::worker::Worker;
use crate::cell::{self, ShutDown};
use crate::sync::atomic::Ordering;
use crate::sync::{MutexGuard, thread};
use crate::telemetry;
use crate::timeout::{Deadline, Timeout};

/// What [`Pool::shutdown`] does with work that is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shutdown {
    /// It is run, with the callbacks and chained jobs that become ready meanwhile.
    Drain,
    /// It is dropped, and its promises fail with [`Failure::Abandoned`](crate::Failure::Abandoned).
    CancelQueued,
}

/// What [`Pool::shutdown`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Jobs that were finished during the call.
    pub finished: usize,
    /// Queued jobs that were dropped by the call.
    pub cancelled: usize,
    /// Workers that were still running something when the time was over.
    pub still_running: usize,
}

impl Pool {
    /// Shuts the pool down, and waits for it until `timeout` is over.
    ///
    /// From now on a job that is spawned, and a `map`, `then` or `chain` that becomes ready, fails with
    /// `Abandoned`, and its [`trace`](crate::Promise::trace) names this call; `catch`, `handle`, `finally`
    /// and `inspect` run on [`Pool::global`]. After the deadline, which is one for
    /// all, `Drain` goes on in the background. From one of the pool's own jobs it neither counts nor
    /// waits for that job. It may be called again. On [`Pool::global`] it only waits until the pool
    /// is idle.
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
        cell::flush();
        let before = core.finished();
        let cancelled = match std::ptr::eq(core, Pool::global().core) {
            true => 0,
            false => core.begin_closing(how, Some(Location::caller())),
        };
        let inside = Worker::with_current(core, |_| ()).is_some();
        let still_running = core.wait_until_rested(timeout.start(), usize::from(inside));
        ShutdownReport { finished: core.finished() - before, cancelled, still_running }
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
        let cancelled = match how {
            Shutdown::Drain => 0,
            Shutdown::CancelQueued => self.abandon_queue(shut_down),
        };
        telemetry::shutdown(&self.settings().name, cancelled);
        let mut roster = self.lock();
        roster.closing = true;
        roster.target = roster.target.max(1); // also a paused pool finishes its work
        if roster.live == 0 && !self.has_work(&roster) && self.inbox.close_if_empty() {
            roster.closed = true;
        }
        roster.publish(self);
        self.bell.notify_all();
        let work = self.has_work(&roster);
        drop(roster);
        if work {
            self.wake_if_needed();
        }
        cancelled
    }

    /// The last handle is gone: finishes all accepted work, or what runs, then joins the threads.
    ///
    /// It waits neither on one of the pool's own threads, nor where the handle was captured by a
    /// callback that is dropped on a thread that is settling something: others wait for that.
    pub(super) fn finish(&'static self) {
        let settling = cell::is_settling();
        cell::flush();
        let how = match self.settings().cancel_on_drop {
            true => Shutdown::CancelQueued,
            false => Shutdown::Drain,
        };
        self.begin_closing(how, None);
        if settling || Worker::with_current(self, |_| ()).is_some() {
            let mut roster = self.lock();
            roster.detached = true;
            roster.ended = true;
            let _threads = std::mem::take(&mut roster.threads);
            self.give_back(roster);
        } else {
            self.wait_until_rested(Timeout::from(None).start(), 0);
            let mut roster = self.lock();
            roster.ended = true;
            self.give_back(roster);
        }
    }

    /// Waits until nothing runs and nothing is queued, `inside` workers not counted. Says how many
    /// were still running in the end.
    fn wait_until_rested(&'static self, deadline: Deadline, inside: usize) -> usize {
        Worker::blocked(|| self.running_after(deadline, inside))
    }

    fn running_after(&self, deadline: Deadline, inside: usize) -> usize {
        let mut roster = self.lock();
        loop {
            let running = roster.live - roster.idle - inside;
            let ends = roster.closing && inside == 0;
            if ends && roster.live == 0 {
                let threads = std::mem::take(&mut roster.threads);
                drop(roster);
                let this = thread::current().id();
                for thread in threads.into_iter().filter(|thread| thread.thread().id() != this) {
                    let _ = thread.join(); // a worker contains the panics of user code
                }
                return 0;
            }
            if !ends && running == 0 && !self.has_work(&roster) {
                return 0;
            }
            let Some(left) = deadline.remaining() else { return running };
            roster = self.wait_rested(roster, left);
        }
    }

    fn wait_rested<'a>(
        &self,
        roster: MutexGuard<'a, Roster>,
        left: Duration,
    ) -> MutexGuard<'a, Roster> {
        if left == Duration::MAX {
            return self.rested.wait(roster);
        }
        self.rested.wait_timeout(roster, left).0
    }
}
