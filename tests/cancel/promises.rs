//! Cancelling a promise (conformance section G): what it settles, what never runs, what runs on the way.
//! Adoption, lists and values are in `upstream.rs` and `values.rs`, handlers in `handlers.rs`.

use crate::common::wakers::block_on;
use crate::common::{
    Bomb, DropCounter, Gate, Log, PATIENCE, eventually, flush, held, kind, one_worker, three_cases,
    verdict, watched, watched_long,
};
use asynckit::{Failure, Pool, Promise};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};

type Typed<T> = Promise<T, String>;

fn is_cancelled<T>(outcome: Result<T, Failure<String>>) -> bool {
    outcome.is_err_and(|failure| failure.is_cancelled())
}

/// A job that must not run, with a token that tells when it is dropped.
fn never(pool: &Pool, drops: &DropCounter) -> Typed<u8> {
    let token = drops.token();
    pool.spawn(move || -> Result<u8, String> {
        drop(token);
        panic!("it runs")
    })
}

/// G1: settled when `cancel` returns, and again and again; every reader is told.
#[test]
fn a_cancelled_promise_is_settled_at_once() {
    watched(|| {
        let (deferred, mut promise) = Typed::<u8>::deferred();
        promise.cancel();
        assert!(promise.is_set() && promise.is_error() && deferred.is_cancelled());
        assert_eq!(format!("{promise:?}"), "Promise(cancelled)");
        promise.cancel();
        assert!(promise.wait(None));
        assert!(is_cancelled(promise.get(None)));
        let (_deferred, mut promise) = Typed::<u8>::deferred();
        promise.cancel();
        assert!(is_cancelled(promise.try_get().unwrap()));
        let (_deferred, promise) = Typed::<u8>::deferred();
        promise.cancel();
        assert!(is_cancelled(block_on(promise)));
    });
}

/// G2: nothing changes once it is settled, nor once its outcome was taken.
#[test]
fn cancelling_what_is_settled_has_no_effect() {
    watched(|| {
        three_cases(
            || Ok(5),
            |mut promise: Typed<u8>| {
                promise.wait(std::time::Duration::ZERO);
                promise
            },
            |mut promise| {
                assert!(promise.wait(PATIENCE));
                promise.cancel();
                assert!(matches!(promise.get(PATIENCE), Ok(5)));
                promise.cancel();
                assert!(promise.get(PATIENCE).unwrap_err().is_taken());
            },
        );
        let failed = Typed::<u8>::failed("no".to_owned());
        failed.cancel();
        assert!(crate::common::is_error({ failed }.get(None), "no"));
        let pool = one_worker();
        let mut done = pool.run(|| 1).map(|n| n + 1);
        assert!(done.wait(PATIENCE));
        done.cancel();
        assert_eq!(done.get(None).unwrap(), 2);
    });
}

/// G14: queued work never runs, and its closure is dropped before `cancel` returns; the queue goes on.
#[test]
fn queued_work_never_runs() {
    watched(|| {
        let pool = one_worker();
        let (gate, drops) = (Gate::new(), DropCounter::default());
        let mut first = held(&pool, &gate, || Ok(1));
        let promises: Vec<_> = (0..10).map(|_| never(&pool, &drops)).collect();
        let mut last = pool.run(|| 2);
        for (n, promise) in promises.iter().enumerate() {
            promise.cancel();
            assert_eq!(drops.dropped(), n + 1);
        }
        gate.open();
        assert_eq!(last.get(PATIENCE).unwrap(), 2);
        assert!(first.get(PATIENCE).is_ok());
        assert!(promises.into_iter().all(|mut promise| is_cancelled(promise.get(None))));
    });
}

/// G14, with a capture that panics when it is dropped
#[test]
fn a_bomb_in_queued_work_is_contained() {
    watched(|| {
        let pool = Pool::new(0);
        let bomb = Bomb;
        let promise: Typed<u8> = pool.spawn(move || {
            let _bomb = &bomb;
            Ok(1)
        });
        promise.map(|n| n).cancel();
        pool.set_worker_count(1);
        flush(&pool);
    });
}

/// G14: running work goes on, its result is dropped, and only then is the worker free.
#[test]
fn running_work_goes_on_and_its_result_is_dropped() {
    watched(|| {
        let pool = one_worker();
        let (gate, drops) = (Gate::new(), DropCounter::default());
        let (key, token) = (gate.key(), drops.token());
        let mut promise = pool.spawn(move || {
            key.wait();
            Ok::<_, String>(token)
        });
        gate.await_arrival(1);
        promise.cancel();
        assert!(promise.is_set());
        assert!(is_cancelled(promise.get(None).map(drop)));
        assert_eq!(drops.dropped(), 0);
        gate.open();
        flush(&pool);
        assert_eq!(drops.dropped(), 1);
        assert!(
            is_cancelled(promise.get(None).map(drop)),
            "Cancelled is final, and nothing was taken"
        );
    });
}

