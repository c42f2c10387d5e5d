//! The pool as an executor of futures: woken from anywhere, polled by one worker at a time, dropped on
//! the pool.

mod common;

use asynckit::{AsyncList, Pool, Promise, Shutdown};
use common::{
    Bomb, DropCounter, Gate, Log, MOMENT, PATIENCE, eventually, flush, named_thread, one_worker,
    watched, worker_id,
};
use std::future::{Future, pending, poll_fn, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// What a [`ByHand`] future and its test share.
#[derive(Default)]
struct Hand {
    waker: Mutex<Option<Waker>>,
    polls: AtomicUsize,
    ready: AtomicBool,
}

impl Hand {
    fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    fn waker(&self) -> Option<Waker> {
        self.waker.lock().unwrap().clone()
    }

    #[track_caller]
    fn await_polls(&self, n: usize) {
        eventually("it is polled", || self.polls() >= n);
    }

    fn finish(&self) {
        self.ready.store(true, Ordering::SeqCst);
        let waker = self.waker.lock().unwrap().take();
        waker.expect("it was polled").wake();
    }
}

/// A future that keeps its waker where the test finds it.
struct ByHand {
    hand: Arc<Hand>,
    dropped: Option<Log<ThreadId>>,
}

impl ByHand {
    fn new() -> (Arc<Hand>, ByHand) {
        let hand = Arc::<Hand>::default();
        (hand.clone(), ByHand { hand, dropped: None })
    }
}

impl Future for ByHand {
    type Output = Result<u8, String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let hand = &self.hand;
        *hand.waker.lock().unwrap() = Some(context.waker().clone());
        hand.polls.fetch_add(1, Ordering::SeqCst);
        if hand.ready.load(Ordering::SeqCst) { Poll::Ready(Ok(7)) } else { Poll::Pending }
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        if let Some(log) = &self.dropped {
            log.add(thread::current().id());
        }
    }
}

