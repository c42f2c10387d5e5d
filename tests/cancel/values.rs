//! Cancelling a value with many owners (conformance G12): its source is cancelled when nobody is left who wants it.

use crate::common::tasks::await_sleep;
use crate::common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, eventually, flush, held, kind, named_thread,
    one_worker, watched, watched_long,
};
use asynckit::{AsyncValue, Deferred, Failure, IntoPromise, Pool, Promise};
use std::future::IntoFuture;
use std::sync::{Arc, Barrier};
use std::thread;

type Value = AsyncValue<u8, String>;
/// Makes something of a value that is an owner.
type Make = fn(&Value) -> Promise<u8, String>;
/// Makes such a thing and drops it.
type Drops = fn(&Value);

fn value() -> (Deferred<u8, String>, Value) {
    let (deferred, promise) = Promise::deferred();
    (deferred, promise.share())
}

fn is_cancelled<T>(outcome: Result<T, Failure<String>>) -> bool {
    outcome.is_err_and(|failure| failure.is_cancelled())
}

/// G12: the only handle cancels: the source is cancelled, and the value is settled when `cancel` returns.
#[test]
fn the_only_owner_cancels_the_source() {
    watched(|| {
        let (deferred, value) = value();
        value.cancel();
        assert!(deferred.is_cancelled() && value.is_set() && value.is_error());
        assert!(is_cancelled(value.get(None)) && is_cancelled(value.try_get().unwrap()));
        assert_eq!(format!("{value:?}"), "AsyncValue(cancelled)");
        value.cancel();
        deferred.resolve(1);
        assert!(is_cancelled(value.get(None)));
    });
}

/// G12: of several handles, only the last to cancel does; one that has cancelled stays pending, and gets the value.
#[test]
fn the_last_owner_to_cancel_cancels_the_source() {
    watched(|| {
        let (deferred, first) = value();
        let others = [first.clone(), first.clone()];
        first.cancel();
        first.cancel();
        others[0].cancel();
        assert!(!deferred.is_cancelled() && !first.is_set());
        assert!(first.get(MOMENT).unwrap_err().is_timed_out());
        others[1].cancel();
        assert!(deferred.is_cancelled() && first.is_set());

        let (deferred, first) = value();
        let second = first.clone();
        first.cancel();
        deferred.resolve(5);
        assert!(matches!((first.get(None), second.get(None)), (Ok(5), Ok(5))));
    });
}

/// A clone made of a handle that has cancelled is an owner of its own.
#[test]
fn a_clone_is_an_owner_of_its_own() {
    watched(|| {
        let (deferred, first) = value();
        let second = first.clone();
        first.cancel();
        let third = first.clone();
        second.cancel();
        assert!(!deferred.is_cancelled());
        third.cancel();
        assert!(deferred.is_cancelled());
    });
}

/// G12: branches are owners: pending ones of every kind, with links behind them.
#[test]
fn branches_are_owners() {
    watched(|| {
        let make: [Make; 5] = [
            |value| value.map(|n| *n),
            |value| value.then(|n| Ok(*n)),
            |value| value.chain(|n| Ok(*n)),
            |value| value.map(|n| *n).map(|n| n).finally(|| ()),
            |value| value.clone().into_promise(),
        ];
        for branch in make {
            let (deferred, value) = value();
            let mut branch = branch(&value);
            value.cancel();
            assert!(!deferred.is_cancelled() && !branch.is_set());
            branch.cancel();
            assert!(deferred.is_cancelled() && value.is_set());
            assert!(is_cancelled(branch.get(None)));
        }
    });
}

/// G12: three branches: one that cancels leaves the others; all that do so cancel the source.
#[test]
fn one_branch_that_cancels_leaves_the_others() {
    watched(|| {
        let pool = one_worker();
        for all in [false, true] {
            let log = Log::new();
            let (deferred, promise) = pool.deferred::<u8, String>();
            let value = promise.share();
            let branches: Vec<_> = (0..3)
                .map(|n| {
                    let log = log.clone();
                    value.map(move |_| log.add(n))
                })
                .collect();
            drop(value);
            branches[0].cancel();
            assert!(branches[0].is_set() && !deferred.is_cancelled());
            if all {
                branches[1].cancel();
                branches[2].cancel();
                assert!(deferred.is_cancelled());
            }
            deferred.resolve(1);
            flush(&pool);
            flush(&pool);
            assert_eq!(log.entries(), if all { vec![] } else { vec![1, 2] });
        }
    });
}

