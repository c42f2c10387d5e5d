//! Futures on a pool that end before their time: by a panic, a cancellation, the end of the pool.

use crate::common::by_hand::ByHand;
use crate::common::{
    Bomb, DropCounter, Gate, Log, PATIENCE, eventually, flush, named_thread, one_worker, watched,
    worker_id,
};
use asynckit::{AsyncList, Pool, Promise, Shutdown};
use std::future::{Future, pending, poll_fn};
use std::hint;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

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
        crate::common::survives(|pool| {
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

/// Puts the first promise into something, beside the second one.
type Hold = fn(Typed<u8>, Typed<u8>) -> Typed<u8>;

/// A future that nobody can wake can never go on: it is dropped, and its promise is abandoned, as that of a dropped
/// `Deferred`; wherever the promise is.
#[test]
fn a_future_that_nobody_can_wake_is_abandoned_wherever_its_promise_is() {
    watched(|| {
        let (pool, drops) = (one_worker(), DropCounter::default());
        let hopeless = || {
            let token = drops.token();
            pool.spawn_future(async move {
                let _token = token;
                pending::<Result<u8, String>>().await
            })
        };
        assert!(hopeless().get(PATIENCE).unwrap_err().is_abandoned());
        let other = || Typed::ready(1);
        let held: [(&str, Hold); 9] = [
            ("map", |hopeless, _| hopeless.map(|n| n)),
            ("list", |hopeless, other| AsyncList::from_iter([hopeless, other]).join().map(|_| 1)),
            ("join", |hopeless, other| asynckit::join((other, hopeless)).map(|(n, _)| n)),
            ("share", |hopeless, _| hopeless.share().then(|n| Ok(*n))),
            ("shield", |hopeless, _| hopeless.shield()),
            ("timeout", |hopeless, _| hopeless.timeout(PATIENCE).map(|n| n + 1)),
            ("cancellable", |hopeless, _| hopeless.cancellable().0),
            ("then", |hopeless, other| other.then(|_| hopeless)),
            ("race", |hopeless, _| AsyncList::from_iter([hopeless]).race()),
        ];
        for (n, (name, hold)) in held.into_iter().enumerate() {
            let outcome = hold(hopeless(), other()).get(PATIENCE);
            assert!(outcome.is_err_and(|failure| failure.is_abandoned()), "{name}");
            assert_eq!(drops.dropped(), 2 * n + 2, "{name}");
            drop(hold(hopeless(), other()));
            eventually(name, || drops.dropped() == 2 * n + 3);
        }
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
        let (_first, one) = ByHand::new();
        let (_second, other) = ByHand::new();
        let waits = |token, future: ByHand| async move {
            let _token = token;
            future.await
        };
        let slow = pool.spawn_future(waits(drops.token(), one)).timeout(Duration::from_millis(1));
        assert!({ slow }.get(PATIENCE).unwrap_err().is_timed_out());
        eventually("it is dropped", || drops.dropped() == 1);
        let race: AsyncList<u8, String> =
            [pool.spawn_future(waits(drops.token(), other)), Promise::ready(1)]
                .into_iter()
                .collect();
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
            hand.forget_waker();
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
            assert_eq!(report.abandoned, usize::from(how == Shutdown::CancelQueued));
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

/// The promise is dropped while the worker finds that it was cancelled.
#[test]
fn a_cancelled_promise_is_dropped_at_any_time() {
    watched(|| {
        let pool = one_worker();
        let drops = DropCounter::default();
        for round in 0..2_000_u32 {
            let token = drops.token();
            let endless: Typed<u8> = pool.spawn_future(poll_fn(move |context| {
                let _ = &token;
                context.waker().wake_by_ref();
                Poll::Pending
            }));
            (0..round % 64).for_each(|_| hint::spin_loop());
            endless.cancel();
            (0..round / 64).for_each(|_| hint::spin_loop());
            drop(endless);
        }
        // The last one may have been queued again behind whatever is queued now.
        eventually("all are dropped", || drops.dropped() == 2_000);
    });
}
