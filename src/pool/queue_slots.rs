//! Room in the queue: how many jobs wait, for pools that have a limit.

use super::core::Core;
use super::waited::Waited;
use super::worker::Worker;
use crate::cell::{Next, Number, ThisThread, Work};
use crate::sync::MutexGuard;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::timeout::{Deadline, Timeout};

/// The place of a job in the queue; given up when the job starts, or is dropped.
pub(crate) struct QueueSlot {
    core: &'static Core,
    /// The pool that the core was.
    pool: Number,
}

impl Core {
    /// Whether the queue has a limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.queue_limit.load(Ordering::Relaxed) != usize::MAX
    }

    /// Takes a place in the queue, whether there is room or not.
    pub(crate) fn take_place(&'static self) -> QueueSlot {
        self.place(self.queued_jobs.lock())
    }

    /// Takes a place in the queue if there is room.
    pub(crate) fn try_take_place(&'static self) -> Option<QueueSlot> {
        let queued = self.queued_jobs.lock();
        self.has_room(*queued).then(|| self.place(queued))
    }

    fn place(&'static self, mut queued: MutexGuard<'_, usize>) -> QueueSlot {
        *queued += 1;
        QueueSlot { core: self, pool: self.number() }
    }

    fn has_room(&self, queued: usize) -> bool {
        // ORDERING: Relaxed, written before the pool has a handle.
        queued < self.queue_limit.load(Ordering::Relaxed)
    }

    /// Waits until there is room. `false`: the time is over.
    pub(crate) fn wait_for_room(&'static self, timeout: Timeout) -> bool {
        ThisThread::flush();
        if self.has_room(*self.queued_jobs.lock()) {
            return true;
        }
        if timeout.is_poll() {
            return false;
        }
        let deadline = timeout.start();
        let wait = |called: &AtomicBool| self.wait_for_room_until(deadline, called);
        Worker::blocked_unless_stuck(timeout, wait) == Waited::Settled
    }

    fn wait_for_room_until(&self, deadline: Deadline, called: &AtomicBool) -> bool {
        let mut queued = self.queued_jobs.lock();
        // ORDERING: Relaxed, ordered by the lock: the caller rings under it.
        while !self.has_room(*queued) && !called.load(Ordering::Relaxed) {
            queued = match deadline.remaining() {
                None => return false,
                Some(left) => {
                    let ready =
                        |queued: &_| self.has_room(*queued) || called.load(Ordering::Relaxed);
                    let bell = (&self.room_available, queued);
                    deadline.clock().wait(bell, left, || self.queued_jobs.lock(), ready)
                }
            };
        }
        self.has_room(*queued)
    }
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        let mut queued = self.core.queued_jobs.lock();
        // Under the lock, under which the next pool begins to count.
        if self.core.number() != self.pool {
            return; // it was work of a pool that has gone
        }
        *queued -= 1;
        if self.core.has_room(*queued) {
            self.core.room_available.notify_all(); // one that is woken need not take the place
        }
    }
}

/// Work that has a place in the queue.
pub(crate) struct Placed<W> {
    pub(crate) place: QueueSlot,
    pub(crate) work: W,
}

impl<W: Work> Work for Placed<W> {
    type Ok = W::Ok;
    type Err = W::Err;
    const KIND: &'static str = W::KIND;

    fn run(self) -> Next<W::Ok, W::Err> {
        drop(self.place);
        self.work.run()
    }
}
