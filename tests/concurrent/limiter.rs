//! So many at once: `Limiter` (conformance J11, J12, D4).

use crate::common::alloc::Counter;
use crate::common::{
    Calls, DropCounter, Gate, LONG, Log, PATIENCE, SMALL_STACK, eventually, flush, is_error,
    named_pool, one_worker, panic_message, run_on_small_stack, verdict, watched, watched_long,
};
use asynckit::{AsyncList, Limiter, Pool, Promise, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

// ── So many at once ──────────────────────────────────────────────────────────────────────────────

/// J11: no more than n, and the others in their order.
#[test]
fn no_more_are_under_way_than_the_limit_and_the_others_follow_in_order() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(2), Calls::default());
        let mut promises: Vec<_> = (0..5).map(|n| limiter.run(calls.call(n))).collect();
        assert_eq!(calls.made(), [0, 1], "made inside of run");
        assert_eq!((limiter.under_way(), limiter.waiting()), (2, 3));
        assert_eq!(format!("{limiter:?}"), "Limiter(2 under way, 3 waiting)");
        calls.end(1);
        calls.await_made(&[0, 1, 2]);
        calls.end(0);
        calls.end(2);
        eventually("the last ones start", || calls.made().len() == 5);
        calls.end(3);
        calls.end(4);
        for (n, promise) in promises.iter_mut().enumerate() {
            assert_eq!(promise.get(PATIENCE).unwrap(), n * 10);
        }
        assert_eq!((limiter.under_way(), limiter.waiting()), (0, 0));
    });
}

/// J11: the permit comes back with a value, an error, a panic, a cancellation, an abandonment.
#[test]
fn a_permit_comes_back_however_the_call_ends() {
    watched(|| {
        let pool = one_worker();
        let limiter = Limiter::new(1).on(&pool);
        let on = pool.clone();
        type End = Box<dyn FnOnce() -> Typed<u8> + Send>;
        let ends: Vec<(&str, End)> = vec![
            ("Ok", Box::new(|| Promise::ready(7))),
            ("Error", Box::new(|| Promise::failed("no".to_owned()))),
            ("Panicked", Box::new(move || on.spawn(|| -> Result<u8, _> { panic!("job") }))),
            ("Panicked", Box::new(|| panic!("call"))),
            ("Abandoned", Box::new(crate::common::abandoned)),
            (
                "TimedOut",
                Box::new(|| Typed::settled(Ok(7)).delay_value(PATIENCE).timeout(Duration::ZERO)),
            ),
        ];
        for (expected, end) in ends {
            assert_eq!(verdict(&limiter.run(end).get(PATIENCE)), expected);
            eventually("the permit is back", || limiter.under_way() == 0);
        }
        let cancelled = limiter.run(|| Typed::settled(Ok(7)).delay_value(PATIENCE));
        assert_eq!(limiter.under_way(), 1);
        cancelled.cancel();
        assert_eq!(limiter.under_way(), 0, "a promise without a running job settles at once");
        assert!(matches!(limiter.run(|| Ok::<_, String>(8)).get(PATIENCE), Ok(8)));
    });
}

#[test]
fn a_panic_of_a_call_that_had_to_wait_is_its_outcome() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        let mut first = limiter.run(calls.call(0));
        let mut second: Typed<usize> = limiter.run(|| -> Typed<usize> { panic!("second") });
        let mut third = limiter.run(|| Ok::<_, String>(3));
        calls.end(0);
        assert!(first.get(PATIENCE).is_ok());
        assert_eq!(panic_message(second.get(PATIENCE)), "second");
        assert!(matches!(third.get(PATIENCE), Ok(3)));
    });
}

/// J12: a cancelled waiter leaves its place at once, and no permit is lost.
#[test]
fn a_cancelled_waiter_leaves_at_once() {
    watched(|| {
        let (limiter, calls, counter) = (Limiter::new(1), Calls::default(), DropCounter::default());
        let mut first = limiter.run(calls.call(0));
        let token = counter.token();
        let call = calls.call(1);
        let mut second = limiter.run(move || {
            drop(token);
            call()
        });
        let mut third = limiter.run(calls.call(2));
        assert_eq!(limiter.waiting(), 2);
        second.cancel();
        assert_eq!((limiter.waiting(), counter.dropped()), (1, 1), "its closure is dropped");
        assert!(second.get(None).unwrap_err().is_cancelled());
        calls.end(0);
        calls.await_made(&[0, 2]);
        calls.end(2);
        assert!(first.get(PATIENCE).is_ok() && third.get(PATIENCE).is_ok());
        assert_eq!((limiter.under_way(), limiter.waiting()), (0, 0));
    });
}

