//! The pool as an executor of futures: woken from anywhere, polled by one worker at a time, dropped on
//! the pool. How it ends before its time is in `spawn_future_end.rs`.

use crate::common::by_hand::ByHand;
use crate::common::wakers::block_on;
use crate::common::{
    Gate, Log, PATIENCE, eventually, flush, named_thread, one_worker, watched, worker_id,
};
use asynckit::{AsyncList, Pool, Promise};
use futures_core::Stream;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self};

type Typed<T> = Promise<T, String>;

#[test]
fn a_future_is_run_to_its_end() {
    watched(|| {
        let pool = one_worker();
        assert_eq!(pool.spawn_future(ready(Ok::<_, String>(1))).get(PATIENCE).unwrap(), 1);
        let failed = pool.spawn_future(async { Err::<u8, _>("no".to_owned()) }).get(PATIENCE);
        assert!(crate::common::is_error(failed, "no"));
        let (a, b) = (pool.run(|| 2), pool.run(|| 3));
        let mut sum = pool
            .spawn_future(async move { Ok::<_, asynckit::AnyError>(a.await? + b.await?) })
            .map(|n| n * 2);
        assert_eq!(sum.get(PATIENCE).unwrap(), 10);
    });
}

/// `?` on a failure passes it on as it is.
#[test]
fn a_failure_in_a_future_keeps_its_kind() {
    watched(|| {
        let pool = one_worker();
        let (deferred, inner) = Promise::<u8>::deferred();
        let mut outer =
            pool.spawn_future(async move { Ok::<u8, asynckit::AnyError>(inner.await?) });
        drop(deferred);
        assert!(outer.get(PATIENCE).unwrap_err().is_abandoned());
        assert!(outer.trace().to_string().contains("spawn_future"));
    });
}

#[test]
fn it_runs_on_the_pool_and_so_do_its_callbacks() {
    watched(|| {
        let pool = one_worker();
        let worker = worker_id(&pool);
        let (hand, future) = ByHand::new();
        let log = Log::new();
        let (in_future, in_callback) = (log.clone(), log.clone());
        let mut end = pool
            .spawn_future(async move {
                future.await?;
                in_future.add(thread::current().id());
                Ok::<_, String>(1)
            })
            .map(move |n| (in_callback.add(thread::current().id()), n).1);
        hand.await_polls(1);
        named_thread("elsewhere", move || hand.finish()).join().unwrap();
        assert_eq!(end.get(PATIENCE).unwrap(), 1);
        assert_eq!(log.entries(), [worker, worker]);
    });
}

/// A thousand futures that wait for each other take no thread while they do.
#[test]
fn many_futures_share_a_worker() {
    watched(|| {
        let pool = one_worker();
        let (deferred, mut last) = Typed::<u32>::deferred();
        let line: Vec<_> = (0..1_000)
            .map(|_| {
                let (deferred, promise) = Typed::<u32>::deferred();
                let before = std::mem::replace(&mut last, promise);
                pool.spawn_future(async move {
                    deferred.settle(before.await.map(|n| n + 1));
                    Ok::<_, String>(())
                })
            })
            .collect();
        deferred.resolve(0);
        assert_eq!(last.get(PATIENCE).unwrap(), 1_000);
        let all: AsyncList<(), String> = line.into_iter().collect();
        assert_eq!(all.join().get(PATIENCE).unwrap().len(), 1_000);
        assert_eq!(pool.live_workers(), 1);
    });
}

// ── Waking ───────────────────────────────────────────────────────────────────────────────────────

