//! Pass-through promises: what comes through `cancellable`, `shield` and `timeout` (conformance D1, D2, G7).

use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{
    Gate, Log, PATIENCE, SMALL_STACK, deferred_on, every_failure, flush, held, is_error,
    one_worker, run_on_small_stack, three_cases, verdict, watched, watched_long,
};
use asynckit::{Canceller, Pool, Promise};
use std::thread;

type Typed<T> = Promise<T, String>;

/// A name, and how to put that relay behind a promise.
type Relay<T> = (&'static str, fn(Typed<T>) -> Typed<T>);

/// The relays, none of which is ended here.
fn relays<T: Send + 'static>() -> [Relay<T>; 4] {
    [
        ("cancellable", |promise| promise.cancellable().0),
        ("shield", |promise| promise.shield()),
        ("on_cancel", |promise| promise.on_cancel(|| panic!("nothing is cancelled"))),
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
        let pool = crate::common::named_pool(1, "behind");
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
