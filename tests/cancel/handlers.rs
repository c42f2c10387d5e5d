//! What a cancellation tells: `Deferred::on_cancel`, and the tokens of `spawn_cancellable`.

use crate::common::{
    Bomb, DropCounter, Gate, Log, PATIENCE, eventually, flush, named_thread, one_worker, watched,
};
use asynckit::{CancelToken, Deferred, Failure, Pool, Promise};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

type Typed<T> = Promise<T, String>;

fn is_cancelled<T>(outcome: Result<T, Failure<String>>) -> bool {
    outcome.is_err_and(|failure| failure.is_cancelled())
}

fn add(deferred: &mut Deferred<u8, String>, log: &Log<u8>, n: u8) {
    let log = log.clone();
    deferred.on_cancel(move || log.add(n));
}

/// G3, G6: handlers run inside `cancel`, on its thread, in the order of registration, once; a late one at once.
#[test]
fn handlers_run_inside_cancel_in_order() {
    watched(|| {
        let (mut deferred, promise) = Typed::<u8>::deferred();
        let (log, threads) = (Log::new(), Log::new());
        for n in 0..5 {
            add(&mut deferred, &log, n);
        }
        let on = threads.clone();
        deferred.on_cancel(move || on.add(thread::current().id()));
        assert!(log.entries().is_empty() && !deferred.is_cancelled());
        promise.cancel();
        assert_eq!(log.entries(), [0, 1, 2, 3, 4]);
        assert_eq!(threads.entries(), [thread::current().id()]);
        assert!(deferred.is_cancelled());
        add(&mut deferred, &log, 5);
        assert_eq!(log.entries(), [0, 1, 2, 3, 4, 5]);
        promise.cancel();
        assert_eq!(log.entries().len(), 6);
        assert_eq!(format!("{deferred:?}"), "Deferred(cancelled)");
    });
}

/// G3: also while the promise waits for another one, in the order in which they follow each other, in whichever order
/// that was made; what is left over when they have settled is dropped.
#[test]
fn handlers_stay_when_the_promise_follows_another_one() {
    watched(|| {
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0], [0, 2, 1], [2, 0, 1]] {
            for cancelled in [true, false] {
                let (log, dropped) = (Log::new(), DropCounter::default());
                let mut pairs: Vec<_> = (0..3).map(|_| Typed::<u8>::deferred()).collect();
                for (n, (deferred, _)) in (0..).zip(&mut pairs) {
                    add(deferred, &log, n);
                    let token = dropped.token();
                    deferred.on_cancel(move || drop(token));
                }
                let (source, job) = Typed::<u8>::deferred();
                let (deferreds, promises): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
                let mut deferreds: Vec<_> = deferreds.into_iter().map(Some).collect();
                let mut promises: Vec<_> = promises.into_iter().chain([job]).map(Some).collect();
                for n in order {
                    deferreds[n].take().unwrap().follow(promises[n + 1].take().unwrap());
                }
                let mut first = promises[0].take().unwrap();
                assert_eq!((log.entries().len(), dropped.dropped()), (0, 0));
                if cancelled {
                    first.cancel();
                    assert_eq!(log.entries(), [0, 1, 2], "{order:?}");
                    assert!(source.is_cancelled());
                } else {
                    source.resolve(7);
                    assert_eq!(first.get(PATIENCE).unwrap(), 7);
                    assert!(log.entries().is_empty());
                }
                assert_eq!(dropped.dropped(), 3, "{order:?}, cancelled: {cancelled}");
            }
        }
    });
}

