//! The inbox: pushers against workers that take batches, and against the close.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::check;
use crate::inbox::{Inbox, Linked, Pushed};
use crate::sync::atomic::AtomicPtr;

#[repr(align(16))]
struct Item {
    link: AtomicPtr<()>,
    /// Written by the pusher, read by the worker.
    number: UnsafeCell<usize>,
}

struct Links;

impl Linked for Links {
    unsafe fn link<'a>(item: *mut ()) -> &'a AtomicPtr<()> {
        // SAFETY: the caller has the item, which came from `item`.
        unsafe { &(*item.cast::<Item>()).link }
    }
}

/// An inbox, and what was taken out of it, by whom.
#[derive(Clone)]
struct Desk {
    inbox: Arc<Inbox<Links>>,
    live: Rc<Cell<usize>>,
}

impl Desk {
    fn new() -> Desk {
        Desk { inbox: Arc::new(Inbox::new()), live: Rc::default() }
    }

    fn item(&self, number: usize) -> *mut () {
        self.live.set(self.live.get() + 1);
        let link = AtomicPtr::new(std::ptr::null_mut());
        Box::into_raw(Box::new(Item { link, number: UnsafeCell::new(number) })).cast()
    }

    fn push(&self, number: usize) -> Pushed {
        let item = self.item(number);
        // SAFETY: the item is new.
        let pushed = unsafe { self.inbox.push(item) };
        if pushed == Pushed::Closed {
            assert_eq!(self.open(item), number);
        }
        pushed
    }

    /// Reads and frees an item, which needs it alone.
    fn open(&self, item: *mut ()) -> usize {
        self.live.set(self.live.get() - 1);
        // SAFETY: made by `item`, and the caller has it; a second time would make `live` negative.
        let item = unsafe { Box::from_raw(item.cast::<Item>()) };
        // SAFETY: loom checks that the write happens before.
        item.number.with_mut(|number| unsafe { *number })
    }

    fn take(&self, limit: usize) -> Vec<usize> {
        let mut taken = Vec::new();
        self.inbox.take(limit, |item| taken.push(self.open(item)));
        taken
    }

    fn take_all(&self) -> Vec<usize> {
        let mut taken = Vec::new();
        while !self.inbox.is_empty() {
            taken.extend(self.take(2));
        }
        taken
    }

    fn pusher(&self, numbers: &'static [usize]) -> thread::JoinHandle<()> {
        let desk = self.clone();
        thread::spawn(move || {
            for &number in numbers {
                assert_ne!(desk.push(number), Pushed::Closed);
            }
        })
    }
}

fn sorted(mut numbers: Vec<usize>) -> Vec<usize> {
    numbers.sort_unstable();
    numbers
}

fn in_order(numbers: &[usize], of: &[usize]) -> bool {
    let found: Vec<_> = numbers.iter().copied().filter(|number| of.contains(number)).collect();
    found.is_sorted()
}

#[test]
fn push_against_take() {
    check(5, || {
        let desk = Desk::new();
        let pusher = desk.pusher(&[1, 2, 3]);
        let mut taken = desk.take(2);
        taken.extend(desk.take(2));
        pusher.join().unwrap();
        taken.extend(desk.take_all());
        assert_eq!(taken, [1, 2, 3], "one worker takes in the order of the pushes");
        assert_eq!(desk.live.get(), 0);
    });
}

#[test]
fn two_pushers_against_take() {
    check(3, || {
        let desk = Desk::new();
        let pushers = [desk.pusher(&[1, 2]), desk.pusher(&[11, 12])];
        let mut taken = desk.take(1);
        taken.extend(desk.take(3));
        for pusher in pushers {
            pusher.join().unwrap();
        }
        taken.extend(desk.take_all());
        assert!(in_order(&taken, &[1, 2]) && in_order(&taken, &[11, 12]), "{taken:?}");
        assert_eq!(sorted(taken), [1, 2, 11, 12]);
        assert_eq!(desk.live.get(), 0);
    });
}