/// G12: 3 × 3 grandchildren: when all have cancelled, the root is.
#[test]
fn grandchildren_that_all_cancel_cancel_the_root() {
    watched(|| {
        let (deferred, root) = value();
        let children: Vec<Value> = (0..3).map(|_| root.map(|n| *n).share()).collect();
        let grandchildren: Vec<_> =
            children.iter().flat_map(|child| [(); 3].map(|()| child.map(|n| *n))).collect();
        drop((root, children));
        for (count, grandchild) in grandchildren.iter().enumerate() {
            assert!(!deferred.is_cancelled(), "after {count}");
            grandchild.cancel();
        }
        assert!(deferred.is_cancelled());
    });
}

/// G12: when the root is cancelled no branch runs, and each is told.
#[test]
fn a_cancelled_source_cancels_its_branches() {
    watched(|| {
        let pool = one_worker();
        let (log, drops) = (Log::<u8>::new(), DropCounter::default());
        let (deferred, promise) = pool.deferred::<u8, String>();
        let (source, outer) = (promise.share(), log.clone());
        let child = source.map(|n| *n).share();
        let mut branches: Vec<_> = (0..3)
            .map(|_| {
                let (log, token) = (outer.clone(), drops.token());
                child.then(move |n| {
                    drop(token);
                    log.add(*n);
                    Ok(*n)
                })
            })
            .collect();
        let caught = child.map(|n| *n).catch(|failure| Err(kind(&failure).to_owned()));
        drop(deferred);
        assert!(branches.iter_mut().all(|branch| branch.get(PATIENCE).unwrap_err().is_abandoned()));
        assert!(crate::common::is_error({ caught }.get(PATIENCE), "Abandoned"));
        assert!(log.entries().is_empty());
        assert_eq!(drops.dropped(), 3);
    });
}

/// What was dropped has cancelled nothing, and the handle that is left cancels alone.
fn no_owners(drops: &[(&str, Drops)]) {
    for (what, dropped) in drops {
        let (deferred, value) = value();
        dropped(&value);
        assert!(!deferred.is_cancelled(), "{what}: only a `cancel` cancels");
        value.cancel();
        assert!(deferred.is_cancelled(), "{what}");
    }
}

/// What was dropped is no owner: handles, futures, branches.
#[test]
fn what_was_dropped_is_no_owner() {
    watched(|| {
        let drops: [(&str, Drops); 4] = [
            ("a handle", |value| drop(value.clone())),
            ("a future", |value| drop(value.clone().into_future())),
            ("a branch", |value| drop(value.map(|n| *n))),
            ("a chained branch", |value| drop(value.chain(|n| Ok(*n)))),
        ];
        no_owners(&drops);
    });
}

/// The same for a branch with links behind it, and what was made of one.
#[test]
fn a_dropped_branch_with_links_is_no_owner() {
    watched(|| {
        let drops: [(&str, Drops); 3] = [
            ("links", |value| drop(value.map(|n| *n).map(|n| n).then(Ok))),
            ("a value", |value| drop(value.map(|n| *n).share())),
            ("a branch of it", |value| drop(value.map(|n| *n).share().map(|n| *n).map(|n| n))),
        ];
        no_owners(&drops);
    });
}

/// The same for a clone that is a promise, or that another promise follows.
#[test]
fn a_dropped_clone_as_a_promise_is_no_owner() {
    watched(|| {
        let drops: [(&str, Drops); 3] = [
            ("a promise", |value| drop(value.clone().into_promise())),
            ("a promise with a link", |value| drop(value.clone().into_promise().map(|n| n))),
            ("a follower", |value| {
                let (deferred, promise) = Promise::deferred();
                deferred.follow(value.clone());
                drop(promise);
            }),
        ];
        no_owners(&drops);
    });
}

/// Only a `cancel` cancels: when all that is left is dropped, the source runs on.
#[test]
fn dropping_every_owner_cancels_nothing() {
    watched(|| {
        let (pool, gate, log) = (one_worker(), Gate::new(), Log::new());
        let tells = log.clone();
        let value = held(&pool, &gate, || Ok(1)).map(move |n| tells.add(n)).share();
        drop((value.clone(), value.map(|()| ()), value));
        gate.open();
        flush(&pool);
        assert_eq!(log.entries(), [1]);
    });
}

