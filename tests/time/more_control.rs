//! What a caller may say beyond the usual: a verdict that takes time, another factor, a fallback in place of a timeout.

use crate::common::{Log, PATIENCE, one_worker, watched};
use asynckit::{Backoff, Failure, Promise, retry_when};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

const ZEROS: [Duration; 9] = [Duration::ZERO; 9];

/// Fails until the third attempt.
fn third(number: u32) -> Typed<u32> {
    if number < 3 { Promise::failed(format!("no {number}")) } else { Promise::ready(number) }
}

#[test]
fn a_retry_shows_each_failed_attempt() {
    watched(|| {
        let log = Log::new();
        let sees = log.clone();
        let decide = move |number, error: &String| {
            sees.add((number, error.clone()));
            Ok(true)
        };
        assert!(matches!(retry_when(ZEROS, decide, third).get(PATIENCE), Ok(3)));
        assert_eq!(log.entries(), [(1, "no 1".to_owned()), (2, "no 2".to_owned())]);
    });
}

#[test]
fn a_retry_waits_for_a_verdict() {
    watched(|| {
        let pool = one_worker();
        let (deferred, verdict) = Typed::<bool>::deferred();
        let mut verdicts = vec![pool.run(|| true).map_err(|_| String::new()), verdict];
        let mut tried =
            retry_when(ZEROS, move |_, _| verdicts.remove(1 - (verdicts.len() % 2)), third);
        assert!(!tried.wait(Duration::from_millis(1)));
        deferred.resolve(true);
        assert!(matches!(tried.get(PATIENCE), Ok(3)));
    });
}

#[test]
fn a_verdict_of_no_is_the_attempts_error() {
    watched(|| {
        let no: fn(u32, &String) -> Typed<bool> = |_, _| Promise::ready(false);
        let late: fn(u32, &String) -> Typed<bool> =
            |_, _| asynckit::spawn(|| Ok::<_, String>(false));
        for decide in [no, late] {
            let outcome = retry_when(ZEROS, decide, third).get(PATIENCE);
            assert!(matches!(outcome, Err(Failure::Error(text)) if text == "no 1"));
        }
    });
}

#[test]
fn a_verdict_that_fails_or_panics_is_the_outcome() {
    watched(|| {
        let fails = |_: u32, _: &String| Typed::<bool>::failed("no verdict".to_owned());
        let outcome = retry_when(ZEROS, fails, third).get(PATIENCE);
        assert!(matches!(outcome, Err(Failure::Error(text)) if text == "no verdict"));
        let panics = |_: u32, _: &String| -> Typed<bool> { panic!("no verdict") };
        assert!(retry_when(ZEROS, panics, third).get(PATIENCE).unwrap_err().is_panicked());
        let late = |_: u32, _: &String| asynckit::spawn(|| Err::<bool, _>("late".to_owned()));
        let outcome = retry_when(ZEROS, late, third).get(PATIENCE);
        assert!(matches!(outcome, Err(Failure::Error(text)) if text == "late"));
    });
}

#[test]
fn cancelling_a_retry_cancels_its_verdict() {
    watched(|| {
        let (deferred, verdict) = Typed::<bool>::deferred();
        let mut verdict = Some(verdict);
        let tried = retry_when(ZEROS, move |_, _| verdict.take().unwrap(), third);
        let mut tried = tried;
        assert!(!tried.wait(Duration::from_millis(1)));
        crate::common::eventually("the verdict is waited for", || {
            format!("{tried:?}").contains("follows")
        });
        tried.cancel();
        assert!(deferred.is_cancelled());
    });
}

#[test]
fn a_factor_makes_pauses_longer_by_that() {
    let millis =
        |backoff: Backoff| -> Vec<u128> { backoff.times(4).map(|p| p.as_millis()).collect() };
    let first = || Backoff::exponential(Duration::from_millis(100));
    assert_eq!(millis(first()), [100, 200, 400, 800]);
    assert_eq!(millis(first().factor(3.0)), [100, 300, 900, 2700]);
    assert_eq!(millis(first().factor(1.5)), [100, 150, 225, 337]);
    for never_shorter in [1.0, 0.5, -2.0, f64::NAN, f64::NEG_INFINITY] {
        assert_eq!(millis(first().factor(never_shorter)), [100; 4]);
    }
    let capped = first().factor(f64::INFINITY).cap(Duration::from_secs(1));
    assert_eq!(millis(capped), [100, 1000, 1000, 1000]);
    assert_eq!(first().factor(1e300).nth(5), Some(Duration::MAX));
}

#[test]
fn a_timeout_has_a_fallback() {
    watched(|| {
        let (deferred, slow) = Typed::<u8>::deferred();
        let mut slow = slow.timeout_or(Duration::from_millis(1), || Ok(7));
        assert!(matches!(slow.get(PATIENCE), Ok(7)));
        assert!(deferred.is_cancelled());
        let (_kept, at_once) = Typed::<u8>::deferred();
        let mut at_once = at_once.timeout_or(Duration::ZERO, || Promise::ready(8));
        assert!(matches!(at_once.get(PATIENCE), Ok(8)));
    });
}

#[test]
fn a_fallback_is_for_this_limit_only() {
    watched(|| {
        let never = || -> Result<u8, String> { panic!("it was in time") };
        for limit in [PATIENCE, Duration::MAX] {
            assert!(matches!(Typed::ready(1).timeout_or(limit, never).get(PATIENCE), Ok(1)));
            let failed = Typed::settled(Err(Failure::TimedOut));
            assert!(failed.timeout_or(limit, never).get(PATIENCE).unwrap_err().is_timed_out());
            let (deferred, late) = Typed::<u8>::deferred();
            let mut late = late.timeout_or(limit, never);
            deferred.settle(Err(Failure::TimedOut));
            assert!(late.get(PATIENCE).unwrap_err().is_timed_out());
        }
    });
}
