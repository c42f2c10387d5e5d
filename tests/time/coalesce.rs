//! `coalesce`: of the calls of a while one is made, with all arguments.

use crate::common::{Bomb, DropCounter, Gate, Log, PATIENCE, eventually, one_worker, watched};
use asynckit::{AnyError, AsyncList, Coalesced, Inline, Pool, Promise, Shutdown};
use std::thread;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(20);

/// Ten times its arguments; their lists are noted.
fn tenfold(pool: &Pool, window: Duration, log: &Log<Vec<u32>>) -> Coalesced<u32, u32> {
    let log = log.clone();
    pool.coalesce(window, move |all: Vec<u32>| {
        log.add(all.clone());
        Ok::<_, AnyError>(all.into_iter().map(|n| n * 10).collect())
    })
}

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Coalesced<std::cell::Cell<u8>, std::cell::Cell<u8>>>();
    let coalesced = tenfold(&one_worker(), HOUR, &Log::new());
    let waits = coalesced.call(1);
    assert_eq!(format!("{:?}", coalesced.clone()), "Coalesced(1 arguments wait)");
    coalesced.flush();
    drop(waits);
}

#[test]
fn calls_of_a_window_are_one_and_each_has_its_own_value() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let coalesced = tenfold(&pool, SHORT, &log);
        for round in 0..2 {
            let all: AsyncList<_> = (0..5).map(|n| coalesced.call(n + round)).collect();
            assert!(
                all.join().get(PATIENCE).unwrap().into_iter().eq((0..5).map(|n| (n + round) * 10))
            );
        }
        assert_eq!(log.entries().iter().map(Vec::len).sum::<usize>(), 10);
    });
}

#[test]
fn a_full_batch_and_a_flush_do_not_wait_for_the_window() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let coalesced = tenfold(&pool, HOUR, &log).at_most(2);
        let all: Vec<_> = (0..5).map(|n| coalesced.call(n)).collect();
        coalesced.flush();
        coalesced.flush(); // nothing waits
        for (mut promise, n) in all.into_iter().zip(0..) {
            assert_eq!(promise.get(PATIENCE).unwrap(), n * 10);
        }
        assert_eq!(log.entries(), [vec![0, 1], vec![2, 3], vec![4]]);
        let coalesced = coalesced.at_most(0);
        assert_eq!(coalesced.call(7).get(PATIENCE).unwrap(), 70, "as 1");
    });
}

#[test]
fn what_nothing_waits_for_is_left_out() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let coalesced = tenfold(&pool, HOUR, &log);
        let (first, kept) = (coalesced.call(1), coalesced.call(2));
        first.cancel();
        drop(coalesced.call(3));
        let mut kept = kept.map(|n| n + 1);
        coalesced.flush();
        assert_eq!(kept.get(PATIENCE).unwrap(), 21);
        coalesced.call(4).cancel();
        coalesced.flush();
        assert!(!coalesced.call(5).is_set()); // and is dropped
        coalesced.flush();
        pool.run(|| ()).get(PATIENCE).unwrap();
        assert_eq!(log.entries(), [vec![2]], "no call without arguments");
    });
}

#[test]
fn a_failure_is_that_of_all() {
    watched(|| {
        let pool = one_worker();
        let coalesced = pool.coalesce(HOUR, |all: Vec<u32>| match all.len() {
            1 => Err(AnyError::msg("no")),
            2 => panic!("on purpose"),
            3 => Ok(vec![1]), // of three
            _ => Ok(all),
        });
        let outcomes = |count| -> Vec<_> {
            let all: Vec<_> = (0..count).map(|n| coalesced.call(n)).collect();
            coalesced.flush();
            all.into_iter().map(|mut one| one.get(PATIENCE)).collect()
        };
        assert!(outcomes(1).iter().all(|one| one.as_ref().unwrap_err().is_error()));
        assert!(outcomes(2).iter().all(|one| one.as_ref().unwrap_err().is_panicked()));
        let wrong = outcomes(3);
        assert!(wrong.iter().all(|one| one.as_ref().unwrap_err().is_panicked()));
        let text = format!("{}", wrong[0].as_ref().unwrap_err());
        assert!(text.contains("3 arguments were given, and 1 values came"), "{text}");
        assert!(outcomes(4).into_iter().map(Result::unwrap).eq(0..4));
    });
}