/// Also where the cancellation, the following and the outcome come at the same time.
#[test]
fn handlers_of_one_that_follows_run_or_are_dropped_once() {
    watched(|| {
        let (ran, dropped) = (Log::new(), DropCounter::default());
        for n in 0..3_000 {
            let (mut outer, promise) = Typed::<u8>::deferred();
            let (mut inner, middle) = Typed::<u8>::deferred();
            let (source, job) = Typed::<u8>::deferred();
            for deferred in [&mut outer, &mut inner] {
                let (ran, token) = (ran.clone(), dropped.token());
                deferred.on_cancel(move || {
                    let _token = token;
                    ran.add(());
                });
            }
            outer.follow(middle);
            let start = Arc::new(Barrier::new(3));
            let (here, there) = (start.clone(), start.clone());
            let follows = named_thread("follows", move || (here.wait(), inner.follow(job)));
            let settles = named_thread("settles", move || {
                there.wait();
                if n % 2 == 0 { source.resolve(1) } else { drop(source) }
            });
            start.wait();
            promise.cancel();
            let settled = promise.is_set();
            follows.join().unwrap();
            settles.join().unwrap();
            assert!(settled);
            assert_eq!(dropped.dropped(), 2 * (n + 1), "round {n}");
        }
        assert!(!ran.entries().is_empty(), "in some of the rounds they run");
    });
}

/// The promise is settled, and the deferred tells so, when the handlers run; who waits is not kept waiting by them.
#[test]
fn the_promise_is_settled_when_its_handlers_run() {
    watched(|| {
        let (mut deferred, promise) = Typed::<u8>::deferred();
        let promise = Arc::new(promise);
        let (asks, seen) = (Arc::downgrade(&promise), Log::new());
        let sees = seen.clone();
        deferred.on_cancel(move || sees.add(asks.upgrade().is_some_and(|p| p.is_set())));
        promise.cancel();
        assert_eq!(seen.entries(), [true]);
    });
}

/// G6, D16: not after it has settled: those that are left are dropped, when it settles.
#[test]
fn handlers_left_over_are_dropped() {
    watched(|| {
        for end in 0..4 {
            let (drops, ran) = (DropCounter::default(), Arc::new(AtomicBool::new(false)));
            let (mut deferred, promise) = Typed::<u8>::deferred();
            for _ in 0..3 {
                let (token, ran) = (drops.token(), ran.clone());
                deferred.on_cancel(move || {
                    drop(token);
                    ran.store(true, SeqCst);
                });
            }
            match end {
                0 => deferred.resolve(1),
                1 => deferred.reject("no".to_owned()),
                2 => deferred.follow(Promise::ready(1)),
                _ => drop(deferred),
            }
            assert_eq!(drops.dropped(), 3, "end {end}");
            promise.cancel();
            assert!(!ran.load(SeqCst));
        }
    });
}

/// Panics of handlers, and of what they capture when it is dropped, are contained; the others run.
#[test]
fn panics_of_handlers_are_contained() {
    watched(|| {
        let (mut deferred, promise) = Typed::<u8>::deferred();
        let log = Log::new();
        add(&mut deferred, &log, 0);
        deferred.on_cancel(|| panic!("the handler"));
        let bomb = Bomb;
        deferred.on_cancel(move || drop(bomb));
        add(&mut deferred, &log, 1);
        promise.cancel();
        deferred.on_cancel(|| panic!("a late handler"));
        assert_eq!(log.entries(), [0, 1]);
        let (mut deferred, promise) = Typed::<u8>::deferred();
        let (bomb, log) = (Bomb, Log::new());
        deferred.on_cancel(move || drop(bomb));
        add(&mut deferred, &log, 0);
        deferred.resolve(3);
        assert!(matches!({ promise }.get(None), Ok(3)));
        assert!(log.entries().is_empty());
    });
}

/// No lock is held: a handler may take one that the canceller's caller does not hold, and use the library as it likes.
#[test]
fn a_handler_may_use_the_library() {
    watched(|| {
        let pool = one_worker();
        let (mut deferred, promise) = Typed::<u8>::deferred();
        let (other, mut others) = Typed::<u8>::deferred();
        let (third, thirds) = Typed::<u8>::deferred();
        let (own, seen, lock) = (pool.clone(), Log::new(), Arc::new(Mutex::new(())));
        let sees = seen.clone();
        deferred.on_cancel(move || {
            let _held = lock.lock().unwrap();
            other.resolve(1);
            thirds.cancel();
            drop(thirds);
            drop(Typed::<u8>::deferred().1.map(|n| n).share());
            sees.add(own.run(|| 3).get(PATIENCE).unwrap());
        });
        promise.map(|n| n).cancel();
        assert_eq!(seen.entries(), [3]);
        assert!(matches!(others.get(None), Ok(1)));
        assert!(third.is_cancelled());
    });
}