#[test]
fn one_push_is_the_first() {
    check(5, || {
        let desk = Desk::new();
        let other = desk.clone();
        let pusher = thread::spawn(move || other.push(1));
        let mine = desk.push(2);
        let theirs = pusher.join().unwrap();
        assert_ne!(mine, theirs, "exactly one has found the inbox empty");
        assert_eq!(desk.take_all().len(), 2);
        assert_eq!(desk.live.get(), 0);
    });
}

/// Two workers, batches of one: each leaves a rest in the outbox, or finds another's there.
#[test]
fn two_workers_take() {
    check(3, || {
        let desk = Desk::new();
        let pusher = desk.pusher(&[1, 2, 3]);
        let (other, theirs) = (desk.clone(), Rc::new(RefCell::new(Vec::new())));
        let list = Rc::clone(&theirs);
        let worker = thread::spawn(move || *list.borrow_mut() = other.take(1));
        let mut taken = desk.take(1);
        worker.join().unwrap();
        pusher.join().unwrap();
        taken.extend(theirs.take());
        taken.extend(desk.take_all());
        assert_eq!(sorted(taken), [1, 2, 3]);
        assert_eq!(desk.live.get(), 0);
    });
}

/// Two batches are under way at a time, and both leave a rest.
#[test]
fn two_workers_leave_a_rest() {
    check(4, || {
        let desk = Desk::new();
        assert_eq!(desk.push(1), Pushed::First);
        assert_eq!(desk.push(2), Pushed::Behind);
        let (other, theirs) = (desk.clone(), Rc::new(RefCell::new(Vec::new())));
        let list = Rc::clone(&theirs);
        let worker = thread::spawn(move || {
            for number in [3, 4] {
                assert_ne!(other.push(number), Pushed::Closed);
            }
            *list.borrow_mut() = other.take(1);
        });
        let mut taken = desk.take(1);
        worker.join().unwrap();
        taken.extend(theirs.take());
        taken.extend(desk.take_all());
        assert_eq!(sorted(taken), [1, 2, 3, 4]);
        assert_eq!(desk.live.get(), 0);
    });
}

#[test]
fn put_back_against_take_and_push() {
    check(3, || {
        let desk = Desk::new();
        assert_eq!(desk.push(1), Pushed::First);
        let pusher = desk.pusher(&[2]);
        let (other, theirs) = (desk.clone(), Rc::new(RefCell::new(Vec::new())));
        let list = Rc::clone(&theirs);
        let worker = thread::spawn(move || *list.borrow_mut() = other.take(1));
        let mut held = Vec::new();
        desk.inbox.take(2, |item| held.push(item));
        desk.inbox.put_back(&held);
        worker.join().unwrap();
        pusher.join().unwrap();
        let mut taken = theirs.take();
        taken.extend(desk.take_all());
        assert_eq!(sorted(taken), [1, 2]);
        assert_eq!(desk.live.get(), 0);
    });
}

#[test]
fn put_back_keeps_the_order() {
    check(4, || {
        let desk = Desk::new();
        let pusher = desk.pusher(&[1, 2, 3]);
        let mut held = Vec::new();
        desk.inbox.take(2, |item| held.push(item));
        desk.inbox.put_back(&held);
        pusher.join().unwrap();
        assert_eq!(desk.take_all(), [1, 2, 3]);
        assert_eq!(desk.live.get(), 0);
    });
}

#[test]
fn push_against_close() {
    check(5, || {
        let desk = Desk::new();
        let other = desk.clone();
        let pusher = thread::spawn(move || other.push(1));
        let closed = desk.inbox.close_if_empty();
        let pushed = pusher.join().unwrap();
        assert_eq!(closed, pushed == Pushed::Closed, "an item in a closed inbox, or lost");
        assert_eq!(desk.take_all().len(), usize::from(!closed));
        assert!(desk.inbox.close_if_empty() != closed);
        assert_eq!(desk.push(2), Pushed::Closed);
        assert_eq!(desk.live.get(), 0);
    });
}
