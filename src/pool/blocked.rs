//! Workers that wait: they are counted, so that another takes their place.
//!
//! No pool sits with all its threads in waits without a limit of time, none to be started, while work is
//! queued in it. The last one to block is told if there is work; and if work comes later, its pusher
//! calls one of those that wait. A call ends the wait.

use super::core::Core;
use super::seat::Seat;
use super::worker::Worker;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;

/// A worker that waits.
pub(super) struct Blocked {
    core: &'static Core,
    /// Where it can be called.
    seat: Option<Arc<Seat>>,
    timed: bool,
    /// The worker was `away` before: it was counted then, and will be.
    away: bool,
}

impl Blocked {
    /// It waits without a limit, and cannot be called.
    pub(super) fn patient(core: &'static Core) -> Self {
        Self::enter(core, None, false)
    }

    /// Its wait ends by itself.
    pub(super) fn timed(core: &'static Core) -> Self {
        Self::enter(core, None, true)
    }

    /// The worker runs what waits for something foreign: as `timed`, until it waits for something of its own in there.
    pub(super) fn elsewhere(core: &'static Core) -> Self {
        let blocked = Self::enter(core, None, true);
        Worker::with_any(|worker| worker.away.set(true));
        blocked
    }

    /// It waits without a limit, until it is called. `None`: it must not wait, since no thread would be
    /// left for what is queued.
    pub(super) fn callable(core: &'static Core, seat: &Arc<Seat>) -> Option<Self> {
        let blocked = Self::enter(core, Some(Arc::clone(seat)), false);
        if Self::is_stuck(core) {
            Worker::with_any(Worker::sweep_all); // jobs that were claimed are no work
        }
        (!Self::is_stuck(core)).then_some(blocked)
    }

    /// Whether no thread is left, nor ever will be, for what is queued.
    fn is_stuck(core: &'static Core) -> bool {
        let state = core.lock();
        state.is_stuck_for_good() && core.has_work(&state)
    }

    fn enter(core: &'static Core, seat: Option<Arc<Seat>>, timed: bool) -> Self {
        Worker::with_any(Worker::put_back); // in order: it is older than what is queued
        let away = Worker::with_any(|worker| worker.away.take()).unwrap_or_default();
        let mut state = core.lock();
        state.blocked += usize::from(!away);
        state.timed = state.timed + usize::from(timed) - usize::from(away);
        if let Some(seat) = &seat {
            state.callable += 1;
            // ORDERING: Relaxed, read and written under the lock.
            seat.waits.store(true, Ordering::Relaxed);
        }
        state.publish(core);
        let wakes = core.has_work(&state) && !state.is_stuck();
        drop(state);
        if wakes {
            core.wake_if_needed();
        }
        Blocked { core, seat, timed, away }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let mut state = self.core.lock();
        state.blocked -= usize::from(!self.away);
        state.timed = state.timed + usize::from(self.away) - usize::from(self.timed);
        let mut called = false;
        if let Some(seat) = &self.seat {
            state.callable -= 1;
            // ORDERING: Relaxed, as in `enter`.
            seat.waits.store(false, Ordering::Relaxed);
            called = seat.called.swap(false, Ordering::Relaxed);
        }
        state.publish(self.core);
        drop(state);
        Worker::with_any(|worker| worker.away.set(self.away));
        if called {
            self.core.sleep.awake(); // its caller has left the flag to it
            if !self.core.inbox.is_empty() {
                self.core.wake_if_needed();
            }
        }
    }
}
