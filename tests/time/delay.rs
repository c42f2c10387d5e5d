//! Values that come later: `delay` and `delay_value` (conformance H8 to H13).

use crate::common::{
    DropCounter, Log, MOMENT, PATIENCE, deferred_on, is_error, one_worker, watched,
};
use asynckit::{Failure, Pool, Promise, delay};
use std::thread;
use std::time::{Duration, Instant};

type Typed<T> = Promise<T, String>;

const SHORT: Duration = Duration::from_millis(20);
/// More than a timer is late on a busy machine.
const SLACK: Duration = Duration::from_secs(20);

/// H8, on the real clock.
#[test]
fn a_delay_is_not_early_and_not_very_late() {
    watched(|| {
        for duration in [Duration::from_nanos(1), Duration::from_micros(300), SHORT] {
            let start = Instant::now();
            delay(duration).get(None).unwrap();
            assert!((duration..SLACK).contains(&start.elapsed()), "{duration:?}");
        }
    });
}

/// H9
#[test]
fn no_delay_is_set_at_once_and_the_longest_never() {
    watched(|| {
        assert!(delay(Duration::ZERO).is_set());
        for longest in [Duration::MAX, Duration::MAX - Duration::from_nanos(1)] {
            let mut never = delay(longest);
            assert!(!never.wait(MOMENT));
            never.cancel();
            assert!(never.get(None).unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn a_delay_has_any_type_of_error() {
    watched(|| {
        let late: Typed<()> = Promise::delay(Duration::from_millis(1));
        let mut late = late.then(|()| Err::<u8, _>("late".to_owned()));
        assert!(is_error(late.get(PATIENCE), "late"));
        assert!(Promise::<(), u8>::delay(Duration::from_millis(1)).get(PATIENCE).is_ok());
    });
}

/// H12, on the real clock.
#[test]
fn delays_end_in_the_order_of_their_times() {
    /// What they end in, unless the machine has stood still while they were made.
    fn order() -> Option<Vec<u64>> {
        let (log, pool) = (Log::new(), one_worker());
        let start = Instant::now();
        let all = [40_u64, 10, 30, 20].map(|millis| {
            let log = log.clone();
            let (deferred, promise) = deferred_on::<(), String>(&pool);
            deferred.resolve(());
            promise.delay_value(Duration::from_millis(millis)).map(move |()| log.add(millis))
        });
        let made = start.elapsed();
        all.into_iter().for_each(|mut promise| promise.get(PATIENCE).unwrap());
        (made < Duration::from_millis(10)).then(|| log.entries())
    }
    watched(|| {
        let found = (0..100).find_map(|_| order());
        assert_eq!(found.expect("never made in time"), [10, 20, 30, 40]);
    });
}

/// H9 and H17
#[test]
fn a_cancelled_delay_ends_at_once() {
    watched(|| {
        let late = delay(PATIENCE).map(|()| unreachable!());
        late.cancel();
        let mut late: Promise<()> = late;
        assert!(late.get(None).unwrap_err().is_cancelled());
    });
}

/// H13
#[test]
fn callbacks_never_run_on_the_timers_thread() {
    watched(|| {
        let name = || thread::current().name().map(str::to_owned);
        let never: Promise<_> = Promise::settled(Ok(None)).delay_value(Duration::MAX);
        let mut names = [
            delay(SHORT).map(move |()| name()),
            delay(SHORT).then(move |()| Ok(name())),
            delay(SHORT).chain(move |()| Ok(name())),
            delay(SHORT).handle(move |_| Ok(name())),
            never.timeout(SHORT).catch(move |_: Failure| Ok(name())),
        ];
        for promise in &mut names {
            let name = promise.get(PATIENCE).unwrap().unwrap();
            assert!(name.starts_with("asynckit-global"), "{name}");
        }
        let pool = Pool::builder().workers(1).name("elsewhere").build().unwrap();
        let (deferred, promise) = deferred_on::<u8, String>(&pool);
        deferred.resolve(7);
        let mut there = promise.delay_value(SHORT).map(move |_| name());
        assert!(there.get(PATIENCE).unwrap().unwrap().starts_with("elsewhere"));
    });
}

// ── delay_value ──────────────────────────────────────────────────────────────────────────────────

/// H10: values are held back …
#[test]
fn a_value_is_held_back_from_when_it_is_there() {
    watched(|| {
        let (deferred, promise) = Typed::deferred();
        let mut late = promise.delay_value(SHORT);
        assert!(!late.wait(SHORT));
        let start = Instant::now();
        deferred.resolve(7);
        assert!(!late.is_set());
        assert_eq!(late.get(PATIENCE).unwrap(), 7);
        assert!(start.elapsed() >= SHORT);

        let mut ready = Typed::settled(Ok(7)).delay_value(Duration::ZERO);
        assert!(matches!(ready.try_get(), Some(Ok(7))));
    });
}

/// H10: … and failures are not.
#[test]
fn a_failure_is_not_held_back() {
    watched(|| {
        let mut failed = Typed::<u8>::failed("now".to_owned()).delay_value(PATIENCE);
        assert!(is_error(failed.try_get().unwrap(), "now"));
        assert_eq!(failed.trace().steps().last().unwrap().kind(), "delay_value");
        let (deferred, promise) = Typed::<u8>::deferred();
        drop(deferred);
        assert!(promise.delay_value(PATIENCE).try_get().unwrap().unwrap_err().is_abandoned());
    });
}

#[test]
fn a_value_is_held_back_without_a_worker() {
    watched(|| {
        let paused = Pool::new(0);
        let (deferred, promise) = paused.deferred::<u8, String>();
        deferred.resolve(7);
        assert_eq!(promise.delay_value(SHORT).get(PATIENCE).unwrap(), 7);
    });
}

#[test]
fn cancelling_drops_the_value_that_is_held_back() {
    watched(|| {
        let counter = DropCounter::default();
        let mut held = Typed::settled(Ok(counter.token())).delay_value(Duration::MAX);
        assert!(!held.is_set());
        assert_eq!(counter.dropped(), 0);
        held.cancel();
        assert_eq!(counter.dropped(), 1);
        assert!(held.get(None).unwrap_err().is_cancelled());

        let (deferred, promise) = Typed::<u8>::deferred();
        promise.delay_value(SHORT).cancel();
        assert!(deferred.is_cancelled());
    });
}

/// Cancelled while the value comes in on another thread: it never stays behind with the timer.
#[test]
fn a_cancellation_that_races_with_the_value_leaves_nothing_behind() {
    watched(|| {
        let counter = DropCounter::default();
        const ROUNDS: usize = 2_000;
        for _ in 0..ROUNDS {
            let (deferred, promise) = Typed::deferred();
            let held = promise.delay_value(Duration::MAX);
            let token = counter.token();
            let settler = thread::spawn(move || deferred.resolve(token));
            held.cancel();
            settler.join().unwrap();
        }
        assert_eq!(counter.dropped(), ROUNDS);
    });
}

#[test]
fn a_dropped_delay_goes_on() {
    watched(|| {
        let (log, sent) = (Log::new(), Log::new());
        let (entries, value) = (log.clone(), sent.clone());
        drop(delay(SHORT).map(move |()| entries.add("on")).finally(move || value.add("end")));
        crate::common::eventually("the callbacks run", || sent.entries() == ["end"]);
        assert_eq!(log.entries(), ["on"]);
    });
}
