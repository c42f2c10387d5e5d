//! A shared value: its feeder against handles that read, wait, are cloned, cancel and go.

use std::mem::ManuallyDrop;
use std::rc::Rc;

use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::thread;

use crate::cell::shared::counts::{Counts, Leave, Standing};
use crate::check;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Behind the lock.
#[derive(Default)]
struct Waiting {
    entries: usize,
    cancelled: bool,
}

struct Value {
    holders: ManuallyDrop<Counts>,
    waiting: Mutex<Waiting>,
    /// Written by the feeder.
    outcome: UnsafeCell<usize>,
    /// Read by whoever may touch the shared part, written when it is freed.
    alive: UnsafeCell<()>,
    waited: AtomicUsize,
    woken: AtomicUsize,
    /// How often it has settled.
    settled: AtomicUsize,
    freed: AtomicUsize,
}

impl Value {
    fn new() -> Rc<Value> {
        Rc::new(Value {
            holders: ManuallyDrop::new(Counts::one()),
            waiting: Mutex::new(Waiting::default()),
            outcome: UnsafeCell::new(0),
            alive: UnsafeCell::new(()),
            waited: AtomicUsize::new(0),
            woken: AtomicUsize::new(0),
            settled: AtomicUsize::new(0),
            freed: AtomicUsize::new(0),
        })
    }

    /// A reference goes.
    fn let_go(&self) {
        self.alive.with(|_| ());
        if !self.holders.let_go() {
            return;
        }
        self.alive.with_mut(|_| ());
        if self.holders.standing() == Standing::Settled {
            // SAFETY: loom checks that the access is exclusive.
            assert_eq!(self.outcome.with_mut(|outcome| unsafe { *outcome }), 1);
        }
        self.freed.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the last reference is gone; loom checks that nobody uses the word any more.
        unsafe { ManuallyDrop::drop(&mut *(&raw const self.holders).cast_mut()) };
    }

    /// The feeder has settled.
    fn notify(&self) {
        // SAFETY: loom checks that the access is exclusive.
        self.outcome.with_mut(|outcome| unsafe { *outcome = 1 });
        self.alive.with(|_| ());
        let last = match self.holders.settle_alone() {
            Some(last) => {
                self.settled.fetch_add(1, Ordering::Relaxed);
                last
            }
            None => {
                self.settle(false);
                self.alive.with(|_| ());
                self.holders.leave_feeder()
            }
        };
        if last {
            self.let_go();
        }
    }

    fn settle(&self, unwanted: bool) {
        let mut waiting = self.waiting.lock().unwrap();
        if self.holders.settle(unwanted) {
            self.settled.fetch_add(1, Ordering::Relaxed);
            let entries = std::mem::take(&mut waiting.entries);
            self.woken.fetch_add(entries, Ordering::Relaxed);
        }
    }

    fn cancel_if_unwanted(&self, somebody: bool) {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.cancelled |= somebody;
        let pending = self.holders.standing() == Standing::Pending;
        let cancel = waiting.cancelled && pending && !self.holders.any();
        drop(waiting);
        if cancel {
            self.settle(true);
        }
    }

    // ── What a handle does ───────────────────────────────────────────────────────────────────

    fn read(&self) {
        if self.holders.standing() == Standing::Settled {
            // SAFETY: loom checks that nobody writes.
            assert_eq!(self.outcome.with(|outcome| unsafe { *outcome }), 1);
        }
    }

    fn wait(&self) {
        let mut waiting = self.waiting.lock().unwrap();
        if self.holders.wait() {
            waiting.entries += 1;
            self.waited.fetch_add(1, Ordering::Relaxed);
        } else {
            drop(waiting);
            assert_ne!(self.holders.standing(), Standing::Pending);
            self.read();
        }
    }

    fn cancel(&self) {
        self.holders.cancel();
        self.cancel_if_unwanted(true);
    }

    fn leave(&self, mut owner: bool) {
        loop {
            self.alive.with(|_| ());
            match self.holders.leave(owner) {
                Leave::Gone => return,
                Leave::Last => break,
                Leave::Look => {
                    owner = false;
                    self.cancel_if_unwanted(false);
                }
            }
        }
        self.alive.with(|_| ());
        if self.holders.standing() == Standing::Pending {
            self.cancel_if_unwanted(false);
        }
        self.alive.with(|_| ());
        if self.holders.leave_last() {
            self.let_go();
        }
    }