#[test]
fn the_function_may_return_a_promise() {
    watched(|| {
        let (pool, gate) = (Pool::new(2), Gate::new());
        let (inner, key) = (pool.clone(), gate.key());
        let coalesced = pool.coalesce(Duration::ZERO, move |all: Vec<u8>| {
            let key = key.clone();
            inner.run(move || {
                key.wait();
                all
            })
        });
        let (first, mut second) = (coalesced.call(1), coalesced.call(2));
        first.cancel(); // before, or while it is under way: the other one has its value
        gate.open();
        assert_eq!(second.get(PATIENCE).unwrap(), 2);
    });
}

#[test]
fn what_waits_is_made_also_when_the_handles_are_gone() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let mut waits = tenfold(&pool, SHORT, &log).call(1);
        assert_eq!(waits.get(PATIENCE).unwrap(), 10);
    });
}

#[test]
fn a_shutdown_abandons_what_waits() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let coalesced = tenfold(&pool, SHORT, &log);
        let mut waits = coalesced.call(1);
        pool.shutdown(Shutdown::Drain, None);
        let outcome = waits.get(PATIENCE);
        assert!(outcome.is_ok() || outcome.unwrap_err().is_abandoned());
        assert!(coalesced.call(2).get(PATIENCE).unwrap_err().is_abandoned());
        let waits = coalesced.call(3);
        coalesced.flush();
        eventually("it is abandoned", || waits.is_error());
    });
}

#[test]
fn arguments_and_values_are_dropped_once_also_if_that_panics() {
    watched(|| {
        let (pool, drops) = (one_worker(), DropCounter::default());
        let coalesced = pool.coalesce(HOUR, |all: Vec<Option<Bomb>>| Ok::<_, AnyError>(all));
        let all: Vec<_> = (0..3).map(|_| coalesced.call(Some(Bomb))).collect();
        all.iter().for_each(Promise::cancel);
        let mut kept = coalesced.call(None);
        coalesced.flush();
        assert!(kept.get(PATIENCE).unwrap().is_none());
        let counted = pool.coalesce(HOUR, Ok::<_, AnyError>);
        let all: Vec<_> = (0..4).map(|_| counted.call(drops.token())).collect();
        all[1].cancel();
        counted.flush();
        all.into_iter().for_each(|mut one| drop(one.get(PATIENCE)));
        eventually("each is dropped", || drops.dropped() == 4);
    });
}

#[test]
fn calls_from_many_threads_are_all_answered() {
    watched(|| {
        let (pool, log) = (Pool::new(2), Log::new());
        let coalesced = tenfold(&pool, Duration::from_micros(50), &log).at_most(7);
        thread::scope(|scope| {
            for from in 0..3 {
                let coalesced = &coalesced;
                scope.spawn(move || {
                    for n in 0..200 {
                        let (own, other) = (from * 1000 + n, coalesced.call(9999));
                        let mut answer = coalesced.call(own).via(Inline).map(|n| n / 10);
                        assert_eq!(answer.get(PATIENCE).unwrap(), own);
                        drop(other);
                    }
                });
            }
        });
        assert!(log.entries().iter().all(|all| (1..=7).contains(&all.len())));
    });
}

/// A window that never ends, ends with the handles.
#[test]
fn what_can_never_be_made_is_abandoned() {
    watched(|| {
        let (pool, drops) = (one_worker(), DropCounter::default());
        let owned = drops.token();
        let coalesced = pool.coalesce(Duration::MAX, move |all: Vec<u8>| {
            _ = &owned;
            Ok::<_, AnyError>(all)
        });
        let mut made = coalesced.call(1);
        coalesced.flush();
        assert_eq!(made.get(PATIENCE).unwrap(), 1);
        let (mut waits, clone) = (coalesced.call(2), coalesced.clone());
        drop((coalesced, clone));
        assert!(waits.get(PATIENCE).unwrap_err().is_abandoned());
        eventually("the function is dropped", || drops.dropped() == 1);
    });
}
