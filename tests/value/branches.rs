//! Branches of an `AsyncValue`: order, independence, and what they get (conformance B14 to B17).

use crate::common::wakers::block_on;
use crate::common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, Token, deferred_on, eventually, flush, one_worker,
    verdict, watched,
};
use asynckit::{AsyncValue, Failure, Pool, Promise};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};

type Value<T> = AsyncValue<T, String>;
type Typed<T> = Promise<T, String>;

/// B14: in the order of registration, one after the other, each once; also on a pool of several workers.
#[test]
fn branches_run_in_the_order_of_registration() {
    watched(|| {
        let pool = Pool::new(4);
        for _ in 0..50 {
            let (deferred, promise) = deferred_on::<u8, String>(&pool);
            let (value, log, running) =
                (promise.share(), Log::new(), Arc::new(AtomicUsize::new(0)));
            let branches: Vec<_> = (0..50)
                .map(|n| {
                    let (log, running) = (log.clone(), running.clone());
                    value.then(move |_| {
                        assert_eq!(running.fetch_add(1, SeqCst), 0, "two branches at once");
                        log.add(n);
                        running.fetch_sub(1, SeqCst);
                        Ok(n)
                    })
                })
                .collect();
            deferred.resolve(1);
            for (n, mut branch) in branches.into_iter().enumerate() {
                assert_eq!(branch.get(PATIENCE).unwrap(), n);
            }
            assert_eq!(log.entries(), (0..50).collect::<Vec<_>>());
        }
    });
}

/// B14: also one that a branch attaches while others wait for their turn, however often, and whether or not it waits
/// for that one: then it comes out of its turn.
#[test]
fn what_a_branch_attaches_comes_behind_those_that_were_there() {
    watched(|| {
        for workers in [1, 4] {
            let pool = Pool::new(workers);
            let (deferred, promise) = deferred_on::<u8, String>(&pool);
            let (value, log) = (promise.share(), Log::new());
            let attach = |name: &'static str| {
                let log = log.clone();
                move |value: &Value<u8>| drop(value.map(move |_| log.add(name)))
            };
            let (inner, late, latest, own) =
                (value.clone(), attach("late"), attach("latest"), log.clone());
            let mut first = value.map(move |_| {
                own.add("first");
                late(&inner);
                latest(&inner);
            });
            for name in ["second", "third", "fourth"] {
                attach(name)(&value);
            }
            let (inner, own) = (value.clone(), log.clone());
            let mut last = value.map(move |_| {
                let (log, at_once) = (own.clone(), own);
                let mut waited = inner.map(move |_| at_once.add("waited for"));
                waited.get(None).unwrap();
                log.add("last");
            });
            deferred.resolve(1);
            first.get(PATIENCE).unwrap();
            last.get(PATIENCE).unwrap();
            eventually("all have run", || log.entries().len() == 8);
            let there = ["first", "second", "third", "fourth", "waited for", "last"];
            assert_eq!(log.entries(), [&there[..], &["late", "latest"]].concat());
        }
    });
}

/// B15
#[test]
fn a_branch_that_panics_stops_no_other() {
    watched(|| {
        let value = Value::<u8>::new();
        let mut branches: Vec<_> = (0..9_u8)
            .map(|n| {
                value.map(move |_| {
                    assert!(n % 3 != 0, "branch {n}");
                    n
                })
            })
            .collect();
        value.set(1).unwrap();
        for (n, branch) in (0..).zip(&mut branches) {
            assert_eq!(verdict(&branch.get(PATIENCE)), if n % 3 == 0 { "Panicked" } else { "Ok" });
        }
    });
}

/// B17
#[test]
fn branches_are_independent() {
    watched(|| {
        let value = Value::<u8>::new();
        let mut recovered = value.map(|n| *n).catch(|_| Ok(9));
        let mut plain = value.map(|n| *n);
        let mut failing = value.then(|_| Err::<u8, _>("own".to_owned()));
        value.fail("source".to_owned()).unwrap();
        assert_eq!(recovered.get(PATIENCE).unwrap(), 9);
        assert!(matches!(plain.get(PATIENCE), Err(Failure::Error(e)) if e == "source"));
        assert!(matches!(failing.get(PATIENCE), Err(Failure::Error(e)) if e == "source"));

        let value = Typed::ready(1).share();
        let mut failing = value.then(|_| Err::<u8, _>("own".to_owned()));
        assert!(matches!(failing.get(PATIENCE), Err(Failure::Error(e)) if e == "own"));
        assert_eq!(value.then(|n| Ok(*n)).get(PATIENCE).unwrap(), 1);
        assert!(!value.is_error());
    });
}

/// `then`, `map`, `chain`, `chain_on`: with `&T`, before and after it is set, adopting what they return.
#[test]
fn every_kind_of_branch_gets_the_value() {
    watched(|| {
        let other = one_worker();
        let branch_out = |value: &Value<u8>| {
            vec![
                value.map(|n| n + 1),
                value.then(|n| Ok(n + 2)),
                value.then(|n| Promise::ready(n + 3)),
                value.chain(|n| Ok(n + 4)),
                value.chain(|n| Promise::ready(n + 5)),
                value.chain_on(&other, |n| Ok(n + 6)),
            ]
        };
        let value = Value::new();
        let early = branch_out(&value);
        value.set(10).unwrap();
        for branches in [early, branch_out(&value)] {
            let values: Vec<_> =
                branches.into_iter().map(|mut b| b.get(PATIENCE).unwrap()).collect();
            assert_eq!(values, [11, 12, 13, 14, 15, 16]);
        }
    });
}

