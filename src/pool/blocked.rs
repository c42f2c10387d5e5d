//! Workers that wait: they are counted, so that another takes their place, and can be called to look
//! again for work on the way to what they wait for.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::worker::{Seat, Worker};
use crate::cell;
use crate::sync::atomic::Ordering;
use crate::timeout::Timeout;

/// How long a worker waits before it looks once more, where somebody was using what it wanted to look
/// into: mostly for a few steps, but user code may run meanwhile.
pub(super) const MISSED: Duration = Duration::from_millis(1);

/// A worker's looks for work on the way to what it waits for.
pub(super) struct Look<'a> {
    core: &'static Core,
    /// Where it can be called to look again.
    seat: &'a Arc<Seat>,
    /// It was called: it looks through the whole queue.
    pub(super) called: bool,
    /// It has run something, or has not waited yet: others may find something now.
    pub(super) news: bool,
    /// It could not look into something.
    pub(super) missed: bool,
    /// What was told of until the last look began.
    since: usize,
    /// It is one of those who wait.
    counted: bool,
}

impl<'a> Look<'a> {
    pub(super) fn new(core: &'static Core, seat: &'a Arc<Seat>) -> Self {
        let (called, news, missed, since, counted) = (false, true, false, 0, false);
        Look { core, seat, called, news, missed, since, counted }
    }

    /// A look begins.
    pub(super) fn begin(&mut self, core: &Core) {
        cell::has_missed(); // something else may have
        // ORDERING: Acquire pairs with `tell`: what was told of is in the queue.
        self.since = core.news.load(Ordering::Acquire);
    }

    /// How long to wait before the next one.
    pub(super) fn timeout(&self) -> Timeout {
        if self.missed { Timeout::from(MISSED) } else { Timeout::from(None) }
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        if self.counted {
            let mut roster = self.core.lock();
            roster.waiting -= 1;
            roster.publish(self.core);
        }
    }
}

/// A worker that waits.
pub(super) struct Blocked<'a> {
    core: &'static Core,
    /// Where it can be called to look for work again.
    seat: Option<&'a Arc<Seat>>,
}

impl<'a> Blocked<'a> {
    /// The last one to block calls those whose last look, if they can be called, is older than what was
    /// told of: by one that has news, or that finds that something was pushed.
    pub(super) fn new(core: &'static Core, look: Option<&mut Look<'a>>) -> Self {
        Worker::with_any(Worker::put_back); // in order: it is older than what is queued
        let seat = look.as_ref().map(|look| look.seat);
        let news = look.as_ref().is_none_or(|look| look.news);
        let wakes = {
            let mut roster = core.lock();
            roster.blocked += 1;
            if let Some(look) = look {
                roster.callable += 1;
                roster.waiting += usize::from(!std::mem::replace(&mut look.counted, true));
                // ORDERING: Relaxed, all that waits is read and written under the lock.
                look.seat.since.store(look.since, Ordering::Relaxed);
                look.seat.waits.store(true, Ordering::Relaxed);
            }
            roster.publish(core);
            let has_work = core.has_work(&roster);
            if news || core.inbox.has_news() {
                core.tell();
            }
            let stuck = roster.is_stuck();
            if stuck && has_work {
                roster.call_since(core);
            }
            has_work && !stuck
        };
        if wakes {
            core.wake_if_needed();
        }
        Blocked { core, seat }
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        let mut roster = self.core.lock();
        roster.blocked -= 1;
        if let Some(seat) = self.seat {
            roster.callable -= 1;
            // ORDERING: Relaxed, as in `new`.
            seat.waits.store(false, Ordering::Relaxed);
            seat.called.store(false, Ordering::Relaxed);
        }
        roster.publish(self.core);
    }
}
