//! Settling: every way in which a promise gets its outcome, and that it keeps it (conformance, section A).
//!
//! A3 to A6 (who settles first wins) cannot go wrong here by types: every method of `Deferred` that settles takes
//! `self`. The one writer that can be used twice is `AsyncValue::set`; `value/readers.rs` races it.

use crate::common::tasks::await_sleep;
use crate::common::wakers::block_on;
use crate::common::{
    DropCounter, Gate, PATIENCE, Token, every_failure, kind, named_thread, one_worker, watched,
};
use asynckit::{AnyError, AsyncList, Deferred, Failure, Outcome, Pool, Promise};
use std::sync::{Arc, Barrier};
use std::time::Duration;

type Pair<T, E = AnyError> = (Deferred<T, E>, Promise<T, E>);

/// A1
#[test]
fn a_new_promise_is_pending() {
    watched(|| {
        let (deferred, mut promise): Pair<u8> = Promise::deferred();
        assert!(!promise.is_set());
        assert!(!promise.is_error());
        assert!(promise.try_get().is_none());
        assert!(promise.get(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(!promise.wait(Duration::ZERO));
        deferred.resolve(1);
        assert!(promise.is_set());
    });
}

/// A2
#[test]
fn a_value_comes_out_of_every_reader() {
    watched(|| {
        let resolved = || {
            let (deferred, promise): Pair<u8> = Promise::deferred();
            deferred.resolve(7);
            promise
        };
        assert_eq!(resolved().get(None).unwrap(), 7);
        assert_eq!(resolved().try_get().unwrap().unwrap(), 7);
        assert_eq!(block_on(resolved()).unwrap(), 7);
        assert_eq!(*resolved().share().get(None).unwrap(), 7);
        let list: AsyncList<u8> = [resolved(), resolved()].into_iter().collect();
        assert_eq!(list.join().get(None).unwrap(), [7, 7]);
    });
}

/// A2, for an error: typed, as it was given.
#[test]
fn an_error_comes_out_of_every_reader() {
    watched(|| {
        let rejected = || {
            let (deferred, promise): Pair<u8, String> = Promise::deferred();
            deferred.reject("no".to_owned());
            promise
        };
        let is_no =
            |outcome: Outcome<u8, String>| matches!(outcome, Err(Failure::Error(e)) if e == "no");
        assert!(rejected().is_error());
        assert!(is_no(rejected().get(None)));
        assert!(is_no(rejected().try_get().unwrap()));
        assert!(is_no(block_on(rejected())));
        assert!(is_no(rejected().share().get(None).copied()));
    });
}

/// A2: `settle` gives exactly the outcome that it was given, through `get`, `settled` and a chain.
#[test]
fn every_outcome_arrives_as_it_was_given() {
    watched(|| {
        for (name, failure) in every_failure() {
            let (deferred, mut promise): Pair<u8, String> = Promise::deferred();
            deferred.settle(Err(failure.clone()));
            assert!(promise.is_set() && promise.is_error());
            assert_eq!(kind(&promise.get(None).unwrap_err()), name);

            let mut derived = Promise::<u8, String>::settled(Err(failure)).map(|n| n + 1);
            assert_eq!(kind(&derived.get(PATIENCE).unwrap_err()), name);
        }
        let mut good = Promise::<u8, String>::settled(Ok(3));
        assert_eq!(good.get(None).unwrap(), 3);
    });
}

/// A8: the error that arrives is the very object that was given.
#[test]
fn an_error_travels_as_the_same_object() {
    watched(|| {
        let error = Box::new([0_u8; 64]);
        let address = error.as_ptr().addr();
        let caught = Promise::<u8, Box<[u8; 64]>>::failed(error)
            .map(|n| n + 1)
            .then(|n| Ok(n + 1))
            .map(usize::from)
            .or_else(|error| Ok(error.as_ptr().addr()))
            .get(PATIENCE);
        assert_eq!(caught.unwrap(), address);
    });
}

/// A9, attached before and after
#[test]
fn a_dropped_deferred_abandons_its_promise() {
    watched(|| {
        let (deferred, promise): Pair<u8> = Promise::deferred();
        let mut attached = promise.map(|n| n + 1);
        drop(deferred);
        assert!(attached.get(PATIENCE).unwrap_err().is_abandoned());

        let (deferred, promise): Pair<u8> = Promise::deferred();
        drop(deferred);
        assert!(promise.is_set() && promise.is_error());
        assert!(promise.map(|n| n + 1).get(PATIENCE).unwrap_err().is_abandoned());
    });
}

/// A9, while somebody waits
#[test]
fn a_dropped_deferred_wakes_who_waits() {
    watched(|| {
        let (deferred, mut promise): Pair<u8> = Promise::deferred();
        let waiter = named_thread("waits-for-drop", move || promise.get(None));
        await_sleep("waits-for-drop", 1);
        drop(deferred);
        assert!(waiter.join().unwrap().unwrap_err().is_abandoned());
    });
}

/// A9: a panic on the way to `resolve` drops the `Deferred`.
#[test]
fn a_panicking_producer_abandons_its_promise() {
    watched(|| {
        let (deferred, mut promise): Pair<u8> = Promise::deferred();
        let producer = named_thread("producer", move || {
            let _deferred = deferred;
            panic!("before it resolves");
        });
        assert!(promise.get(PATIENCE).unwrap_err().is_abandoned());
        producer.join().unwrap_err();
    });
}

/// A11
#[test]
fn dropping_both_ends_leaks_nothing() {
    watched(|| {
        let counter = DropCounter::default();
        let (deferred, promise): Pair<Token> = Promise::deferred();
        deferred.resolve(counter.token());
        assert_eq!(counter.dropped(), 0);
        drop(promise);
        assert_eq!(counter.dropped(), 1);

        let (deferred, promise): Pair<Token> = Promise::deferred();
        drop(promise);
        deferred.resolve(counter.token());
        assert_eq!(counter.dropped(), 2);

        let (deferred, promise): Pair<u8, Token> = Promise::deferred();
        drop(promise);
        deferred.reject(counter.token());
        assert_eq!(counter.dropped(), 3);

        drop(Promise::<Token>::ready(counter.token()));
        assert_eq!(counter.dropped(), 4);
        let taken = Promise::<Token>::ready(counter.token()).get(None).unwrap();
        assert_eq!(counter.dropped(), 4);
        drop(taken);
        assert_eq!(counter.dropped(), 5);
    });
}

/// A14
#[test]
fn what_was_settled_before_anybody_looked_is_there() {
    watched(|| {
        let pool = one_worker();
        let mut good: Promise<u8> = pool.spawn(|| Ok(5));
        let mut bad: Promise<u8, String> = pool.spawn(|| Err("bad".to_owned()));
        crate::common::flush(&pool);
        assert_eq!(good.try_get().unwrap().unwrap(), 5);
        assert!(matches!(bad.try_get(), Some(Err(Failure::Error(e))) if e == "bad"));
    });
}

/// A16: both ends dropped at once, and a value given while its reader goes.
#[test]
fn dropping_both_ends_at_once_loses_and_frees_nothing_twice() {
    watched(|| {
        const ROUNDS: usize = 10_000;
        let counter = DropCounter::default();
        let (send, receive) = std::sync::mpsc::sync_channel::<Deferred<Token>>(1);
        let values = counter.clone();
        let producer = named_thread("producer", move || {
            for (n, deferred) in receive.into_iter().enumerate() {
                if n % 4 != 0 {
                    deferred.resolve(values.token());
                }
            }
        });
        for n in 0..ROUNDS {
            let (deferred, mut promise) = Promise::deferred();
            send.send(deferred).unwrap();
            if n % 3 == 0 {
                _ = promise.try_get();
            }
            drop(promise);
        }
        drop(send);
        producer.join().unwrap();
        assert_eq!(counter.dropped(), ROUNDS - ROUNDS.div_ceil(4));
    });
}

/// A15, A19
#[test]
fn a_job_settles_its_promise_however_it_ends() {
    watched(|| {
        let pool = one_worker();
        let typed = |work: fn() -> Result<u8, String>| pool.spawn(work).get(PATIENCE);
        assert_eq!(typed(|| Ok(1)).unwrap(), 1);
        assert!(matches!(typed(|| Err("e".to_owned())), Err(Failure::Error(e)) if e == "e"));
        let panicked = typed(|| panic!("the job's words")).unwrap_err();
        let Failure::Panicked(panic) = panicked else { panic!("{panicked:?}") };
        assert!(panic.message().contains("the job's words"));

        let mut adopted: Promise<u8, String> = pool.spawn(|| Promise::ready(2));
        assert_eq!(adopted.get(PATIENCE).unwrap(), 2);
        assert_eq!(pool.run(|| 3).get(PATIENCE).unwrap(), 3);
    });
}

/// A19: the payload of a panic is kept, whatever it is, for the first who asks.
#[test]
fn a_panic_keeps_its_payload() {
    watched(|| {
        let mut promise = one_worker().run(|| -> u8 { std::panic::panic_any(41_u64) });
        let failure = promise.get(PATIENCE).unwrap_err();
        assert!(failure.is_panicked());
        let Failure::Panicked(panic) = failure else { unreachable!() };
        let copy = panic.clone();
        let payload = panic.into_payload().expect("first come");
        assert_eq!(*payload.downcast::<u64>().unwrap(), 41);
        assert!(copy.into_payload().is_none(), "a payload is there once");
    });
}

/// A19: `resume` goes on with the panic where it is called.
#[test]
fn a_panic_can_be_resumed() {
    watched(|| {
        let mut promise = one_worker().run(|| -> u8 { std::panic::panic_any("the payload") });
        let Err(Failure::Panicked(panic)) = promise.get(PATIENCE) else { panic!("not a panic") };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic.resume()));
        let Err(payload) = caught;
        assert_eq!(*payload.downcast::<&str>().unwrap(), "the payload");
    });
}