#[test]
fn a_future_is_run_to_its_end() {
    watched(|| {
        let pool = one_worker();
        assert_eq!(pool.spawn_future(ready(Ok::<_, String>(1))).get(PATIENCE).unwrap(), 1);
        let failed = pool.spawn_future(async { Err::<u8, _>("no".to_owned()) }).get(PATIENCE);
        assert!(common::is_error(failed, "no"));
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

/// Wakers outlive everything: the future, its promise, the pool.
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

// ── Panics ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn panics_in_polls_and_drops_leave_the_worker_alive() {
    struct Fragile(Bomb, bool);
    impl Future for Fragile {
        type Output = Result<u8, String>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            let _ = &self.0;
            if self.1 { panic!("in a poll") } else { Poll::Ready(Ok(1)) }
        }
    }
    watched(|| {
        common::survives(|pool| {
            let failure = pool.spawn_future(Fragile(Bomb, true)).get(PATIENCE).unwrap_err();
            assert!(failure.is_panicked());
            assert_eq!(pool.spawn_future(Fragile(Bomb, false)).get(PATIENCE).unwrap(), 1);
            let (hand, future) = ByHand::new();
            let bomb = Bomb;
            let held = pool.spawn_future(async move {
                let _bomb = bomb;
                future.await
            });
            hand.await_polls(1);
            held.cancel();
            let paused = Pool::new(0);
            paused.spawn_future(Fragile(Bomb, false)).cancel();
        });
    });
}

// ── Cancelling and leaving ───────────────────────────────────────────────────────────────────────

#[test]
fn cancel_drops_the_future_on_the_pool() {
    watched(|| {
        let pool = one_worker();
        let worker = worker_id(&pool);
        let dropped = Log::new();
        let (hand, mut future) = ByHand::new();
        future.dropped = Some(dropped.clone());
        let mut end = pool.spawn_future(future).finally(|| ()).map(|n| n + 1);
        hand.await_polls(1);
        end.cancel();
        assert!(end.get(None).unwrap_err().is_cancelled(), "at once");
        eventually("the future is dropped", || !dropped.entries().is_empty());
        assert_eq!(dropped.entries(), [worker]);
        hand.waker().unwrap().wake();
        flush(&pool);
        assert_eq!(hand.polls(), 1, "it is not polled any more");
    });
}

/// One without any waker: nobody but the cancellation could reach it.
#[test]
fn a_future_that_waits_for_ever_is_cancelled() {
    watched(|| {
        let (pool, drops) = (one_worker(), DropCounter::default());
        let token = drops.token();
        let mut end = pool.spawn_future(async move {
            let _token = token;
            pending::<Result<u8, String>>().await
        });
        assert!(end.get(MOMENT).unwrap_err().is_timed_out());
        end.cancel();
        assert!(end.get(None).unwrap_err().is_cancelled());
        eventually("it is dropped", || drops.dropped() == 1);
    });
}

/// What was never polled is dropped inside the call, as a closure is.
#[test]
fn a_future_that_was_never_polled_is_dropped_at_once() {
    watched(|| {
        let (pool, drops) = (Pool::new(0), DropCounter::default());
        let token = drops.token();
        let mut end = pool.spawn_future(async move {
            let _token = token;
            Ok::<_, String>(1)
        });
        end.cancel();
        assert_eq!(drops.dropped(), 1);
        assert!(end.get(None).unwrap_err().is_cancelled());
        pool.set_worker_count(1);
        flush(&pool);
    });
}

/// A cancellation that comes while it is polled: at the end of that poll.
#[test]
fn a_future_is_cancelled_during_a_poll() {
    watched(|| {
        let (pool, drops, gate) = (one_worker(), DropCounter::default(), Gate::new());
        let (token, key) = (drops.token(), gate.key());
        let mut end = pool.spawn_future(poll_fn(move |_| {
            let _ = &token;
            key.wait();
            Poll::<Result<u8, String>>::Pending
        }));
        gate.await_arrival(1);
        end.cancel();
        assert!(end.get(None).unwrap_err().is_cancelled());
        assert_eq!(drops.dropped(), 0, "it is running");
        gate.open();
        eventually("it is dropped", || drops.dropped() == 1);
    });
}

/// A time-out, and a lost race, cancel as `cancel` does.
#[test]
fn giving_up_drops_the_future() {
    watched(|| {
        let (pool, drops) = (one_worker(), DropCounter::default());
        let waits = |token| async move {
            let _token = token;
            pending::<Result<u8, String>>().await
        };
        let slow = pool.spawn_future(waits(drops.token())).timeout(Duration::from_millis(1));
        assert!({ slow }.get(PATIENCE).unwrap_err().is_timed_out());
        eventually("it is dropped", || drops.dropped() == 1);
        let race: AsyncList<u8, String> =
            [pool.spawn_future(waits(drops.token())), Promise::ready(1)].into_iter().collect();
        assert_eq!(race.race().get(PATIENCE).unwrap(), 1);
        eventually("it is dropped", || drops.dropped() == 2);
    });
}

/// Dropping the promise detaches; a detached future that nobody can wake is dropped.
#[test]
fn a_detached_future_goes_on_as_long_as_it_can_be_woken() {
    watched(|| {
        let (pool, drops) = (one_worker(), DropCounter::default());
        let (hand, future) = ByHand::new();
        let token = drops.token();
        drop(pool.spawn_future(async move {
            let _token = token;
            future.await
        }));
        hand.await_polls(1);
        flush(&pool);
        assert_eq!(drops.dropped(), 0);
        hand.finish();
        eventually("it is through", || drops.dropped() == 1);

        for polled in [false, true] {
            let before = drops.dropped();
            let (hand, future) = ByHand::new();
            let token = drops.token();
            let promise = pool.spawn_future(async move {
                let _token = token;
                future.await
            });
            if polled {
                hand.await_polls(1);
            }
            drop(promise.map(|n| n + 1));
            hand.await_polls(1);
            flush(&pool);
            assert_eq!(drops.dropped(), before);
            drop(hand.waker.lock().unwrap().take());
            eventually("it is dropped", || drops.dropped() == before + 1);
        }
    });
}

// ── The end of the pool ──────────────────────────────────────────────────────────────────────────

#[test]
fn futures_and_shutdown() {
    watched(|| {
        for how in [Shutdown::Drain, Shutdown::CancelQueued] {
            let (pool, drops) = (one_worker(), DropCounter::default());
            let (hand, future) = ByHand::new();
            let token = drops.token();
            let mut waits = pool.spawn_future(async move {
                let _token = token;
                future.await
            });
            hand.await_polls(1);
            flush(&pool);
            let gate = Gate::new();
            let key = gate.key();
            let job = pool.run(move || key.wait());
            gate.await_arrival(1);
            let mut queued = pool.spawn_future(async { Ok::<_, String>(1) });
            let closing = named_thread("closing", {
                let pool = pool.clone();
                move || pool.shutdown(how, PATIENCE)
            });
            if how == Shutdown::CancelQueued {
                assert!(queued.get(PATIENCE).unwrap_err().is_abandoned());
                gate.open();
            } else {
                gate.open();
                assert_eq!(queued.get(PATIENCE).unwrap(), 1);
            }
            let report = closing.join().unwrap();
            assert_eq!(report.still_running, 0);
            assert_eq!(report.cancelled, usize::from(how == Shutdown::CancelQueued));
            drop(job);
            assert!(!waits.is_set(), "it may be woken yet");
            hand.finish();
            assert!(waits.get(PATIENCE).unwrap_err().is_abandoned());
            assert_eq!(drops.dropped(), 1);
            assert_eq!(hand.polls(), 1);
            let mut late = pool.spawn_future(async { Ok::<_, String>(1) });
            assert!(late.get(None).unwrap_err().is_abandoned());
        }
    });
}

/// The last handle of the pool lies in the future.
#[test]
fn the_last_handle_of_the_pool_is_dropped_in_the_future() {
    watched(|| {
        let pool = one_worker();
        let own = pool.clone();
        let (deferred, inner) = Typed::<u8>::deferred();
        let mut end = pool.spawn_future(async move {
            let value = inner.await.map_err(|failure| failure.to_string())?;
            drop(own);
            Ok::<_, String>(value)
        });
        flush(&pool);
        drop(pool);
        deferred.resolve(3);
        assert_eq!(end.get(PATIENCE).unwrap(), 3);
    });
}

// ── Waiting for it ───────────────────────────────────────────────────────────────────────────────

/// Semantics 5: a worker that waits polls it itself, if it is queued.
#[test]
fn get_on_the_only_worker_polls_a_queued_future() {
    watched(|| {
        let value = common::on_the_only_worker("a queued future", |pool| {
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