/// Every kind of link, so that the tail is some way from the root.
fn links(source: Typed<u8>, log: &Log<&'static str>, drops: &DropCounter) -> Typed<u8> {
    let note = |what: &'static str| {
        let (log, token) = (log.clone(), drops.token());
        move || {
            drop(token);
            log.add(what);
        }
    };
    let (map, then, chain, catch) = (note("map"), note("then"), note("chain"), note("catch"));
    let (catch_if, or_else, handle) = (note("catch_if"), note("or_else"), note("handle"));
    let (map_err, finally, inspect) = (note("map_err"), note("finally"), note("inspect"));
    source
        .map(move |n| {
            map();
            n
        })
        .then(move |n| {
            then();
            Ok(n)
        })
        .chain(move |n| {
            chain();
            Ok(n)
        })
        .finally(finally)
        .catch(move |failure| {
            catch();
            Err(kind(&failure).to_owned())
        })
        .catch_if(
            |_| true,
            move |failure| {
                catch_if();
                Err(kind(&failure).to_owned())
            },
        )
        .or_else(move |text| {
            or_else();
            Err(text)
        })
        .map_err(move |text: String| {
            map_err();
            text
        })
        .inspect(move |outcome| {
            assert_eq!(verdict(outcome), "Cancelled");
            inspect();
        })
        .handle(move |outcome| {
            handle();
            outcome.map_err(|failure| kind(&failure).to_owned())
        })
}

/// G7, G9: through every kind of link to the root; on the way only `finally` and `inspect` run, once each.
#[test]
fn a_cancellation_goes_through_every_link_to_the_root() {
    watched(|| {
        let (pool, log, drops) = (one_worker(), Log::new(), DropCounter::default());
        let (mut deferred, source) = pool.deferred::<u8, String>();
        let told = Log::new();
        let tell = told.clone();
        deferred.on_cancel(move || tell.add(()));
        let mut tail = links(source, &log, &drops);
        tail.cancel();
        assert!(deferred.is_cancelled() && told.entries().len() == 1);
        assert!(is_cancelled(tail.get(None)));
        eventually("every closure is dropped", || drops.dropped() == 10);
        flush(&pool);
        assert_eq!(log.entries(), ["finally", "inspect"]);
        deferred.resolve(1);
        flush(&pool);
        assert_eq!(log.entries(), ["finally", "inspect"]);
    });
}

/// The same where the root is a queued job, and where it runs: then on its worker, when it returns.
#[test]
fn a_cancellation_goes_to_a_job_queued_or_running() {
    watched(|| {
        let pool = one_worker();
        for running in [false, true] {
            let (log, drops, gate) = (Log::new(), DropCounter::default(), Gate::new());
            let before = (!running).then(|| held(&pool, &gate, || Ok(1)));
            let (ran, key) = (Arc::new(AtomicUsize::new(0)), gate.key());
            let runs = ran.clone();
            let source = pool.spawn(move || {
                runs.fetch_add(1, SeqCst);
                key.wait();
                Ok(1)
            });
            gate.await_arrival(1);
            let mut tail = links(source, &log, &drops);
            tail.cancel();
            assert!(is_cancelled(tail.get(None)));
            gate.open();
            flush(&pool);
            flush(&pool); // what was posted by the first one
            assert_eq!(ran.load(SeqCst), usize::from(running));
            assert_eq!((log.entries(), drops.dropped()), (vec!["finally", "inspect"], 10));
            drop(before);
        }
    });
}

