//! The core of a pool, as in the library but for starting threads: all are there from the beginning.

use std::cell::RefCell;
use std::sync::Arc;

use loom::sync::{Condvar, Mutex, MutexGuard};

use super::roster::Roster;
use super::worker::{Parker, Seat};
use crate::inbox::{Inbox, Linked, Pushed};
use crate::sleep::Sleep;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// How many items there can be. A word that stands for an item is the address of its link.
pub(super) const ITEMS: usize = 4;

#[repr(align(16))]
pub(super) struct Slot(AtomicPtr<()>);

pub(super) struct Links;

impl Linked for Links {
    unsafe fn link<'a>(item: *mut ()) -> &'a AtomicPtr<()> {
        // SAFETY: a slot of the core, which outlives all threads of the model.
        unsafe { &(*item.cast::<Slot>()).0 }
    }
}

/// What has run, and the threads that wait for that.
#[derive(Default)]
struct Done {
    items: [bool; ITEMS],
    waiting: Vec<Arc<Parker>>,
}

pub(super) struct Core {
    pub(super) inbox: Inbox<Links>,
    pub(super) sleep: Sleep,
    pub(super) surplus: AtomicBool,
    pub(super) version: AtomicUsize,
    roster: Mutex<Roster>,
    pub(super) bell: Condvar,
    pub(super) seats: Vec<Arc<Seat>>,
    pub(super) slots: [Slot; ITEMS],
    pub(super) runs: RefCell<[usize; ITEMS]>,
    done: Mutex<Done>,
    /// Whether workers look out before they sleep.
    pub(super) look_out: bool,
}

/// Frees the core at the end of an execution, after its threads.
pub(super) struct Owner(*mut Core);

impl Owner {
    pub(super) fn core(&self) -> &'static Core {
        // SAFETY: it lives as long as any thread of the model.
        unsafe { &*self.0 }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: made by `Core::with`; the threads have been joined.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

impl Core {
    pub(super) fn make(workers: usize, target: usize) -> Owner {
        Self::with(workers, target, false)
    }

    pub(super) fn with(workers: usize, target: usize, look_out: bool) -> Owner {
        let mut roster = Roster::new(target, workers - target);
        roster.live = workers;
        roster.seats = (0..workers).map(|_| Arc::new(Seat::new())).collect();
        Owner(Box::into_raw(Box::new(Core {
            inbox: Inbox::new(),
            sleep: Sleep::new(0),
            surplus: AtomicBool::new(false),
            version: AtomicUsize::new(0),
            seats: roster.seats.clone(),
            roster: Mutex::new(roster),
            bell: Condvar::new(),
            slots: std::array::from_fn(|_| Slot(AtomicPtr::new(std::ptr::null_mut()))),
            runs: RefCell::default(),
            done: Mutex::new(Done::default()),
            look_out,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap()
    }

    pub(super) fn has_work(&self, roster: &Roster) -> bool {
        !self.inbox.is_empty() || roster.seats.iter().any(|seat| seat.has_work())
    }

    pub(super) fn post(&self, item: usize) -> bool {
        let word = std::ptr::from_ref(&self.slots[item]).cast_mut().cast();
        // SAFETY: each item is posted once.
        match unsafe { self.inbox.push(word) } {
            Pushed::First => self.wake_if_needed(),
            Pushed::Behind => {}
            Pushed::Closed => return false,
        }
        true
    }

    pub(super) fn wake_if_needed(&self) {
        if self.sleep.must_wake() {
            self.wake_one();
        }
    }

    fn wake_one(&self) {
        let mut roster = self.lock();
        if roster.usable() > 0 && !roster.closed && roster.idle > 0 {
            roster.idle -= 1;
            roster.wakes += 1;
            roster.publish(self);
            self.bell.notify_one();
            return;
        }
        if roster.has_nobody() && self.has_work(&roster) && roster.call_one() {
            return;
        }
        self.sleep.awake();
    }

    pub(super) fn begin_closing(&self) {
        let mut roster = self.lock();
        roster.closing = true;
        roster.publish(self);
        self.bell.notify_all();
        let work = self.has_work(&roster);
        drop(roster);
        if work {
            self.wake_if_needed();
        }
    }

    pub(super) fn wait_for(&self, item: usize) {
        let never = AtomicBool::new(false);
        assert!(self.wait_for_or_called(item, &Arc::default(), &never));
    }

    /// `false`: this thread was called before the item has run.
    pub(super) fn wait_for_or_called(
        &self,
        item: usize,
        parker: &Arc<Parker>,
        called: &AtomicBool,
    ) -> bool {
        loop {
            let mut done = self.done.lock().unwrap();
            if done.items[item] {
                return true;
            }
            if called.load(Ordering::Relaxed) {
                return false;
            }
            done.waiting.push(Arc::clone(parker));
            drop(done);
            parker.park();
        }
    }

    pub(super) fn finished(&self, item: usize) {
        self.runs.borrow_mut()[item] += 1;
        let mut done = self.done.lock().unwrap();
        done.items[item] = true;
        done.waiting.drain(..).for_each(|parker| parker.unpark());
    }
}
