//! `TaskSet`: promises come while outcomes are taken.

use crate::common::tasks::threads_asleep;
use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{
    Bomb, DropCounter, Gate, PATIENCE, SMALL_STACK, eventually, named_thread, one_worker,
    run_on_small_stack, watched,
};
use asynckit::{Failure, Pool, Promise, Shutdown, TaskPusher, TaskSet, TaskStream, TimedOut};
use futures_core::Stream;
use std::pin::Pin;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;
type Set<T> = TaskSet<T, String>;

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<TaskSet<u8>>();
    anywhere::<TaskPusher<u8>>();
    anywhere::<TaskStream<u8>>();
    let set = Set::<u8>::default();
    let (_deferred, promise) = Typed::deferred();
    set.push(promise);
    set.push(Typed::ready(1));
    assert_eq!(format!("{set:?}"), "TaskSet(1 pending, 1 to be taken)");
    assert_eq!((set.len(), set.is_empty()), (2, false));
}

#[test]
fn outcomes_come_in_the_order_of_time_and_the_set_may_grow_meanwhile() {
    watched(|| {
        let set = Set::new();
        let (first, promise) = Typed::deferred();
        assert_eq!(set.push(promise), 0);
        let (second, promise) = Typed::deferred();
        assert_eq!(set.push(promise), 1);
        second.resolve('b');
        let mut seen = Vec::new();
        let mut first = Some(first);
        for done in &set {
            seen.push((done.key, done.outcome.ok()));
            if let Some(first) = first.take() {
                set.push(Typed::failed("no".into()));
                first.resolve('a');
            }
        }
        assert_eq!(seen, [(1, Some('b')), (2, None), (0, Some('a'))]);
        set.push(Typed::ready('z')); // it is no end for ever
        assert_eq!(set.next().unwrap().key, 3);
        assert!(set.next().is_none());
    });
}

/// A crawler: callbacks push what they find, on the workers; none is lost, and the end is the end.
#[test]
fn callbacks_push_while_another_thread_takes() {
    fn visit(pool: &Pool, pusher: &TaskPusher<u32, String>, n: u32) -> Typed<u32> {
        let (again, own) = (pool.clone(), pusher.clone());
        pool.spawn(move || {
            for below in [2 * n, 2 * n + 1] {
                if below < 1000 {
                    own.push(visit(&again, &own, below));
                }
            }
            Ok(n)
        })
    }
    watched(|| {
        let (pool, set) = (Pool::new(3), Set::new());
        let pusher = set.pusher();
        pusher.push(visit(&pool, &pusher, 1));
        let mut all: Vec<_> = set.into_iter().map(|done| done.outcome.unwrap()).collect();
        all.sort_unstable();
        assert_eq!(all, (1..1000).collect::<Vec<_>>());
    });
}

#[test]
fn a_thread_that_waits_is_woken_by_what_others_push() {
    watched(|| {
        let set = Arc::new(Set::new());
        let (never, promise) = Typed::<u8>::deferred();
        set.push(promise);
        let taker = set.clone();
        let taker = named_thread("set-taker", move || taker.next().unwrap().key);
        eventually("it sleeps", || threads_asleep("set-taker") == 1);
        assert_eq!(set.push(Typed::ready(7)), 1);
        assert_eq!(taker.join().unwrap(), 1);
        drop(never);
        assert!(set.next().unwrap().outcome.unwrap_err().is_abandoned());
    });
}

#[test]
fn a_wait_with_a_limit_loses_nothing() {
    watched(|| {
        let set = Set::new();
        let (deferred, promise) = Typed::<u8>::deferred();
        set.push(promise);
        for _ in 0..100 {
            assert_eq!(set.next_timeout(Duration::from_nanos(1)).unwrap_err(), TimedOut);
            assert!(!set.wait(Duration::from_nanos(1)));
        }
        deferred.resolve(7);
        assert!(set.wait(PATIENCE));
        assert_eq!(set.len(), 1, "the outcome stays");
        assert_eq!(set.next_timeout(Duration::ZERO).unwrap().unwrap().outcome.unwrap(), 7);
        assert!(set.next_timeout(Duration::ZERO).unwrap().is_none());
    });
}

