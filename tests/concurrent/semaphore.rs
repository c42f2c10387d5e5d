//! `Semaphore`: so many at once.

use crate::common::{Log, PATIENCE, eventually, one_worker, run_on_small_stack, watched};
use asynckit::{AsyncList, Inline, Pool, Promise, Semaphore, SemaphorePermit, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Semaphore>();
    anywhere::<SemaphorePermit>();
    let semaphore = Semaphore::new(2);
    let permit = semaphore.try_acquire().unwrap();
    let waits = semaphore.acquire_many(2);
    assert_eq!(
        format!("{semaphore:?} {permit:?}"),
        "Semaphore(1 permits, 1 waiting) SemaphorePermit(1)"
    );
    semaphore.close();
    assert_eq!(format!("{semaphore:?}"), "Semaphore(1 permits, 0 waiting, closed)");
    drop(waits);
}

#[test]
fn no_more_jobs_run_at_once_than_there_are_permits() {
    watched(|| {
        let (pool, semaphore) = (Pool::new(4), Semaphore::new(2));
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let all: AsyncList<_> = (0..500)
            .map(|_| {
                let (pool, inside, most) = (pool.clone(), inside.clone(), most.clone());
                semaphore.acquire().then(move |permit| {
                    pool.run(move || {
                        most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, SeqCst);
                        drop(permit);
                    })
                })
            })
            .collect();
        assert!(all.join().get(PATIENCE).is_ok());
        assert!(most.load(SeqCst) <= 2);
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn the_first_that_came_is_served_first_also_if_it_wants_more_than_others() {
    watched(|| {
        let (semaphore, order) = (Semaphore::new(0), Log::new());
        let wants = |count| {
            let order = order.clone();
            semaphore.acquire_many(count).via(Inline).map(move |permit| order.add(permit.count()))
        };
        let all = [wants(3), wants(1), wants(2)];
        semaphore.add_permits(2);
        assert!(order.entries().is_empty(), "the first wants three");
        assert!(semaphore.try_acquire().is_none(), "nothing overtakes");
        semaphore.add_permits(1);
        assert_eq!(order.entries(), [3, 1, 2], "each gave its permits back to the next");
        assert!(all.iter().all(Promise::is_set));
        assert_eq!(semaphore.available_permits(), 3);
    });
}

#[test]
fn one_that_is_cancelled_or_dropped_leaves_its_place() {
    watched(|| {
        let semaphore = Semaphore::new(1);
        let first = semaphore.acquire_many(2);
        let mut second = semaphore.acquire();
        assert!(!second.is_set());
        first.cancel();
        assert!(second.get(PATIENCE).is_ok(), "what the first had kept waiting goes on");
        drop(semaphore.acquire_many(2)); // a statement: it waits, and leaves
        let derived = semaphore.acquire_many(2).map(drop);
        let mut last = semaphore.acquire();
        drop(derived);
        assert!(last.get(PATIENCE).is_ok());
        assert_eq!(semaphore.available_permits(), 1);
        let detached = semaphore.acquire_many(2).map(SemaphorePermit::forget);
        detached.detach();
        semaphore.add_permits(1);
        eventually("it has its permits", || semaphore.available_permits() == 0);
    });
}

#[test]
fn a_permit_that_is_not_looked_at_is_given_back() {
    watched(|| {
        let semaphore = Semaphore::new(1);
        let taken = semaphore.acquire();
        let waits = semaphore.acquire();
        drop(taken);
        assert!(waits.is_set());
        waits.cancel(); // too late
        assert_eq!(semaphore.available_permits(), 0);
        drop(waits);
        assert_eq!(semaphore.available_permits(), 1);
        semaphore.try_acquire().unwrap().forget();
        assert_eq!(semaphore.available_permits(), 0);
    });
}

#[test]
fn a_panic_gives_the_permit_back() {
    watched(|| {
        let semaphore = Semaphore::new(1);
        let mut bad = semaphore.acquire().map(|_permit| -> u8 { panic!("on purpose") });
        assert!(bad.get(PATIENCE).unwrap_err().is_panicked());
        assert!(semaphore.acquire().get(PATIENCE).is_ok());
    });
}

#[test]
fn what_waits_is_abandoned_at_the_end() {
    watched(|| {
        let semaphore = Semaphore::new(0);
        let mut waits = semaphore.acquire();
        drop(semaphore);
        assert!(waits.get(PATIENCE).unwrap_err().is_abandoned());
        let semaphore = Semaphore::new(1);
        let permit = semaphore.try_acquire().unwrap();
        let mut waits = semaphore.acquire();
        drop(semaphore);
        assert!(!waits.is_set(), "the permit will come back");
        drop(permit);
        let permit = waits.get(PATIENCE).unwrap();
        assert_eq!(permit.count(), 1);
    });
}

#[test]
fn a_closed_one_gives_no_permits() {
    watched(|| {
        let semaphore = Semaphore::new(1);
        let permit = semaphore.try_acquire_many(1).unwrap();
        let mut waits = semaphore.acquire();
        semaphore.close();
        assert!(waits.get(PATIENCE).unwrap_err().is_abandoned());
        drop(permit);
        assert_eq!(semaphore.available_permits(), 1);
        assert!(semaphore.try_acquire().is_none() && semaphore.is_closed());
        assert!(semaphore.acquire().get(PATIENCE).unwrap_err().is_abandoned());
    });
}

/// No worker is held by those that wait, and a pool that is shut down is no matter of theirs.
#[test]
fn a_shutdown_drops_callbacks_and_their_permits() {
    watched(|| {
        let (pool, semaphore) = (one_worker(), Semaphore::new(1));
        pool.shutdown(Shutdown::Drain, None);
        let mut refused = semaphore.acquire().via(&pool).map(|_permit| ());
        assert!(refused.get(PATIENCE).unwrap_err().is_abandoned());
        eventually("the permit is back", || semaphore.available_permits() == 1);
    });
}

/// A permit that goes from one to the next, inline, thousands of times.
#[test]
fn a_long_line_takes_no_stack() {
    watched(|| {
        run_on_small_stack(crate::common::SMALL_STACK, || {
            let semaphore = Semaphore::new(0);
            let all: Vec<_> =
                (0..10_000).map(|_| semaphore.acquire().via(Inline).map(drop)).collect();
            semaphore.add_permits(1);
            assert!(all.iter().all(Promise::is_set));
            let all: Vec<_> = (0..10_000).map(|_| semaphore.acquire_many(2)).collect();
            let last = semaphore.acquire();
            all.iter().for_each(Promise::cancel);
            assert!(last.is_set());
        });
    });
}

#[test]
fn permits_survive_cancellations_from_other_threads() {
    watched(|| {
        let semaphore = Semaphore::new(2);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let semaphore = &semaphore;
                scope.spawn(move || {
                    for round in 0..500 {
                        let (one, other) = (semaphore.acquire(), semaphore.acquire_many(2));
                        if (thread + round) % 2 == 0 {
                            one.cancel();
                            drop(other);
                        } else {
                            other.cancel();
                            drop(one);
                        }
                    }
                });
            }
        });
        assert_eq!(semaphore.available_permits(), 2);
        assert!(semaphore.try_acquire_many(2).is_some());
    });
}
