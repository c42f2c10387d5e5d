//! Going to sleep against pushing, blocking and closing: as much of a pool's core and workers as decides whether
//! a wake-up can be lost. One that is lost is a deadlock here, which loom reports.

use std::cell::RefCell;

use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
use loom::thread;

use crate::check;
use crate::inbox::{Inbox, Linked, Pushed};
use crate::sleep::Sleep;
use crate::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// How many items there can be. A word that stands for an item is the address of its link.
const ITEMS: usize = 3;

#[repr(align(16))]
struct Slot(AtomicPtr<()>);

struct Links;

impl Linked for Links {
    unsafe fn link<'a>(item: *mut ()) -> &'a AtomicPtr<()> {
        // SAFETY: a slot of the core, which outlives all threads of the model.
        unsafe { &(*item.cast::<Slot>()).0 }
    }
}

/// As the library's `Roster`, without starting threads.
#[derive(Default)]
struct Roster {
    target: usize,
    live: usize,
    idle: usize,
    blocked: usize,
    wakes: usize,
    closing: bool,
    closed: bool,
}

impl Roster {
    fn usable(&self) -> usize {
        self.target.saturating_sub(self.live - self.idle - self.blocked)
    }

    fn publish(&self, core: &Core) {
        let hands = self.usable().min(self.idle);
        core.sleep.offer(if self.closed { 0 } else { hands });
    }
}

/// What a worker has taken. Others see the length only, and take the items under the lock.
struct Seat {
    length: AtomicUsize,
    items: Mutex<Vec<usize>>,
}

struct Core {
    inbox: Inbox<Links>,
    sleep: Sleep,
    roster: Mutex<Roster>,
    bell: Condvar,
    seats: Vec<Seat>,
    slots: [Slot; ITEMS],
    runs: RefCell<[usize; ITEMS]>,
    /// Which items have run, for jobs that wait for others.
    done: Mutex<[bool; ITEMS]>,
    rung: Condvar,
    /// Whether workers look out before they sleep.
    look_out: bool,
}

impl Core {
    fn new(workers: usize, target: usize) -> Arc<Core> {
        Self::with(workers, target, false)
    }