    fn on_thread(self: &Rc<Self>, run: impl FnOnce(&Value) + 'static) -> thread::JoinHandle<()> {
        let value = Rc::clone(self);
        thread::spawn(move || run(&value))
    }

    fn end(&self, threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(self.freed.load(Ordering::Relaxed), 1, "freed, once");
        assert_eq!(self.settled.load(Ordering::Relaxed), 1, "settled, once");
        let waited = self.waited.load(Ordering::Relaxed);
        assert_eq!(self.woken.load(Ordering::Relaxed), waited, "who waits is woken, once");
    }
}

#[test]
fn a_value_is_read_and_dropped() {
    check(4, || {
        let value = Value::new();
        let feeder = value.on_thread(Value::notify);
        value.read();
        value.leave(true);
        value.end([feeder]);
    });
}

#[test]
fn two_handles_read_a_value() {
    check(3, || {
        let value = Value::new();
        assert!(value.holders.add());
        let feeder = value.on_thread(Value::notify);
        let other = value.on_thread(|value| {
            value.read();
            value.leave(true);
        });
        value.read();
        value.leave(true);
        value.end([feeder, other]);
    });
}

#[test]
fn a_handle_is_cloned() {
    check(3, || {
        let value = Value::new();
        let feeder = value.on_thread(Value::notify);
        assert!(value.holders.add());
        let other = value.on_thread(|value| value.leave(true));
        value.leave(true);
        value.end([feeder, other]);
    });
}

#[test]
fn a_handle_waits() {
    check(4, || {
        let value = Value::new();
        let feeder = value.on_thread(Value::notify);
        value.wait();
        value.leave(true);
        value.end([feeder]);
    });
}

#[test]
fn two_handles_wait() {
    check(2, || {
        let value = Value::new();
        assert!(value.holders.add());
        let feeder = value.on_thread(Value::notify);
        let other = value.on_thread(|value| {
            value.wait();
            value.leave(true);
        });
        value.wait();
        value.leave(true);
        value.end([feeder, other]);
    });
}

#[test]
fn the_only_handle_cancels() {
    check(4, || {
        let value = Value::new();
        let feeder = value.on_thread(Value::notify);
        value.cancel();
        value.leave(false);
        value.end([feeder]);
    });
}

#[test]
fn one_cancels_and_the_other_goes() {
    check(2, || {
        let value = Value::new();
        assert!(value.holders.add());
        let feeder = value.on_thread(Value::notify);
        let other = value.on_thread(|value| value.leave(true));
        value.cancel();
        value.leave(false);
        value.end([feeder, other]);
    });
}

/// Without the feeder, so that it is unwanted in the end.
#[test]
fn a_value_that_nobody_wants_is_cancelled() {
    check(4, || {
        let value = Value::new();
        assert!(value.holders.add());
        let other = value.on_thread(|value| {
            value.cancel();
            value.leave(false);
        });
        value.leave(true);
        other.join().unwrap();
        assert_eq!(value.holders.standing(), Standing::Unwanted);
        value.notify();
        value.end([]);
    });
}

/// A branch has a reference of its own, and no handle.
#[test]
fn a_branch_keeps_a_value() {
    check(3, || {
        let value = Value::new();
        assert!(value.holders.refer());
        let feeder = value.on_thread(Value::notify);
        let branch = value.on_thread(|value| {
            value.read();
            value.let_go();
        });
        value.leave(true);
        value.end([feeder, branch]);
    });
}

/// The handle that has cancelled stays, so that the other one has to look when it goes.
#[test]
fn the_last_owner_looks() {
    check(4, || {
        let value = Value::new();
        assert!(value.holders.add());
        let other = value.on_thread(Value::cancel);
        value.leave(true);
        other.join().unwrap();
        assert_eq!(value.holders.standing(), Standing::Unwanted);
        value.notify();
        value.leave(false);
        value.end([]);
    });
}