/// J12: once it is under way, cancelling cancels the call.
#[test]
fn cancelling_a_call_that_is_under_way_cancels_it() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        let running = limiter.run(calls.call(0));
        let waited = limiter.run(calls.call(1));
        running.cancel();
        assert!(calls.take(0).is_cancelled());
        calls.await_made(&[0, 1]);
        let deferred = calls.take(1);
        eventually("it is adopted", || {
            waited.cancel();
            deferred.is_cancelled()
        });
        drop(deferred);
        eventually("both are back", || limiter.under_way() == 0);
    });
}

/// A job that was cancelled while it ran counts until it returns: it still loads whatever it loads.
#[test]
fn a_running_job_counts_until_it_returns() {
    watched(|| {
        let (pool, gate, log) = (Pool::new(2), Gate::new(), Log::new());
        let limiter = Limiter::new(1).on(&pool);
        let (key, on, seen) = (gate.key(), pool.clone(), log.clone());
        let job = limiter.run(move || {
            on.spawn(move || {
                key.wait();
                Ok::<_, String>(())
            })
        });
        gate.await_arrival(1);
        let mut next = limiter.run(move || {
            seen.add("next");
            Ok::<_, String>(())
        });
        job.cancel();
        flush(&pool);
        assert_eq!((limiter.under_way(), log.entries().len()), (1, 0));
        gate.open();
        next.get(PATIENCE).unwrap();
        assert_eq!(log.entries(), ["next"]);
    });
}

#[test]
fn none_at_once_counts_as_one() {
    watched(|| {
        let limiter = Limiter::new(0).per(0, Duration::from_nanos(1));
        assert!(matches!(limiter.run(|| Ok::<_, String>(7)).get(PATIENCE), Ok(7)));
        assert!(matches!(limiter.run(|| Ok::<_, String>(8)).get(PATIENCE), Ok(8)));
    });
}

#[test]
fn what_had_to_wait_starts_on_the_limiters_pool() {
    watched(|| {
        let pool = named_pool(1, "limited");
        let limiter = Limiter::new(1).on(&pool);
        let name = || Ok::<_, String>(thread::current().name().unwrap().to_owned());
        let calls = Calls::default();
        let mut first = limiter.run(calls.call(0));
        let mut second = limiter.run(name);
        let mut behind = limiter.run(|| Typed::settled(Ok(0))).then(move |_| name());
        calls.end(0);
        assert!(first.get(PATIENCE).is_ok());
        assert!(second.get(PATIENCE).unwrap().starts_with("limited"));
        assert!(behind.get(PATIENCE).unwrap().starts_with("limited"));
        let mut at_once = limiter.run(name);
        assert_eq!(at_once.get(PATIENCE).unwrap(), name().unwrap(), "made inside of run");
    });
}

#[test]
fn what_waits_when_the_pool_is_shut_down_is_abandoned_and_the_limiter_lives() {
    watched(|| {
        let pool = one_worker();
        let (limiter, calls) = (Limiter::new(1).on(&pool), Calls::default());
        let mut first = limiter.run(calls.call(0));
        let mut waiting: Vec<_> = (1..4).map(|n| limiter.run(calls.call(n))).collect();
        pool.shutdown(Shutdown::Drain, None);
        calls.end(0);
        assert!(first.get(PATIENCE).is_ok());
        for promise in &mut waiting {
            assert!(promise.get(PATIENCE).unwrap_err().is_abandoned());
        }
        assert_eq!((limiter.under_way(), limiter.waiting()), (0, 0));
    });
}

/// Not when its turn comes: that may be never. What need not wait is as ever.
#[test]
fn what_waits_when_the_pool_is_shut_down_is_abandoned_then() {
    watched(|| {
        let hour = Duration::from_secs(3600);
        for how in [Shutdown::Drain, Shutdown::CancelQueued] {
            for limiter in [Limiter::new(1), Limiter::rate(1, hour)] {
                let (pool, calls, dropped) =
                    (one_worker(), Calls::default(), DropCounter::default());
                let limiter = limiter.on(&pool);
                let (mut first, token) = (limiter.run(calls.call(0)), dropped.token());
                let mut waiting = limiter.run(move || Ok::<_, String>(drop(token)));
                pool.shutdown(how, None);
                assert!(waiting.get(Duration::ZERO).unwrap_err().is_abandoned());
                assert_eq!((dropped.dropped(), limiter.waiting()), (1, 0));
                let mut late = limiter.run(|| Ok::<_, String>(()));
                assert!(late.get(Duration::ZERO).unwrap_err().is_abandoned());
                calls.end(0);
                assert!(first.get(PATIENCE).is_ok());
            }
        }
        let of_the_global_pool = Limiter::new(1);
        let calls = Calls::default();
        let _first = of_the_global_pool.run(calls.call(0));
        let mut waiting = of_the_global_pool.run(calls.call(1));
        Pool::global().shutdown(Shutdown::Drain, Duration::ZERO);
        calls.end(0);
        calls.await_made(&[0, 1]);
        calls.end(1);
        waiting.get(PATIENCE).unwrap();
    });
}

