//! Pools all of whose threads wait, and which may start no more: nothing that is queued stays there for ever. The wait
//! that would make it so is told, or, where the work comes later, one of those that wait.

use crate::common::tasks::threads_asleep;
use crate::common::{Gate, MOMENT, PATIENCE, eventually, kind, watched};
use asynckit::{AsyncList, AsyncValue, Deferred, LocalQueue, Pool, Promise};
use std::sync::{Mutex, mpsc};
use std::thread;

type Typed<T> = Promise<T, String>;

fn pool(workers: usize, spares: usize, name: &str) -> Pool {
    Pool::builder().workers(workers).max_spare_workers(spares).name(name).build().unwrap()
}

/// A job that waits for the event, and gives what that wait said.
fn waits_for(pool: &Pool, event: &AsyncValue<u8, String>) -> Typed<&'static str> {
    let event = event.clone();
    pool.spawn(move || Ok(event.get(None).map_or_else(|failure| kind(&failure), |_| "set")))
}

#[test]
fn the_wait_that_would_leave_queued_work_to_nobody_is_told() {
    watched(|| {
        let pool = pool(1, 0, "last");
        let (event, gate) = (AsyncValue::<u8, String>::new(), Gate::new());
        let (key, waited) = (gate.key(), event.clone());
        let mut waits = pool.spawn(move || {
            key.wait();
            Ok::<_, String>(waited.get(None).map_or_else(|failure| kind(&failure), |_| "set"))
        });
        gate.await_arrival(1);
        let mut behind = pool.run(|| 1);
        gate.open();
        assert_eq!(waits.get(PATIENCE).unwrap(), "WouldDeadlock");
        assert_eq!(behind.get(PATIENCE).unwrap(), 1);
        drop(event);
    });
}

#[test]
fn work_that_comes_later_ends_one_wait_and_only_one() {
    watched(|| {
        let pool = pool(2, 1, "later");
        let event = AsyncValue::<u8, String>::new();
        let mut waits: Vec<_> = (0..3).map(|_| waits_for(&pool, &event)).collect();
        eventually("all wait", || threads_asleep("later") == 3);
        let mut late = pool.run(|| 1);
        assert_eq!(late.get(PATIENCE).unwrap(), 1);
        thread::sleep(MOMENT); // not needed to pass
        assert!(event.set(1).is_ok());
        let mut said: Vec<_> = waits.iter_mut().map(|wait| wait.get(PATIENCE).unwrap()).collect();
        said.sort_unstable();
        assert_eq!(said, ["WouldDeadlock", "set", "set"]);
    });
}

/// It would be woken by jobs of its queue, too.
#[test]
fn a_wait_that_drains_a_queue_is_told_of_work_that_comes_later() {
    watched(|| {
        let pool = pool(1, 0, "drains");
        let event = AsyncValue::<u8, String>::new();
        let waited = event.clone();
        let mut waits = pool.spawn(move || {
            let queue = LocalQueue::new();
            let said = waited.get(None).map_or_else(|failure| kind(&failure), |_| "set");
            drop(queue);
            Ok::<_, String>(said)
        });
        eventually("it waits", || threads_asleep("drains") == 1);
        let mut late = pool.run(|| 1);
        assert_eq!(late.get(PATIENCE).unwrap(), 1);
        assert_eq!(waits.get(PATIENCE).unwrap(), "WouldDeadlock");
    });
}

#[test]
fn a_wait_that_drains_a_queue_is_told_of_work_that_is_there() {
    watched(|| {
        let pool = pool(1, 0, "drains-last");
        let inner = pool.clone();
        let mut waits = pool.spawn(move || {
            let queue = LocalQueue::new();
            let jobs: AsyncList<u8> = (0..2).map(|n| inner.run(move || n)).collect();
            let said = jobs.join().get(None).map_or_else(|failure| kind(&failure), |_| "set");
            drop(queue);
            Ok::<_, String>(said)
        });
        assert_eq!(waits.get(PATIENCE).unwrap(), "WouldDeadlock");
    });
}

/// What stack the workers have: the usual one, and a small one.
const STACKS: [Option<usize>; 2] = [None, Some(64 * 1024)];

/// A pool of twenty threads at most.
fn pool_of_twenty(stack: Option<usize>, name: &str) -> Pool {
    let builder = Pool::builder().workers(4).max_spare_workers(16).name(name);
    stack.map_or(builder.clone(), |bytes| builder.stack_size(bytes)).build().unwrap()
}

/// How many of the waits were told; all others saw the value.
fn told(waits: Vec<Typed<&'static str>>) -> usize {
    let said: Vec<_> = waits.into_iter().map(|mut wait| wait.get(PATIENCE).unwrap()).collect();
    assert!(said.iter().all(|said| ["WouldDeadlock", "set"].contains(said)), "{said:?}");
    said.into_iter().filter(|&said| said == "WouldDeadlock").count()
}

/// The job that would set the event is queued behind a hundred jobs that wait for it. How many are told depends on when
/// it has its turn: several workers keep no order.
#[test]
fn an_exhausted_pool_goes_on() {
    watched(|| {
        for stack in STACKS {
            let pool = pool_of_twenty(stack, "exhausted");
            let event = AsyncValue::<u8, String>::new();
            let waits: Vec<_> = (0..100).map(|_| waits_for(&pool, &event)).collect();
            let sets = event.clone();
            let mut set = pool.run(move || sets.set(1).is_ok());
            assert!(set.get(PATIENCE).unwrap());
            told(waits);
        }
    });
}

