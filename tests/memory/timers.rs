//! What timers leave behind: nothing, in whichever way they end.

use crate::common::alloc::Counter;
use crate::common::{PATIENCE, watched_long};
use asynckit::{Deferred, Promise};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Waker};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// How many of each; a million in a release build.
const MANY: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

/// The tests share one timer, those of retries too: what one of them has asked for, another could give back.
pub(super) static ALONE: Mutex<()> = Mutex::new(());

/// Does something very often, and checks that what it has allocated is the same afterwards.
fn leaves_nothing(work: impl Fn()) {
    let _alone = ALONE.lock();
    let counter = Counter::leaked();
    counter.count_this_thread();
    (0..1000).for_each(|_| work());
    let before = counter.live_bytes();
    (0..MANY).for_each(|_| work());
    assert_eq!(counter.live_bytes(), before);
}

/// Dropped before they are due, they do not pile up: no more than some dozens are left at any time.
#[test]
fn delays_that_are_dropped() {
    watched_long(|| {
        let _alone = ALONE.lock();
        let counter = Counter::leaked();
        counter.count_this_thread();
        for _ in 0..MANY / 10 {
            drop(Typed::delay(Duration::MAX));
            drop(Typed::ready(vec![7]).delay_value(Duration::MAX));
            let mut selected = pin!(async { Typed::delay(PATIENCE).await });
            let mut context = Context::from_waker(Waker::noop());
            assert!(selected.as_mut().poll(&mut context).is_pending());
        }
        let left = counter.live_bytes();
        assert!(left < 256 * 1024, "{left} bytes");
    });
}

/// H1
#[test]
fn timeouts_of_what_is_done_in_time() {
    watched_long(|| {
        leaves_nothing(|| {
            let (deferred, promise) = Typed::deferred();
            let mut promise = promise.timeout(PATIENCE);
            deferred.resolve(7);
            assert!(promise.get(None).is_ok());
        });
    });
}

/// A million timeouts that pass; here, because the timer's thread is not counted.
#[test]
fn timeouts_that_pass() {
    watched_long(|| {
        leaves_nothing(|| {
            let (_deferred, promise): (Deferred<u8, String>, _) = Typed::deferred();
            let mut promise = promise.timeout(Duration::ZERO);
            assert!(promise.get(None).unwrap_err().is_timed_out());
        });
    });
}

/// H9
#[test]
fn delays_that_are_cancelled() {
    watched_long(|| leaves_nothing(|| Typed::delay(PATIENCE).cancel()));
}

#[test]
fn waits_with_a_timeout_that_passes() {
    watched_long(|| {
        let (_deferred, promise): (Deferred<u8, String>, _) = Typed::deferred();
        let promise = Mutex::new(promise);
        leaves_nothing(move || {
            let mut promise = promise.lock().unwrap();
            assert!(promise.get(Duration::from_nanos(1)).unwrap_err().is_timed_out());
        });
    });
}

/// A million at once, all pending; then given up. The timer's queue shrinks with them.
#[test]
fn many_at_once() {
    watched_long(|| {
        let _alone = ALONE.lock();
        let counter = Counter::leaked();
        counter.count_this_thread();
        let round = || {
            let seconds = |n: usize| PATIENCE + Duration::from_secs(n as u64 * 7 % 100);
            let pending: Vec<Typed<()>> =
                (0..MANY / 10).map(|n| Typed::delay(seconds(n))).collect();
            pending.iter().for_each(Promise::cancel);
        };
        round();
        let before = counter.live_bytes();
        round();
        assert_eq!(counter.live_bytes(), before);
    });
}
