//! Room in the queue: `queue_limit`, `try_spawn`, `PoolFull`, `wait_for_room`.

use crate::common::tasks::await_sleep;
use crate::common::{
    Bomb, DropCounter, Gate, MOMENT, PATIENCE, Token, eventually, flush, named_thread, watched,
};
use asynckit::{AnyError, Outcome, Pool, PoolFull, Promise, Shutdown};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// A pool that runs nothing until it is told to, with a limit.
fn paused(limit: usize) -> Pool {
    Pool::builder().workers(0).queue_limit(limit).build().unwrap()
}

fn try_one(pool: &Pool) -> Result<Promise<u8>, ()> {
    pool.try_spawn(|| Ok::<u8, AnyError>(1)).map_err(drop)
}

fn room(pool: &Pool) -> bool {
    pool.wait_for_room(Duration::ZERO)
}

/// As many as the limit are taken; the next is handed back, and can be run or tried again.
#[test]
fn work_beyond_the_limit_is_handed_back() {
    watched(|| {
        let (pool, drops) = (paused(2), DropCounter::default());
        let mut taken = [try_one(&pool).unwrap(), try_one(&pool).unwrap()];
        assert!(!room(&pool));
        let token = drops.token();
        let full = pool.try_spawn(move || Ok::<Token, AnyError>(token)).unwrap_err();
        assert_eq!(format!("{full:?}"), "PoolFull");
        assert_eq!((&full as &dyn Error).to_string(), "the queue of the pool is full");
        assert!((&full as &dyn Error).source().is_none());
        let work = full.into_inner();
        assert_eq!(drops.dropped(), 0, "the work and what it captured are whole");
        pool.set_worker_count(1);
        assert!(taken.iter_mut().all(|job| matches!(job.get(PATIENCE), Ok(1))));
        eventually("there is room", || room(&pool));
        let mut again = pool.try_spawn(work).unwrap_or_else(|_| panic!("there is room"));
        drop(again.get(PATIENCE).unwrap());
        assert_eq!(drops.dropped(), 1);
    });
}

/// The work that is handed back may be dropped, or be `PoolFull` in a `Box<dyn Error>`; `?` takes it.
#[test]
fn pool_full_is_an_error_of_whatever_work() {
    fn submit(pool: &Pool) -> Result<(), Box<dyn Error>> {
        drop(pool.try_spawn(|| Ok::<u8, AnyError>(1))?);
        Ok(())
    }
    fn anywhere<T: Send + 'static>(_: &T) {}
    watched(|| {
        let (pool, drops) = (paused(0), DropCounter::default());
        assert!(submit(&pool).unwrap_err().to_string().contains("full"));
        let token = drops.token();
        let full = pool.try_spawn(move || Ok::<Token, AnyError>(token)).unwrap_err();
        anywhere(&full);
        drop::<PoolFull<_>>(full);
        assert_eq!(drops.dropped(), 1);
    });
}

/// Without a limit there always is room.
#[test]
fn a_pool_without_a_limit_is_never_full() {
    watched(|| {
        let pool = Pool::new(0);
        for _ in 0..10_000 {
            assert!(room(&pool) && try_one(&pool).is_ok());
        }
        assert!(pool.wait_for_room(None));
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
    });
}

/// A limit of nothing: `try_spawn` never has room; `spawn` and `run` do not mind, and count.
#[test]
fn spawn_may_exceed_the_limit_and_counts() {
    watched(|| {
        let pool = paused(2);
        let first: Vec<Promise<u8>> = (0..4).map(|n| pool.run(move || n)).collect();
        assert!(!room(&pool) && try_one(&pool).is_err());
        drop(pool.spawn_cancellable(|_| Ok::<u8, AnyError>(1)));
        first[0].cancel();
        first[1].cancel();
        first[2].cancel();
        assert!(!room(&pool), "two of five are left");
        first[3].cancel();
        assert!(room(&pool), "one is left");
        assert!(try_one(&pool).is_ok() && try_one(&pool).is_err());
        let nothing = paused(0);
        let mut job = nothing.run(|| 1_u8);
        assert!(try_one(&nothing).is_err());
        nothing.set_worker_count(1);
        assert_eq!(job.get(PATIENCE).unwrap(), 1);
        assert!(!room(&nothing) && try_one(&nothing).is_err());
    });
}

/// Running jobs, callbacks and `chain` take no room.
#[test]
fn only_queued_jobs_take_room() {
    watched(|| {
        let pool = Pool::builder().workers(1).queue_limit(1).build().unwrap();
        let gate = Gate::new();
        let key = gate.key();
        let running: Promise<u8> = pool.run(move || {
            key.wait();
            1
        });
        gate.await_arrival(1);
        assert!(room(&pool), "what runs takes none");
        let links: Vec<Promise<u8>> =
            (0..10).map(|_| Promise::ready(1).chain_on(&pool, Ok).then(Ok)).collect();
        let behind = running.map(|n| n + 1).chain(|n| Ok(n + 1));
        assert!(room(&pool), "callbacks and chained jobs take none");
        let mut job = try_one(&pool).unwrap();
        assert!(!room(&pool));
        gate.open();
        assert!(matches!({ behind }.get(PATIENCE), Ok(3)));
        assert!(links.into_iter().all(|mut link| link.get(PATIENCE).is_ok()));
        assert!(job.get(PATIENCE).is_ok());
    });
}