/// Settled is final.
#[test]
fn a_taken_outcome_is_taken() {
    watched(|| {
        let mut value = Promise::<u8>::ready(1);
        assert_eq!(value.get(None).unwrap(), 1);
        assert!(value.is_set());
        assert!(value.wait(Duration::ZERO));
        assert!(value.get(None).unwrap_err().is_taken());
        assert!(value.try_get().unwrap().unwrap_err().is_taken());
        assert!(value.is_set());

        let mut failure = Promise::<u8, String>::failed("e".to_owned());
        assert!(failure.try_get().unwrap().unwrap_err().is_error());
        assert!(failure.is_set());
        assert!(failure.get(Duration::ZERO).unwrap_err().is_taken());
        assert!(failure.map(|n| n + 1).get(PATIENCE).unwrap_err().is_taken());
    });
}

/// What is not user code needs no worker.
#[test]
fn passing_on_needs_no_worker() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let (key, (deferred, promise)) =
            (gate.key(), crate::common::deferred_on::<u8, String>(&pool));
        crate::common::flush(&pool);
        let busy = pool.run(move || key.wait());
        gate.await_arrival(1);
        let (outer, mut followed): Pair<u8, String> = Promise::deferred();
        outer.follow(promise.map(|n| n + 1).then(|n| Ok(n + 1)));
        deferred.reject("passes every link".to_owned());
        assert!(followed.get(PATIENCE).unwrap_err().is_error(), "while the only worker is blocked");
        drop(busy);
    });
}

