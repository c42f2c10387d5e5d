//! The schedule word: wakers against pollers, claims, cancellation, and the last reference.

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::cell::state::schedule::{Left, Popped, Schedule};
use crate::check;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// A future that is through when so many have told it something.
struct Task {
    schedule: Schedule,
    /// How many entries the queue has.
    entries: Mutex<usize>,
    told: AtomicUsize,
    goal: usize,
    /// Touched by the poller only: whether the future is there.
    future: UnsafeCell<bool>,
    /// Read by all who refer to it, written where it is freed: whether it was.
    freed: UnsafeCell<bool>,
}

// SAFETY: loom runs the threads of a model one at a time, and checks the accesses.
unsafe impl Sync for Task {}
// SAFETY: as above.
unsafe impl Send for Task {}

impl Task {
    /// A queued future, and so many wakers.
    fn new(goal: usize, wakers: usize) -> Arc<Task> {
        let task = Task {
            schedule: Schedule::queued(),
            entries: Mutex::new(1),
            told: AtomicUsize::new(0),
            goal,
            future: UnsafeCell::new(true),
            freed: UnsafeCell::new(false),
        };
        (0..wakers).for_each(|_| task.schedule.retain());
        Arc::new(task)
    }

    fn touch(&self) {
        // SAFETY: loom checks that it is not beside the free.
        self.freed.with(|freed| assert!(!unsafe { *freed }));
    }

    fn act(&self, left: Left) {
        match left {
            Left::Nothing => {}
            Left::Push => self.push(),
            Left::Free => self.freed.with_mut(|freed| {
                // SAFETY: loom checks that nobody is beside.
                assert!(!unsafe { std::mem::replace(&mut *freed, true) });
            }),
        }
    }

    fn push(&self) {
        let mut entries = self.entries.lock().unwrap();
        *entries += 1;
        assert_eq!(*entries, 1, "queued at most once");
    }

    /// Takes the entry out of the queue, if there is one.
    fn work(&self) -> bool {
        let taken = {
            let mut entries = self.entries.lock().unwrap();
            std::mem::replace(&mut *entries, 0) == 1
        };
        if taken {
            self.touch();
            match self.schedule.pop() {
                Popped::Run => self.poll(),
                Popped::Left(left) => self.act(left),
            }
        }
        taken
    }

    fn work_off(&self) {
        while self.work() {}
    }

    fn poll(&self) {
        self.touch();
        let forsaken = self.schedule.is_forsaken();
        // SAFETY: loom checks that nobody polls beside.
        let through = self.future.with_mut(|future| unsafe {
            assert!(*future, "polled after its end");
            let through = forsaken || self.told.load(Ordering::Relaxed) >= self.goal;
            *future = !through;
            through
        });
        self.act(if through { self.schedule.finish() } else { self.schedule.idle() });
    }

    /// As a waker does: the reference is the caller's.
    fn tell(&self) {
        self.touch();
        self.told.fetch_add(1, Ordering::Relaxed);
        if self.schedule.wake() {
            self.push();
        }
        self.drop_waker();
    }

    fn drop_waker(&self) {
        self.touch();
        self.act(self.schedule.release());
    }

    /// As a canceller, who keeps the chain, so that the cell is there.
    fn cancel(&self) {
        self.told.fetch_add(self.goal, Ordering::Relaxed);
        if self.schedule.claim(true) {
            self.poll();
        } else if self.schedule.wake() {
            self.push();
        }
    }

    fn is_through(&self) -> bool {
        // SAFETY: all threads are joined.
        !self.future.with(|future| unsafe { *future })
    }

    fn is_freed(&self) -> bool {
        // SAFETY: all threads are joined.
        self.freed.with(|freed| unsafe { *freed })
    }
}

fn on(task: &Arc<Task>, f: impl FnOnce(&Task) + Send + 'static) -> thread::JoinHandle<()> {
    let task = Arc::clone(task);
    thread::spawn(move || f(&task))
}

#[test]
fn a_wake_up_against_a_poll() {
    check(5, || {
        let task = Task::new(1, 1);
        let waker = on(&task, Task::tell);
        task.work();
        waker.join().unwrap();
        task.work_off();
        assert!(task.is_through() && task.is_freed());
    });
}

#[test]
fn two_wake_ups_against_a_poll() {
    check(2, || {
        let task = Task::new(2, 2);
        let wakers = [on(&task, Task::tell), on(&task, Task::tell)];
        task.work_off();
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
        task.work_off();
        assert!(task.is_through() && task.is_freed());
    });
}

#[test]
fn two_workers_and_a_wake_up() {
    check(3, || {
        let task = Task::new(1, 1);
        let others = [on(&task, Task::tell), on(&task, Task::work_off)];
        task.work_off();
        others.into_iter().for_each(|other| other.join().unwrap());
        task.work_off();
        assert!(task.is_through() && task.is_freed());
    });
}

#[test]
fn a_claim_against_a_pop_and_a_wake_up() {
    check(3, || {
        let task = Task::new(1, 1);
        let waker = on(&task, Task::tell);
        let worker = on(&task, Task::work_off);
        if task.schedule.claim(false) {
            task.poll();
        }
        waker.join().unwrap();
        worker.join().unwrap();
        task.work_off();
        assert!(task.is_through() && task.is_freed());
    });
}

#[test]
fn a_cancellation_against_a_pop_and_a_dropped_waker() {
    check(3, || {
        let task = Task::new(1, 1);
        let waker = on(&task, Task::drop_waker);
        let worker = on(&task, Task::work_off);
        task.cancel();
        waker.join().unwrap();
        worker.join().unwrap();
        task.work_off();
        assert!(task.is_through() && task.is_freed());
    });
}

/// Whoever is last of waker and poller has the future dropped: nobody could wake it any more.
#[test]
fn a_dropped_waker_against_a_poll() {
    check(3, || {
        let task = Task::new(1, 1);
        let waker = on(&task, Task::drop_waker);
        let worker = on(&task, Task::work_off);
        waker.join().unwrap();
        worker.join().unwrap();
        task.work_off();
        assert!(task.is_through() && task.is_freed());
    });
}
