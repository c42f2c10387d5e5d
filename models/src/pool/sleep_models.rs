//! Going to sleep against pushing, blocking and closing. A wake-up that is lost is a deadlock here, which loom
//! reports.

use std::sync::Arc;

use loom::thread;

use super::blocked::Blocked;
use super::core::{Core, Owner};
use super::worker::{Run, Seat, Worker};
use crate::check;
use crate::sync::atomic::Ordering;

const FINISH: Run = |core, _, item| core.finished(item);

/// Workers, and items that are posted by this thread; then the pool is closed and the threads end.
fn pool(bound: usize, workers: usize, target: usize, items: usize, run: Run) {
    run_pool(bound, move || Core::make(workers, target), items, run);
}

fn run_pool(
    bound: usize,
    owner: impl Fn() -> Owner + Send + Sync + 'static,
    items: usize,
    run: Run,
) {
    check(bound, move || {
        let owner = owner();
        let core = owner.core();
        let workers = core.seats.len();
        let threads: Vec<_> = (0..workers).map(|seat| Worker::start(core, seat, run)).collect();
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
    pool(3, 1, 1, 1, FINISH);
}

#[test]
fn two_pushes_against_one_sleeper() {
    pool(2, 1, 1, 2, FINISH);
}

#[test]
fn push_against_two_sleepers() {
    pool(2, 2, 2, 1, FINISH);
}

/// The first item does not end before the second has run: both workers must be awake.
#[test]
fn two_pushes_against_two_sleepers() {
    pool(2, 2, 2, 2, |core, _, item| {
        if item == 0 {
            core.wait_for(1);
        }
        core.finished(item);
    });
}

#[test]
fn two_pushes_against_one_that_looks_out() {
    run_pool(2, || Core::with(1, 1, true), 2, FINISH);
}

#[test]
fn push_against_two_that_look_out() {
    run_pool(1, || Core::with(2, 2, true), 1, FINISH);
}

/// This thread is a worker with a batch, and runs an item that waits for the batch, which both others must come for.
#[test]
fn a_batch_of_a_busy_worker_against_two_sleepers() {
    check(2, || {
        let owner = Core::make(3, 3);
        let core = owner.core();
        let run: Run = |core, _, item| {
            if item == 1 {
                core.wait_for(2);
            }
            core.finished(item);
        };
        let threads = [1, 2].map(|seat| Worker::start(core, seat, run));
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
        assert_eq!(*core.runs.borrow(), [0, 1, 1, 0]);
    });
}

/// One may work at a time, and the first item blocks, in a way that the pool knows of, until the second has run.
#[test]
fn a_blocked_worker_against_a_spare_one() {
    pool(2, 2, 1, 2, |core, _, item| {
        if item == 0 {
            let blocked = Blocked::patient(core);
            core.wait_for(1);
            drop(blocked);
        }
        core.finished(item);
    });
}

/// A push while the pool is closing: it is refused, or run.
fn closing(bound: usize, workers: usize) {
    check(bound, move || {
        let owner = Core::make(workers, workers);
        let core = owner.core();
        let threads: Vec<_> = (0..workers).map(|seat| Worker::start(core, seat, FINISH)).collect();
        let pusher = thread::spawn(move || core.post(0));
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

// ── Pools all of whose threads wait ──────────────────────────────────────────────────────────────

/// Waits until an item has run; whether that was so, or the pool needs this worker.
fn wait(core: &'static Core, seat: &Arc<Seat>, item: usize) -> bool {
    let Some(blocked) = Blocked::callable(core, seat) else { return false };
    let waited = core.wait_for_or_called(item, &seat.parker, &seat.called);
    drop(blocked);
    waited
}

/// The only worker waits for what is pushed meanwhile: one of them sees the other, and the wait ends.
#[test]
fn the_last_worker_blocks_against_a_push() {
    pool(3, 1, 1, 2, |core, seat, item| {
        if item == 0 {
            assert!(!wait(core, seat, 1));
        }
        core.finished(item);
    });
}

#[test]
fn the_last_of_two_workers_blocks_against_a_push() {
    pool(1, 2, 2, 3, |core, seat, item| {
        if item < 2 {
            wait(core, seat, 2);
        }
        core.finished(item);
    });
}

/// Who was called gives the flag back: the next push wakes.
#[test]
fn a_push_after_a_call() {
    check(3, || {
        let owner = Core::make(1, 1);
        let core = owner.core();
        let worker = Worker::start(core, 0, |core, seat, item| {
            if item == 0 {
                wait(core, seat, 1);
            }
            core.finished(item);
        });
        core.post(0);
        core.post(1);
        core.wait_for(1);
        core.post(2);
        core.wait_for(2);
        core.begin_closing();
        worker.join().unwrap();
    });
}

/// The wait has ended by itself when the call comes.
#[test]
fn a_call_against_the_end_of_the_wait() {
    check(2, || {
        let owner = Core::make(1, 1);
        let core = owner.core();
        let worker = Worker::start(core, 0, |core, seat, item| {
            if item == 0 {
                wait(core, seat, 2);
            }
            core.finished(item);
        });
        let other = thread::spawn(move || core.finished(2));
        core.post(0);
        core.post(1);
        core.wait_for(1);
        other.join().unwrap();
        core.begin_closing();
        worker.join().unwrap();
    });
}

/// Nothing but the item that waits is ever queued, so its wait may not be ended.
#[test]
fn a_late_pusher_against_a_wait() {
    check(3, || {
        let owner = Core::make(1, 1);
        let core = owner.core();
        let worker = Worker::start(core, 0, |core, seat, item| {
            assert!(wait(core, seat, 2), "called, and nothing is queued");
            core.finished(item);
        });
        core.post(0);
        core.finished(2);
        core.wait_for(0);
        core.begin_closing();
        worker.join().unwrap();
    });
}

/// The other worker's wait ends by itself, and that one goes on with the queue: so this one is not told to end.
#[test]
fn the_last_worker_blocks_against_a_wait_that_ends_by_itself() {
    check(1, || {
        let owner = Core::make(2, 2);
        let core = owner.core();
        let run: Run = |core, seat, item| {
            match item {
                0 => {
                    let timed = Blocked::timed(core);
                    core.wait_for(3);
                    drop(timed);
                }
                1 => assert!(wait(core, seat, 2), "told although another wait ends by itself"),
                _ => {}
            }
            core.finished(item);
        };
        let workers = [0, 1].map(|seat| Worker::start(core, seat, run));
        (0..3).for_each(|item| assert!(core.post(item)));
        core.finished(3);
        (0..3).for_each(|item| core.wait_for(item));
        core.begin_closing();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// It is not called, and goes on with the queue afterwards.
#[test]
fn a_push_against_a_wait_that_ends_by_itself() {
    check(2, || {
        let owner = Core::make(1, 1);
        let core = owner.core();
        let worker = Worker::start(core, 0, |core, _, item| {
            if item == 0 {
                let timed = Blocked::timed(core);
                core.wait_for(2);
                drop(timed);
            }
            core.finished(item);
        });
        core.post(0);
        core.post(1);
        core.finished(2);
        core.wait_for(1);
        core.begin_closing();
        worker.join().unwrap();
    });
}
