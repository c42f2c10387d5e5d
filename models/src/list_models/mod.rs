//! A list's mailbox: items that settle, against the handle that waits, times out, or leaves the rest to a policy.
//! The last one is join's countdown, in which items that have nothing to tell may only be tallied.

mod bell;
mod countdown;
mod tally;
mod wait;

use std::mem::ManuallyDrop;
use std::rc::Rc;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::cell::mailbox::{Armed, Mailbox};
use crate::cell::tally::Tally;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use bell::Bell;

#[repr(align(16))]
struct Slot {
    next: AtomicPtr<()>,
    /// Written by whoever settles the item, read by the drainer.
    outcome: UnsafeCell<usize>,
    /// It has come, and was to be counted only.
    came: AtomicBool,
}

/// What the drainer touches.
#[derive(Default)]
struct Drained {
    arrived: Vec<usize>,
    completed: usize,
    cancelled: usize,
    /// For how many the tally was opened, and how many it has counted.
    room: usize,
    counted: usize,
    /// What was dropped before its entry came.
    dropped: Vec<usize>,
}

/// A list of as many items as it has slots. The last slot is the entry that asks to cancel.
struct List {
    mailbox: ManuallyDrop<Mailbox>,
    tally: Tally,
    /// Whether the policy lets items be tallied.
    tallies: bool,
    /// Read by who uses the tally, written when the list is freed.
    alive: UnsafeCell<()>,
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

    fn tallied(items: usize) -> Rc<List> {
        List::with(items, true)
    }

    fn with(items: usize, tallies: bool) -> Rc<List> {
        let slot = |_| Slot {
            next: AtomicPtr::new(std::ptr::null_mut()),
            outcome: UnsafeCell::new(0),
            came: AtomicBool::new(false),
        };
        Rc::new(List {
            mailbox: ManuallyDrop::new(Mailbox::new()),
            tally: Tally::closed(),
            tallies,
            alive: UnsafeCell::new(()),
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
        // SAFETY: the last reference is gone; loom checks that nobody uses the mailbox any more.
        unsafe { ManuallyDrop::drop(&mut *(&raw const self.mailbox).cast_mut()) };
    }

    /// An item has settled, or somebody cancels (the last index).
    fn push(&self, index: usize) {
        let slot = &self.slots[index];
        // SAFETY: loom checks that the access is exclusive.
        slot.outcome.with_mut(|outcome| unsafe { *outcome = index + 1 });
        if index < self.items() && self.tally.is_open() {
            self.alive.with(|_| ());
            slot.came.store(true, Ordering::Release);
            if self.tally.count() {
                return;
            }
        }
        let entry = std::ptr::from_ref(slot).cast_mut().cast();
        match self.mailbox.push(entry, &slot.next) {
            None => {}
            Some(Armed::Thread(thread) | Armed::Waker(thread)) => Bell::take(thread).ring(),
            Some(Armed::Policy) => self.drain(entry),
        }
    }

    /// With the right to drain: what has come, in the order of time.
    fn fetch(&self) -> bool {
        self.add(self.mailbox.take())
    }

    fn add(&self, newest: *mut ()) -> bool {
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
        !fetched.is_empty()
    }

    fn is_complete(&self) -> bool {
        // SAFETY: loom checks that nobody writes.
        self.drained.with(|drained| unsafe {
            let drained = &*drained;
            drained.arrived.len() + drained.counted == self.items()
        })
    }

    /// The policy's run, with what has brought the right to drain.
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
            if self.mailbox.arm(Armed::Policy) {
                return;
            }
        }
    }

    /// Takes over what was tallied.
    fn close(&self) {
        self.drained.with_mut(|drained| {
            // SAFETY: loom checks that the access is exclusive.
            let drained = unsafe { &mut *drained };
            if drained.room > 0 {
                drained.counted += drained.room - self.tally.close();
                drained.room = 0;
            }
        });
    }

    /// Has all items tallied that have not come, but one; none once they are dropped as they come.
    fn open(&self) {
        self.drained.with_mut(|drained| {
            // SAFETY: loom checks that the access is exclusive.
            let drained = unsafe { &mut *drained };
            if self.tallies && drained.cancelled == 0 {
                drained.room = self.items() - drained.arrived.len() - drained.counted - 1;
                self.tally.open(drained.room);
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

    /// The handle goes, and leaves the rest to a policy.
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
            if self.mailbox.arm(armed) {
                bell.wait();
            } else {
                Bell::give_up(armed);
            }
            assert!(self.fetch(), "woken in vain");
        }
    }

    /// As a `wait` whose time is over as soon as it has armed the mailbox.
    fn expired_wait(&self) {
        let bell = Bell::new();
        let armed = Bell::armed(&bell);
        if !self.mailbox.arm(armed) || self.mailbox.disarm(armed) {
            Bell::give_up(armed);
        } else {
            // An item has come meanwhile, and owns the bell.
            assert!(!self.mailbox.is_empty());
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
