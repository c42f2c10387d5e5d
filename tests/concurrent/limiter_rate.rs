//! So many in an interval: `Limiter::rate` (conformance J13).

use crate::common::{Calls, Log, PATIENCE, one_worker, watched};
use asynckit::{AsyncList, Backoff, Limiter, retry};
use std::time::{Duration, Instant};

/// J13: no interval, wherever it begins, has more starts than allowed.
#[test]
fn no_more_start_in_an_interval_than_the_rate() {
    watched(|| {
        let interval = Duration::from_millis(150);
        let (limiter, start, times) = (Limiter::rate(3, interval), Instant::now(), Log::new());
        let all: AsyncList<(), String> = (0..10)
            .map(|_| {
                let times = times.clone();
                limiter.run(move || {
                    times.add(start.elapsed());
                    Ok(())
                })
            })
            .collect();
        assert_eq!(times.entries().len(), 3, "the first ones at once");
        assert_eq!(all.join().get(PATIENCE).unwrap().len(), 10);
        let times = times.entries();
        // What is measured is a bit later than what is counted, once earlier, once later.
        let slack = Duration::from_millis(10);
        assert!(times.windows(4).all(|four| four[3] + slack >= four[0] + interval), "{times:?}");
        assert!(times[9] >= interval * 3 - slack);
    });
}

/// Also where its thread loses its core before a call has done anything, as a call sees it: the next one counts from
/// when that call has begun, not from when it was to begin.
#[test]
fn a_call_that_begins_late_holds_back_the_next_one() {
    watched(|| {
        let interval = Duration::from_millis(100);
        let (limiter, times) = (Limiter::rate(1, interval), Log::new());
        let call = |lost| {
            let times = times.clone();
            move || {
                std::thread::sleep(lost);
                times.add(Instant::now());
                Ok::<_, String>(())
            }
        };
        let first = limiter.run(call(interval * 3 / 5));
        let mut second = limiter.run(call(Duration::ZERO));
        let panics = limiter.run(|| -> Result<(), String> { panic!("the call") });
        second.get(PATIENCE).unwrap();
        assert!({ first }.get(PATIENCE).is_ok() && { panics }.get(PATIENCE).is_err());
        let times = times.entries();
        assert!(times[1] - times[0] >= interval, "{:?} later", times[1] - times[0]);
    });
}

#[test]
fn both_limits_together() {
    watched(|| {
        let interval = Duration::from_millis(20);
        let (limiter, calls) = (Limiter::new(1).per(2, interval), Calls::default());
        let start = Instant::now();
        let mut promises: Vec<_> = (0..3).map(|n| limiter.run(calls.call(n))).collect();
        assert_eq!(calls.made(), [0]);
        calls.end(0);
        calls.await_made(&[0, 1]);
        calls.end(1);
        calls.await_made(&[0, 1, 2]);
        assert!(start.elapsed() >= interval);
        calls.end(2);
        assert!(promises.iter_mut().all(|promise| promise.get(PATIENCE).is_ok()));
    });
}

#[test]
fn who_waits_for_time_can_be_cancelled() {
    watched(|| {
        let (limiter, calls) = (Limiter::rate(1, PATIENCE), Calls::default());
        let first = limiter.run(calls.call(0));
        let mut second = limiter.run(calls.call(1));
        assert_eq!((limiter.under_way(), limiter.waiting()), (1, 1));
        second.cancel();
        assert!(second.get(None).unwrap_err().is_cancelled());
        assert_eq!((limiter.under_way(), limiter.waiting()), (1, 0));
        calls.end(0);
        drop(first);
    });
}

#[test]
fn limiters_compose_with_each_other_and_with_retries() {
    watched(|| {
        let pool = one_worker();
        let (outer, inner) = (Limiter::new(2).on(&pool), Limiter::new(1).on(&pool));
        let made = Log::new();
        let all: AsyncList<u32, String> = (0..4)
            .map(|n| {
                let (outer, inner, made) = (outer.clone(), inner.clone(), made.clone());
                retry(Backoff::constant(Duration::ZERO).times(2), move |attempt| {
                    let (inner, made) = (inner.clone(), made.clone());
                    outer.run(move || {
                        inner.run(move || {
                            made.add((n, attempt));
                            if attempt < 3 { Err("again".to_owned()) } else { Ok(n) }
                        })
                    })
                })
            })
            .collect();
        assert_eq!(all.join().get(PATIENCE).unwrap(), [0, 1, 2, 3]);
        assert_eq!(made.entries().len(), 12);
    });
}
