//! Blocking: `get`, `wait`, `try_get`, their timeouts, and `get` inside a pool (conformance, section F).

use crate::common::tasks::await_sleep;
use crate::common::wakers::block_on;
use crate::common::{MOMENT, PATIENCE, named_thread, watched};
use asynckit::{AsyncList, AsyncValue, Failure, Promise};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

type Typed<T> = Promise<T, String>;
type End = fn(asynckit::Deferred<u8, String>);

/// F1
#[test]
fn a_promise_survives_a_get_that_timed_out() {
    watched(|| {
        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(promise.get(MOMENT).unwrap_err().is_timed_out());
        assert!(
            !promise.is_set(),
            "is_set tells this from a promise that has failed with TimedOut"
        );
        assert!(!promise.wait(Duration::from_millis(1)));
        let mut mapped = promise.map(|n| n + 1);
        assert!(mapped.get(Some(Duration::from_millis(1))).unwrap_err().is_timed_out());
        deferred.resolve(1);
        assert_eq!(mapped.get(PATIENCE).unwrap(), 2);
    });
}

/// F1: a timeout is no shorter than asked.
#[test]
fn a_timeout_takes_its_time() {
    watched(|| {
        let (_deferred, mut promise) = Typed::<u8>::deferred();
        for limit in [Duration::from_millis(1), Duration::from_millis(50)] {
            let start = Instant::now();
            assert!(promise.get(limit).unwrap_err().is_timed_out());
            assert!(start.elapsed() >= limit);
            let start = Instant::now();
            assert!(!promise.wait(Some(limit)));
            assert!(start.elapsed() >= limit);
            let deadline = Instant::now() + limit;
            assert!(promise.get(deadline).unwrap_err().is_timed_out());
            assert!(Instant::now() >= deadline);
        }
    });
}

/// F2, F5: what is settled is given, whatever the time.
#[test]
fn a_settled_outcome_beats_any_deadline() {
    watched(|| {
        let past = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(Typed::ready(1).get(Duration::ZERO).unwrap(), 1);
        assert_eq!(Typed::ready(1).get(past).unwrap(), 1);
        assert!(Typed::ready(1).wait(past));
        assert!(Typed::<u8>::failed("e".to_owned()).get(past).unwrap_err().is_error());
        assert_eq!(*Typed::ready(1).share().get(past).unwrap(), 1);
        assert_eq!(
            [Typed::ready(1)].into_iter().collect::<AsyncList<_, _>>().get(past).unwrap(),
            [1]
        );
    });
}

