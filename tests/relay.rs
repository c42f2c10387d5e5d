//! Pass-through promises: `cancellable`, `shield`, `cancel_on_drop` (conformance G).

mod common;

use asynckit::{AsyncList, Canceller, Failure, Outcome, Pool, Promise};
use common::alloc::{Counter, Counting};
use common::tasks::threads_asleep;
use common::wakers::{CountingWaker, block_on};
use common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, SMALL_STACK, deferred_on, eventually, every_failure,
    flush, held, is_error, kind, named_thread, one_worker, run_on_small_stack, three_cases,
    verdict, watched, watched_long,
};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Typed<T> = Promise<T, String>;

/// A name, and how to put that relay behind a promise.
type Relay<T> = (&'static str, fn(Typed<T>) -> Typed<T>);

/// The relays, none of which is ended here.
fn relays<T: Send + 'static>() -> [Relay<T>; 3] {
    [
        ("cancellable", |promise| promise.cancellable().0),
        ("shield", |promise| promise.shield()),
        ("timeout", |promise| promise.timeout(PATIENCE)),
    ]
}

// ── What comes through ───────────────────────────────────────────────────────────────────────────

#[test]
fn a_value_comes_through_whenever_it_comes() {
    watched(|| {
        for (_, relay) in relays() {
            let check = |mut promise: Typed<u8>| assert!(matches!(promise.get(PATIENCE), Ok(7)));
            three_cases(|| Ok(7), relay, check);
        }
    });
}

#[test]
fn every_failure_comes_through_as_it_is() {
    watched(|| {
        for (name, relay) in relays::<u8>() {
            for (expected, _) in every_failure() {
                let outcome = || {
                    let mut all = every_failure().into_iter();
                    Err(all.find(|entry| entry.0 == expected).unwrap().1)
                };
                let check = |mut promise: Typed<u8>| {
                    assert_eq!(verdict(&promise.get(PATIENCE)), expected, "{name}");
                    assert!(promise.is_error());
                };
                three_cases(outcome, relay, check);
            }
        }
    });
}

#[test]
fn a_failure_brings_the_way_that_it_came() {
    watched(|| {
        for (name, relay) in relays::<u8>() {
            let (deferred, promise) = Typed::deferred();
            let mut promise = relay(promise.map(|n| n)).map(|n| n);
            deferred.reject("no".to_owned());
            assert!(is_error(promise.get(PATIENCE), "no"));
            let way = promise.trace();
            let kinds: Vec<_> = way.steps().map(|step| step.kind()).collect();
            assert_eq!(kinds, ["deferred", "map", name, "map"]);
        }
    });
}

#[test]
fn passing_through_needs_no_worker() {
    watched(|| {
        for (_, relay) in relays() {
            let pool = Pool::new(0);
            let (deferred, promise) = pool.deferred();
            let mut relayed: Typed<u8> = relay(relay(promise));
            deferred.resolve(7);
            assert!(matches!(relayed.try_get(), Some(Ok(7))));
        }
    });
}

#[test]
fn callbacks_behind_a_relay_run_on_the_promises_pool() {
    watched(|| {
        let pool = common::named_pool(1, "behind");
        for (_, relay) in relays::<u8>() {
            let (deferred, promise) = deferred_on(&pool);
            let name = relay(promise).map(|_| thread::current().name().map(str::to_owned));
            deferred.resolve(7);
            let mut name = name;
            assert!(name.get(PATIENCE).unwrap().unwrap().starts_with("behind"));
        }
    });
}

#[test]
fn a_dropped_relay_detaches() {
    watched(|| {
        let pool = one_worker();
        for (_, relay) in relays::<u8>() {
            let gate = Gate::new();
            let seen = Log::new();
            let log = seen.clone();
            let job = held(&pool, &gate, move || {
                log.add("ran");
                Ok(7)
            });
            drop(relay(job));
            gate.open();
            flush(&pool);
            assert_eq!(seen.entries(), ["ran"]);
        }
    });
}

#[test]
fn an_awaited_relay_wakes_its_task() {
    watched(|| {
        for (_, relay) in relays::<u8>() {
            let (deferred, promise) = Typed::deferred();
            let waker = CountingWaker::new();
            let mut promise = relay(promise);
            assert!(waker.poll(&mut promise).is_pending());
            deferred.resolve(7);
            assert_eq!(waker.woken(), 1);
            assert!(matches!(block_on(promise), Ok(7)));
        }
    });
}

// ── Cancelling through relays ────────────────────────────────────────────────────────────────────

