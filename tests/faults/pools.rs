//! Faults of the pool and its workers: order, stopping, resizing.

use crate::common::tasks::threads_named;
use crate::common::{
    Gate, Log, MOMENT, PATIENCE, eventually, flush, named_pool, named_thread, one_worker, verdict,
    watched, worker_id,
};
use asynckit::{AsyncValue, Pool, Promise, Shutdown};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

type Typed<T> = Promise<T, String>;

/// Settling something that is settled already, from inside a job, harms neither the job nor its worker.
#[test]
fn worker_dies_of_a_conflict() {
    watched(|| {
        let pool = one_worker();
        let before = worker_id(&pool);
        let event = AsyncValue::<u8, String>::new();
        event.set(1).unwrap();
        let again = event.clone();
        assert_eq!(pool.run(move || again.set(2)).get(PATIENCE).unwrap(), Err(2));
        let mut panics = pool.run(|| 1).map(|_| -> u8 { panic!("the continuation") });
        assert_eq!(verdict(&panics.get(PATIENCE)), "Panicked");
        assert_eq!(worker_id(&pool), before);
    });
}

/// Whatever a job throws, and if its result throws when it is dropped: it settles, and n jobs still run on n workers.
#[test]
fn odd_exceptions_kill_the_worker() {
    struct Odd;
    watched(|| {
        let pool = Pool::new(2);
        assert_eq!(
            verdict(&pool.run(|| -> u8 { std::panic::panic_any(Odd) }).get(PATIENCE)),
            "Panicked"
        );
        assert_eq!(
            verdict(&pool.run(|| -> u8 { std::panic::panic_any(17) }).get(PATIENCE)),
            "Panicked"
        );
        drop(pool.run(|| crate::common::Bomb));
        assert_eq!(verdict(&pool.run(|| crate::common::Bomb).map(drop).get(PATIENCE)), "Panicked");
        let meet = Arc::new(Barrier::new(2));
        let both = [meet.clone(), meet].map(|meet| {
            pool.run(move || {
                meet.wait();
            })
        });
        for mut job in both {
            job.get(PATIENCE).unwrap();
        }
    });
}

/// Jobs that wait keep their places: what was submitted first runs first.
#[test]
fn rescheduling_reorders() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let gate = Gate::new();
        let key = gate.key();
        let first = log.clone();
        let blocked = pool.run(move || {
            key.wait();
            first.add(0);
        });
        for n in 1..100 {
            let log = log.clone();
            drop(pool.run(move || log.add(n)));
        }
        gate.open();
        flush(&pool);
        assert_eq!(log.entries(), (0..100).collect::<Vec<_>>());
        drop(blocked);
    });
}

/// When a pool stops, everything that is outstanding settles: jobs, and what is chained to them.
#[test]
fn queued_work_is_lost_at_stop() {
    watched(|| {
        for (how, expected) in [(Shutdown::Drain, "Ok"), (Shutdown::CancelQueued, "Abandoned")] {
            let pool = one_worker();
            let gate = Gate::new();
            let key = gate.key();
            let mut running = pool.run(move || key.wait());
            gate.await_arrival(1);
            let mut queued = pool.run(|| 1);
            let mut chained = pool.run(|| 1).chain(|n| Ok(n + 1)).map(|n| n + 1);
            pool.shutdown(how, Duration::ZERO);
            gate.open();
            assert_eq!(verdict(&running.get(PATIENCE)), "Ok");
            assert_eq!(verdict(&queued.get(PATIENCE)), expected);
            assert_eq!(verdict(&chained.get(PATIENCE)), expected);
        }
    });
}

/// Work given to a stopped pool fails at once, and so do continuations.
#[test]
fn work_after_stop_never_runs() {
    watched(|| {
        let pool = one_worker();
        let done: Typed<u8> = pool.spawn(|| Ok(1));
        flush(&pool);
        pool.shutdown(Shutdown::Drain, None);
        let mut late: Typed<u8> = pool.spawn(|| Ok(1));
        assert!(late.get(PATIENCE).unwrap_err().is_abandoned());
        assert!(done.then(|n| Ok(n + 1)).get(PATIENCE).unwrap_err().is_abandoned());
        assert!(
            Typed::ready(1)
                .chain_on(&pool, |n| Ok(n + 1))
                .get(PATIENCE)
                .unwrap_err()
                .is_abandoned()
        );
    });
}

