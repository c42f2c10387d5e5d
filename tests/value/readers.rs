//! `AsyncValue`: a promise with many owners, and an event with a value (conformance B14 to B17, A5, F4).

use crate::common::wakers::block_on;
use crate::common::{
    DropCounter, MOMENT, PATIENCE, Token, named_thread, one_worker, verdict, watched,
};
use asynckit::{AsyncValue, Failure, Promise};
use std::sync::{Arc, Barrier};
use std::time::Duration;

type Value<T> = AsyncValue<T, String>;
type Typed<T> = Promise<T, String>;

/// A1
#[test]
fn a_new_value_is_unset() {
    watched(|| {
        let value = Value::<u8>::new();
        assert!(!value.is_set() && !value.is_error());
        assert!(value.try_get().is_none());
        assert!(value.get(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(!value.wait(MOMENT));
        assert!(format!("{value:?}").contains("pending"), "{value:?}");
    });
}

/// A2
#[test]
fn a_set_value_can_be_read_again_and_again() {
    watched(|| {
        let value = Value::<String>::new();
        value.set("here".to_owned()).unwrap();
        let first = value.get(None).unwrap();
        for _ in 0..3 {
            assert!(std::ptr::eq(first, value.get(Duration::ZERO).unwrap()));
            assert!(std::ptr::eq(first, value.try_get().unwrap().unwrap()));
        }
        assert_eq!(block_on(value.clone()).unwrap(), "here");
        assert!(value.is_set() && !value.is_error() && value.wait(None));
        assert!(format!("{value:?}").contains("set"), "{value:?}");
    });
}

/// A2: every reader of a failure gets it.
#[test]
fn a_failed_value_fails_every_reader() {
    watched(|| {
        let value = Value::<u8>::new();
        value.fail("no".to_owned()).unwrap();
        assert!(value.is_set() && value.is_error());
        for _ in 0..2 {
            assert!(matches!(value.get(None), Err(Failure::Error(e)) if e == "no"));
            assert!(matches!(value.try_get(), Some(Err(Failure::Error(e))) if e == "no"));
            assert!(matches!(value.map(|n| *n).get(PATIENCE), Err(Failure::Error(e)) if e == "no"));
        }
        assert!(format!("{value:?}").contains("failed"), "{value:?}");
    });
}

/// A3, A4
#[test]
fn the_first_to_set_wins_and_the_others_get_theirs_back() {
    watched(|| {
        let value = Value::<u8>::new();
        assert_eq!(value.set(1), Ok(()));
        assert_eq!(value.set(2), Err(2));
        assert_eq!(value.fail("late".to_owned()), Err("late".to_owned()));
        assert_eq!(*value.get(None).unwrap(), 1);

        let failed = Value::<u8>::new();
        assert_eq!(failed.fail("first".to_owned()), Ok(()));
        assert_eq!(failed.set(1), Err(1));
        assert_eq!(failed.fail("second".to_owned()), Err("second".to_owned()));
        assert!(matches!(failed.get(None), Err(Failure::Error(e)) if e == "first"));
    });
}

/// A5
#[test]
fn of_threads_that_race_to_set_exactly_one_wins() {
    const THREADS: usize = 8;
    watched(|| {
        for _ in 0..200 {
            let (value, start) = (Value::<usize>::new(), Arc::new(Barrier::new(THREADS + 1)));
            let racers: Vec<_> = (0..THREADS)
                .map(|n| {
                    let (value, start) = (value.clone(), start.clone());
                    named_thread("racer", move || {
                        start.wait();
                        let won = if n % 2 == 0 {
                            value.set(n).is_ok()
                        } else {
                            value.fail(n.to_string()).is_ok()
                        };
                        (n, won)
                    })
                })
                .collect();
            let observer = value.map(|n| *n);
            start.wait();
            let winners: Vec<_> =
                racers.into_iter().map(|r| r.join().unwrap()).filter(|(_, won)| *won).collect();
            let [(winner, _)] = winners[..] else { panic!("winners: {winners:?}") };
            for outcome in
                [value.get(PATIENCE).copied(), { observer }.get(PATIENCE), block_on(value.clone())]
            {
                match outcome {
                    Ok(n) => assert_eq!(n, winner),
                    Err(Failure::Error(e)) => assert_eq!(e, winner.to_string()),
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    });
}

/// A value that came from `share()` belongs to its promise.
#[test]
fn a_shared_promise_cannot_be_set() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let value = promise.share();
        assert_eq!(value.set(1), Err(1));
        assert_eq!(value.fail("e".to_owned()), Err("e".to_owned()));
        assert!(!value.is_set());
        deferred.resolve(2);
        assert_eq!(value.set(3), Err(3));
        assert_eq!(*value.get(None).unwrap(), 2);
    });
}

/// `share` of anything: pending, settled, failed, taken.
#[test]
fn share_passes_every_outcome_on() {
    watched(|| {
        assert_eq!(*Typed::ready(1).share().get(None).unwrap(), 1);
        for (name, failure) in crate::common::every_failure() {
            let early = Typed::<u8>::settled(Err(failure.clone())).share();
            let (deferred, promise) = Typed::<u8>::deferred();
            let late = promise.share();
            deferred.settle(Err(failure));
            assert!(late.is_set(), "sharing needs no worker");
            assert_eq!(verdict(&early.get(PATIENCE)), name);
            assert_eq!(verdict(&late.get(PATIENCE)), name);
        }
        let panicked = Typed::ready(1).map(|_| -> u8 { panic!("the job") }).share();
        assert_eq!(verdict(&panicked.get(PATIENCE)), "Panicked");
        let pool = one_worker();
        let job: Typed<u8> = pool.spawn(|| Ok(4));
        assert_eq!(*job.share().get(PATIENCE).unwrap(), 4);
    });
}

/// A set value is never moved, replaced or dropped before the last handle.
#[test]
fn a_value_stays_where_it_is_until_the_last_handle_goes() {
    watched(|| {
        let counter = DropCounter::default();
        let value = AsyncValue::<(Token, [u8; 100]), String>::new();
        value.set((counter.token(), [7; 100])).unwrap();
        let lent = value.get(None).unwrap();
        let address = std::ptr::from_ref(lent).addr();
        let copies: Vec<_> = (0..10).map(|_| value.clone()).collect();
        let seen = value.map(|value| std::ptr::from_ref(value).addr()).get(PATIENCE).unwrap();
        assert_eq!(seen, address);
        assert_eq!(value.set((counter.token(), [8; 100])).map_err(drop), Err(()));
        assert_eq!(counter.dropped(), 1, "the one that was refused");
        drop(copies);
        assert_eq!(lent.1, [7; 100]);
        drop(value);
        crate::common::eventually("the branch lets go of it too", || counter.dropped() == 2);
    });
}

/// F4
#[test]
fn many_getters_all_wake_with_the_same_value() {
    watched(|| {
        let value = Value::<String>::new();
        let start = Arc::new(Barrier::new(33));
        let getters: Vec<_> = (0..32)
            .map(|n| {
                let (value, start) = (value.clone(), start.clone());
                named_thread("getter", move || {
                    start.wait();
                    match n % 3 {
                        0 => std::ptr::from_ref(value.get(None).unwrap()).addr(),
                        1 => std::ptr::from_ref(value.get(PATIENCE).unwrap()).addr(),
                        _ => {
                            assert!(value.wait(None));
                            std::ptr::from_ref(value.try_get().unwrap().unwrap()).addr()
                        }
                    }
                })
            })
            .collect();
        start.wait();
        value.set("one".to_owned()).unwrap();
        let address = std::ptr::from_ref(value.get(None).unwrap()).addr();
        assert!(getters.into_iter().all(|getter| getter.join().unwrap() == address));
    });
}

/// Waiters that give up leave nothing behind that stops or confuses the others.
#[test]
fn getters_that_time_out_leave_the_others_alone() {
    watched(|| {
        let value = Value::<u8>::new();
        let patient: Vec<_> = (0..4)
            .map(|_| {
                let value = value.clone();
                named_thread("patient", move || *value.get(None).unwrap())
            })
            .collect();
        let hasty: Vec<_> = (0..4)
            .map(|n| {
                let value = value.clone();
                named_thread("hasty", move || verdict(&value.get(Duration::from_millis(n))))
            })
            .collect();
        assert!(hasty.into_iter().all(|h| h.join().unwrap() == "TimedOut"));
        value.set(6).unwrap();
        assert!(patient.into_iter().all(|p| p.join().unwrap() == 6));
    });
}