/// A handler that cancels others: theirs run, too, before the first `cancel` returns; a million deep, without a stack.
#[test]
fn handlers_that_cancel_others_do_not_nest() {
    const DEEP: usize = if cfg!(miri) { 100 } else { 100_000 };
    crate::common::watched_long(|| {
        crate::common::run_on_small_stack(crate::common::SMALL_STACK, || {
            let log = Log::new();
            let (mut first, mut promise) = Typed::<u8>::deferred();
            add(&mut first, &log, 1);
            let mut deferreds = vec![first];
            for _ in 0..DEEP {
                let (mut deferred, next) = Typed::<u8>::deferred();
                deferred.on_cancel(move || promise.cancel());
                promise = next;
                deferreds.push(deferred);
            }
            promise.cancel();
            assert_eq!(log.entries(), [1]);
            assert!(deferreds.iter().all(Deferred::is_cancelled));
        });
    });
}

/// A `cancel` inside a handler: it settles, and drops what is queued, before it returns.
#[test]
fn a_cancel_in_a_handler_is_as_good_as_any() {
    watched(|| {
        let (pool, drops, seen) = (Pool::new(0), DropCounter::default(), Log::new());
        let (plain, with_token) = (drops.token(), drops.token());
        let job: Typed<u8> = pool.spawn(move || {
            drop(plain);
            Ok(1)
        });
        let told: Typed<u8> = pool.spawn_cancellable(move |_| {
            drop(with_token);
            Ok(1)
        });
        let list: asynckit::AsyncList<u8, String> = [job].into_iter().collect();
        let join = list.join();
        let (mut deferred, promise) = Typed::<u8>::deferred();
        let (sees, counts) = (seen.clone(), drops.clone());
        deferred.on_cancel(move || {
            told.cancel();
            sees.add(counts.dropped());
            join.cancel();
            sees.add(counts.dropped());
        });
        promise.cancel();
        assert_eq!(drops.dropped(), 2);
        assert_eq!(seen.entries(), [1, 2]);
    });
}

/// `on_cancel` races `cancel`: each handler runs once, whichever is first.
#[test]
fn adding_a_handler_races_cancelling() {
    watched(|| {
        for _ in 0..2_000 {
            let (mut deferred, promise) = Typed::<u8>::deferred();
            let log = Log::new();
            let canceller = named_thread("canceller", move || promise.cancel());
            for n in 0..10 {
                add(&mut deferred, &log, n);
            }
            canceller.join().unwrap();
            let mut ran = log.entries();
            ran.sort_unstable();
            assert_eq!(ran, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        }
    });
}

// ── Tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────

/// A job that waits at a gate, with its token handed out.
fn running(pool: &Pool, gate: &Gate) -> (Typed<u8>, CancelToken) {
    let (key, (hand, over)) = (gate.key(), channel());
    let promise = pool.spawn_cancellable(move |token| {
        hand.send(token.clone()).unwrap();
        key.wait();
        Ok(1)
    });
    (promise, over.recv_timeout(PATIENCE).expect("it begins"))
}

/// A running job sees that it was cancelled, and its promise is settled at once, whatever it gives.
#[test]
fn a_running_job_is_told_by_its_token() {
    watched(|| {
        let pool = one_worker();
        let (begun, begins) = channel();
        let mut promise = pool.spawn_cancellable(move |token| {
            assert!(!token.is_cancelled());
            begun.send(()).unwrap();
            while !token.is_cancelled() {
                thread::yield_now();
            }
            Ok::<u8, String>(1)
        });
        begins.recv().unwrap();
        promise.cancel();
        assert!(is_cancelled(promise.get(None)));
        flush(&pool);
        assert!(is_cancelled(promise.get(None)));
    });
}

/// Handlers of a token run inside `cancel`, in order; a late one at once; panics are contained.
#[test]
fn handlers_of_a_token_run_inside_cancel() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let (promise, token) = running(&pool, &gate);
        let log = Log::new();
        let note = |n: u8| {
            let log = log.clone();
            move || log.add((n, thread::current().id()))
        };
        token.on_cancel(note(0));
        token.on_cancel(|| panic!("the handler"));
        token.clone().on_cancel(note(1));
        let again = token.clone();
        let late = note(2);
        token.on_cancel(move || again.on_cancel(late));
        promise.map(|n| n).cancel();
        token.on_cancel(note(3));
        token.on_cancel(|| panic!("a late handler"));
        let here = thread::current().id();
        assert_eq!(log.entries(), [(0, here), (1, here), (2, here), (3, here)]);
        assert_eq!(format!("{token:?}"), "CancelToken(cancelled)");
    });
}

