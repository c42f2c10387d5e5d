//! The pool: order, number of workers, shutdown and the last handle (conformance, section J).

use crate::common::tasks::{threads_asleep, threads_named};
use crate::common::{
    Gate, Log, MOMENT, PATIENCE, eventually, flush, named_pool, named_thread, one_worker, watched,
};
use asynckit::Pool;
use std::collections::HashSet;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

/// J14
#[test]
fn one_worker_runs_jobs_in_the_order_of_submission() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        for n in 0..10_000 {
            let log = log.clone();
            drop(pool.run(move || log.add(n)));
        }
        flush(&pool);
        assert_eq!(log.entries(), (0..10_000).collect::<Vec<_>>());
    });
}

/// J14: also what was queued before there was a worker, and what a job itself submits.
#[test]
fn jobs_submitted_by_a_job_go_to_the_end() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        pool.set_worker_count(0);
        for n in 0..3 {
            let (again, log) = (pool.clone(), log.clone());
            drop(pool.run(move || {
                log.add(n);
                let log = log.clone();
                drop(again.run(move || log.add(n + 10)));
            }));
        }
        pool.set_worker_count(1);
        eventually("all six run", || log.entries().len() == 6);
        assert_eq!(log.entries(), [0, 1, 2, 10, 11, 12]);
    });
}

/// J5
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn many_blocking_jobs_start_exactly_as_many_threads_as_there_are_workers() {
    const WORKERS: usize = 4;
    watched(|| {
        let pool = named_pool(WORKERS, "j5-saturated");
        let gate = Gate::new();
        let jobs: Vec<_> = (0..15 * WORKERS)
            .map(|_| {
                let key = gate.key();
                pool.run(move || {
                    key.wait();
                    thread::current().id()
                })
            })
            .collect();
        gate.await_arrival(WORKERS);
        thread::sleep(MOMENT); // give it the chance to start one too many
        assert_eq!(gate.arrived(), WORKERS);
        assert_eq!(threads_named("j5-saturated"), WORKERS);
        gate.open();
        let ran_on: HashSet<_> =
            jobs.into_iter().map(|mut job| job.get(PATIENCE).unwrap()).collect();
        assert_eq!(ran_on.len(), WORKERS);
        assert_eq!(threads_named("j5-saturated"), WORKERS);
    });
}

