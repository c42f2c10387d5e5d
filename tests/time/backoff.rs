//! How long to wait before the next attempt: `Backoff`, and other iterators (conformance H16).

use crate::common::{Gate, PATIENCE, flush, is_error, one_worker, watched};
use asynckit::{Backoff, Pool, Promise, retry};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

const NONE: Duration = Duration::ZERO;
const SHORT: Duration = Duration::from_millis(10);

fn no(number: u32) -> Typed<u32> {
    Promise::failed(format!("no {number}"))
}

// ── Backoff ──────────────────────────────────────────────────────────────────────────────────────

fn millis(backoff: Backoff, count: usize) -> Vec<u128> {
    backoff.take(count).map(|pause| pause.as_millis()).collect()
}

/// H16
#[test]
fn pauses_double_up_to_the_cap() {
    let backoff = Backoff::exponential(Duration::from_millis(100)).cap(Duration::from_secs(1));
    assert_eq!(millis(backoff.clone(), 6), [100, 200, 400, 800, 1000, 1000]);
    assert_eq!(millis(backoff.times(3), 6), [100, 200, 400]);
    assert_eq!(millis(Backoff::constant(Duration::from_millis(7)), 3), [7, 7, 7]);
    let smaller = Backoff::constant(Duration::from_millis(7)).cap(Duration::from_millis(5));
    assert_eq!(millis(smaller, 2), [5, 5]);
}

/// H16
#[test]
fn no_attempt_overflows() {
    let uncapped = Backoff::exponential(Duration::from_nanos(1));
    let pauses: Vec<_> = uncapped.take(1025).collect();
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
    assert_eq!(pauses[1000], Duration::MAX);
    let one = Duration::from_millis(1);
    assert_eq!(Backoff::exponential(one).cap(PATIENCE).nth(80), Some(PATIENCE));
    let longest = Duration::from_millis(i64::MAX as u64);
    let mut capped = Backoff::exponential(one).cap(longest);
    assert!(capped.nth(62).is_some_and(|pause| pause < longest));
    assert_eq!(capped.next(), Some(longest));
    assert!(Backoff::exponential(NONE).take(1025).all(|pause| pause.is_zero()));
    let jittered = Backoff::exponential(Duration::from_nanos(1)).full_jitter();
    assert!(jittered.take(1025).any(|pause| pause > Duration::from_secs(1 << 40)), "no overflow");
    assert!(Backoff::exponential(NONE).full_jitter().take(1025).all(|pause| pause.is_zero()));
}

/// H16
#[test]
fn jitter_stays_in_bounds_and_spreads() {
    let most = Duration::from_millis(800);
    let backoff = || Backoff::exponential(Duration::from_millis(100)).cap(most);
    for seed in 0..100 {
        let pauses: Vec<_> = backoff().seeded_jitter(seed).take(50).collect();
        let bounds = backoff().take(50);
        assert!(pauses.iter().zip(bounds).all(|(pause, bound)| *pause <= bound));
        assert_eq!(pauses, backoff().seeded_jitter(seed).take(50).collect::<Vec<_>>());
    }
    let all: Vec<_> = Backoff::constant(most).full_jitter().take(10_000).collect();
    let mean = all.iter().sum::<Duration>() / 10_000;
    assert!(mean > most * 2 / 5 && mean < most * 3 / 5, "{mean:?}");
    assert!(all.iter().any(|pause| *pause < most / 20));
    assert!(all.iter().any(|pause| *pause > most * 19 / 20));
    let other: Vec<_> = Backoff::constant(most).full_jitter().take(10_000).collect();
    assert_ne!(all, other, "each has a seed of its own");
}

#[test]
fn a_backoff_knows_how_long_it_is() {
    let backoff = Backoff::constant(SHORT);
    assert_eq!(backoff.size_hint(), (usize::MAX, None));
    let mut three = backoff.times(3);
    assert_eq!(three.size_hint(), (3, Some(3)));
    assert_eq!(three.by_ref().count(), 3);
    assert_eq!(three.next(), None, "it stays at its end");
}

/// The shape that backon gives its backoffs: a builder of settings, and a struct of its own that iterates, random numbers within.
struct Foreign {
    current: Duration,
    factor: f32,
    left: usize,
}

impl Iterator for Foreign {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let pause = self.current;
        self.current = pause.mul_f32(self.factor);
        Some(pause)
    }
}

#[test]
fn the_backoff_of_another_crate_is_one() {
    watched(|| {
        let foreign = Foreign { current: Duration::from_nanos(1), factor: 1.5, left: 3 };
        assert!(is_error(retry(foreign, no).get(PATIENCE), "no 4"));
        let boxed: Box<dyn Iterator<Item = Duration> + Send> = Box::new(Some(NONE).into_iter());
        assert!(is_error(retry(boxed, no).get(PATIENCE), "no 2"));
    });
}

#[test]
fn any_iterator_of_durations_is_a_backoff() {
    watched(|| {
        assert!(is_error(retry(vec![NONE, NONE], no).get(PATIENCE), "no 3"));
        assert!(is_error(retry((0..4).map(|_| NONE), no).get(PATIENCE), "no 5"));
        assert!(is_error(retry(None, no).get(PATIENCE), "no 1"));
        assert!(is_error(retry(Backoff::constant(NONE).take(1), no).get(PATIENCE), "no 2"));
    });
}

#[test]
fn a_pause_takes_no_worker() {
    watched(|| {
        let pool: Pool = one_worker();
        let (on, gate) = (pool.clone(), Gate::new());
        let retried = retry([PATIENCE], move |_| on.spawn(|| Err::<u8, _>("no".to_owned())));
        flush(&pool);
        gate.open();
        assert!(!retried.is_set());
        retried.cancel();
    });
}

/// One backoff, cloned for each call, is how it is used: the calls must not come back together.
#[test]
fn clones_draw_pauses_of_their_own() {
    let backoff = Backoff::constant(Duration::from_secs(1)).full_jitter().times(20);
    let first: Vec<_> = backoff.clone().collect();
    let second: Vec<_> = backoff.clone().collect();
    assert_ne!(first, second);
    let seeded = Backoff::constant(Duration::from_secs(1)).seeded_jitter(7).times(20);
    assert!(seeded.clone().eq(seeded));
}
