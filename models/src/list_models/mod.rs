//! A list's completion queue: items that settle, against the handle that waits, times out, has the queue watched, or
//! leaves the rest to a collector.
//! The last one is join's countdown, in which items that have nothing to tell may only be counted.

mod bell;
mod countdown;
mod counter;
mod wait;
mod watch;

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::cell::join::counter::Counter;
use crate::cell::join::queue::{Armed, Queue};
use crate::cell::state::word::Listener;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use bell::Bell;

#[repr(align(16))]
struct Slot {
    next: AtomicPtr<()>,
    /// Written by whoever settles the item, read by the driver.
    outcome: UnsafeCell<usize>,
    /// It has come, and was to be counted only.
    came: AtomicBool,
}

/// What the driver touches.
#[derive(Default)]
struct Drained {
    arrived: Vec<usize>,
    completed: usize,
    cancelled: usize,
    /// For how many the counter was opened, and how many it has counted.
    room: usize,
    counted: usize,
    /// What was dropped before its entry came.
    dropped: Vec<usize>,
}

/// A list of as many items as it has slots. The last slot is the entry that asks to cancel.
struct List {
    queue: ManuallyDrop<Queue>,
    counter: Counter,
    /// Whether the collector lets items be counted.
    counts: bool,
    /// Read by who uses the counter, or is about to push, written when the list is freed.
    alive: UnsafeCell<()>,
    /// Written before the queue is watched, read by who tells it of an item.
    watcher: UnsafeCell<()>,
    /// How many items it was told of.
    told: Cell<usize>,
    slots: Vec<Slot>,
    drained: ManuallyDrop<UnsafeCell<Drained>>,
    /// The handle's, the run's and the canceller's; the items have none.
    references: AtomicUsize,
    /// Kept for the end of the execution.
    result: std::cell::RefCell<Drained>,
}

impl List {
    fn new(items: usize) -> Rc<List> {
        List::with(items, false)
    }

    fn counted(items: usize) -> Rc<List> {
        List::with(items, true)
    }

    fn with(items: usize, counts: bool) -> Rc<List> {
        let slot = |_| Slot {
            next: AtomicPtr::new(std::ptr::null_mut()),
            outcome: UnsafeCell::new(0),
            came: AtomicBool::new(false),
        };
        Rc::new(List {
            queue: ManuallyDrop::new(Queue::new()),
            counter: Counter::closed(),
            counts,
            alive: UnsafeCell::new(()),
            watcher: UnsafeCell::new(()),
            told: Cell::new(0),
            slots: (0..=items).map(slot).collect(),
            drained: ManuallyDrop::new(UnsafeCell::new(Drained::default())),
            references: AtomicUsize::new(1),
            result: Default::default(),
        })
    }

    fn items(&self) -> usize {
        self.slots.len() - 1
    }

    fn retain(&self) {
        self.references.fetch_add(1, Ordering::Relaxed);
    }

    fn release(&self) {
        if self.references.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        self.drained.with_mut(|drained| {
            // SAFETY: loom checks that the access is exclusive.
            *self.result.borrow_mut() = std::mem::take(unsafe { &mut *drained });
        });
        self.alive.with_mut(|_| ());
        // SAFETY: the last reference is gone; loom checks that nobody uses the queue any more.
        unsafe { ManuallyDrop::drop(&mut *(&raw const self.queue).cast_mut()) };
    }

    /// An item has settled, or somebody cancels (the last index).
    fn push(&self, index: usize) {
        let slot = &self.slots[index];
        // SAFETY: loom checks that the access is exclusive.
        slot.outcome.with_mut(|outcome| unsafe { *outcome = index + 1 });
        if index < self.items() && self.counter.is_open() {
            self.alive.with(|_| ());
            slot.came.store(true, Ordering::Release);
            if self.counter.count() {
                return;
            }
        }
        let entry = std::ptr::from_ref(slot).cast_mut().cast();
        match self.queue.push(entry, &slot.next, || self.tell(1)) {
            None => {}
            Some(Armed::Listener(Listener::Thread(thread) | Listener::Waker(thread))) => {
                Bell::take(thread).ring();
            }
            Some(Armed::Driver) => self.drain(entry),
        }
    }

    /// The watcher is told of items.
    fn tell(&self, items: usize) {
        self.alive.with(|_| ());
        self.watcher.with(|_| ());
        self.told.set(self.told.get() + items);
    }

    /// The handle has the queue watched.
    fn watch(&self) {
        self.watcher.with_mut(|_| ());
        let come = self.add(self.queue.watch());
        self.tell(come);
    }

    /// The driver: what has come, in the order of time.
    fn fetch(&self) -> bool {
        self.add(self.queue.take()) > 0
    }

