//! A list's mailbox: items that settle, against the handle that waits, times out, or leaves the rest to a policy.
//! The last one is join's countdown.

use std::mem::ManuallyDrop;
use std::rc::Rc;

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use crate::check;
use crate::mailbox::{Armed, Mailbox};
use crate::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

#[repr(align(16))]
struct Slot {
    next: AtomicPtr<()>,
    /// Written by whoever settles the item, read by the drainer.
    outcome: UnsafeCell<usize>,
}

/// What the drainer touches.
#[derive(Default)]
struct Drained {
    arrived: Vec<usize>,
    completed: usize,
    cancelled: usize,
}

/// A list of as many items as it has slots. The last slot is the entry that asks to cancel.
struct List {
    mailbox: ManuallyDrop<Mailbox>,
    slots: Vec<Slot>,
    drained: ManuallyDrop<UnsafeCell<Drained>>,
    /// The handle's, the run's and the canceller's; the items have none.
    references: AtomicUsize,
    /// Kept for the end of the execution.
    result: std::cell::RefCell<Drained>,
}

impl List {
    fn new(items: usize) -> Rc<List> {
        let slot =
            |_| Slot { next: AtomicPtr::new(std::ptr::null_mut()), outcome: UnsafeCell::new(0) };
        Rc::new(List {
            mailbox: ManuallyDrop::new(Mailbox::new()),
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
        // SAFETY: the last reference is gone; loom checks that nobody uses the mailbox any more.
        unsafe { ManuallyDrop::drop(&mut *(&raw const self.mailbox).cast_mut()) };
    }

    /// An item has settled, or somebody cancels (the last index).
    fn push(&self, index: usize) {
        let slot = &self.slots[index];
        // SAFETY: loom checks that the access is exclusive.
        slot.outcome.with_mut(|outcome| unsafe { *outcome = index + 1 });
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
            // SAFETY: loom checks that the access is exclusive.
            fetched.push(slot.outcome.with_mut(|outcome| unsafe { *outcome }) - 1);
            entry = slot.next.load(Ordering::Relaxed);
        }
        self.drained.with_mut(|drained| {
            // SAFETY: loom checks that the access is exclusive.
            let drained = unsafe { &mut *drained };
            for &index in fetched.iter().rev() {
                if index == self.items() {
                    drained.cancelled += 1;
                } else {
                    drained.arrived.push(index);
                }
            }
        });
        !fetched.is_empty()
    }

    fn is_complete(&self) -> bool {
        // SAFETY: loom checks that nobody writes.
        self.drained.with(|drained| unsafe { &*drained }.arrived.len() == self.items())
    }

    /// The policy's run, with what has brought the right to drain.
    fn drain(&self, entry: *mut ()) {
        self.add(entry);
        loop {
            while self.fetch() {}
            if self.is_complete() {
                // SAFETY: loom checks that the access is exclusive.
                self.drained.with_mut(|drained| unsafe { &mut *drained }.completed += 1);
                self.release();
                return;
            }
            if self.mailbox.arm(Armed::Policy) {
                return;
            }
        }
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

/// A parked thread, counted as the library's is.
#[repr(align(16))]
struct Bell {
    rung: Mutex<bool>,
    condvar: Condvar,
    /// Written before anybody else has the bell, read by who rings it.
    made: UnsafeCell<()>,
}

impl Bell {
    fn new() -> Arc<Bell> {
        let made = UnsafeCell::new(());
        made.with_mut(|_| ());
        Arc::new(Bell { rung: Mutex::new(false), condvar: Condvar::new(), made })
    }

    fn armed(bell: &Arc<Bell>) -> Armed {
        Armed::Thread(Arc::into_raw(Arc::clone(bell)).cast_mut().cast())
    }

    fn take(pointer: *mut ()) -> Arc<Bell> {
        // SAFETY: from `armed`; loom finds the counts wrong if it is taken twice or never.
        unsafe { Arc::from_raw(pointer.cast_const().cast()) }
    }

    fn give_up(armed: Armed) {
        let Armed::Thread(pointer) = armed else { unreachable!() };
        drop(Bell::take(pointer));
    }

    fn ring(&self) {
        self.made.with(|_| ());
        *self.rung.lock().unwrap() = true;
        self.condvar.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.condvar.wait(rung).unwrap();
        }
    }
}

fn sorted(list: &List) -> Vec<usize> {
    let mut arrived = list.result.borrow().arrived.clone();
    arrived.sort_unstable();
    arrived
}

#[test]
fn join_counts_down() {
    check(3, || {
        let list = List::new(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.hand_on();
        for settler in settlers {
            settler.join().unwrap();
        }
        assert_eq!(list.result.borrow().completed, 1, "a join completes once");
        assert_eq!(sorted(&list), [0, 1]);
    });
}

/// D11
#[test]
fn join_of_an_item_that_has_come() {
    check(4, || {
        let list = List::new(2);
        list.push(0);
        let settler = list.settler(1);
        list.hand_on();
        settler.join().unwrap();
        assert_eq!(list.result.borrow().completed, 1);
        assert_eq!(list.result.borrow().arrived, [0, 1], "in the order of time");
    });
}

#[test]
fn join_against_cancel() {
    check(3, || {
        let list = List::new(1);
        let settler = list.settler(0);
        list.retain();
        let other = Rc::clone(&list);
        let canceller = thread::spawn(move || {
            other.push(1);
            other.release();
        });
        list.hand_on();
        settler.join().unwrap();
        canceller.join().unwrap();
        assert_eq!(list.result.borrow().completed, 1);
        assert!(list.result.borrow().cancelled <= 1);
    });
}

#[test]
fn wait_for_two_items() {
    check(3, || {
        let list = List::new(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.wait();
        list.release();
        for settler in settlers {
            settler.join().unwrap();
        }
        assert_eq!(sorted(&list), [0, 1]);
    });
}

#[test]
fn expired_wait_and_join() {
    check(3, || {
        let list = List::new(1);
        let settler = list.settler(0);
        list.expired_wait();
        list.hand_on();
        settler.join().unwrap();
        assert_eq!(list.result.borrow().completed, 1);
    });
}

#[test]
fn expired_wait_and_wait() {
    check(2, || {
        let list = List::new(2);
        let settlers = [list.settler(0), list.settler(1)];
        list.expired_wait();
        list.wait();
        list.release();
        for settler in settlers {
            settler.join().unwrap();
        }
        assert_eq!(sorted(&list), [0, 1]);
    });
}