/// Between wake-ups it is not polled; many of them before a poll are one.
#[test]
fn it_is_polled_when_it_was_woken_and_never_else() {
    watched(|| {
        let pool = one_worker();
        let (hand, future) = ByHand::new();
        let mut end = pool.spawn_future(future);
        hand.await_polls(1);
        for _ in 0..3 {
            flush(&pool);
        }
        assert_eq!(hand.polls(), 1, "nobody has woken it");
        let gate = Gate::new();
        let key = gate.key();
        drop(pool.run(move || key.wait()));
        gate.await_arrival(1);
        let waker = hand.waker().unwrap();
        for _ in 0..100 {
            let clone = waker.clone();
            waker.wake_by_ref();
            clone.wake();
        }
        gate.open();
        hand.await_polls(2);
        flush(&pool);
        flush(&pool);
        assert_eq!(hand.polls(), 2, "woken many times, queued once");
        hand.finish();
        assert_eq!(end.get(PATIENCE).unwrap(), 7);
    });
}

/// Woken while it is polled, by itself and from elsewhere: once more, behind what is queued.
#[test]
fn a_wake_up_during_a_poll_is_not_lost() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let (turn, other) = (log.clone(), log.clone());
        let again = pool.clone();
        let mut left = 3;
        let mut end = pool.spawn_future(poll_fn(move |context| {
            turn.add("future");
            left -= 1;
            if left == 0 {
                return Poll::Ready(Ok::<_, String>(1));
            }
            if left == 2 {
                let other = other.clone();
                drop(again.run(move || other.add("job")));
            }
            let waker = context.waker().clone();
            named_thread("waker", move || waker.wake()).join().unwrap();
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        assert_eq!(end.get(PATIENCE).unwrap(), 1);
        assert_eq!(log.entries(), ["future", "job", "future", "future"]);
    });
}

/// A future that always wakes itself starves nobody, and is cancelled like any other.
#[test]
fn a_future_that_wakes_itself_leaves_others_their_turn() {
    watched(|| {
        let pool = one_worker();
        let endless = pool.spawn_future(poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<Result<u8, String>>::Pending
        }));
        for n in 0..100 {
            assert_eq!(pool.run(move || n).get(PATIENCE).unwrap(), n);
        }
        endless.cancel();
    });
}

/// How far a future has come, which counts that, when a job that was queued before has its turn.
fn come_before_a_job<F>(count: impl FnOnce(Arc<AtomicUsize>) -> F) -> usize
where
    F: Future<Output = ()> + Send + 'static,
{
    let (pool, counted) = (one_worker(), Arc::new(AtomicUsize::new(0)));
    let (future, own) = (count(counted.clone()), pool.clone());
    let mut job = pool
        .spawn_future(async move {
            let job = own.run(move || counted.load(Ordering::Relaxed));
            future.await;
            Ok::<_, asynckit::AnyError>(job)
        })
        .then(|job| job);
    job.get(PATIENCE).unwrap()
}

