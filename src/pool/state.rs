//! How many workers work, sleep, are blocked: counts under one lock, touched only when a worker comes, goes, sleeps, wakes
//! or blocks.

use super::core::Core;
use super::seat::Seat;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;
use crate::sync::thread::{JoinHandle, ThreadId};

/// The counts.
///
/// `live` workers are `idle` (asleep), `blocked` (in a `get`) or busy. A busy one that finds more of
/// them than `target` rests.
#[derive(Default)]
pub(crate) struct PoolState {
    /// How many workers should be busy at the most.
    pub(super) target: usize,
    /// How many threads there may be beyond that, in place of blocked ones.
    pub(super) max_spare: usize,
    pub(super) live: usize,
    pub(super) idle: usize,
    pub(super) blocked: usize,
    /// How many of these give up by themselves.
    pub(super) timed: usize,
    /// How many of these can be called: their wait ends by that.
    pub(super) callable: usize,
    /// Wake-ups that were given and not yet taken.
    pub(super) wakes: usize,
    /// How many idle workers are to end at once, because the pool was made smaller.
    pub(super) retire: usize,
    /// Work is finished, none is taken.
    pub(super) closing: bool,
    /// All is finished.
    pub(super) closed: bool,
    pub(super) seats: Vec<Arc<Seat>>,
    pub(super) threads: Vec<JoinHandle<()>>,
    /// Threads that are no workers any more, and run the hook for their end.
    pub(super) stopping: Vec<ThreadId>,
    /// They will not be joined.
    pub(super) detached: bool,
    /// The last handle is gone, and its drop is through.
    pub(super) ended: bool,
    /// How many jobs were finished by workers that have left.
    pub(super) finished: usize,
    /// How many threads were ever started: their names count on.
    pub(super) started: usize,
}

impl PoolState {
    pub(super) fn new(target: usize, max_spare: usize) -> Self {
        PoolState { target, max_spare, ..PoolState::default() }
    }

    /// How many workers are running something, or looking for it.
    pub(super) fn busy(&self) -> usize {
        self.live - self.idle - self.blocked
    }

    /// How many more may be busy.
    pub(super) fn usable(&self) -> usize {
        self.target.saturating_sub(self.busy())
    }

    /// Whether one more thread is within the limits.
    pub(super) fn may_start(&self) -> bool {
        self.live < self.target.saturating_add(self.max_spare)
    }

    /// Whether no worker is left that could take work, nor could be started.
    pub(super) fn is_stuck(&self) -> bool {
        self.busy() == 0 && self.idle == 0 && !self.may_start()
    }

    /// The same, and none would ever be left: what is queued would stay there.
    pub(super) fn is_stuck_for_good(&self) -> bool {
        self.is_stuck() && self.timed == 0 && self.target > 0
    }

    /// How many threads could be woken or started for new work; where there are none, whether one that
    /// waits can be called.
    pub(super) fn wakeable(&self) -> usize {
        if self.is_stuck() {
            return if self.is_stuck_for_good() { self.callable.min(1) } else { 0 };
        }
        let startable = self.target.saturating_add(self.max_spare).saturating_sub(self.live);
        self.usable().min(self.idle + startable)
    }

    /// Whether all threads wait, without a limit.
    pub(super) fn has_nobody(&self) -> bool {
        self.busy() == 0 && self.idle == 0 && self.timed == 0 && self.target > 0
    }

    /// Ends the wait of one that can be called. `false`: there is none.
    pub(super) fn call_one(&self) -> bool {
        self.timed == 0 && self.seats.iter().any(|seat| seat.call())
    }

    /// Tells pushers and workers of a change.
    pub(super) fn publish(&mut self, core: &Core) {
        // ORDERING: Relaxed, a hint to the workers.
        core.surplus.store(self.busy() > self.target, Ordering::Relaxed);
        core.sleep.offer(if self.closed { 0 } else { self.wakeable() });
    }

    /// The seats have changed.
    pub(super) fn reseated(&self, core: &Core) {
        // ORDERING: Release pairs with the Acquire of the workers' look.
        core.version.fetch_add(1, Ordering::Release);
    }

    /// How many jobs were finished, ever.
    pub(super) fn finished(&self) -> usize {
        // ORDERING: Relaxed, a statistic.
        let seats = self.seats.iter().map(|seat| seat.finished.load(Ordering::Relaxed));
        self.finished + seats.sum::<usize>()
    }

    /// Forgets the threads that have ended.
    pub(super) fn reap(&mut self) {
        self.threads.retain(|thread| !thread.is_finished());
    }
}
