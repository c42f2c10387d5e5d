//! `AsyncList`: how failures end it, and when (conformance E3 to E10).

use crate::common::{
    DropCounter, Gate, LONG, PATIENCE, is_error, named_thread, one_worker, pending, verdict,
    watchdog, watched,
};
use asynckit::{AsyncList, Deferred, Failure, Promise};
use std::sync::{Arc, Barrier};

type List<T> = AsyncList<T, String>;
type Typed<T> = Promise<T, String>;

/// E3, E21
#[test]
fn the_first_failure_ends_a_join_at_once() {
    watched(|| {
        let (mut deferreds, list) = pending(10);
        let mut joined = list.join();
        for (n, deferred) in deferreds.drain(..5).enumerate() {
            deferred.resolve(n);
        }
        assert!(!joined.is_set());
        deferreds.remove(0).reject("the sixth".to_owned());
        assert!(joined.is_set() && joined.is_error());
        deferreds.remove(0).reject("the seventh".to_owned());
        for deferred in deferreds {
            deferred.resolve(0);
        }
        assert!(is_error(joined.get(None), "the sixth"));
    });
}

/// First means first in time, and that from the moment the list has the promises.
#[test]
fn the_first_failure_in_time_wins_over_the_first_in_place() {
    watched(|| {
        let fail_backwards = |list: fn(List<usize>) -> Promise<(), String>| {
            let (mut deferreds, items) = pending(3);
            deferreds.pop().unwrap().reject("first in time".to_owned());
            deferreds.pop().unwrap().reject("second in time".to_owned());
            deferreds.pop().unwrap().reject("first in place".to_owned());
            let outcome = list(items).get(PATIENCE);
            assert!(is_error(outcome, "first in time"));
        };
        fail_backwards(|mut list| Promise::settled(list.get(None).map(drop)));
        fail_backwards(|list| list.join().map(drop));
        fail_backwards(|list| list.share().map(|_| ()));
        fail_backwards(|list| list.then(|_| Ok(())));
        fail_backwards(|list| list.chain(|_| Ok(())));
    });
}

/// What was settled before it came into the list counts by its place.
#[test]
fn what_had_failed_before_goes_by_place() {
    watched(|| {
        let failed = |text: &str| Typed::<u8>::failed(text.to_owned());
        let mut list: List<u8> =
            [Promise::ready(1), failed("lower"), failed("higher")].into_iter().collect();
        assert!(is_error(list.get(None), "lower"));
        let (_pending, promise) = Typed::deferred();
        let joined: List<u8> = [failed("lower"), promise, failed("higher")].into_iter().collect();
        assert!(is_error(joined.join().get(None), "lower"));
    });
}

/// E3: every way of failing ends it, as it is.
#[test]
fn a_list_fails_with_the_very_failure_of_its_item() {
    watched(|| {
        for (name, failure) in crate::common::every_failure() {
            let item = |failure| {
                [Typed::ready(1), Typed::<u8>::settled(Err(failure))]
                    .into_iter()
                    .collect::<List<u8>>()
            };
            assert_eq!(verdict(&item(failure.clone()).get(PATIENCE)), name);
            assert_eq!(verdict(&item(failure).join().get(PATIENCE)), name);
        }
        let panicking: List<u8> =
            [Typed::ready(1).map(|_| panic!("an item"))].into_iter().collect();
        assert_eq!(verdict(&panicking.join().get(PATIENCE)), "Panicked");
    });
}

/// E6, E4, E30
#[test]
fn settled_never_fails_and_waits_for_all() {
    watched(|| {
        let (mut deferreds, list) = pending(4);
        let mut settled = list.settled();
        deferreds.pop().unwrap().reject("three".to_owned());
        drop(deferreds.pop());
        deferreds.pop().unwrap().resolve(1);
        assert!(!settled.is_set());
        deferreds.pop().unwrap().resolve(0);
        let verdicts: Vec<_> = settled.get(None).unwrap().iter().map(verdict).collect();
        assert_eq!(verdicts, ["Ok", "Ok", "Abandoned", "Error"]);
    });
}