#[test]
fn a_dropped_promise_and_a_dropped_limiter_let_the_calls_go_on() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        drop(limiter.run(calls.call(0)));
        drop(limiter.run(calls.call(1)));
        drop(limiter);
        calls.end(0);
        calls.await_made(&[0, 1]);
        calls.end(1);
    });
}

/// The way of a failure shows the limiter.
#[test]
fn a_failure_brings_its_way() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        let first = limiter.run(calls.call(0));
        let failed = limiter.run(|| Typed::<usize>::failed("no".to_owned()));
        calls.take(0).reject("no".to_owned());
        for (mut failed, origin) in [(first, "deferred"), (failed, "settled")] {
            assert!(is_error(failed.get(PATIENCE), "no"));
            let way = failed.trace();
            let kinds: Vec<_> = way.steps().map(|step| step.kind()).collect();
            assert_eq!(kinds, [origin, "limiter"], "whether it had to wait or not");
            assert!(way.steps().all(|step| step.file().starts_with("tests")));
        }
    });
}

/// Cancelled by other threads while permits are handed out: none is lost, none is made up.
#[test]
fn no_permit_is_lost_when_everything_happens_at_once() {
    watched_long(|| {
        const CALLS: usize = 4_000;
        const LIMIT: usize = 3;
        let pool = Pool::new(3);
        let limiter = Limiter::new(LIMIT).on(&pool);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let promises: Vec<Typed<()>> = (0..CALLS)
            .map(|n| {
                let (now, most, on) = (now.clone(), most.clone(), pool.clone());
                limiter.run(move || {
                    on.spawn(move || {
                        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                        if n % 7 == 0 {
                            thread::yield_now();
                        }
                        now.fetch_sub(1, SeqCst);
                        if n % 5 == 0 { Err("no".to_owned()) } else { Ok(()) }
                    })
                })
            })
            .collect();
        let (some, others): (Vec<_>, Vec<_>) =
            promises.into_iter().enumerate().partition(|(n, _)| n % 3 == 0);
        let canceller =
            thread::spawn(move || some.iter().for_each(|(_, promise)| promise.cancel()));
        for (n, mut promise) in others {
            let outcome = promise.get(LONG);
            assert_eq!(verdict(&outcome), if n % 5 == 0 { "Error" } else { "Ok" });
        }
        canceller.join().unwrap();
        eventually("all permits are back", || limiter.under_way() == 0);
        assert_eq!(limiter.waiting(), 0);
        assert!((1..=LIMIT).contains(&most.load(SeqCst)));
    });
}

/// D4, for limiters: those that are ready at once nest nowhere.
#[test]
fn many_that_are_ready_cost_no_stack() {
    watched_long(|| {
        run_on_small_stack(SMALL_STACK, || {
            let pool = crate::common::one_small_worker();
            let (limiter, calls) = (Limiter::new(1).on(&pool), Calls::default());
            let first = limiter.run(calls.call(0));
            let all: AsyncList<usize, String> =
                (1..20_000).map(|n| limiter.run(move || Ok(n))).collect();
            calls.end(0);
            assert_eq!(all.map(|all| all.len()).get(LONG).unwrap(), 19_999);
            drop(first);

            let first = limiter.run(calls.call(20_000));
            let all: Vec<_> =
                (1..20_000).map(|n| limiter.run(move || Ok::<_, String>(n))).collect();
            pool.shutdown(Shutdown::Drain, None); // they fail one after the other, on this thread
            calls.end(20_000);
            assert!(all.iter().all(Promise::is_error));
            drop(first);
        });
    });
}

#[test]
fn memory_is_flat() {
    watched_long(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let limiter = Limiter::new(1).per(1, Duration::from_secs(3600));
        let held = limiter.run(|| Typed::settled(Ok(7)).delay_value(Duration::MAX));
        let round = || {
            let waiting: Vec<_> = (0..10).map(|_| limiter.run(|| Ok::<u8, String>(7))).collect();
            waiting.iter().for_each(Promise::cancel);
        };
        (0..100).for_each(|_| round());
        let before = counter.live_bytes();
        (0..5_000).for_each(|_| round());
        assert_eq!(counter.live_bytes(), before);
        held.cancel();
    });
}