#[test]
fn one_is_cancelled_or_all_are() {
    watched(|| {
        let (pool, set, counter) =
            (Pool::new(0), TaskSet::<(), String, &str>::keyed(), DropCounter::default());
        let job = |name| {
            let token = counter.token();
            {
                let job = pool.spawn(move || {
                    drop(token);
                    Ok(())
                });
                set.push_keyed(name, job)
            }
        };
        let (a, b) = (job("a"), job("b"));
        assert!(set.cancel(b));
        assert!(!set.cancel(b) && !set.cancel(99));
        assert_eq!(counter.dropped(), 1);
        let done = set.next().unwrap();
        assert!(done.key == "b" && done.outcome.unwrap_err().is_cancelled());
        job("c");
        set.cancel_all();
        assert_eq!((counter.dropped(), set.len()), (3, 2));
        assert!(!set.cancel(a), "it has settled");
        assert_eq!(set.into_iter().map(|done| done.key).collect::<Vec<_>>(), ["a", "c"]);
    });
}

/// The outcome of what runs is there at once; the work is told, and what it comes to is dropped.
#[test]
fn what_runs_is_cancelled_at_once() {
    watched(|| {
        let (pool, set, gate) = (one_worker(), Set::new(), Gate::new());
        let key = gate.key();
        let number = set.push(pool.spawn_cancellable(move |token| {
            key.wait();
            assert!(token.is_cancelled());
            Ok(7)
        }));
        gate.await_arrival(1);
        assert!(set.cancel(number));
        assert!(
            set.next_timeout(Duration::ZERO).unwrap().unwrap().outcome.unwrap_err().is_cancelled()
        );
        gate.open();
        pool.shutdown(Shutdown::Drain, PATIENCE);
        assert!(set.is_empty());
    });
}

#[test]
fn a_dropped_set_cancels_and_a_detached_one_does_not() {
    watched(|| {
        let set = Set::new();
        let (deferred, promise) = Typed::<u8>::deferred();
        set.push(promise);
        let pusher = set.pusher();
        drop(set);
        assert!(deferred.is_cancelled());
        let (late, promise) = Typed::<u8>::deferred();
        pusher.push(promise);
        assert!(late.is_cancelled(), "pushed when the set is gone");

        let set = Set::new();
        let (deferred, promise) = Typed::<u8>::deferred();
        set.push(promise);
        set.detach();
        assert!(!deferred.is_cancelled());
        deferred.resolve(1);
    });
}

#[test]
fn what_is_left_is_had_back() {
    watched(|| {
        let set = Set::new();
        let (late, promise) = Typed::deferred();
        let (never, other) = Typed::deferred();
        set.push(promise);
        set.push(Typed::ready(1));
        set.push(other);
        set.push(Typed::ready(2));
        assert_eq!(set.next().unwrap().key, 1);
        let rest = set.take_rest();
        assert!(set.is_empty() && set.wait(Duration::ZERO));
        assert!(set.next().is_none());
        assert_eq!(rest.len(), 3);
        let mut rest = rest.settled();
        set.push(Typed::ready(9));
        drop(set); // has nothing to do with them
        late.resolve(0);
        drop(never);
        let rest = rest.get(PATIENCE).unwrap();
        let keys: Vec<_> = rest.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, [0, 2, 3], "in the order of pushing");
        assert!(rest[0].1.is_ok() && rest[2].1.is_ok());
        assert!(matches!(rest[1].1, Err(Failure::Abandoned)));
    });
}

#[test]
fn cancelling_what_was_had_back_reaches_the_work() {
    watched(|| {
        let set = Set::new();
        let (first, promise) = Typed::<u8>::deferred();
        set.push(promise);
        let rest = set.take_rest();
        assert!(!set.cancel(0), "it is not in the set");
        rest.cancel();
        assert!(first.is_cancelled());
        let (second, promise) = Typed::<u8>::deferred();
        set.push(promise);
        set.push(Typed::failed("no".into()));
        assert!(set.take_rest().join().get(PATIENCE).unwrap_err().is_error());
        assert!(second.is_cancelled(), "the join has failed");
    });
}

#[test]
fn a_stream_gives_what_comes() {
    watched(|| {
        let set = Set::new();
        let (deferred, promise) = Typed::deferred();
        let pusher = set.pusher();
        pusher.push(Typed::ready(1));
        pusher.push(promise);
        let mut stream = set.stream();
        let waker = CountingWaker::new();
        let own = Waker::from(waker.clone());
        let mut context = Context::from_waker(&own);
        let mut poll = || Pin::new(&mut stream).poll_next(&mut context);
        assert!(matches!(poll(), Poll::Ready(Some(done)) if done.key == 0));
        assert!(poll().is_pending() && poll().is_pending());
        deferred.resolve(2);
        assert_eq!(waker.woken(), 1);
        assert!(matches!(poll(), Poll::Ready(Some(done)) if done.key == 1));
        assert!(matches!(poll(), Poll::Ready(None)));
        pusher.push(Typed::ready(3));
        let next =
            block_on(std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)));
        assert_eq!(next.unwrap().outcome.unwrap(), 3);
        let (deferred, promise) = Typed::deferred();
        pusher.push(promise);
        drop(stream);
        assert!(deferred.is_cancelled());
        drop(Typed::<u8>::ready(1));
    });
}

