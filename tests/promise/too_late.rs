//! What comes too late, or twice, changes nothing: a second outcome, a second cancellation, a promise that nobody
//! holds, a pool that is closed (conformance A6, A12, B22, C6, G4, G11, G17).

use crate::common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, flush, held, is_error, kind, named_thread,
    one_worker, verdict, watched,
};
use asynckit::{AsyncValue, Pool, Promise, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

type Typed = Promise<u8, String>;

/// A6: all four pairs of settling an event twice: the second is refused and given back, the first stays.
#[test]
fn the_first_of_two_outcomes_stays() {
    watched(|| {
        for first_is_a_value in [true, false] {
            let event = AsyncValue::<u8, String>::new();
            let first = if first_is_a_value {
                event.set(1).is_ok()
            } else {
                event.fail("first".to_owned()).is_ok()
            };
            assert!(first);
            assert_eq!(event.set(2), Err(2));
            assert_eq!(event.fail("second".to_owned()), Err("second".to_owned()));
            if first_is_a_value {
                assert_eq!(*event.get(None).unwrap(), 1);
            } else {
                assert!(is_error(event.get(None), "first"));
            }
        }
    });
}

/// A12: a `Deferred` whose promise was dropped is not cancelled: nobody asked for that.
#[test]
fn a_dropped_promise_cancels_nothing() {
    watched(|| {
        let (log, drops) = (Log::new(), DropCounter::default());
        let (mut deferred, promise) = Promise::<_, String>::deferred();
        let told = log.clone();
        deferred.on_cancel(move || told.add("told"));
        drop(promise);
        assert!(!deferred.is_cancelled());
        deferred.resolve(drops.token());
        assert_eq!((drops.dropped(), log.entries()), (1, vec![]));
    });
}

/// C6: what follows a source has that source's outcome, and nobody else's; the `Deferred` is used up by it.
#[test]
fn a_follower_has_only_its_sources_outcome() {
    watched(|| {
        for source_is_cancelled in [false, true] {
            let (source, followed) = Typed::deferred();
            let (deferred, mut promise) = Typed::deferred();
            deferred.follow(followed);
            assert!(promise.get(MOMENT).unwrap_err().is_timed_out() && !promise.is_set());
            if source_is_cancelled {
                promise.cancel();
                assert!(source.is_cancelled());
            }
            source.resolve(5);
            let outcome = promise.get(PATIENCE);
            assert_eq!(verdict(&outcome), if source_is_cancelled { "Cancelled" } else { "Ok" });
        }
    });
}

/// G4: what settles a cancelled promise is dropped, once, in silence, whatever it is.
#[test]
fn a_late_outcome_of_a_cancelled_promise_is_dropped() {
    watched(|| {
        let drops = DropCounter::default();
        let settled = |settle: &dyn Fn(asynckit::Deferred<crate::common::Token, String>)| {
            let (deferred, mut promise) = Promise::deferred();
            promise.cancel();
            settle(deferred);
            assert!(promise.get(None).unwrap_err().is_cancelled() && promise.is_set());
        };
        settled(&|deferred| deferred.resolve(drops.token()));
        settled(&|deferred| deferred.settle(Ok(drops.token())));
        settled(&|deferred| deferred.follow(Promise::ready(drops.token())));
        assert_eq!(drops.dropped(), 3);
        settled(&|deferred| deferred.reject("late".to_owned()));
        settled(&|deferred| drop(deferred));
    });
}

/// G11: a `finally` or an `inspect` that panics on the way of a cancellation leaves it one.
#[test]
fn a_panic_on_the_way_of_a_cancellation_leaves_it_one() {
    watched(|| {
        let pool = one_worker();
        let ran = Arc::new(AtomicUsize::new(0));
        let (first, second) = (ran.clone(), ran.clone());
        let (_deferred, promise) = pool.deferred::<u8, String>();
        let mut promise = promise
            .finally(move || {
                first.fetch_add(1, SeqCst);
                panic!("in finally")
            })
            .inspect(move |outcome| {
                second.fetch_add(1, SeqCst);
                assert_eq!(verdict(outcome), "Ok", "a panic in inspect");
            })
            .map(|n| n);
        promise.cancel();
        assert!(promise.get(None).unwrap_err().is_cancelled());
        drop(promise);
        crate::common::eventually("both run", || ran.load(SeqCst) == 2);
        flush(&pool);
        assert_eq!(ran.load(SeqCst), 2, "once each");
    });
}

/// G17: cancellers around cancellers: each of them cancels, in whatever order, twice or from many threads.
#[test]
fn cancellers_of_cancellers_do_no_harm() {
    watched(|| {
        for first in 0..3 {
            let told = Log::new();
            let (mut deferred, promise) = Typed::deferred();
            let tell = told.clone();
            deferred.on_cancel(move || tell.add(()));
            let (promise, inner) = promise.cancellable();
            let (promise, middle) = promise.cancellable();
            let (mut promise, outer) = promise.map(|n| n).cancellable();
            let cancellers = [inner, middle, outer];
            cancellers[first].cancel();
            let others: Vec<_> = cancellers
                .iter()
                .cloned()
                .map(|canceller| named_thread("canceller", move || canceller.cancel()))
                .collect();
            others.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(deferred.is_cancelled(), "by the canceller {first}");
            assert_eq!(told.entries().len(), 1);
            assert!(promise.get(PATIENCE).unwrap_err().is_cancelled());
        }
    });
}

/// B22: a pool that takes no more work: each dependent fails with Abandoned, whether its source is settled or not, and
/// each closure is dropped.
#[test]
fn a_closed_pool_fails_each_dependent() {
    watched(|| {
        let attach: [fn(Typed, crate::common::Token) -> Typed; 3] = [
            |source, token| {
                source.map(move |n| {
                    drop(token);
                    n
                })
            },
            |source, token| {
                source.then(move |n| {
                    drop(token);
                    Ok(n)
                })
            },
            |source, token| {
                source.chain(move |n| {
                    drop(token);
                    Ok(n)
                })
            },
        ];
        let pool = Pool::new(1);
        let drops = DropCounter::default();
        let (deferred, waiting): (Vec<_>, Vec<_>) =
            attach.map(|_| pool.deferred::<u8, String>()).into_iter().unzip();
        let settled = attach.map(|_| pool.spawn(|| Ok::<_, String>(1)));
        flush(&pool);
        let early: Vec<Typed> = waiting
            .into_iter()
            .zip(attach)
            .map(|(source, attach)| attach(source, drops.token()))
            .collect();
        pool.shutdown(Shutdown::Drain, PATIENCE);
        let late: Vec<Typed> = settled
            .into_iter()
            .zip(attach)
            .map(|(source, attach)| attach(source, drops.token()))
            .collect();
        deferred.into_iter().for_each(|deferred| deferred.resolve(1));
        let named: Vec<_> =
            attach.iter().map(|_| Promise::ready(1).chain_on(&pool, Ok::<u8, String>)).collect();
        for mut dependent in early.into_iter().chain(late).chain(named) {
            let failure = dependent.get(PATIENCE).unwrap_err();
            assert_eq!(kind(&failure), "Abandoned");
        }
        assert_eq!(drops.dropped(), 6);
    });
}

/// G2, with a job: a cancellation that comes when the job has returned changes nothing.
#[test]
fn a_cancellation_after_the_end_changes_nothing() {
    watched(|| {
        let (pool, gate) = (one_worker(), Gate::new());
        let mut promise = held(&pool, &gate, || Ok(1));
        gate.open();
        assert!(promise.wait(PATIENCE));
        promise.cancel();
        promise.cancel();
        assert_eq!(promise.get(None).unwrap(), 1);
        assert!(promise.get(None).unwrap_err().is_taken());
    });
}