/// The last that has not cancelled is dropped, after another has cancelled: nobody is left who wants it.
#[test]
fn the_last_owner_dropped_after_a_cancel_cancels_the_source() {
    watched(|| {
        let (deferred, first) = value();
        let second = first.clone();
        first.cancel();
        assert!(!deferred.is_cancelled());
        drop(second);
        assert!(deferred.is_cancelled(), "a handle");
        let (deferred, first) = value();
        let branch = first.map(|n| *n);
        first.cancel();
        drop(branch);
        assert!(deferred.is_cancelled(), "a branch");
    });
}

/// A queued source never runs; `cancel` returns when its closure is dropped and the value is settled.
#[test]
fn a_queued_source_never_runs() {
    watched(|| {
        let (pool, drops) = (Pool::new(0), DropCounter::default());
        let token = drops.token();
        let source = pool.spawn(move || -> Result<u8, String> {
            drop(token);
            panic!("it runs")
        });
        let value = source.map(|n| n).share();
        let branch = value.map(|n| *n);
        drop(value.clone());
        branch.cancel();
        value.cancel();
        assert!(value.is_set() && drops.dropped() == 1);
        pool.set_worker_count(1);
        flush(&pool);
    });
}

/// A running source goes on; the value is settled as Cancelled before `cancel` returns, and stays so.
#[test]
fn a_running_source_is_detached() {
    watched(|| {
        let (pool, gate) = (one_worker(), Gate::new());
        let value = held(&pool, &gate, || Ok(1)).share();
        gate.await_arrival(1);
        value.cancel();
        let at_once = value.is_set();
        gate.open();
        flush(&pool);
        assert!(is_cancelled(value.get(PATIENCE)), "its result is dropped");
        assert!(at_once, "it was settled before `cancel` returned");
    });
}

/// Events: a cancelled one is settled, and gives back what it is set to.
#[test]
fn a_cancelled_event_cannot_be_set() {
    watched(|| {
        let event = Value::new();
        let branch = event.map(|n| *n);
        let waits = event.clone();
        let waiter = named_thread("waits-for-event", move || waits.get(PATIENCE).copied());
        await_sleep("waits-for-event", 1);
        branch.cancel();
        event.cancel();
        assert!(!event.is_set(), "the waiter has a handle");
        assert_eq!(event.set(1), Ok(()), "so it can still be set");
        assert_eq!(waiter.join().unwrap().unwrap(), 1);

        let event = Value::new();
        event.cancel();
        assert_eq!((event.set(1), event.fail("no".to_owned())), (Err(1), Err("no".to_owned())));
        assert!(is_cancelled(event.get(None)));
    });
}

/// Owners that come and go on many threads: the source is cancelled exactly when all have cancelled.
#[test]
fn owners_on_many_threads_agree() {
    watched(|| {
        for round in 0..300 {
            let (deferred, value) = value();
            let threads: Vec<_> = (0..4)
                .map(|n| {
                    let (mine, keeps) = (value.clone(), round % 4 == n && round % 2 == 0);
                    named_thread("owner", move || {
                        let branch = mine.map(|n| *n);
                        let clone = mine.clone();
                        mine.cancel();
                        branch.cancel();
                        if !keeps {
                            clone.cancel();
                        }
                        clone
                    })
                })
                .collect();
            let kept: Vec<Value> = threads.into_iter().map(|t| t.join().unwrap()).collect();
            value.cancel();
            assert_eq!(deferred.is_cancelled(), round % 2 == 1, "round {round}");
            for last in &kept {
                last.cancel();
            }
            eventually("nobody is left", || deferred.is_cancelled());
        }
    });
}

/// Somebody looks who is left while the promises behind the value go, one way or another: nothing is freed under his
/// eyes, and nothing is told twice.
#[test]
fn looking_who_is_left_races_leaving_and_cancelling() {
    const ROUNDS: usize = 300;
    watched_long(|| {
        for round in 0..ROUNDS {
            let (deferred, value) = value();
            let branch = value.map(|n| *n).map(|n| n).map(|n| n);
            let copy = value.clone().into_promise().map(|n| n).map(|n| n);
            let again = copy.share();
            let last = again.map(|n| *n).map(|n| n);
            drop(again);
            let (start, both) = (Arc::new(Barrier::new(2)), value.clone());
            let meets = start.clone();
            let other = thread::spawn(move || {
                meets.wait();
                both.cancel();
                if round % 2 == 0 { branch.cancel() } else { drop(branch) }
            });
            start.wait();
            if round % 3 == 0 {
                drop(last)
            } else {
                last.cancel()
            }
            value.cancel();
            other.join().unwrap();
            assert!(deferred.is_cancelled(), "round {round}");
        }
    });
}