/// Branches that go through the queue run side by side.
#[test]
fn chained_branches_run_in_parallel() {
    watched(|| {
        let pool = Pool::new(2);
        let job: Typed<u8> = pool.spawn(|| Ok(1));
        let value = job.share();
        let meet = Arc::new(Barrier::new(2)); // neither gets past it alone
        let mut branches = [meet.clone(), meet].map(|meet| {
            value.chain(move |_| {
                meet.wait();
                Ok(())
            })
        });
        for branch in &mut branches {
            branch.get(PATIENCE).unwrap();
        }
    });
}

/// The last handle of an unset value: its branches fail with Abandoned.
#[test]
fn a_value_that_nobody_can_set_any_more_abandons_its_branches() {
    watched(|| {
        let value = Value::<u8>::new();
        let mut branches = [value.map(|n| *n), value.then(|n| Ok(*n)), value.chain(|n| Ok(*n))];
        let copy = value.clone();
        drop(value);
        assert!(!branches[0].wait(MOMENT), "there is still a handle");
        drop(copy);
        for branch in &mut branches {
            assert!(branch.get(PATIENCE).unwrap_err().is_abandoned());
        }
    });
}

/// Handles of a shared promise may all go: its branches still get the value.
#[test]
fn branches_outlive_the_handles_of_a_shared_promise() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let key = gate.key();
        let job: Typed<u8> = pool.spawn(move || {
            key.wait();
            Ok(3)
        });
        let value = job.share();
        let mut branch = value.map(|n| n + 1);
        drop(value);
        gate.open();
        assert_eq!(branch.get(PATIENCE).unwrap(), 4);
    });
}

/// Adopted, followed and awaited, a shared value gives clones; the original stays.
#[test]
fn what_needs_a_value_owned_clones_it() {
    watched(|| {
        let counter = DropCounter::default();
        let value: AsyncValue<Arc<Token>, String> =
            Promise::ready(Arc::new(counter.token())).share();
        let copy = value.clone();
        let adopted = Typed::ready(()).then(move |()| copy).get(PATIENCE).unwrap();
        assert!(Arc::ptr_eq(&adopted, value.get(None).unwrap()));
        assert!(Arc::ptr_eq(&block_on(value.clone()).unwrap(), &adopted));
        drop((value, adopted));
        crate::common::eventually("all of it goes", || counter.dropped() == 1);
    });
}

/// Attaching while it is being set: no branch is lost and none runs twice.
#[test]
fn branches_attached_while_it_is_set_run_once() {
    watched(|| {
        let pool = Pool::new(2);
        for _ in 0..500 {
            let (deferred, promise) = deferred_on::<u8, String>(&pool);
            let (value, runs) = (promise.share(), Arc::new(AtomicUsize::new(0)));
            let attach = || {
                let runs = runs.clone();
                value.map(move |_| runs.fetch_add(1, SeqCst))
            };
            let mut branches: Vec<_> = (0..5).map(|_| attach()).collect();
            let setter = std::thread::spawn(move || deferred.resolve(1));
            branches.extend((0..5).map(|_| attach()));
            setter.join().unwrap();
            branches.extend((0..5).map(|_| attach()));
            for branch in &mut branches {
                branch.get(PATIENCE).unwrap();
            }
            assert_eq!(runs.load(SeqCst), 15);
        }
        flush(&pool);
    });
}

/// Cancelling many branches beside as many that were dropped is linear: if it were not, this would take minutes.
#[test]
fn many_branches_are_cancelled_beside_many_that_were_dropped() {
    const BRANCHES: usize = 100_000;
    watched(|| {
        let (deferred, promise) = Typed::<usize>::deferred();
        let value = promise.share();
        let branches = || (0..BRANCHES).map(|_| value.map(|n| n + 1)).collect::<Vec<_>>();
        let (dropped, others) = (branches(), branches());
        drop((dropped, value));
        assert!(!deferred.is_cancelled());
        others.iter().for_each(Promise::cancel);
        assert!(deferred.is_cancelled());
    });
}

/// Who is refused finds the value there, as with `OnceLock`.
#[test]
fn whoever_may_not_set_a_value_finds_it_set() {
    watched(|| {
        for _ in 0..2_000 {
            let value = Value::<usize>::new();
            let start = Arc::new(Barrier::new(3));
            let set = |number| {
                let (value, start) = (value.clone(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    let refused = value.set(number).is_err();
                    assert!(!refused || (value.is_set() && value.try_get().is_some()));
                    !refused
                })
            };
            let setters = [set(1), set(2), set(3)];
            let winners = setters.map(|setter| setter.join().unwrap());
            assert_eq!(winners.iter().filter(|&&won| won).count(), 1);
        }
    });
}
