//! `Promise::cancellable`: cancelling from anywhere (conformance A5, F3, G1, G2, G6).

use crate::common::alloc::Counter;
use crate::common::tasks::threads_asleep;
use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{
    DropCounter, Gate, PATIENCE, eventually, flush, is_error, kind, named_thread, one_worker,
    watched, watched_long,
};
use asynckit::{AsyncList, Canceller, Failure, Outcome, Pool, Promise};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

type Typed<T> = Promise<T, String>;

#[test]
fn a_canceller_goes_anywhere() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    anywhere::<Canceller>();
    assert_eq!(format!("{:?}", Promise::<u8>::ready(7).cancellable().1), "Canceller { .. }");
}

#[test]
fn a_canceller_cancels_the_promise_and_what_is_upstream() {
    watched(|| {
        let pool = Pool::new(0);
        let counter = DropCounter::default();
        let token = counter.token();
        let queued = pool.run(move || drop(token));
        let (mut promise, canceller) = queued.map(|()| unreachable!()).cancellable();
        canceller.cancel();
        assert!(promise.is_set());
        assert!(matches!(promise.get(None), Err::<(), _>(Failure::Cancelled)));
        assert_eq!(counter.dropped(), 1, "queued work is dropped before cancel returns");
    });
}

/// F3 and G1: also while somebody waits, for the promise or for what was derived from it.
#[test]
fn a_canceller_ends_a_wait() {
    watched(|| {
        let (_deferred, promise) = Typed::<u8>::deferred();
        let (promise, canceller) = promise.cancellable();
        let waiter = named_thread("cancel-waiter", move || {
            let mut derived = promise.map(|n| n).catch(|failure| Err(kind(&failure).to_owned()));
            derived.get(PATIENCE)
        });
        eventually("the waiter sleeps", || threads_asleep("cancel-waiter") == 1);
        canceller.clone().cancel();
        assert!(is_error(waiter.join().unwrap(), "Cancelled"), "catch sees the cancellation");
    });
}

#[test]
fn a_canceller_ends_an_await() {
    watched(|| {
        let (_deferred, promise) = Typed::<u8>::deferred();
        let (mut promise, canceller) = promise.cancellable();
        let waker = CountingWaker::new();
        assert!(waker.poll(&mut promise).is_pending());
        canceller.cancel();
        assert_eq!(waker.woken(), 1);
        assert!(block_on(promise).unwrap_err().is_cancelled());
    });
}

#[test]
fn a_canceller_reaches_a_promise_that_was_joined_and_one_that_was_shared() {
    watched(|| {
        let (_first, promise) = Typed::<u8>::deferred();
        let (second, other) = Typed::<u8>::deferred();
        let (promise, canceller) = promise.cancellable();
        let mut list: Typed<Vec<u8>> = AsyncList::from_iter([promise, other]).join();
        canceller.cancel();
        assert!(list.get(PATIENCE).unwrap_err().is_cancelled());
        assert!(second.is_cancelled(), "a failed join cancels");

        let (_deferred, promise) = Typed::<u8>::deferred();
        let (promise, canceller) = promise.cancellable();
        let shared = promise.share();
        let mut branch = shared.map(|n| *n);
        canceller.cancel();
        assert!(shared.get(PATIENCE).unwrap_err().is_cancelled());
        assert!(branch.get(PATIENCE).unwrap_err().is_cancelled());
    });
}

/// G2 and G6: after the promise has settled it does nothing; twice is once.
#[test]
fn a_canceller_comes_too_late_or_twice() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let (mut promise, canceller) = promise.cancellable();
        deferred.resolve(7);
        canceller.cancel();
        assert!(matches!(promise.get(None), Ok(7)));

        let (mut deferred, promise) = Typed::<u8>::deferred();
        let called = Arc::new(AtomicUsize::new(0));
        let count = called.clone();
        deferred.on_cancel(move || _ = count.fetch_add(1, SeqCst));
        let (mut promise, canceller) = promise.cancellable();
        canceller.cancel();
        canceller.clone().cancel();
        promise.cancel();
        assert_eq!(called.load(SeqCst), 1);
        deferred.resolve(8);
        assert!(promise.get(None).unwrap_err().is_cancelled());

        let (mut promise, canceller) = Typed::<u8>::settled(Ok(9)).cancellable();
        canceller.cancel();
        assert!(matches!(promise.get(None), Ok(9)));
    });
}

