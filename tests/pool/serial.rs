//! `Serial`: one job at a time, in order, on the threads of another executor.

use crate::common::{Gate, PATIENCE, eventually, watched, watched_long};
use asynckit::{AsyncList, Inline, Job, LocalQueue, Pool, Promise, Serial, Shutdown};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn many_workers_run_its_jobs_one_at_a_time_and_in_order() {
    watched_long(|| {
        let (pool, inside) = (Pool::new(4), Arc::new(AtomicUsize::new(0)));
        let (serial, order) = (Serial::new(&pool), Arc::new(Mutex::new(Vec::new())));
        let jobs: AsyncList<_> = (0..2_000)
            .map(|n| {
                let (inside, order) = (inside.clone(), order.clone());
                serial.run(move || {
                    assert_eq!(inside.fetch_add(1, SeqCst), 0, "two at once");
                    order.try_lock().expect("nothing else touches it").push(n);
                    std::thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                })
            })
            .collect();
        assert!(jobs.join().get(PATIENCE).is_ok());
        assert!(order.lock().unwrap().iter().copied().eq(0..2_000));
        assert!(serial.is_empty());
    });
}

/// Callbacks of promises that settle anywhere are jobs, too; a panic of one is its own.
#[test]
fn promises_pass_through_it() {
    watched(|| {
        let (pool, other) = (Pool::new(2), Pool::new(2));
        let serial = Serial::new(&pool);
        let mut bad = other.run(|| 1).via(&serial).map(|_| -> u8 { panic!("on purpose") });
        let mut good = other.run(|| 1).via(serial.clone()).map(|n| n + 1).map(|n| n + 1);
        assert!(bad.get(PATIENCE).unwrap_err().is_panicked());
        assert!(matches!(good.get(PATIENCE), Ok(3)));
    });
}

/// A job that queues another one does not run it, and does not wait for ever.
#[test]
fn a_job_may_queue_more() {
    watched(|| {
        let pool = Pool::new(2);
        let serial = Serial::new(&pool);
        let again = serial.clone();
        let inner = serial.run(move || again.run(|| 5));
        assert!(matches!(inner.any_error().chain(|inner| inner).get(PATIENCE), Ok(5)));
    });
}

/// With no end of jobs in it the worker is free in between.
#[test]
fn others_have_their_turn() {
    watched(|| {
        fn go_on(serial: &Serial, stop: &Arc<AtomicUsize>) {
            let (again, stop) = (serial.clone(), stop.clone());
            let job = serial.run(move || {
                if stop.load(SeqCst) == 0 {
                    go_on(&again, &stop);
                }
            });
            job.detach();
        }
        let (pool, stop) = (Pool::new(1), Arc::default());
        go_on(&Serial::new(&pool), &stop);
        assert!(matches!(pool.run(|| 1).get(PATIENCE), Ok(1)));
        stop.store(1, SeqCst);
    });
}

#[test]
fn what_is_queued_runs_also_when_the_handles_are_gone() {
    watched(|| {
        let (pool, gate) = (Pool::new(1), Gate::new());
        let key = gate.key();
        let serial = Serial::new(&pool);
        let first = serial.run(move || key.wait());
        let mut second = serial.run(|| 2);
        gate.await_arrival(1);
        drop((serial, pool.clone()));
        gate.open();
        assert!(matches!(second.get(PATIENCE), Ok(2)));
        first.detach();
    });
}

#[test]
fn a_pool_that_was_shut_down_abandons_what_is_queued() {
    watched(|| {
        let (pool, gate) = (Pool::new(1), Gate::new());
        let serial = Serial::new(&pool);
        let key = gate.key();
        let holds = pool.run(move || key.wait());
        gate.await_arrival(1);
        let queued: Vec<_> = (0..3).map(|n| serial.run(move || n)).collect();
        pool.shutdown(Shutdown::CancelQueued, Duration::ZERO);
        for mut promise in queued {
            assert!(promise.get(PATIENCE).unwrap_err().is_abandoned());
        }
        gate.open();
        assert_eq!(pool.shutdown(Shutdown::Drain, PATIENCE).still_running, 0);
        assert!(serial.run(|| 1).get(PATIENCE).unwrap_err().is_abandoned());
        assert!(holds.is_set());
    });
}

/// Whatever the executor is: one that refuses, one in the way, one that is drained by hand.
#[test]
fn it_stands_on_any_executor() {
    watched(|| {
        let refuses = Serial::new(|job: Job| drop(job));
        assert!(refuses.run(|| 1).get(PATIENCE).unwrap_err().is_abandoned());
        assert!(matches!(Serial::new(Inline).run(|| 1).get(PATIENCE), Ok(1)));
        let local = LocalQueue::new();
        let serial = Serial::new(&local);
        let mut both = asynckit::join((serial.run(|| 1), serial.run(|| 2)));
        assert_eq!(serial.len(), 2);
        local.run_pending();
        assert!(matches!(both.get(PATIENCE), Ok((1, 2))));
        let nested = Serial::new(Serial::new(Pool::global()));
        assert!(matches!(nested.run(|| 1).get(PATIENCE), Ok(1)));
    });
}

/// A job that was cancelled in the queue is dropped at its turn, and holds nobody up.
#[test]
fn a_cancelled_job_is_passed_over() {
    watched(|| {
        let (pool, gate) = (Pool::new(1), Gate::new());
        let serial = Serial::new(&pool);
        let key = gate.key();
        let first = serial.run(move || key.wait());
        gate.await_arrival(1);
        let second: Promise<()> = serial.run(|| panic!("it was cancelled"));
        let mut third = serial.run(|| 3);
        second.cancel();
        gate.open();
        assert!(matches!(third.get(PATIENCE), Ok(3)));
        eventually("nothing is left", || serial.is_empty());
        first.detach();
    });
}