/// What is attached to a cancelled promise sees Cancelled, where it looks at failures of any kind.
#[test]
fn handlers_attached_later_see_cancelled() {
    watched(|| {
        let cancelled = || {
            let (_deferred, promise) = Typed::<u8>::deferred();
            promise.cancel();
            promise
        };
        let seen = |failure: Failure<String>| Err(format!("saw {}", kind(&failure)));
        let saw = |mut promise: Typed<u8>| {
            crate::common::is_error(promise.get(PATIENCE), "saw Cancelled")
        };
        assert!(saw(cancelled().catch(seen)));
        assert!(saw(cancelled().catch_if(Failure::is_cancelled, seen)));
        assert!(saw(cancelled().handle(move |outcome| seen(outcome.unwrap_err()))));
        assert!(saw(cancelled().map(|n| n).finally(|| ()).catch(seen)));
        let passes = |mut promise: Typed<u8>| is_cancelled(promise.get(PATIENCE));
        assert!(passes(cancelled().or_else(|_| Ok(1))));
        assert!(passes(cancelled().map_err(|_| String::new())));
        assert!(passes(cancelled().map(|n| n).then(Ok).chain(Ok)));
        assert!(matches!(cancelled().catch(|_| Ok(7)).get(PATIENCE), Ok(7)));
        let log = Log::new();
        let (first, second) = (log.clone(), log.clone());
        let mut beside = cancelled()
            .finally(move || first.add("finally"))
            .inspect(move |outcome| second.add(verdict(outcome)));
        assert!(is_cancelled(beside.get(PATIENCE)));
        assert_eq!(log.entries(), ["finally", "Cancelled"]);
    });
}

/// The same while the job still runs that was cancelled, and also when its promise was got before.
#[test]
fn a_cancelled_promise_continues_while_its_job_runs() {
    watched(|| {
        let pool = Pool::new(2);
        let gate = Gate::new();
        let mut promise = held(&pool, &gate, || Ok(1));
        gate.await_arrival(1);
        promise.cancel();
        assert!(is_cancelled(promise.get(None)));
        let mut caught = promise.map(|n| n).catch(|failure| Err(kind(&failure).to_owned()));
        assert!(crate::common::is_error(caught.get(PATIENCE), "Cancelled"));
        gate.open();
        flush(&pool);
    });
}

/// G10: the fate is sealed at once: what settles it in the same breath is dropped, in silence, once.
#[test]
fn what_settles_it_late_is_dropped() {
    watched(|| {
        let drops = DropCounter::default();
        for end in 0..4 {
            let (deferred, mut promise) = Promise::<_, String>::deferred();
            promise.cancel();
            match end {
                0 => deferred.resolve(drops.token()),
                1 => deferred.settle(Ok(drops.token())),
                2 => deferred.follow(Promise::ready(drops.token())),
                _ => drop((deferred, drops.token())),
            }
            assert_eq!(drops.dropped(), end + 1);
            assert!(is_cancelled(promise.get(None).map(drop)));
        }
    });
}

/// Queued `chain` work never runs once it is cancelled, and is dropped when its turn comes.
#[test]
fn queued_chain_work_is_dropped_at_its_turn() {
    watched(|| {
        let (pool, drops) = (Pool::new(0), DropCounter::default());
        let work = || {
            let token = drops.token();
            move |n: u8| {
                drop(token);
                panic!("it runs, with {n}") as Result<u8, String>
            }
        };
        let promise = Promise::ready(1).chain_on(&pool, work());
        promise.cancel();
        assert!(promise.is_set());
        let promise = Promise::ready(1).chain_on(&pool, work()).map(|n| n);
        promise.cancel();
        assert!(promise.is_set());
        pool.set_worker_count(1);
        flush(&pool);
        assert_eq!(drops.dropped(), 2);
    });
}

/// Cancelling races running: the closure runs or not, once at most, and is dropped once; Cancelled is final either way.
#[test]
fn cancelling_races_running() {
    const ROUNDS: usize = 2_000;
    watched_long(|| {
        let (pool, drops) = (Pool::new(2), DropCounter::default());
        let (ran, cancelled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut expected = 0;
        for round in 0..ROUNDS {
            let (runs, token) = (ran.clone(), drops.token());
            let (beside, both) = (cancelled.clone(), Arc::new(Barrier::new(2)));
            let start = both.clone();
            let job = pool.spawn(move || {
                if round % 2 == 0 {
                    start.wait();
                }
                runs.fetch_add(1, SeqCst);
                Ok::<_, String>(token)
            });
            let kept = drops.token();
            let mut promise = job.map(move |token| (token, kept)).inspect(move |outcome| {
                beside.fetch_add(usize::from(outcome.is_err()), SeqCst);
            });
            if round % 2 == 0 {
                both.wait();
            }
            promise.cancel();
            let outcome = promise.try_get().expect("settled, one way or the other");
            expected += usize::from(outcome.is_err());
            assert!(outcome.is_ok() || is_cancelled(outcome.map(drop)));
        }
        drop(pool);
        assert_eq!(drops.dropped(), 2 * ROUNDS);
        assert!((ROUNDS / 2..=ROUNDS).contains(&ran.load(SeqCst)), "those that were met have run");
        // Less where the last link had run, and was cancelled before it could settle.
        assert!(cancelled.load(SeqCst) <= expected, "a value was told as a cancellation");
    });
}