/// A running job goes on, and its result is dropped (G14).
#[test]
fn a_canceller_does_not_wait_for_what_runs() {
    watched(|| {
        let pool = one_worker();
        let (gate, counter) = (Gate::new(), DropCounter::default());
        let (key, token) = (gate.key(), counter.token());
        let running = pool.spawn(move || {
            key.wait();
            Ok::<_, String>(token)
        });
        let (mut promise, canceller) = running.cancellable();
        gate.await_arrival(1);
        canceller.cancel();
        assert!(promise.get(None).unwrap_err().is_cancelled());
        assert_eq!(counter.dropped(), 0);
        gate.open();
        flush(&pool);
        assert_eq!(counter.dropped(), 1);
    });
}

/// D16: it owns nothing: neither promise nor value, and dropping it does nothing.
#[test]
fn a_canceller_owns_nothing() {
    watched(|| {
        let counter = DropCounter::default();
        let (deferred, promise) = Typed::deferred();
        let (promise, canceller) = promise.cancellable();
        drop(promise);
        deferred.resolve(counter.token());
        assert_eq!(counter.dropped(), 1, "the value is dropped where nobody wants it");
        canceller.cancel();

        let (deferred, promise) = Typed::deferred();
        let (mut promise, canceller) = promise.cancellable();
        deferred.resolve(counter.token());
        drop(promise.get(None));
        assert_eq!(counter.dropped(), 2);
        drop(canceller);

        let (deferred, promise) = Typed::deferred();
        let (mut promise, canceller) = promise.cancellable();
        drop(canceller);
        deferred.resolve(7);
        assert!(matches!(promise.get(None), Ok(7)));
    });
}

#[test]
fn settled_relays_leave_no_memory_behind() {
    watched_long(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let round = |end: fn(Canceller, asynckit::Deferred<Box<u8>, String>)| {
            let (deferred, promise) = Typed::deferred();
            let (mut promise, canceller) = promise.shield().cancellable();
            end(canceller, deferred);
            promise.get(None).is_ok()
        };
        let rounds = || {
            for _ in 0..1000 {
                assert!(round(|_, deferred| deferred.resolve(Box::new(7))));
                assert!(!round(|_, deferred| deferred.reject("no".to_owned())));
                assert!(!round(|canceller, _| canceller.cancel()));
            }
        };
        rounds();
        let before = counter.live_bytes();
        rounds();
        assert_eq!(counter.live_bytes(), before);
    });
}

/// What is upstream has been cancelled when a waiter sees the failure.
#[test]
fn upstream_is_cancelled_when_the_failure_is_seen() {
    watched(|| {
        for _ in 0..200 {
            let (deferred, promise) = Typed::<u8>::deferred();
            let (mut promise, canceller) = promise.cancellable();
            let other = thread::spawn(move || canceller.cancel());
            assert!(promise.get(None).unwrap_err().is_cancelled());
            assert!(deferred.is_cancelled());
            other.join().unwrap();
        }
    });
}

/// A5, for relays: whoever comes first, every observer sees one outcome, and nothing is lost.
#[test]
fn racing_cancellers_and_values_leave_one_outcome() {
    watched_long(|| {
        let counter = DropCounter::default();
        const ROUNDS: usize = 2_000;
        for round in 0..ROUNDS {
            let (deferred, promise) = Typed::deferred();
            let (promise, canceller) = promise.cancellable();
            let start = Arc::new(Barrier::new(3));
            let (first, second, token) = (start.clone(), start.clone(), counter.token());
            let settler = thread::spawn(move || {
                first.wait();
                deferred.resolve(token);
            });
            let ender = thread::spawn(move || {
                second.wait();
                canceller.cancel();
            });
            let mut promise = if round % 2 == 0 { promise } else { promise.map(|token| token) };
            start.wait();
            let outcome: Outcome<_, String> = promise.get(PATIENCE);
            assert!(matches!(&outcome, Ok(_) | Err(Failure::Cancelled)));
            drop((outcome, promise));
            settler.join().unwrap();
            ender.join().unwrap();
        }
        eventually("every value is dropped", || counter.dropped() == ROUNDS);
    });
}
