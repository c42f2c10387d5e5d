//! What a worker does that finds nothing to do: it gives way, sleeps, and ends if it is not needed any more.

use super::seat::Queued;
use super::state::PoolState;
use super::tuning::SPARE_IDLE;
use super::worker::Worker;
use crate::cell::ThisThread;
use crate::giving_way::rest_a_moment;
use crate::sync::atomic::Ordering;
use crate::sync::{Arc, MutexGuard, thread};

impl Worker {
    /// Gives others the core for a moment, unless another worker does so: where cores are few they would
    /// keep each other awake. `true`: there may be something to do now.
    pub(super) fn spin(&self) -> bool {
        if !self.core.sleep.spin() {
            return false;
        }
        let found = rest_a_moment(|| !self.core.inbox.is_empty() || !self.next.is_empty());
        self.core.sleep.awake();
        found
    }

    /// Sleeps until there is work. `false`: the thread is to end, and is off the state.
    pub(super) fn idle(&self) -> bool {
        self.put_back();
        let mut state = self.core.lock();
        state.idle += 1;
        state.publish(self.core);
        self.core.worker_idle.notify_all();
        if state.usable() > 0 && self.core.has_work(&state) {
            state.idle -= 1;
            state.publish(self.core);
            return true;
        }
        let stays = self.sleep(state);
        if stays {
            self.core.sleep.awake();
        }
        stays
    }

    fn sleep(&self, mut state: MutexGuard<'_, PoolState>) -> bool {
        let mut waited = false;
        loop {
            if state.wakes > 0 {
                state.wakes -= 1; // its giver has taken one off `idle`
                return true;
            }
            if state.closing && !state.closed && state.idle == state.live {
                self.core.close(&mut state);
            }
            let spare = state.live > state.target;
            if state.closed || waited || (spare && state.retire > 0) {
                self.leave(state);
                return false;
            }
            (state, waited) = self.wait(state, spare);
        }
    }

    /// Waits for the work_available; `true`: in vain, for as long as the thread is kept.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, PoolState>,
        spare: bool,
    ) -> (MutexGuard<'a, PoolState>, bool) {
        let kept = self.settings.keep_alive;
        match if spare { Some(kept.unwrap_or(SPARE_IDLE).min(SPARE_IDLE)) } else { kept } {
            Some(kept) => self.core.work_available.wait_timeout(state, kept),
            None => (self.core.work_available.wait(state), false),
        }
    }

    /// Nothing is done to the core after this, unless there is a hook for the thread's end.
    fn leave(&self, mut state: MutexGuard<'_, PoolState>) {
        state.retire = state.retire.saturating_sub(1);
        state.idle -= 1;
        state.live -= 1;
        // ORDERING: Relaxed, our own count.
        state.finished += self.seat.finished.load(Ordering::Relaxed);
        if !self.settings.on_stop.is_none() {
            state.stopping.push(thread::current().id());
        }
        state.seats.retain(|seat| !Arc::ptr_eq(seat, &self.seat));
        state.reseated(self.core);
        state.publish(self.core);
        self.core.worker_idle.notify_all();
        self.core.give_back(state);
    }

    /// The last that the thread does, when it is no worker any more. Nothing is done to the core after this.
    pub(super) fn stop(&self) {
        self.settings.on_stop.call();
        ThisThread::flush();
        if self.settings.on_stop.is_none() {
            return;
        }
        let (mut state, this) = (self.core.lock(), thread::current().id());
        state.stopping.retain(|stopping| *stopping != this);
        self.core.worker_idle.notify_all();
        self.core.give_back(state);
    }

    /// Before it rests: what it has taken goes back to the front of the queue.
    pub(super) fn put_back(&self) {
        self.seat.moving(|| self.put_back_now());
    }

    fn put_back_now(&self) {
        let mut items = Vec::new();
        while let Some(Queued(word)) = self.next.pop().or_else(|| self.batch.pop()) {
            items.push(word);
        }
        if !items.is_empty() {
            self.core.inbox.put_back(&items);
        }
    }
}