/// A handler left over when the job ends is dropped then; so is one that comes later; a later cancel tells nobody.
#[test]
fn handlers_left_over_when_a_job_ends_are_dropped() {
    watched(|| {
        let pool = one_worker();
        let (gate, drops) = (Gate::new(), DropCounter::default());
        let (mut promise, token) = running(&pool, &gate);
        let handler = || {
            let token = drops.token();
            move || {
                drop(token);
                panic!("it runs")
            }
        };
        token.on_cancel(handler());
        let bomb = Bomb;
        token.on_cancel(move || drop(bomb));
        token.on_cancel(handler());
        assert_eq!(drops.dropped(), 0);
        gate.open();
        assert!(promise.get(PATIENCE).is_ok());
        assert_eq!(drops.dropped(), 2);
        token.on_cancel(handler());
        assert_eq!(drops.dropped(), 3);
        promise.cancel();
        assert!(!token.is_cancelled());
        assert_eq!(format!("{token:?}"), "CancelToken(wanted)");
    });
}

/// A job that panics ends, too.
#[test]
fn a_job_that_panics_drops_its_handlers() {
    watched(|| {
        crate::common::survives(|pool| {
            let drops = DropCounter::default();
            let held = drops.token();
            let mut promise = pool.spawn_cancellable(move |token| -> Result<u8, String> {
                token.on_cancel(move || drop(held));
                panic!("on purpose")
            });
            assert!(promise.get(PATIENCE).unwrap_err().is_panicked());
            assert_eq!(drops.dropped(), 1);
        });
    });
}

/// Queued, it never runs, and its closure is dropped before `cancel` returns.
#[test]
fn a_queued_job_with_a_token_never_runs() {
    watched(|| {
        let (pool, drops) = (Pool::new(0), DropCounter::default());
        let token = drops.token();
        let mut promise = pool.spawn_cancellable(move |_| -> Result<u8, String> {
            drop(token);
            panic!("it runs")
        });
        promise.cancel();
        assert_eq!(drops.dropped(), 1);
        assert!(is_cancelled(promise.get(None)));
        pool.set_worker_count(1);
        flush(&pool);
    });
}

/// What such a job has adopted is cancelled with it.
#[test]
fn what_a_job_with_a_token_adopts_is_cancelled() {
    watched(|| {
        let pool = one_worker();
        let (deferred, inner) = Typed::<u8>::deferred();
        let promise = pool.spawn_cancellable(move |_| inner.map(|n| n));
        flush(&pool);
        promise.cancel();
        assert!(deferred.is_cancelled());
    });
}

/// A handler may end the job: it is waited for nowhere.
#[test]
fn a_handler_of_a_token_may_end_its_job() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let (promise, token) = running(&pool, &gate);
        let ended = Arc::new(AtomicBool::new(false));
        let (own, tells) = (pool.clone(), ended.clone());
        token.on_cancel(move || {
            gate.open();
            own.run(|| ()).get(PATIENCE).unwrap();
            tells.store(true, SeqCst);
        });
        promise.cancel();
        assert!(ended.load(SeqCst));
        eventually("the token is dropped", || !token.is_cancelled() || ended.load(SeqCst));
    });
}