/// F2: a zero or past deadline polls, at once.
#[test]
fn a_zero_or_past_deadline_polls() {
    watched(|| {
        let past = Instant::now();
        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(promise.get(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(promise.get(past).unwrap_err().is_timed_out());
        assert!(promise.get(Some(Duration::ZERO)).unwrap_err().is_timed_out());
        assert!(!promise.wait(Duration::ZERO));
        assert!(!promise.wait(past));
        assert!(promise.try_get().is_none());
        let shared = promise.share();
        assert!(shared.get(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(!shared.wait(past));
        assert!(shared.try_get().is_none());
        deferred.resolve(1);
        assert_eq!(shared.get(Duration::ZERO).copied().unwrap(), 1);
    });
}

/// `Duration::MAX` is no limit, and no overflow.
#[test]
fn a_duration_without_end_is_no_limit() {
    watched(|| {
        for limit in [Some(Duration::MAX), Some(Duration::MAX - Duration::from_nanos(1)), None] {
            let (deferred, mut promise) = Typed::<u8>::deferred();
            let waiter = named_thread("without-limit", move || promise.get(limit));
            await_sleep("without-limit", 1);
            std::thread::sleep(MOMENT); // give it the chance to give up
            deferred.resolve(1);
            assert_eq!(waiter.join().unwrap().unwrap(), 1);
        }
    });
}

/// F3
#[test]
fn whoever_waits_is_woken_by_any_end() {
    watched(|| {
        let ends: [(&str, End); 5] = [
            ("Ok", |d| d.resolve(1)),
            ("Error", |d| d.reject("e".to_owned())),
            ("Abandoned", drop),
            ("Cancelled", |d| d.settle(Err(Failure::Cancelled))),
            ("Ok", |d| d.follow(Promise::ready(1))),
        ];
        for (expected, end) in ends {
            let (deferred, mut promise) = Typed::<u8>::deferred();
            let getter =
                named_thread("end-getter", move || crate::common::verdict(&promise.get(None)));
            let (second, mut promise) = Typed::<u8>::deferred();
            let waiter = named_thread("end-waiter", move || promise.wait(None));
            await_sleep("end-", 2);
            end(deferred);
            end(second);
            assert_eq!(getter.join().unwrap(), expected);
            assert!(waiter.join().unwrap());
        }
    });
}

/// F4: no wake-up is lost, whichever comes first.
#[test]
fn a_hundred_waiters_are_all_woken() {
    watched(|| {
        for _ in 0..20 {
            let start = Arc::new(Barrier::new(101));
            let (deferreds, waiters): (Vec<_>, Vec<_>) = (0..100)
                .map(|n| {
                    let (deferred, mut promise) = Typed::<usize>::deferred();
                    let start = start.clone();
                    let waiter = named_thread("waiter", move || {
                        start.wait();
                        promise.get(None).unwrap() == n
                    });
                    (deferred, waiter)
                })
                .unzip();
            start.wait();
            for (n, deferred) in deferreds.into_iter().enumerate() {
                deferred.resolve(n);
            }
            assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
        }
    });
}

/// F1 against F3: a deadline that ends as the value comes loses neither.
#[test]
fn a_timeout_that_races_the_value_loses_nothing() {
    watched(|| {
        for round in 0..2_000_u32 {
            let (deferred, mut promise) = Typed::<u32>::deferred();
            let settler = std::thread::spawn(move || deferred.resolve(round));
            let limit = Duration::from_micros(u64::from(round % 60));
            let value = match promise.get(limit) {
                Err(failure) => {
                    assert!(failure.is_timed_out());
                    promise.get(None).unwrap()
                }
                Ok(value) => value,
            };
            assert_eq!(value, round);
            settler.join().unwrap();
        }
    });
}

/// F13
#[test]
fn three_kinds_of_readers_see_one_outcome() {
    watched(|| {
        for (outcome, expected) in [
            (Ok(5), "Ok"),
            (Err(Failure::Error("e".to_owned())), "Error"),
            (Err(Failure::Abandoned), "Abandoned"),
        ] {
            let (deferred, promise) = Typed::<u8>::deferred();
            let shared = promise.share();
            let (getter, awaiter) = (shared.clone(), shared.clone());
            let sync =
                named_thread("getter", move || crate::common::verdict(&getter.get(None).copied()));
            let awaited =
                named_thread("awaiter", move || crate::common::verdict(&block_on(awaiter)));
            let mut callback = shared.then(|n| Ok(*n));
            deferred.settle(outcome);
            assert_eq!(sync.join().unwrap(), expected);
            assert_eq!(awaited.join().unwrap(), expected);
            assert_eq!(crate::common::verdict(&callback.get(PATIENCE)), expected);
        }
    });
}

/// F16: `get` needs only a move; a shared value is lent.
#[test]
fn a_value_is_moved_out_or_lent() {
    struct MoveOnly(Box<u8>);
    watched(|| {
        let boxed = Box::new(1);
        let address = std::ptr::from_ref(boxed.as_ref()).addr();
        let mut promise = Promise::<MoveOnly, String>::ready(MoveOnly(boxed));
        let moved = promise.get(None).unwrap();
        assert_eq!(std::ptr::from_ref(moved.0.as_ref()).addr(), address);
        let value: AsyncValue<MoveOnly, String> = Promise::ready(moved).share();
        let lent = value.get(None).unwrap();
        assert_eq!(std::ptr::from_ref(lent.0.as_ref()).addr(), address);
        assert!(std::ptr::eq(lent, value.get(None).unwrap()));
    });
}
