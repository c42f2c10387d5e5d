//! The core of a pool, as in the library but for starting threads: all are there from the beginning.

use std::cell::RefCell;
use std::sync::Arc;

use loom::sync::{Condvar, Mutex, MutexGuard};

use super::state::PoolState;
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
    state: Mutex<PoolState>,
    pub(super) work_available: Condvar,
    pub(super) seats: Vec<Arc<Seat>>,
    pub(super) slots: [Slot; ITEMS],
    pub(super) runs: RefCell<[usize; ITEMS]>,
    done: Mutex<Done>,
    /// Whether workers look out before they sleep.
    pub(super) spin: bool,
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

    pub(super) fn with(workers: usize, target: usize, spin: bool) -> Owner {
        let mut state = PoolState::new(target, workers - target);
        state.live = workers;
        state.seats = (0..workers).map(|_| Arc::new(Seat::new())).collect();
        Owner(Box::into_raw(Box::new(Core {
            inbox: Inbox::new(),
            sleep: Sleep::new(0),
            surplus: AtomicBool::new(false),
            version: AtomicUsize::new(0),
            seats: state.seats.clone(),
            state: Mutex::new(state),
            work_available: Condvar::new(),
            slots: std::array::from_fn(|_| Slot(AtomicPtr::new(std::ptr::null_mut()))),
            runs: RefCell::default(),
            done: Mutex::new(Done::default()),
            spin,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap()
    }

    pub(super) fn has_work(&self, state: &PoolState) -> bool {
        !self.inbox.is_empty() || state.seats.iter().any(|seat| seat.has_work())
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
        let mut state = self.lock();
        if state.usable() > 0 && !state.closed && state.idle > 0 {
            state.idle -= 1;
            state.wakes += 1;
            state.publish(self);
            self.work_available.notify_one();
            return;
        }
        if state.has_nobody() && self.has_work(&state) && state.call_one() {
            return;
        }
        self.sleep.awake();
    }

    pub(super) fn begin_closing(&self) {
        let mut state = self.lock();
        state.closing = true;
        state.publish(self);
        self.work_available.notify_all();
        let work = self.has_work(&state);
        drop(state);
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