/// G7: cancelling the tail reaches the root through every relay but a shield.
#[test]
fn cancelling_downstream_goes_up_through_all_but_a_shield() {
    watched(|| {
        for (name, relay) in relays::<u8>() {
            let (deferred, promise) = Typed::deferred();
            let tail = relay(promise.map(|n| n)).map(|n| n);
            tail.cancel();
            assert!(tail.is_set());
            assert_eq!(deferred.is_cancelled(), name != "shield", "{name}");
        }
    });
}

/// D1 and D2, for relays.
#[test]
fn deep_relays_cost_no_stack() {
    const DEPTH: usize = 20_000;
    fn chain() -> (asynckit::Deferred<usize, String>, Typed<usize>, Vec<Canceller>) {
        let (deferred, mut promise) = Promise::deferred();
        let mut cancellers = Vec::new();
        for _ in 0..DEPTH {
            let (next, canceller) = promise.cancellable();
            promise = next;
            cancellers.push(canceller);
        }
        (deferred, promise, cancellers)
    }
    watched_long(|| {
        run_on_small_stack(SMALL_STACK, || {
            let (deferred, mut promise, _cancellers) = chain();
            deferred.resolve(7);
            assert_eq!(promise.get(PATIENCE).unwrap(), 7);

            let (deferred, mut promise, _cancellers) = chain();
            promise.cancel();
            assert!(deferred.is_cancelled());
            assert!(promise.get(PATIENCE).unwrap_err().is_cancelled());

            let (deferred, mut promise, cancellers) = chain();
            cancellers[DEPTH / 2].cancel();
            assert!(deferred.is_cancelled());
            assert!(promise.get(PATIENCE).unwrap_err().is_cancelled());

            let (deferred, promise, cancellers) = chain();
            drop((promise, cancellers));
            drop(deferred);
        });
    });
}

// ── Canceller ────────────────────────────────────────────────────────────────────────────────────

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

/// It owns nothing: neither promise nor value, and dropping it does nothing.
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

// ── Shield ───────────────────────────────────────────────────────────────────────────────────────

/// G15
#[test]
fn behind_a_shield_the_source_goes_on() {
    watched(|| {
        let pool = one_worker();
        let (gate, seen) = (Gate::new(), Log::new());
        let log = seen.clone();
        let source = held(&pool, &gate, || Ok(7)).map(move |n| log.add(n));
        let mut promise = source.shield();
        promise.cancel();
        assert!(promise.get(None).unwrap_err().is_cancelled());
        gate.open();
        flush(&pool);
        assert_eq!(seen.entries(), [7]);
    });
}

/// I1 and G15: what comes after the cancellation is dropped like that of a detached promise.
#[test]
fn a_failure_that_comes_after_the_shield_was_cancelled_is_reported() {
    watched(|| {
        let reports = Log::new();
        let log = reports.clone();
        asynckit::set_unobserved_hook(move |lost| log.add(lost.to_string()));
        let (deferred, promise) = Typed::<u8>::deferred();
        let shielded = promise.shield();
        shielded.cancel();
        drop(shielded);
        deferred.reject("after the shield".to_owned());
        let (deferred, promise) = Typed::<u8>::deferred();
        let (cancelled, canceller) = promise.cancellable();
        canceller.cancel();
        deferred.reject("after the canceller".to_owned());
        drop(cancelled);
        let of_ours = |text: &String| text.starts_with("after the");
        let seen: Vec<_> = reports.entries().into_iter().filter(of_ours).collect();
        assert_eq!(seen, ["after the shield"]);
    });
}

// ── CancelOnDrop ─────────────────────────────────────────────────────────────────────────────────

#[test]
fn dropping_cancels() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut guarded = promise.cancel_on_drop();
        assert!(!guarded.is_set());
        assert!(guarded.get(MOMENT).unwrap_err().is_timed_out());
        assert!(format!("{guarded:?}").starts_with("CancelOnDrop(Promise(pending"));
        drop(guarded);
        assert!(deferred.is_cancelled());
    });
}

/// F14: dropping the `.await` half-way stops.
#[test]
fn dropping_a_future_half_way_cancels() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut guarded = promise.cancel_on_drop();
        let waker = CountingWaker::new();
        assert!(waker.poll(&mut guarded).is_pending());
        drop(guarded);
        assert!(deferred.is_cancelled());
        assert_eq!(Arc::strong_count(&waker), 1, "no waker is left");
    });
}

#[test]
fn taken_out_or_settled_it_cancels_nothing() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        drop(promise.cancel_on_drop().into_inner());
        assert!(!deferred.is_cancelled());

        let (deferred, promise) = Typed::<u8>::deferred();
        let guarded = promise.cancel_on_drop();
        deferred.resolve(7);
        assert!(matches!(block_on(guarded), Ok(7)));

        let mut guarded = Typed::<u8>::settled(Ok(7)).cancel_on_drop();
        assert!(matches!(guarded.try_get(), Some(Ok(7))));
    });
}