/// Writers and readers on many threads: each promise gets its own value.
#[test]
fn many_promises_settle_at_once() {
    watched(|| {
        const THREADS: usize = 8;
        let start = Arc::new(Barrier::new(THREADS));
        let (deferreds, promises): (Vec<_>, Vec<_>) =
            (0..THREADS).map(|_| Promise::<usize>::deferred()).unzip();
        let settlers: Vec<_> = deferreds
            .into_iter()
            .enumerate()
            .map(|(n, deferred)| {
                let start = start.clone();
                named_thread("settler", move || {
                    start.wait();
                    deferred.resolve(n);
                })
            })
            .collect();
        for (n, mut promise) in promises.into_iter().enumerate() {
            assert_eq!(promise.get(PATIENCE).unwrap(), n);
        }
        for settler in settlers {
            settler.join().unwrap();
        }
    });
}

/// `?` on a `Failure<AnyError>` does not wrap: the job fails with that very failure, its error unpacked.
#[test]
fn a_question_mark_passes_a_failure_on() {
    watched(|| {
        let pool = Pool::new(1);
        let relay = |outcome: Outcome<u8>| {
            let mut inner = Promise::settled(outcome);
            let mut outer: Promise<u8> = pool.spawn(move || {
                let value = inner.get(None)?;
                Ok(value)
            });
            outer.get(PATIENCE)
        };
        assert_eq!(relay(Ok(1)).unwrap(), 1);
        assert!(relay(Err(Failure::Cancelled)).unwrap_err().is_cancelled());
        assert!(relay(Err(Failure::TimedOut)).unwrap_err().is_timed_out());
        assert!(relay(Err(Failure::Abandoned)).unwrap_err().is_abandoned());
        let failure = relay(Err(Failure::Error(std::fmt::Error.into()))).unwrap_err();
        assert!(failure.is_error());
        assert!(failure.downcast_ref::<std::fmt::Error>().is_some());
    });
}

/// A18: what was written before `resolve` is seen by callbacks and after `get`, though its own order is relaxed.
#[test]
fn what_was_written_before_is_seen_after() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    watched(|| {
        let pool = one_worker();
        for round in 1..300 {
            let (first, second) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let (deferred, promise) = pool.deferred::<(), String>();
            let (written, in_callback) = (first.clone(), first.clone());
            let (also, after_get) = (second.clone(), second.clone());
            let mut seen = promise.map(move |()| {
                let seen = in_callback.load(Relaxed);
                also.store(round, Relaxed);
                seen
            });
            let settler = named_thread("settler", move || {
                written.store(round, Relaxed);
                deferred.resolve(());
            });
            assert_eq!(seen.get(PATIENCE).unwrap(), round);
            assert_eq!(after_get.load(Relaxed), round);
            settler.join().unwrap();
        }
    });
}
