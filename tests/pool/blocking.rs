//! `blocking`: a job that waits for something foreign lets another thread work.

use crate::common::{Gate, PATIENCE, eventually, watched};
use asynckit::{Pool, Promise, blocking};
use std::sync::mpsc;

#[test]
fn a_pool_of_one_goes_on_while_its_job_blocks() {
    watched(|| {
        let pool = Pool::new(1);
        let (sender, receiver) = mpsc::channel();
        let mut blocks = pool.run(move || blocking(|| receiver.recv().unwrap()));
        let mut sends = pool.run(move || sender.send(5).is_ok());
        assert!(matches!(blocks.get(PATIENCE), Ok(5)));
        assert!(matches!(sends.get(PATIENCE), Ok(true)));
    });
}

/// Also one in the other, and where the closure panics: it counts as blocked no longer.
#[test]
fn the_worker_counts_again_afterwards() {
    watched(|| {
        let pool = Pool::new(1);
        let (inner, gate) = (pool.clone(), Gate::new());
        let key = gate.key();
        let mut job = pool.run(move || {
            let nested = blocking(|| blocking(|| inner.metrics().blocked));
            let caught = std::panic::catch_unwind(|| blocking(|| panic!("on purpose")));
            assert!(caught.is_err());
            key.wait();
            nested
        });
        gate.await_arrival(1);
        assert_eq!((pool.metrics().blocked, pool.metrics().running), (0, 1));
        gate.open();
        assert!(matches!(job.get(PATIENCE), Ok(1)), "a wait within a wait counts once");
    });
}

/// A `get` in there waits like any other: with nothing left that could run what it waits for, it is told.
#[test]
fn a_get_that_could_never_end_is_told_also_in_there() {
    watched(|| {
        let pool = Pool::builder().workers(1).max_spare_workers(0).build().unwrap();
        let inner = pool.clone();
        let mut job = pool.run(move || {
            let queued = inner.run(|| 7);
            let mut joined = asynckit::join((queued, Promise::<u8, _>::ready(1)));
            blocking(|| joined.get(None))
        });
        assert!(job.get(PATIENCE).unwrap().unwrap_err().is_would_deadlock());
        eventually("it rests", || pool.metrics().idle == 1 && pool.metrics().blocked == 0);
    });
}

#[test]
fn anywhere_else_it_is_a_plain_call_that_may_borrow() {
    let mut seen = Vec::new();
    blocking(|| seen.push(1));
    assert_eq!(seen, [1]);
}

/// What blocks elsewhere comes back by itself: a `get` beside it is not told that it would wait for ever.
#[test]
fn without_spare_threads_a_get_waits_until_it_is_over() {
    watched(|| {
        let pool = Pool::builder().workers(2).max_spare_workers(0).build().unwrap();
        let gate = Gate::new();
        let key = gate.key();
        let mut blocks = pool.run(move || blocking(|| key.wait()));
        gate.await_arrival(1);
        let inner = pool.clone();
        let mut waits = pool.run(move || {
            let queued = inner.run(|| 7);
            // A join: it is on no line, so the worker cannot run the job itself.
            let mut joined = asynckit::join((queued, Promise::<u8, _>::ready(1)));
            joined.get(None)
        });
        eventually("both threads are blocked", || pool.metrics().blocked == 2);
        gate.open();
        assert!(blocks.get(PATIENCE).is_ok());
        assert!(matches!(waits.get(PATIENCE), Ok(Ok((7, 1)))));
    });
}