    fn with(workers: usize, target: usize, look_out: bool) -> Arc<Core> {
        let seat = || Seat { length: AtomicUsize::new(0), items: Mutex::new(Vec::new()) };
        Arc::new(Core {
            inbox: Inbox::new(),
            sleep: Sleep::new(0),
            roster: Mutex::new(Roster { target, live: workers, ..Roster::default() }),
            bell: Condvar::new(),
            seats: (0..workers).map(|_| seat()).collect(),
            slots: std::array::from_fn(|_| Slot(AtomicPtr::new(std::ptr::null_mut()))),
            runs: RefCell::default(),
            done: Mutex::new([false; ITEMS]),
            rung: Condvar::new(),
            look_out,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap()
    }

    fn has_work(&self) -> bool {
        !self.inbox.is_empty()
            || self.seats.iter().any(|seat| seat.length.load(Ordering::Relaxed) > 0)
    }

    fn post(&self, item: usize) -> bool {
        let word = std::ptr::from_ref(&self.slots[item]).cast_mut().cast();
        // SAFETY: each item is posted once.
        match unsafe { self.inbox.push(word) } {
            Pushed::First => self.wake_if_needed(),
            Pushed::Behind => {}
            Pushed::Closed => return false,
        }
        true
    }

    fn wake_if_needed(&self) {
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
        drop(roster);
        self.sleep.awake();
    }

    fn begin_closing(&self) {
        let mut roster = self.lock();
        roster.closing = true;
        roster.publish(self);
        self.bell.notify_all();
        let work = self.has_work();
        drop(roster);
        if work {
            self.wake_if_needed();
        }
    }

    fn wait_for(&self, item: usize) {
        let mut done = self.done.lock().unwrap();
        while !done[item] {
            done = self.rung.wait(done).unwrap();
        }
    }

    fn finished(&self, item: usize) {
        self.runs.borrow_mut()[item] += 1;
        self.done.lock().unwrap()[item] = true;
        self.rung.notify_all();
    }
}

/// A worker's thread.
struct Worker {
    core: Arc<Core>,
    seat: usize,
    run: fn(&Core, usize),
}

impl Worker {
    fn start(core: &Arc<Core>, seat: usize, run: fn(&Core, usize)) -> thread::JoinHandle<()> {
        let worker = Worker { core: Arc::clone(core), seat, run };
        thread::spawn(move || worker.main())
    }

    fn main(&self) {
        let mut woken = false;
        loop {
            match self.find() {
                Some(item) => {
                    if std::mem::take(&mut woken) && self.core.has_work() {
                        self.core.wake_if_needed();
                    }
                    (self.run)(&self.core, item);
                }
                None if self.core.look_out && self.look_out() => woken = true,
                None if self.rest() => woken = true,
                None => return,
            }
        }
    }

    fn find(&self) -> Option<usize> {
        self.pop(self.seat).or_else(|| self.grab()).or_else(|| {
            (0..self.core.seats.len()).filter(|&seat| seat != self.seat).find_map(|s| self.pop(s))
        })
    }

    fn pop(&self, seat: usize) -> Option<usize> {
        let seat = &self.core.seats[seat];
        if seat.length.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut items = seat.items.lock().unwrap();
        let item = items.pop();
        seat.length.store(items.len(), Ordering::Relaxed);
        item
    }

    /// A batch of one; more only where the inbox gives more.
    fn grab(&self) -> Option<usize> {
        let mut items = Vec::new();
        let first = std::ptr::from_ref(&self.core.slots[0]).addr();
        let (taken, more) = self.core.inbox.take(1, |word| {
            items.push((word.addr() - first) / size_of::<Slot>());
        });
        if taken > 1 {
            let seat = &self.core.seats[self.seat];
            let mut stored = seat.items.lock().unwrap();
            stored.extend(items.drain(1..).rev());
            seat.length.store(stored.len(), Ordering::Relaxed);
        }
        if taken > 1 || more {
            self.core.wake_if_needed();
        }
        items.first().copied()
    }

    /// Once, where a worker yields some times.
    fn look_out(&self) -> bool {
        if !self.core.sleep.look_out() {
            return false;
        }
        let found = !self.core.inbox.is_empty();
        self.core.sleep.awake();
        found
    }

    fn rest(&self) -> bool {
        let core = &*self.core;
        let mut roster = core.lock();
        roster.idle += 1;
        roster.publish(core);
        if roster.usable() > 0 && core.has_work() {
            roster.idle -= 1;
            roster.publish(core);
            return true;
        }
        let stays = self.sleep(roster);
        if stays {
            core.sleep.awake();
        }
        stays
    }

    fn sleep(&self, mut roster: MutexGuard<'_, Roster>) -> bool {
        let core = &*self.core;
        loop {
            if roster.wakes > 0 {
                roster.wakes -= 1;
                return true;
            }
            let all_idle = roster.closing && !roster.closed && roster.idle == roster.live;
            if all_idle && !core.has_work() && core.inbox.close_if_empty() {
                roster.closed = true;
                roster.publish(core);
                core.bell.notify_all();
            }
            if roster.closed {
                roster.idle -= 1;
                roster.live -= 1;
                roster.publish(core);
                return false;
            }
            roster = core.bell.wait(roster).unwrap();
        }
    }
}

/// Workers, and items that are posted by this thread; then the pool is closed and the threads end.
fn pool(bound: usize, workers: usize, target: usize, items: usize, run: fn(&Core, usize)) {
    run_pool(bound, move || Core::new(workers, target), items, run);
}

fn run_pool(
    bound: usize,
    core: impl Fn() -> Arc<Core> + Send + Sync + 'static,
    items: usize,
    run: fn(&Core, usize),
) {
    check(bound, move || {
        let core = core();
        let workers = core.seats.len();
        let threads: Vec<_> = (0..workers).map(|seat| Worker::start(&core, seat, run)).collect();
        for item in 0..items {
            assert!(core.post(item));
        }
        for item in 0..items {
            core.wait_for(item);
        }
        core.begin_closing();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(core.runs.borrow()[..items].iter().all(|&runs| runs == 1));
    });
}

#[test]
fn push_against_one_sleeper() {
    pool(3, 1, 1, 1, Core::finished);
}

#[test]
fn two_pushes_against_one_sleeper() {
    pool(2, 1, 1, 2, Core::finished);
}

#[test]
fn push_against_two_sleepers() {
    pool(2, 2, 2, 1, Core::finished);
}

/// The first item does not end before the second has run: both workers must be awake.
#[test]
fn two_pushes_against_two_sleepers() {
    pool(2, 2, 2, 2, |core, item| {
        if item == 0 {
            core.wait_for(1);
        }
        core.finished(item);
    });
}

#[test]
fn two_pushes_against_one_that_looks_out() {
    run_pool(2, || Core::with(1, 1, true), 2, Core::finished);
}

#[test]
fn push_against_two_that_look_out() {
    run_pool(1, || Core::with(2, 2, true), 1, Core::finished);
}

/// This thread is a worker with a batch, and runs an item that waits for the batch, which both others must come for.
#[test]
fn a_batch_of_a_busy_worker_against_two_sleepers() {
    check(2, || {
        let core = Core::new(3, 3);
        let run: fn(&Core, usize) = |core, item| {
            if item == 1 {
                core.wait_for(2);
            }
            core.finished(item);
        };
        let threads = [1, 2].map(|seat| Worker::start(&core, seat, run));
        core.seats[0].items.lock().unwrap().extend([2, 1]);
        core.seats[0].length.store(2, Ordering::Relaxed);
        core.wake_if_needed();
        core.wait_for(1);
        core.wait_for(2);
        core.lock().live -= 1;
        core.begin_closing();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*core.runs.borrow(), [0, 1, 1]);
    });
}

/// One may work at a time, and the first item blocks, in a way that the pool knows of, until the second has run.
#[test]
fn a_blocked_worker_against_a_spare_one() {
    pool(2, 2, 1, 2, |core, item| {
        if item == 0 {
            let work = {
                let mut roster = core.lock();
                roster.blocked += 1;
                roster.publish(core);
                core.has_work()
            };
            if work {
                core.wake_if_needed();
            }
            core.wait_for(1);
            let mut roster = core.lock();
            roster.blocked -= 1;
            roster.publish(core);
        }
        core.finished(item);
    });
}

/// A push while the pool is closing: it is refused, or run.
fn closing(bound: usize, workers: usize) {
    check(bound, move || {
        let core = Core::new(workers, workers);
        let threads: Vec<_> =
            (0..workers).map(|seat| Worker::start(&core, seat, Core::finished)).collect();
        let other = Arc::clone(&core);
        let pusher = thread::spawn(move || other.post(0));
        core.begin_closing();
        let taken = pusher.join().unwrap();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(core.runs.borrow()[0], usize::from(taken));
        assert!(!core.post(1));
    });
}

#[test]
fn push_against_closing_of_one_worker() {
    closing(2, 1);
}

#[test]
fn push_against_closing_of_two_workers() {
    closing(1, 2);
}
