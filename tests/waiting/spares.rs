//! Waiting in a pool that may start spare workers: how many, and how long they stay.

use crate::common::{Gate, MOMENT, PATIENCE, eventually, flush, watched};
use asynckit::{AsyncValue, Outcome, Pool, Promise, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

fn pool(workers: usize, spares: usize) -> Pool {
    Pool::builder().workers(workers).max_spare_workers(spares).build().unwrap()
}

/// `n` jobs that wait for one event, and how many of them have begun.
fn waiters(
    pool: &Pool,
    event: &AsyncValue<u8, String>,
    n: usize,
) -> (Vec<Promise<u8, String>>, Arc<AtomicUsize>) {
    let begun = Arc::new(AtomicUsize::new(0));
    let jobs = (0..n).map(|_| {
        let (event, begun) = (event.clone(), begun.clone());
        pool.spawn(move || {
            begun.fetch_add(1, SeqCst);
            event.get(PATIENCE).copied().map_err(|failure| failure.to_string())
        })
    });
    (jobs.collect(), begun)
}

/// A spare for each worker that waits, up to the cap; they go when they are not needed any more.
#[test]
fn spare_workers_come_up_to_the_cap_and_go() {
    watched(|| {
        for (workers, cap) in [(1, 3), (2, 2), (1, 0)] {
            let pool = pool(workers, cap);
            let event = AsyncValue::new();
            let (mut jobs, begun) = waiters(&pool, &event, workers + cap + 4);
            eventually("one more job begins for each that waits", || {
                begun.load(SeqCst) == workers + cap
            });
            thread::sleep(MOMENT);
            assert_eq!(begun.load(SeqCst), workers + cap, "the cap of {cap} is kept");
            assert_eq!(pool.live_workers(), workers + cap);
            assert_eq!(pool.worker_count(), workers);
            event.set(7).unwrap();
            for job in &mut jobs {
                assert!(matches!(job.get(PATIENCE), Ok(7)));
            }
            eventually("the spares retire", || pool.live_workers() <= workers);
            flush(&pool);
        }
    });
}

/// While a spare stands in, no more work at a time than there are workers: those that come back wait for their turn.
#[test]
fn no_more_work_at_a_time_than_workers() {
    watched(|| {
        let pool = pool(1, 8);
        let event = AsyncValue::<u8, String>::new();
        let at_work = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let (waiting, begun) = waiters(&pool, &event, 4);
        eventually("four wait", || begun.load(SeqCst) == 4);
        let jobs: Vec<Promise<()>> = (0..200)
            .map(|_| {
                let (at_work, most) = (at_work.clone(), most.clone());
                pool.run(move || {
                    most.fetch_max(at_work.fetch_add(1, SeqCst) + 1, SeqCst);
                    thread::yield_now();
                    at_work.fetch_sub(1, SeqCst);
                })
            })
            .collect();
        for mut job in jobs {
            job.get(PATIENCE).unwrap();
        }
        assert_eq!(most.load(SeqCst), 1);
        event.set(1).unwrap();
        assert!(waiting.into_iter().all(|mut job| job.get(PATIENCE).is_ok()));
    });
}

/// A call that blocks until that pool has run its queue.
type Block = fn(Pool);

/// What blocks in the library blocks like `get`: here until a job behind it has opened a gate.
#[test]
fn whatever_blocks_in_the_library_is_stood_in_for() {
    let blocks: [(&str, Block); 4] = [
        ("a shutdown", |other| {
            assert_eq!(other.shutdown(Shutdown::Drain, PATIENCE).still_running, 0)
        }),
        ("the last handle", |other| drop(other)),
        ("a scope", |other| other.scope(|scope| drop(scope.spawn(|| Ok::<_, String>(()))))),
        ("a wait for room", |other| assert!(other.wait_for_room(PATIENCE))),
    ];
    watched(move || {
        for (name, block) in blocks {
            let pool = pool(1, 1);
            let other = Pool::builder().workers(1).queue_limit(1).build().unwrap();
            let gate = Gate::new();
            let key = gate.key();
            drop(other.run(move || key.wait()));
            gate.await_arrival(1);
            drop(other.run(|| ()));
            let mut blocked = pool.run(move || block(other));
            let mut opens = pool.run(move || gate.open());
            opens.get(PATIENCE).unwrap_or_else(|failure| panic!("{name}: {failure}"));
            blocked.get(PATIENCE).unwrap();
        }
    });
}

/// A spare that is at work when its worker comes back finishes what it has begun.
#[test]
fn a_spare_finishes_what_it_has_begun() {
    watched(|| {
        let pool = pool(1, 1);
        let event = AsyncValue::<u8, String>::new();
        let (mut waiting, begun) = waiters(&pool, &event, 1);
        eventually("it waits", || begun.load(SeqCst) == 1);
        let gate = Gate::new();
        let key = gate.key();
        let mut long = pool.run(move || key.wait());
        gate.await_arrival(1);
        event.set(3).unwrap();
        assert!(matches!(waiting[0].get(PATIENCE), Ok(3)));
        assert!(!long.is_set());
        gate.open();
        long.get(PATIENCE).unwrap();
        flush(&pool);
    });
}

/// Nothing is lost where the cap is reached for a while: what is queued runs when one comes back.
#[test]
fn work_behind_a_reached_cap_runs_later() {
    watched(|| {
        let pool = pool(2, 1);
        let event = AsyncValue::<u8, String>::new();
        let (waiting, begun) = waiters(&pool, &event, 3);
        eventually("all wait", || begun.load(SeqCst) == 3);
        let mut jobs: Vec<Promise<u32>> = (0..100).map(|n| pool.run(move || n)).collect();
        thread::sleep(MOMENT);
        assert!(jobs.iter().all(|job| !job.is_set()));
        event.set(1).unwrap();
        let sum: Outcome<u32> = jobs.iter_mut().map(|job| job.get(PATIENCE)).sum();
        assert_eq!(sum.unwrap(), 99 * 100 / 2);
        assert!(waiting.into_iter().all(|mut job| job.get(PATIENCE).is_ok()));
    });
}