/// The timeout of `shutdown` is one for all workers, and its report tells who is still running.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn stop_waits_for_each_worker() {
    watched(|| {
        let pool = named_pool(4, "stop-waits");
        let gate = Gate::new();
        let mut jobs: Vec<_> = (0..4)
            .map(|_| {
                let key = gate.key();
                pool.run(move || key.wait())
            })
            .collect();
        gate.await_arrival(4);
        let (start, limit) = (Instant::now(), Duration::from_millis(300));
        let report = pool.shutdown(Shutdown::Drain, limit);
        let took = start.elapsed();
        assert!(took >= limit && took < limit * 3, "took {took:?}");
        assert_eq!(report.still_running, 4);
        gate.open();
        assert_eq!(
            pool.shutdown(Shutdown::Drain, PATIENCE).still_running,
            0,
            "a later call can wait for the rest"
        );
        assert!(jobs.iter_mut().all(|job| job.get(PATIENCE).is_ok()));
        eventually("its threads end", || threads_named("stop-waits") == 0);
    });
}

/// Stopping the pool from one of its jobs, and dropping its last handle there, neither panics nor dead-locks.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn stop_from_a_job() {
    watched(|| {
        let pool = named_pool(1, "stop-in-job");
        let own = pool.clone();
        let mut stops = pool.run(move || own.shutdown(Shutdown::Drain, None).still_running);
        assert_eq!(stops.get(PATIENCE).unwrap(), 0);

        let pool = named_pool(1, "stop-in-job");
        let gate = Gate::new();
        let (own, key) = (pool.clone(), gate.key());
        let mut drops = pool.run(move || {
            key.wait();
            drop(own);
            7
        });
        gate.await_arrival(1);
        drop(pool);
        gate.open();
        assert_eq!(drops.get(PATIENCE).unwrap(), 7);
        eventually("its threads end", || threads_named("stop-in-job") == 0);
    });
}

/// The count of workers comes true, and there are never more threads than that.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn worker_count_lies() {
    watched(|| {
        let pool = named_pool(3, "count-lies");
        assert_eq!(pool.worker_count(), 3);
        let gate = Gate::new();
        let block = || {
            (0..12)
                .map(|_| {
                    let key = gate.key();
                    pool.run(move || key.wait())
                })
                .collect::<Vec<_>>()
        };
        let jobs = block();
        gate.await_arrival(3);
        thread::sleep(MOMENT);
        assert_eq!(threads_named("count-lies"), 3);
        pool.set_worker_count(1);
        gate.open();
        assert!(jobs.into_iter().all(|mut job| job.get(PATIENCE).is_ok()));
        eventually("two of them end", || threads_named("count-lies") <= 1);
        assert_eq!(pool.worker_count(), 1);
        for _ in 0..100 {
            drop(pool.run(|| -> u8 { panic!("this kills no worker") }));
        }
        flush(&pool);
        assert_eq!((pool.worker_count(), threads_named("count-lies")), (1, 1));
    });
}

/// Many threads resize at once while jobs run: the last value counts, and every job is done.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn resizing_races() {
    watched(|| {
        let pool = named_pool(1, "resize-races");
        let resizers: Vec<_> = (0..4)
            .map(|t| {
                let pool = pool.clone();
                named_thread("resizer", move || {
                    for n in 0..200 {
                        pool.set_worker_count((n + t) % 5)
                    }
                })
            })
            .collect();
        let mut jobs: Vec<_> = (0..2_000).map(|n| pool.run(move || n)).collect();
        for resizer in resizers {
            resizer.join().unwrap();
        }
        pool.set_worker_count(2);
        assert_eq!(pool.worker_count(), 2);
        assert!(jobs.iter_mut().enumerate().all(|(n, job)| job.get(PATIENCE).unwrap() == n));
        eventually("no more than that are left", || threads_named("resize-races") <= 2);
    });
}
