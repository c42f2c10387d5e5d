//! A clock that tests set: nothing here waits for real time.

use crate::common::{PATIENCE, one_worker, watched};
use asynckit::{
    AsyncList, Backoff, CancelSource, Limiter, LocalQueue, Pool, Promise, TestClock, blocking,
    delay, retry,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Runs the body, and asks that it has not waited for real time.
#[track_caller]
fn at_once(body: impl FnOnce() + Send + 'static) {
    watched(|| {
        let begin = Instant::now();
        body();
        assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
    });
}

#[test]
fn ten_retries_over_an_hour_take_no_time() {
    at_once(|| {
        let (clock, pool) = (TestClock::new(), one_worker());
        let _entered = clock.enter();
        let times = Arc::new(Mutex::new(Vec::new()));
        let (noted, told) = (Arc::clone(&times), clock.clone());
        let pauses = Backoff::constant(6 * MINUTE).times(10);
        let mut tries = retry(pauses, move |number| {
            let (noted, told) = (Arc::clone(&noted), told.clone());
            pool.spawn(move || {
                noted.lock().unwrap().push(told.elapsed());
                if number > 10 { Ok(number) } else { Err(number) }
            })
        });
        assert_eq!(tries.get(None).unwrap(), 11);
        let expected: Vec<_> = (0..=10).map(|n| n * 6 * MINUTE).collect();
        assert_eq!(*times.lock().unwrap(), expected);
        assert_eq!(clock.elapsed(), HOUR);
    });
}

#[test]
fn a_manual_clock_stands_still_until_it_is_advanced() {
    at_once(|| {
        let clock = TestClock::manual();
        let _entered = clock.enter();
        let late = delay(MINUTE);
        assert_eq!((clock.timers(), clock.next_timer()), (1, Some(MINUTE)));
        clock.advance(MINUTE - SECOND);
        assert!(!late.is_set());
        assert_eq!(clock.next_timer(), Some(SECOND));
        clock.advance(SECOND);
        assert!(late.is_set());
        assert_eq!((clock.timers(), clock.elapsed()), (0, MINUTE));
    });
}

/// Also those that are made by what an earlier one has set off.
#[test]
fn advance_takes_the_timers_in_order_with_all_that_they_set_off() {
    at_once(|| {
        let (clock, pool) = (TestClock::manual(), Pool::new(2));
        let _entered = clock.enter();
        let log = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str| {
            let (log, clock) = (Arc::clone(&log), clock.clone());
            move || log.lock().unwrap().push((name, clock.elapsed().as_secs()))
        };
        let (first, second, third) = (note("3"), note("1"), note("1+1"));
        let _a = delay(3 * SECOND).via(&pool).map(move |()| first());
        let _b = delay(SECOND)
            .via(&pool)
            .then(move |()| {
                second();
                delay(SECOND)
            })
            .map(move |()| third());
        clock.advance(MINUTE);
        assert_eq!(*log.lock().unwrap(), [("1", 1), ("1+1", 2), ("3", 3)]);
        assert_eq!(clock.elapsed(), MINUTE);
    });
}

#[test]
fn a_wait_with_a_limit_on_another_thread_ends_when_the_clock_passes_it() {
    at_once(|| {
        let clock = TestClock::manual();
        let (ready, begun) = channel();
        let inner = clock.clone();
        let waiter = thread::spawn(move || {
            let _entered = inner.enter();
            let (_deferred, mut promise) = Promise::<u8>::deferred();
            ready.send(()).unwrap();
            promise.get(HOUR).unwrap_err().is_timed_out()
        });
        begun.recv().unwrap();
        while !waiter.is_finished() {
            clock.advance(MINUTE);
            thread::yield_now();
        }
        assert!(waiter.join().unwrap());
        assert!(clock.elapsed() >= HOUR);
    });
}

#[test]
fn a_wait_ends_when_its_limit_is_what_comes_next() {
    at_once(|| {
        let clock = TestClock::new();
        let _entered = clock.enter();
        let (_deferred, mut promise) = Promise::<u8>::deferred();
        assert!(promise.get(HOUR).unwrap_err().is_timed_out());
        assert_eq!(clock.elapsed(), HOUR);
        assert!(promise.get(clock.now() + HOUR).unwrap_err().is_timed_out());
        assert_eq!(clock.elapsed(), 2 * HOUR);
        let mut list: AsyncList<()> = [delay(3 * HOUR)].into_iter().collect();
        assert!(list.get(HOUR).unwrap_err().is_timed_out());
        assert!(list.wait(3 * HOUR));
        assert_eq!(clock.elapsed(), 5 * HOUR);
        let (_deferred, mut promise) = Promise::<u8>::deferred();
        assert!(LocalQueue::new().get(&mut promise, HOUR).unwrap_err().is_timed_out());
        assert_eq!(clock.elapsed(), 6 * HOUR);
    });
}

/// What computes takes no time by the clock: no limit passes meanwhile.
#[test]
fn the_clock_waits_for_jobs_that_are_queued_and_that_run() {
    at_once(|| {
        let (clock, pool) = (TestClock::new(), one_worker());
        let _entered = clock.enter();
        let work = |n| pool.run(move || (0..200_000_u64).fold(n, u64::wrapping_add));
        let jobs: AsyncList<u64> = (0..20).map(work).collect();
        assert!(jobs.join().timeout(SECOND).get(None).is_ok());
        assert_eq!(clock.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_thread_that_has_entered_it_and_does_not_wait_holds_it() {
    at_once(|| {
        let (clock, pool) = (TestClock::new(), one_worker());
        let _entered = clock.enter();
        let mut waits = pool.run(|| delay(HOUR).get(None).is_ok());
        // Time for the mistake to happen.
        thread::sleep(crate::common::MOMENT);
        assert_eq!(clock.elapsed(), Duration::ZERO);
        assert!(waits.get(None).unwrap());
        assert_eq!(clock.elapsed(), HOUR);
    });
}

#[test]
fn a_job_that_waits_for_something_foreign_holds_the_clock_but_not_advance() {
    at_once(|| {
        let (clock, pool) = (TestClock::new(), one_worker());
        let _entered = clock.enter();
        let (sender, receiver) = channel::<()>();
        let mut waits = pool.run(move || blocking(|| receiver.recv().is_ok()));
        clock.advance(MINUTE);
        assert_eq!(clock.elapsed(), MINUTE);
        let other = thread::spawn(move || {
            thread::sleep(crate::common::MOMENT); // time for the mistake to happen
            sender.send(()).unwrap();
        });
        assert!(waits.get(HOUR).unwrap(), "the limit has not passed");
        assert_eq!(clock.elapsed(), MINUTE);
        other.join().unwrap();
    });
}

#[test]
fn timeouts_tokens_limiters_and_loops_run_on_it() {
    at_once(|| {
        let (clock, pool) = (TestClock::new(), Pool::new(2));
        let _entered = clock.enter();
        let (deferred, answer) = Promise::<u8>::deferred();
        assert!(answer.timeout(HOUR).get(None).unwrap_err().is_timed_out());
        assert!(deferred.is_cancelled());
        assert_eq!(clock.elapsed(), HOUR);

        let source = CancelSource::new();
        source.cancel_after(HOUR);
        let (_deferred, answer) = Promise::<u8>::deferred();
        assert!(answer.cancel_by(&source.token()).get(None).unwrap_err().is_cancelled());
        assert_eq!(clock.elapsed(), 2 * HOUR);

        let limiter = Limiter::rate(2, HOUR);
        let calls: AsyncList<u8> = (0..6).map(|n| limiter.run(move || Ok(n))).collect();
        assert_eq!(calls.join().get(None).unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(clock.elapsed(), 4 * HOUR);

        let late = Promise::<_>::ready(7).delay_value(HOUR).get(None);
        assert_eq!((late.unwrap(), clock.elapsed()), (7, 5 * HOUR));

        let ticks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ticks);
        let ticking = pool.repeat_every(HOUR, move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok::<(), String>(())
        });
        delay(10 * HOUR + MINUTE).get(None).unwrap();
        assert_eq!((ticks.load(Ordering::SeqCst), clock.elapsed()), (10, 15 * HOUR + MINUTE));
        drop(ticking);
        assert_eq!(clock.timers(), 0, "what was stopped has left");
    });
}

#[test]
fn jobs_that_wait_for_it_do_not_hold_it_in_pools_scopes_and_drops() {
    at_once(|| {
        let clock = TestClock::new();
        let _entered = clock.enter();
        let pool = Pool::new(2);
        let both = pool.scope(|scope| {
            let mut inner = scope.spawn(|| delay(HOUR).get(None));
            scope.spawn(|| delay(2 * HOUR).get(None)).detach();
            inner.get(None)
        });
        both.unwrap();
        assert_eq!(clock.elapsed(), 2 * HOUR);
        let waits = pool.run(|| delay(HOUR).get(None).is_ok());
        drop(pool); // it finishes what was accepted
        assert!(waits.is_set());
        assert_eq!(clock.elapsed(), 3 * HOUR);
    });
}

#[test]
fn two_clocks_at_once_on_one_pool_do_not_hold_each_other() {
    at_once(|| {
        let pool = Pool::new(2);
        let run = |hours: u32, pool: Pool| {
            thread::spawn(move || {
                let clock = TestClock::new();
                let _entered = clock.enter();
                for _ in 0..20 {
                    let mut waits = pool.run(move || delay(hours * HOUR).get(None));
                    waits.get(None).unwrap().unwrap();
                }
                assert_eq!(clock.elapsed(), 20 * hours * HOUR);
            })
        };
        let threads = [run(1, pool.clone()), run(3, pool.clone())];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_thread_that_has_not_entered_it_has_the_time_of_the_system() {
    at_once(|| {
        let (clock, pool) = (TestClock::manual(), one_worker());
        let entered = clock.enter();
        let mut inside = pool.run(|| delay(HOUR));
        let later = inside.get(PATIENCE);
        drop(entered);
        delay(Duration::from_millis(1)).get(PATIENCE).unwrap();
        assert_eq!((clock.elapsed(), clock.timers()), (Duration::ZERO, 1));
        drop(later);
    });
}

#[test]
fn when_the_clock_ends_its_timers_are_abandoned_and_waits_are_over() {
    at_once(|| {
        let (clock, pool) = (TestClock::manual(), one_worker());
        let entered = clock.enter();
        let mut late = delay(HOUR);
        let (ready, begun) = channel();
        let (_deferred, mut promise) = Promise::<u8>::deferred();
        let mut waits = pool.run(move || {
            ready.send(()).unwrap();
            promise.get(HOUR).unwrap_err().is_timed_out()
        });
        begun.recv().unwrap();
        drop((entered, clock));
        assert!(late.get(PATIENCE).unwrap_err().is_abandoned());
        assert!(waits.get(PATIENCE).unwrap(), "its time is over");
    });
}

#[test]
fn a_callback_may_advance_the_clock_that_it_runs_by() {
    at_once(|| {
        let (clock, pool) = (TestClock::manual(), one_worker());
        let _entered = clock.enter();
        let inner = clock.clone();
        let mut nested = delay(SECOND).via(&pool).map(move |()| {
            inner.advance(HOUR);
            inner.elapsed()
        });
        clock.advance(MINUTE);
        // Without a limit: the callback goes on with the clock meanwhile, past any.
        assert_eq!(nested.get(None).unwrap(), HOUR + SECOND);
    });
}

#[test]
fn panics_of_what_it_sets_off_do_not_stop_it() {
    at_once(|| {
        let (clock, pool) = (TestClock::manual(), one_worker());
        let _entered = clock.enter();
        let mut panics = delay(SECOND).via(&pool).map(|()| panic!("set off by a clock"));
        let (mut deferred, answer) = Promise::<u8>::deferred();
        deferred.on_cancel(|| panic!("cancelled by a clock"));
        let mut timed = answer.timeout(2 * SECOND);
        let mut last = delay(3 * SECOND);
        clock.advance(MINUTE);
        assert!(panics.get(PATIENCE).unwrap_err().is_panicked());
        assert!(timed.get(PATIENCE).unwrap_err().is_timed_out());
        last.get(PATIENCE).unwrap();
    });
}

#[test]
fn cancelled_and_dropped_delays_do_not_make_it_go_on() {
    at_once(|| {
        let clock = TestClock::new();
        let _entered = clock.enter();
        let cancelled = delay(MINUTE);
        drop(delay(MINUTE));
        cancelled.cancel();
        assert_eq!(clock.timers(), 0);
        delay(HOUR).get(None).unwrap();
        assert_eq!(clock.elapsed(), HOUR);
    });
}