/// Twenty threads hold twenty waits: what is queued ends the others, no more of them.
#[test]
fn no_more_wait_than_there_are_threads() {
    watched(|| {
        for stack in STACKS {
            let pool = pool_of_twenty(stack, "crowded");
            let event = AsyncValue::<u8, String>::new();
            let waits: Vec<_> = (0..100).map(|_| waits_for(&pool, &event)).collect();
            eventually("all others were told", || {
                waits.iter().filter(|wait| wait.is_set()).count() == 80
            });
            let sets = event.clone();
            let mut set = pool.run(move || sets.set(1).is_ok());
            assert!(set.get(PATIENCE).unwrap());
            assert!((80..=81).contains(&told(waits))); // 81 where all twenty waited by then
        }
    });
}

#[test]
fn a_wait_with_a_limit_ends_no_other_ones() {
    watched(|| {
        let pool = pool(2, 0, "timed");
        let event = AsyncValue::<u8, String>::new();
        let mut patient = waits_for(&pool, &event);
        let waited = event.clone();
        let mut timed = pool.spawn(move || {
            let outcome = waited.get(MOMENT * 3);
            Ok::<_, String>(outcome.map_or_else(|failure| kind(&failure), |_| "set"))
        });
        eventually("both wait", || threads_asleep("timed") == 2);
        let mut late = pool.run(|| 1);
        assert_eq!(timed.get(PATIENCE).unwrap(), "TimedOut");
        assert_eq!(late.get(PATIENCE).unwrap(), 1);
        assert!(event.set(1).is_ok());
        assert_eq!(patient.get(PATIENCE).unwrap(), "set");
    });
}

/// A promise that never settles.
fn never() -> Typed<u8> {
    static KEPT: Mutex<Vec<Deferred<u8, String>>> = Mutex::new(Vec::new());
    let (deferred, promise) = Promise::deferred();
    KEPT.lock().unwrap().push(deferred);
    promise
}

/// Each call that waits in a job.
#[test]
fn every_wait_without_a_limit_is_told() {
    type Wait = fn(&Pool) -> &'static str;
    let waits: [(&str, Wait); 6] = [
        ("a promise", |_| never().get(None).map_or_else(|failure| kind(&failure), |_| "set")),
        ("wait", |_| if never().wait(None) { "set" } else { "WouldDeadlock" }),
        ("a list", |_| {
            let mut list: AsyncList<u8, String> = [never()].into_iter().collect();
            list.get(None).map_or_else(|failure| kind(&failure), |_| "set")
        }),
        ("items as they come", |_| {
            let list: AsyncList<u8, String> = [never()].into_iter().collect();
            let first = list.as_completed().next().unwrap();
            first.outcome.map_or_else(|failure| kind(&failure), |_| "set")
        }),
        ("a value", |_| {
            let value = never().share();
            value.get(None).map_or_else(|failure| kind(&failure), |_| "set")
        }),
        ("room", |pool| if pool.wait_for_room(None) { "room" } else { "WouldDeadlock" }),
    ];
    watched(move || {
        for (name, wait) in waits {
            let builder = Pool::builder().workers(1).max_spare_workers(0).queue_limit(1);
            let pool = builder.name("each").build().unwrap();
            for later in [false, true] {
                let (gate, again) = (Gate::new(), pool.clone());
                let (key, (tell, told)) = (gate.key(), mpsc::channel());
                let _job = pool.run(move || {
                    key.wait();
                    tell.send(wait(&again)).unwrap();
                });
                gate.await_arrival(1);
                let room = name == "room"; // it waits only where the queue is full
                let before = (!later || room).then(|| pool.run(|| 1));
                gate.open();
                if later && !room {
                    eventually("it waits", || threads_asleep("each") == 1);
                    drop(pool.run(|| 1));
                }
                assert_eq!(told.recv_timeout(PATIENCE), Ok("WouldDeadlock"), "{name}, {later}");
                before.into_iter().for_each(|mut job| assert_eq!(job.get(PATIENCE).unwrap(), 1));
            }
        }
    });
}

/// What a waiter has run itself, or what was cancelled, lies in the queue still, but is no work.
#[test]
fn jobs_that_were_claimed_end_no_wait() {
    watched(|| {
        let pool = pool(1, 0, "claimed");
        let (event, again) = (AsyncValue::<u8, String>::new(), pool.clone());
        let waited = event.clone();
        let mut waits = pool.spawn(move || {
            assert_eq!(again.run(|| 1).get(None).unwrap(), 1);
            let cancelled = again.run(|| 2);
            cancelled.cancel();
            Ok::<_, String>(waited.get(None).map_or_else(|failure| kind(&failure), |_| "set"))
        });
        eventually("it waits", || threads_asleep("claimed") == 1);
        assert!(event.set(1).is_ok());
        assert_eq!(waits.get(PATIENCE).unwrap(), "set");
    });
}

/// `LocalQueue::get` is told, too, where its pool would stay stuck.
#[test]
fn a_local_queues_get_is_told() {
    watched(|| {
        let pool = pool(1, 0, "local-get");
        let inner = pool.clone();
        let mut told = pool.run(move || {
            let queue = LocalQueue::new();
            let list: AsyncList<u8> = [inner.run(|| 1), inner.run(|| 2)].into_iter().collect();
            queue.get(&mut list.join(), None).map(|_| ())
        });
        let outcome = told.get(PATIENCE).expect("the job returns");
        assert!(outcome.unwrap_err().is_would_deadlock());
    });
}