    fn add(&self, newest: *mut ()) -> usize {
        let first = std::ptr::from_ref(&self.slots[0]).addr();
        let (mut entry, mut fetched) = (newest, Vec::new());
        while !entry.is_null() {
            let slot = &self.slots[(entry.addr() - first) / size_of::<Slot>()];
            fetched.push((entry.addr() - first) / size_of::<Slot>());
            entry = slot.next.load(Ordering::Relaxed);
        }
        self.drained.with_mut(|drained| {
            // SAFETY: loom checks that the access is exclusive.
            let drained = unsafe { &mut *drained };
            for &index in fetched.iter().rev() {
                if index == self.items() {
                    drained.cancelled += 1;
                    self.drop_what_has_come(drained);
                } else {
                    drained.arrived.push(index);
                }
            }
        });
        fetched.len()
    }

    fn is_complete(&self) -> bool {
        // SAFETY: loom checks that nobody writes.
        self.drained.with(|drained| unsafe {
            let drained = &*drained;
            drained.arrived.len() + drained.counted == self.items()
        })
    }

    /// The run, with what has brought the driver's role.
    fn drain(&self, entry: *mut ()) {
        self.add(entry);
        loop {
            self.close();
            while self.fetch() {}
            if self.is_complete() {
                self.complete();
                self.release();
                return;
            }
            self.open();
            if self.queue.arm(Armed::Driver) {
                return;
            }
        }
    }

    /// Takes over what was counted.
    fn close(&self) {
        self.drained.with_mut(|drained| {
            // SAFETY: loom checks that the access is exclusive.
            let drained = unsafe { &mut *drained };
            if drained.room > 0 {
                drained.counted += drained.room - self.counter.close();
                drained.room = 0;
            }
        });
    }

    /// Has all items counted that have not come, but one; none once they are dropped as they come.
    fn open(&self) {
        self.drained.with_mut(|drained| {
            // SAFETY: loom checks that the access is exclusive.
            let drained = unsafe { &mut *drained };
            if self.counts && drained.cancelled == 0 {
                drained.room = self.items() - drained.arrived.len() - drained.counted - 1;
                self.counter.open(drained.room);
            }
        });
    }

    /// Nobody needs the items any more: the outcomes of those that are known to have come are dropped.
    fn drop_what_has_come(&self, drained: &mut Drained) {
        for (index, slot) in self.slots[..self.items()].iter().enumerate() {
            let come = drained.arrived.contains(&index) || slot.came.load(Ordering::Acquire);
            if come && !drained.dropped.contains(&index) {
                take(slot, index);
                drained.dropped.push(index);
            }
        }
    }

    /// All items have come: takes their outcomes.
    fn complete(&self) {
        self.drained.with_mut(|drained| {
            // SAFETY: loom checks that the access is exclusive.
            let drained = unsafe { &mut *drained };
            drained.completed += 1;
            for (index, slot) in self.slots[..self.items()].iter().enumerate() {
                if !drained.dropped.contains(&index) {
                    take(slot, index);
                }
            }
        });
    }

    /// The handle goes, and leaves the rest to a collector.
    fn hand_on(&self) {
        self.retain();
        self.drain(std::ptr::null_mut());
        self.release();
    }

    /// As `wait`, until all have come.
    fn wait(&self) {
        while !self.is_complete() {
            let bell = Bell::new();
            let armed = Bell::armed(&bell);
            if self.queue.arm(armed) {
                bell.wait();
            } else {
                Bell::give_up(armed);
            }
            assert!(self.fetch(), "woken in vain");
        }
    }

    /// As a `wait` whose time is over as soon as it has armed the queue.
    fn expired_wait(&self) {
        let bell = Bell::new();
        let armed = Bell::armed(&bell);
        if !self.queue.arm(armed) || self.queue.disarm(armed) {
            Bell::give_up(armed);
        } else {
            // An item has come meanwhile, and owns the bell.
            assert!(!self.queue.is_empty());
        }
        self.fetch();
    }

    fn settler(self: &Rc<Self>, index: usize) -> thread::JoinHandle<()> {
        let list = Rc::clone(self);
        thread::spawn(move || list.push(index))
    }
}

/// Takes the outcome of an item that has come.
fn take(slot: &Slot, index: usize) {
    // SAFETY: loom checks that the access is exclusive.
    let outcome = slot.outcome.with_mut(|outcome| std::mem::take(unsafe { &mut *outcome }));
    assert_eq!(outcome, index + 1, "an outcome is there, once");
}

/// Waits for the end of a thread.
fn join(thread: thread::JoinHandle<()>) {
    thread.join().unwrap();
}

fn sorted(list: &List) -> Vec<usize> {
    let mut arrived = list.result.borrow().arrived.clone();
    arrived.sort_unstable();
    arrived
}