/// A future that is given what is always there leaves its worker to others now and then, whatever it reads.
#[test]
fn a_future_that_never_has_to_wait_leaves_others_their_turn() {
    const MANY: usize = 10_000;
    const FEW: usize = 1_000;
    let ready = || (0..MANY).map(Promise::<usize, String>::ready);
    watched(move || {
        let promises = come_before_a_job(|count| async move {
            for promise in ready() {
                assert!(promise.await.is_ok());
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let values = come_before_a_job(|count| async move {
            let value = Promise::<usize, String>::ready(1).share();
            for _ in 0..MANY {
                assert!(value.clone().await.is_ok());
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let items = come_before_a_job(|count| async move {
            let mut stream = ready().collect::<AsyncList<_, _>>().as_completed().stream();
            while poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await.is_some() {
                count.fetch_add(1, Ordering::Relaxed);
            }
            assert_eq!(count.load(Ordering::Relaxed), MANY);
        });
        assert!([promises, values, items].iter().all(|n| *n < FEW), "{promises} {values} {items}");
    });
}

/// Only the future as such has had enough: what it polls by another waker, or blocks on, is given all the same.
#[test]
fn what_a_future_blocks_on_is_given_as_ever() {
    watched(|| {
        let pool = one_worker();
        let mut all = pool.spawn_future(async {
            for n in 0..1_000 {
                let mut ready = Promise::<_, String>::ready(n);
                let polled = Pin::new(&mut ready).poll(&mut Context::from_waker(Waker::noop()));
                assert!(polled.is_ready());
                assert_eq!(block_on(Promise::<_, String>::ready(n)).unwrap(), n);
            }
            Ok::<_, String>(())
        });
        all.get(PATIENCE).unwrap();
    });
}

/// Wakers outlive everything:/// Wakers outlive everything: the future, its promise, the pool.
#[test]
fn wakers_may_be_used_after_the_end() {
    watched(|| {
        let pool = one_worker();
        let (hand, future) = ByHand::new();
        let mut end = pool.spawn_future(future);
        hand.await_polls(1);
        let (waker, kept) = (hand.waker().unwrap(), hand.waker().unwrap());
        hand.finish();
        assert_eq!(end.get(PATIENCE).unwrap(), 7);
        waker.wake_by_ref();
        let clone = waker.clone();
        drop(end);
        waker.wake();
        drop(pool);
        clone.wake_by_ref();
        kept.wake();
        drop(clone);
        assert_eq!(hand.polls(), 2);
    });
}

#[test]
fn the_waker_is_the_same_at_each_poll() {
    watched(|| {
        let pool = one_worker();
        let mut first: Option<Waker> = None;
        let mut end = pool.spawn_future(poll_fn(move |context| match &first {
            Some(first) => Poll::Ready(Ok::<_, String>(first.will_wake(context.waker()))),
            None => {
                context.waker().wake_by_ref();
                first = Some(context.waker().clone());
                Poll::Pending
            }
        }));
        assert!(end.get(PATIENCE).unwrap());
    });
}

/// Several workers, several wakers: never two polls at a time, and no wake-up is lost.
#[test]
fn it_is_never_polled_by_two_at_a_time() {
    watched(|| {
        let pool = Pool::new(3);
        for _ in 0..50 {
            let inside = Arc::new(AtomicBool::new(false));
            let (count, wakers) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None)));
            let (seen, slot) = (count.clone(), wakers.clone());
            let mut end = pool.spawn_future(poll_fn(move |context| {
                assert!(!inside.swap(true, Ordering::SeqCst), "two at a time");
                *slot.lock().unwrap() = Some(context.waker().clone());
                let all = seen.load(Ordering::SeqCst) == 300;
                inside.store(false, Ordering::SeqCst);
                if all { Poll::Ready(Ok::<_, String>(())) } else { Poll::Pending }
            }));
            eventually("it is polled", || wakers.lock().unwrap().is_some());
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let (count, wakers) = (count.clone(), wakers.clone());
                    named_thread("waker", move || {
                        for _ in 0..100 {
                            count.fetch_add(1, Ordering::SeqCst);
                            let waker = wakers.lock().unwrap().clone().unwrap();
                            waker.wake();
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            end.get(PATIENCE).unwrap();
        }
    });
}

// ── Waiting for it ───────────────────────────────────────────────────────────────────────────────

/// A worker that waits polls it itself, if it is queued.
#[test]
fn get_on_the_only_worker_polls_a_queued_future() {
    watched(|| {
        let value = crate::common::on_the_only_worker("a queued future", |pool| {
            let mut inner = pool.spawn_future(async { Ok::<_, String>(thread::current().id()) });
            let same = inner.get(None).unwrap() == thread::current().id();
            let mut chained = pool.spawn_future(async { Ok::<_, String>(1) }).map(|n| n + 1);
            (same, chained.get(None).unwrap())
        });
        assert_eq!(value, (true, 2));
    });
}

/// It leaves its entry in the queue, which serves the next wake-up.
#[test]
fn a_future_that_a_waiting_worker_has_polled_goes_on() {
    watched(|| {
        let pool = one_worker();
        let own = pool.clone();
        let mut outer = pool.run(move || {
            let mut polls = 0;
            let mut inner = own.spawn_future(poll_fn(move |context| {
                polls += 1;
                if polls < 4 {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Ok::<_, String>(polls))
            }));
            inner.get(None).unwrap()
        });
        assert_eq!(outer.get(PATIENCE).unwrap(), 4);
        flush(&pool);
    });
}