#[test]
fn panics_are_outcomes_and_panics_of_drops_are_contained() {
    watched(|| {
        let pool = one_worker();
        let set = TaskSet::<Bomb, String, Bomb>::keyed();
        set.push_keyed(Bomb, pool.spawn(|| -> Result<Bomb, String> { panic!("a job") }));
        let done = set.next().unwrap();
        assert!(done.outcome.is_err_and(|failure| failure.is_panicked()));
        std::mem::drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(done.key))));
        set.push_keyed(Bomb, Promise::ready(Bomb));
        set.push_keyed(Bomb, pool.spawn(|| Ok(Bomb)));
        set.push_keyed(Bomb, Promise::<Bomb, String>::deferred().1);
        set.wait(Duration::from_millis(1));
        drop(set); // with all that is in it
    });
}

/// Takers and pushers on several threads: each outcome comes once.
#[test]
fn several_threads_push_take_and_cancel() {
    const EACH: usize = 300;
    watched(|| {
        let (set, start) = (Arc::new(Set::new()), Arc::new(Barrier::new(4)));
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let (pusher, start) = (set.pusher(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    for n in 0..EACH {
                        let (deferred, promise) = Typed::deferred();
                        pusher.push(promise);
                        deferred.resolve(n);
                    }
                })
            })
            .collect();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let (set, start, taken) = (set.clone(), start.clone(), taken.clone());
                thread::spawn(move || {
                    start.wait();
                    while taken.lock().unwrap().len() < 2 * EACH {
                        let Ok(next) = set.next_timeout(Duration::from_millis(1)) else { continue };
                        let Some(done) = next else { continue };
                        set.cancel(done.key + 3); // some of them
                        taken.lock().unwrap().push(done.key);
                    }
                })
            })
            .collect();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        takers.into_iter().for_each(|taker| taker.join().unwrap());
        let mut taken = taken.lock().unwrap().clone();
        taken.sort_unstable();
        assert_eq!(taken, (0..2 * EACH).collect::<Vec<_>>());
        assert!(set.is_empty());
    });
}

#[test]
fn a_worker_that_waits_lets_another_thread_do_the_work() {
    watched(|| {
        let pool = one_worker();
        let again = pool.clone();
        let mut sum = pool.spawn(move || {
            let set = Set::new();
            (0..10).for_each(|n| _ = set.push(again.spawn(move || Ok(n))));
            Ok::<u32, String>(set.into_iter().map(|done| done.outcome.unwrap()).sum())
        });
        assert_eq!(sum.get(PATIENCE).unwrap(), 45);
    });
}

#[test]
fn a_wait_that_would_never_end_is_told() {
    watched(|| {
        let pool = Pool::builder().workers(1).max_spare_workers(0).build().unwrap();
        let again = pool.clone();
        let mut told = pool.spawn(move || {
            let set = Set::new();
            set.push(again.spawn(|| Ok(1)));
            let given_up = set.next().unwrap();
            assert!(given_up.outcome.unwrap_err().is_would_deadlock());
            Ok::<bool, String>(set.is_empty())
        });
        assert!(told.get(PATIENCE).unwrap());
    });
}

#[test]
fn a_pool_that_is_shut_down_abandons_what_is_pending() {
    watched(|| {
        let (pool, set) = (Pool::new(0), Set::new());
        set.push(pool.spawn(|| Ok(1)));
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
        set.push(pool.spawn(|| Ok(2)));
        assert!(set.into_iter().all(|done| done.outcome.unwrap_err().is_abandoned()));
    });
}

/// Sets in sets: the outermost is dropped in a small stack.
#[test]
fn a_line_of_sets_takes_no_stack() {
    struct Nest(#[expect(dead_code, reason = "it is owned")] Option<Box<TaskSet<Nest, String>>>);
    watched(|| {
        run_on_small_stack(SMALL_STACK, || {
            let mut nest = Nest(None);
            for _ in 0..10_000 {
                let set = TaskSet::new();
                set.push(Promise::ready(nest));
                nest = Nest(Some(Box::new(set)));
            }
            drop(nest);
        });
    });
}
