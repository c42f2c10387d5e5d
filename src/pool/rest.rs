//! What a worker does that finds nothing to do: it gives way, sleeps, and ends if it is not needed any more.

use std::time::Duration;

use super::roster::Roster;
use super::worker::{Queued, Worker};
use crate::giving_way::rest_a_moment;
use crate::sync::atomic::Ordering;
use crate::sync::{Arc, MutexGuard};

/// How long a thread that is more than the pool should have sleeps before it ends.
const SPARE_IDLE: Duration = Duration::from_secs(1);

impl Worker {
    /// Gives others the core for a moment, unless another worker does so: where cores are few they would
    /// keep each other awake. `true`: there may be something to do now.
    pub(super) fn look_out(&self) -> bool {
        if !self.core.sleep.look_out() {
            return false;
        }
        let found = rest_a_moment(|| !self.core.inbox.is_empty() || !self.next.is_empty());
        self.core.sleep.awake();
        found
    }

    /// Sleeps until there is work. `false`: the thread is to end, and is off the roster.
    pub(super) fn rest(&self) -> bool {
        self.put_back();
        let mut roster = self.core.lock();
        roster.idle += 1;
        roster.publish(self.core);
        self.core.rested.notify_all();
        if roster.usable() > 0 && self.core.has_work(&roster) {
            roster.idle -= 1;
            roster.publish(self.core);
            return true;
        }
        let stays = self.sleep(roster);
        if stays {
            self.core.sleep.awake();
        }
        stays
    }

    fn sleep(&self, mut roster: MutexGuard<'_, Roster>) -> bool {
        let mut waited = false;
        loop {
            if roster.wakes > 0 {
                roster.wakes -= 1; // who gave it has taken one off `idle`
                return true;
            }
            if roster.closing && !roster.closed && roster.idle == roster.live {
                self.core.close(&mut roster);
            }
            let spare = roster.live > roster.target;
            if roster.closed || waited || (spare && roster.retire > 0) {
                self.leave(roster);
                return false;
            }
            (roster, waited) = self.wait(roster, spare);
        }
    }

    /// Waits for the bell; `true`: in vain, for as long as the thread is kept.
    fn wait<'a>(
        &self,
        roster: MutexGuard<'a, Roster>,
        spare: bool,
    ) -> (MutexGuard<'a, Roster>, bool) {
        let kept = self.settings.keep_alive;
        match if spare { Some(kept.unwrap_or(SPARE_IDLE).min(SPARE_IDLE)) } else { kept } {
            Some(kept) => self.core.bell.wait_timeout(roster, kept),
            None => (self.core.bell.wait(roster), false),
        }
    }

    /// Nothing is done to the core after this.
    fn leave(&self, mut roster: MutexGuard<'_, Roster>) {
        roster.retire = roster.retire.saturating_sub(1);
        roster.idle -= 1;
        roster.live -= 1;
        // ORDERING: Relaxed, our own count.
        roster.finished += self.seat.finished.load(Ordering::Relaxed);
        roster.seats.retain(|seat| !Arc::ptr_eq(seat, &self.seat));
        roster.reseated(self.core);
        roster.publish(self.core);
        self.core.rested.notify_all();
        self.core.give_back(roster);
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