/// E10: many threads settle the items of one list at the same time: all well, one failure, a mixture.
#[test]
fn items_that_settle_at_once_settle_the_list_once() {
    const THREADS: usize = 4;
    watchdog("list.rs: E10", LONG, || {
        let start = Arc::new(Barrier::new(THREADS + 1));
        let (sends, workers): (Vec<_>, Vec<_>) = (0..THREADS)
            .map(|_| {
                let (send, receive) =
                    std::sync::mpsc::channel::<(Deferred<usize, String>, Result<usize, String>)>();
                let start = start.clone();
                let worker = named_thread("settler", move || {
                    for (deferred, outcome) in receive {
                        start.wait();
                        deferred.settle(outcome.map_err(Failure::Error));
                    }
                });
                (send, worker)
            })
            .unzip();
        for round in 0..1_000 {
            let (deferreds, list) = pending(THREADS);
            let mut joined = list.join();
            for (n, deferred) in deferreds.into_iter().enumerate() {
                let fails = match round % 3 {
                    0 => false,
                    1 => n == round % THREADS,
                    _ => n % 2 == 0,
                };
                sends[n].send((deferred, if fails { Err("e".to_owned()) } else { Ok(n) })).unwrap();
            }
            start.wait();
            let outcome = joined.get(PATIENCE);
            if round % 3 == 0 {
                assert_eq!(outcome.unwrap(), [0, 1, 2, 3]);
            } else {
                assert!(is_error(outcome, "e"));
            }
        }
        drop(sends);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// What has come is dropped before the failure is seen, what comes later as it comes; each once.
#[test]
fn a_failed_join_drops_the_values() {
    watched(|| {
        let counter = DropCounter::default();
        let (mut deferreds, list): (Vec<_>, List<_>) = (0..6).map(|_| Promise::deferred()).unzip();
        deferreds.pop().unwrap().resolve(counter.token()); // before the join
        let joined = list.join();
        deferreds.drain(..2).for_each(|deferred| deferred.resolve(counter.token()));
        assert_eq!(counter.dropped(), 0);
        deferreds.pop().unwrap().reject("the fifth".to_owned());
        assert_eq!(counter.dropped(), 3);
        assert!(joined.is_error());
        deferreds.into_iter().for_each(|deferred| deferred.resolve(counter.token()));
        assert_eq!(counter.dropped(), 5);
    });
}

/// The same where the values come on other threads meanwhile: none is lost, and none is dropped twice.
#[test]
fn a_join_that_fails_while_values_come_drops_each_once() {
    const VALUES: usize = 40;
    watchdog("list_failures.rs: drops", LONG, || {
        for _ in 0..300 {
            let counter = DropCounter::default();
            let (mut deferreds, list): (Vec<_>, List<_>) =
                (0..=VALUES).map(|_| Promise::deferred()).unzip();
            let mut joined = list.join();
            let (last, start) = (deferreds.pop().unwrap(), Arc::new(Barrier::new(3)));
            let settlers = [deferreds.split_off(VALUES / 2), deferreds].map(|deferreds| {
                let (start, tokens) = (start.clone(), deferreds.len());
                let tokens: Vec<_> = (0..tokens).map(|_| counter.token()).collect();
                named_thread("settler", move || {
                    start.wait();
                    for (deferred, token) in deferreds.into_iter().zip(tokens) {
                        deferred.resolve(token);
                    }
                })
            });
            start.wait();
            last.reject("e".to_owned());
            assert!(is_error(joined.get(PATIENCE), "e"));
            settlers.into_iter().for_each(|settler| settler.join().unwrap());
            assert_eq!(counter.dropped(), VALUES);
        }
    });
}

/// A `get` that fails leaves the rest running.
#[test]
fn a_get_that_fails_leaves_the_rest_running() {
    watched(|| {
        let pool = one_worker();
        let done = DropCounter::default();
        let gate = Gate::new();
        let (key, token) = (gate.key(), done.token());
        let slow: Typed<u8> = pool.spawn(move || {
            key.wait();
            drop(token);
            Ok(1)
        });
        let (queued_token, note) = (done.token(), crate::common::Log::new());
        let log = note.clone();
        let queued: Typed<u8> = pool.spawn(move || {
            log.add("ran");
            drop(queued_token);
            Ok(1)
        });
        let mut list: List<u8> =
            [slow, queued, Promise::failed("at once".to_owned())].into_iter().collect();
        assert!(is_error(list.get(None), "at once"));
        gate.open();
        crate::common::eventually("both are through", || done.dropped() == 2);
        assert_eq!(note.entries(), ["ran"]);
    });
}

#[test]
fn is_error_tells_whether_one_has_failed() {
    watched(|| {
        let (mut deferreds, list) = pending(3);
        assert!(!list.is_error());
        deferreds.pop().unwrap().resolve(1);
        assert!(!list.is_error());
        deferreds.pop().unwrap().reject("e".to_owned());
        assert!(list.is_error() && list.is_set(), "the first failure settles it");
    });
}
