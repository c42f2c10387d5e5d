//! `Promise::shield` and `cancel_on_drop`: what stops where somebody gives up, and what does not (conformance F14, G15, I1).

use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{Gate, Log, MOMENT, flush, held, one_worker, watched};
use asynckit::Promise;
use std::sync::Arc;

type Typed<T> = Promise<T, String>;

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