/// A place is given up when a queued job is cancelled, dropped by a shutdown, or run by a waiter.
#[test]
fn a_place_is_given_up_however_the_job_leaves_the_queue() {
    watched(|| {
        let pool = paused(1);
        let job = try_one(&pool).unwrap();
        job.cancel();
        assert!(room(&pool), "cancelled");
        let bomb = Bomb;
        let job = pool.try_spawn(move || {
            let _bomb = bomb;
            Ok::<u8, AnyError>(1)
        });
        job.unwrap_or_else(|_| panic!("there is room")).cancel();
        assert!(room(&pool), "cancelled, with a capture that panics when it is dropped");
        let _job = try_one(&pool).unwrap();
        assert!(!room(&pool));
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
        assert!(room(&pool), "shut down");
        let mut late = try_one(&pool).unwrap();
        assert!(late.get(PATIENCE).unwrap_err().is_abandoned());
        assert!(room(&pool), "too late");

        let pool = Pool::builder().workers(1).queue_limit(1).build().unwrap();
        let own = pool.clone();
        let rooms = pool.run(move || {
            let mut job = try_one(&own).unwrap();
            let before = room(&own);
            job.get(None).unwrap();
            (before, room(&own))
        });
        assert_eq!({ rooms }.get(PATIENCE).unwrap(), (false, true));
        let mut panics =
            pool.try_spawn(|| -> Result<u8, AnyError> { panic!("on purpose") }).unwrap();
        assert!(panics.get(PATIENCE).unwrap_err().is_panicked());
        assert!(room(&pool), "panicked");
    });
}

/// `wait_for_room` polls, times out, and is woken by room.
#[test]
fn a_wait_for_room_ends_by_time_or_by_room() {
    watched(|| {
        let pool = paused(1);
        assert!(pool.wait_for_room(None) && room(&pool));
        let mut job = try_one(&pool).unwrap();
        let begun = Instant::now();
        assert!(!pool.wait_for_room(MOMENT) && !pool.wait_for_room(begun + 2 * MOMENT));
        assert!(begun.elapsed() >= 2 * MOMENT);
        assert!(!pool.wait_for_room(begun), "an instant that is past");
        for limit in [None, Some(PATIENCE), Some(Duration::MAX)] {
            let woken = Arc::new(AtomicBool::new(false));
            let (waits, tells) = (pool.clone(), woken.clone());
            let waiter = named_thread("waiter", move || {
                let room = waits.wait_for_room(limit);
                tells.store(true, SeqCst);
                room
            });
            thread::sleep(MOMENT);
            assert!(!woken.load(SeqCst));
            pool.set_worker_count(1);
            assert!(waiter.join().unwrap());
            job.get(PATIENCE).unwrap();
            pool.set_worker_count(0);
            job = try_one(&pool).unwrap();
        }
    });
}

/// Room is there for all who wait for it, whether those who were told first use it or not.
#[test]
fn everybody_who_waits_for_room_is_told() {
    watched(|| {
        let pool = paused(1);
        let mut job = try_one(&pool).unwrap();
        let (tell, told) = channel();
        for _ in 0..3 {
            let (pool, tell) = (pool.clone(), tell.clone());
            // Left to itself: one that hangs is told by the assertion.
            drop(named_thread("room-for-all", move || tell.send(pool.wait_for_room(None))));
        }
        await_sleep("room-for-all", 3);
        pool.set_worker_count(1);
        job.get(PATIENCE).unwrap();
        for waiter in 0..3 {
            assert_eq!(told.recv_timeout(PATIENCE), Ok(true), "waiter {waiter}");
        }
    });
}

/// The intended use, on many threads: never more queued than the limit, and nothing is lost.
#[test]
fn producers_that_wait_for_room_lose_nothing() {
    const LIMIT: usize = 3;
    watched(|| {
        let pool = Pool::builder().workers(2).queue_limit(LIMIT).build().unwrap();
        let (queued, runs) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let producers: Vec<_> = (0..4)
            .map(|_| {
                let (pool, queued, runs) = (pool.clone(), queued.clone(), runs.clone());
                named_thread("producer", move || {
                    for _ in 0..500 {
                        let (waiting, ran) = (queued.clone(), runs.clone());
                        let mut work = Some(move || {
                            waiting.fetch_sub(1, SeqCst);
                            ran.fetch_add(1, SeqCst);
                            Ok::<_, AnyError>(())
                        });
                        while let Some(next) = work.take() {
                            assert!(pool.wait_for_room(PATIENCE));
                            queued.fetch_add(1, SeqCst);
                            work = pool.try_spawn(next).map(drop).err().map(PoolFull::into_inner);
                            if work.is_some() {
                                queued.fetch_sub(1, SeqCst);
                            }
                        }
                    }
                })
            })
            .collect();
        let most = (0..200).map(|_| {
            thread::yield_now();
            queued.load(SeqCst)
        });
        // Each producer counts its job a moment before it is queued, each worker a moment after it began.
        assert!(most.max().unwrap() <= LIMIT + 4 + 2);
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        eventually("all have run", || runs.load(SeqCst) == 2_000);
        flush(&pool);
    });
}

/// On a worker a wait for room is stood in for, as any wait.
#[test]
fn a_job_may_wait_for_room_in_its_own_pool() {
    watched(|| {
        let pool = Pool::builder().workers(1).max_spare_workers(1).queue_limit(1).build().unwrap();
        let own = pool.clone();
        let job: Promise<u8> = pool.spawn(move || {
            for _ in 0..50 {
                assert!(own.wait_for_room(PATIENCE));
                drop(try_one(&own));
            }
            Ok(1)
        });
        let outcome: Outcome<u8> = { job }.get(PATIENCE);
        assert_eq!(outcome.unwrap(), 1);
    });
}