/// J5
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn threads_are_started_only_when_needed() {
    watched(|| {
        let pool = named_pool(4, "j5-lazy");
        thread::sleep(MOMENT); // give it the chance to start some
        assert_eq!(threads_named("j5-lazy"), 0);
        assert_eq!(pool.worker_count(), 4);
        for _ in 0..5 {
            flush(&pool);
            eventually("the worker goes to sleep", || {
                threads_asleep("j5-lazy") == threads_named("j5-lazy")
            });
            thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(threads_named("j5-lazy"), 1, "an idle worker is used again");
    });
}

#[test]
fn threads_are_named_after_their_pool() {
    watched(|| {
        let name = |pool: &Pool| {
            pool.run(|| thread::current().name().map(str::to_owned)).get(PATIENCE).unwrap()
        };
        assert!(name(&named_pool(1, "j-named")).unwrap().starts_with("j-named"));
        assert!(!name(&one_worker()).unwrap().is_empty());
        assert!(!name(Pool::global()).unwrap().is_empty());
    });
}

/// J10
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn an_idle_pool_wakes_for_new_work() {
    watched(|| {
        let pool = named_pool(2, "j10");
        for round in 0..200 {
            if round % 10 == 0 {
                eventually("the workers sleep", || threads_asleep("j10") == threads_named("j10"));
            }
            let mut two = [pool.run(|| ()), pool.run(|| ())];
            for job in &mut two {
                job.get(PATIENCE).unwrap();
            }
        }
    });
}

/// Jobs run side by side: each of `n` waits for the others.
#[test]
fn all_workers_work_at_once() {
    watched(|| {
        let pool = Pool::new(4);
        let meet = Arc::new(Barrier::new(4));
        let jobs = (0..4).map(|_| {
            let meet = meet.clone();
            pool.run(move || {
                meet.wait();
            })
        });
        for mut job in jobs.collect::<Vec<_>>() {
            job.get(PATIENCE).unwrap();
        }
    });
}

/// Work that comes from a worker is there for the others: a job behind a blocked one is taken over.
#[test]
fn a_job_behind_a_blocked_one_is_run_by_another_worker() {
    watched(|| {
        let pool = Pool::new(2);
        let inner = pool.clone();
        let mut outer = pool.run(move || {
            let gate = Gate::new();
            let children: Vec<_> = (0..10)
                .map(|_| {
                    let key = gate.key();
                    inner.run(move || key.wait())
                })
                .collect();
            gate.await_arrival(1); // without a `get`: only another worker can come
            gate.open();
            children.len()
        });
        assert_eq!(outer.get(PATIENCE).unwrap(), 10);
    });
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn the_number_of_workers_changes_live() {
    watched(|| {
        let pool = named_pool(1, "j-resize");
        let gate = Gate::new();
        let block = |n: usize| {
            (0..n)
                .map(|_| {
                    let key = gate.key();
                    pool.run(move || key.wait())
                })
                .collect::<Vec<_>>()
        };
        let jobs = block(6);
        gate.await_arrival(1);
        pool.set_worker_count(3);
        assert_eq!(pool.worker_count(), 3);
        gate.await_arrival(3);
        thread::sleep(MOMENT);
        assert_eq!((gate.arrived(), threads_named("j-resize")), (3, 3));
        pool.set_worker_count(2);
        assert_eq!(pool.worker_count(), 2);
        gate.open();
        for mut job in jobs {
            job.get(PATIENCE).unwrap();
        }
        eventually("the third worker goes", || threads_named("j-resize") <= 2);
        flush(&pool);
    });
}

/// Rule: 0 pauses; what is queued waits, and runs when there are workers again.
#[test]
fn no_workers_pause_the_pool() {
    watched(|| {
        let (pool, log) = (named_pool(2, "j-pause"), Log::new());
        flush(&pool);
        pool.set_worker_count(0);
        assert_eq!(pool.worker_count(), 0);
        let mut jobs: Vec<_> = (0..10)
            .map(|n| {
                let log = log.clone();
                pool.run(move || log.add(n))
            })
            .collect();
        assert!(jobs[0].get(MOMENT).unwrap_err().is_timed_out());
        assert_eq!(log.entries(), [0; 0]);
        pool.set_worker_count(1);
        for job in &mut jobs {
            job.get(PATIENCE).unwrap();
        }
        assert_eq!(log.entries(), (0..10).collect::<Vec<_>>());
    });
}

/// A pool made with no workers, too
#[test]
fn a_pool_of_no_workers_keeps_its_jobs_for_later() {
    watched(|| {
        let pool = Pool::new(0);
        let mut job = pool.run(|| 5);
        assert!(job.get(MOMENT).unwrap_err().is_timed_out());
        pool.set_worker_count(1);
        assert_eq!(job.get(PATIENCE).unwrap(), 5);
    });
}

/// Handles of one pool in many threads
#[test]
fn many_threads_submit_to_one_pool() {
    watched(|| {
        let pool = Pool::new(3);
        let submitters: Vec<_> = (0..8_u64)
            .map(|t| {
                let pool = pool.clone();
                named_thread("submitter", move || {
                    let jobs: Vec<_> =
                        (0..1_000).map(|n| pool.run(move || t * 1_000 + n)).collect();
                    jobs.into_iter().map(|mut job| job.get(PATIENCE).unwrap()).sum::<u64>()
                })
            })
            .collect();
        let sum: u64 = submitters.into_iter().map(|s| s.join().unwrap()).sum();
        assert_eq!(sum, (0..8_000).sum::<u64>());
    });
}
