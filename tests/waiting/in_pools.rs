//! Blocking inside a pool: `get` in a job cannot deadlock it (conformance F7, F9).

use crate::common::{MOMENT, PATIENCE, flush, one_worker, watched};
use asynckit::{AsyncList, Pool, Promise};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// F7: on one worker a job spawns another and gets it, a thousand deep.
#[test]
fn a_thousand_nested_gets_on_one_worker_return() {
    fn nest(pool: &Pool, depth: usize) -> usize {
        if depth == 0 {
            return 0;
        }
        let again = pool.clone();
        pool.run(move || nest(&again, depth - 1)).get(None).unwrap() + 1
    }
    watched(|| {
        let pool = one_worker();
        let outer = pool.clone();
        assert_eq!(pool.run(move || nest(&outer, 1_000)).get(None).unwrap(), 1_000);
    });
}

/// F7, through links: what is awaited hangs behind a queued job.
#[test]
fn a_get_on_a_chain_whose_root_is_queued_returns() {
    watched(|| {
        let pool = one_worker();
        let inner = pool.clone();
        let mut outer = pool.run(move || {
            let typed: Typed<u8> = inner.spawn(|| Ok(1));
            typed.map(|n| n + 1).then(|n| Ok(n + 1)).chain(|n| Ok(n + 1)).get(None).unwrap()
        });
        assert_eq!(outer.get(PATIENCE).unwrap(), 4);
    });
}

/// F7, for lists and shared values
#[test]
fn a_get_in_a_worker_on_lists_and_shared_values_returns() {
    watched(|| {
        let pool = one_worker();
        let inner = pool.clone();
        let mut outer = pool.run(move || {
            let mut list: AsyncList<u8, String> =
                (0..10).map(|n| inner.spawn(move || Ok(n))).collect();
            let sum: u8 = list.get(None).unwrap().into_iter().sum();
            let typed: Typed<u8> = inner.spawn(|| Ok(100));
            sum + typed.share().get(None).unwrap()
        });
        assert_eq!(outer.get(PATIENCE).unwrap(), 145);
    });
}

/// What only a job further back can set: the pool adds a spare worker.
#[test]
fn a_blocked_worker_is_stood_in_for() {
    watched(|| {
        for limit in [None, Some(PATIENCE)] {
            let pool = one_worker();
            let (deferred, mut promise) = Typed::<u8>::deferred();
            let mut blocked = pool.run(move || promise.get(limit).unwrap());
            let _later = pool.run(move || deferred.resolve(3));
            assert_eq!(blocked.get(PATIENCE).unwrap(), 3);
        }
    });
}

/// A timed `get` never starts the job itself; without spare workers it runs out, and the promise is as good as before.
#[test]
fn a_timed_get_in_a_worker_says_timed_out() {
    watched(|| {
        let pool = Pool::builder().workers(1).max_spare_workers(0).build().unwrap();
        let inner = pool.clone();
        let mut outer = pool.run(move || {
            let mut job: Promise<u8> = inner.spawn(|| Ok(6));
            assert!(job.get(MOMENT).unwrap_err().is_timed_out());
            assert!(!job.is_set());
            job.get(None).unwrap()
        });
        assert_eq!(outer.get(PATIENCE).unwrap(), 6);
    });
}

/// The same, got later by somebody else
#[test]
fn a_promise_that_timed_out_in_a_worker_can_be_had_outside() {
    watched(|| {
        let pool = Pool::builder().workers(1).max_spare_workers(0).build().unwrap();
        let inner = pool.clone();
        let mut outer = pool.run(move || {
            let mut job: Promise<u8> = inner.spawn(|| Ok(6));
            assert!(job.get(Duration::ZERO).unwrap_err().is_timed_out());
            job
        });
        assert_eq!(outer.get(PATIENCE).unwrap().get(PATIENCE).unwrap(), 6);
    });
}

/// A waiting worker runs no callback that has nothing to do with what it waits for (it could need the waiter's lock).
#[test]
fn a_waiting_worker_runs_no_strangers_callback() {
    watched(|| {
        let pool = one_worker();
        let lock = Arc::new(Mutex::new(()));
        let (stranger, its_promise) = crate::common::deferred_on::<(), String>(&pool);
        flush(&pool);
        let needs = lock.clone();
        let mut callback = its_promise.map(move |()| drop(needs.lock().unwrap()));
        let inner = pool.clone();
        let mut outer = pool.run(move || {
            let held = lock.lock().unwrap();
            stranger.resolve(());
            let typed: Typed<u8> = inner.spawn(|| Ok(1));
            let value = typed.map(|n| n + 1).get(None).unwrap();
            drop(held);
            value
        });
        assert_eq!(outer.get(PATIENCE).unwrap(), 2);
        callback.get(PATIENCE).unwrap();
    });
}

/// F9: a job that waits for itself, directly and through a link
#[test]
fn a_job_that_waits_for_itself_would_deadlock() {
    watched(|| {
        for attach in [(|p| p) as fn(Typed<u8>) -> Typed<u8>, |p| p.map(|n| n + 1)] {
            let pool = one_worker();
            let (send, receive) = mpsc::channel::<Typed<u8>>();
            let (tell, told) = mpsc::channel();
            send.send(attach(pool.spawn(move || {
                let failure = receive.recv().unwrap().get(None).unwrap_err();
                tell.send(crate::common::kind(&failure)).unwrap();
                Ok(1)
            })))
            .unwrap();
            assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "WouldDeadlock");
        }
    });
}

/// F9: two jobs that wait for each other: one of them is told.
#[test]
fn two_jobs_that_wait_for_each_other_would_deadlock() {
    watched(|| {
        let pool = Pool::new(2);
        let (to_first, first_gets) = mpsc::channel::<Typed<u8>>();
        let (to_second, second_gets) = mpsc::channel::<Typed<u8>>();
        let told = crate::common::Log::new();
        let job = |gets: mpsc::Receiver<Typed<u8>>| {
            let log = told.clone();
            move || {
                let outcome =
                    gets.recv().unwrap().get(None).map_err(|f| crate::common::kind(&f).to_owned());
                log.add(outcome.clone());
                outcome
            }
        };
        let first = pool.spawn(job(first_gets));
        let second = pool.spawn(job(second_gets));
        to_first.send(second).unwrap();
        to_second.send(first).unwrap();
        crate::common::eventually("both return", || told.entries().len() == 2);
        let deadlocks =
            told.entries().into_iter().filter(|o| *o == Err("WouldDeadlock".to_owned())).count();
        assert!(deadlocks >= 1, "{:?}", told.entries());
    });
}
