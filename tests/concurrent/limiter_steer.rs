//! A limiter that is steered while it works: priorities, other limits, pauses, `clear`, `idle`.

use crate::common::{Calls, PATIENCE, eventually, watched};
use asynckit::{Limiter, Pool, Promise, Shutdown};
use std::time::Duration;

#[test]
fn of_those_that_wait_the_highest_priority_starts_first() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        let running = limiter.run(calls.call(0));
        let low = limiter.run_with_priority(-5, calls.call(1));
        let normal = [limiter.run(calls.call(2)), limiter.run_with_priority(0, calls.call(3))];
        let high = limiter.run_with_priority(1, calls.call(4));
        for (ended, made) in [(0, 4), (4, 2), (2, 3), (3, 1)] {
            calls.end(ended);
            eventually("the next one starts", || calls.made().last() == Some(&made));
        }
        calls.end(1);
        assert!(asynckit::join((running, low, high)).get(PATIENCE).is_ok());
        assert!(asynckit::join(normal).get(PATIENCE).is_ok());
    });
}

#[test]
fn a_higher_limit_starts_more_at_once_and_a_lower_one_ends_none() {
    watched(|| {
        // One worker, so that calls are made in the order in which they start.
        let pool = Pool::new(1);
        let (limiter, calls) = (Limiter::new(1).on(&pool), Calls::default());
        let all: Vec<_> = (0..5).map(|n| limiter.run(calls.call(n))).collect();
        limiter.set_limit(3);
        eventually("three are made", || calls.made().len() == 3);
        limiter.set_limit(0); // counts as 1
        calls.end(0);
        calls.end(1);
        eventually("two have ended", || limiter.under_way() == 1);
        assert_eq!((calls.made().len(), limiter.waiting()), (3, 2));
        calls.end(2);
        eventually("one starts", || calls.made().len() == 4);
        calls.end(3);
        eventually("the last one starts", || calls.made().len() == 5);
        calls.end(4);
        assert!(all.into_iter().all(|mut one| one.get(PATIENCE).is_ok()));
        // One that is made of it has the limit of now.
        let other = limiter.per(100, Duration::from_secs(1));
        let both = [other.run(calls.call(5)), other.run(calls.call(6))];
        assert_eq!((other.under_way(), other.waiting()), (1, 1));
        calls.end(5);
        eventually("the other one starts", || calls.count() == 7);
        calls.end(6);
        assert!(asynckit::join(both).get(PATIENCE).is_ok());
    });
}

#[test]
fn nothing_starts_in_a_pause() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(2), Calls::default());
        limiter.pause();
        let mut promise = limiter.run(calls.call(0));
        assert!(limiter.is_paused() && calls.made().is_empty());
        assert!(!limiter.wait_idle(Duration::from_millis(1)), "a call waits");
        limiter.resume();
        calls.await_made(&[0]);
        calls.end(0);
        assert!(promise.get(PATIENCE).is_ok() && !limiter.is_paused());
    });
}

#[test]
fn clear_cancels_what_waits_and_nothing_else() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        let mut running = limiter.run(calls.call(0));
        let waiting: Vec<_> = (1..4).map(|n| limiter.run(calls.call(n))).collect();
        assert_eq!(limiter.clear(), 3);
        for promise in waiting {
            assert!(promise.is_set());
            let mut promise = promise;
            assert!(promise.get(Duration::ZERO).unwrap_err().is_cancelled());
        }
        assert_eq!((limiter.clear(), limiter.under_way()), (0, 1));
        calls.end(0);
        assert!(running.get(PATIENCE).is_ok());
        let mut next = limiter.run(calls.call(9));
        calls.end(9);
        assert!(next.get(PATIENCE).is_ok(), "it goes on");
    });
}

/// Also of a rate, whose next start a timer was to ring for.
#[test]
fn after_clear_a_rate_starts_what_comes() {
    watched(|| {
        let limiter = Limiter::rate(1, Duration::from_millis(5));
        let first = limiter.run(|| Promise::<u8>::ready(1));
        let second = limiter.run(|| Promise::<u8>::ready(2));
        assert_eq!(limiter.clear(), 1);
        let mut third = limiter.run(|| Promise::<u8>::ready(3));
        assert!(matches!(third.get(PATIENCE), Ok(3)));
        assert!(first.is_set() && second.is_set());
    });
}

#[test]
fn idle_comes_with_the_end_of_the_last_call() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        assert!(limiter.idle().get(Duration::ZERO).is_ok(), "it is now");
        let all = [limiter.run(calls.call(0)), limiter.run(calls.call(1))];
        let mut idle = [limiter.idle(), limiter.idle()];
        calls.end(0);
        calls.await_made(&[0, 1]);
        assert!(idle.iter().all(|one| !one.is_set()));
        drop(limiter.idle()); // nobody waits for this one
        calls.end(1);
        assert!(idle.iter_mut().all(|one| one.get(PATIENCE).is_ok()));
        assert!(asynckit::join(all).get(PATIENCE).is_ok());
        assert!(limiter.wait_idle(PATIENCE));
    });
}

/// Whatever the last call's end is: it leaves the queue, or its pool abandons it.
#[test]
fn idle_comes_also_where_what_waits_goes() {
    watched(|| {
        let (pool, calls) = (Pool::new(1), Calls::default());
        let limiter = Limiter::new(1).on(&pool);
        limiter.pause();
        let (leaves, mut cleared) = (limiter.run(calls.call(0)), limiter.idle());
        leaves.cancel();
        assert!(cleared.get(PATIENCE).is_ok());
        let (abandoned, mut idle) = (limiter.run(calls.call(0)), limiter.idle());
        pool.shutdown(Shutdown::Drain, PATIENCE);
        assert!(idle.wait(PATIENCE) && idle.get(Duration::ZERO).is_ok());
        assert!(abandoned.is_set());
    });
}

/// Nothing could resume it any more.
#[test]
fn what_waits_in_a_pause_is_abandoned_with_the_last_handle() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        let running = limiter.run(calls.call(0));
        limiter.pause();
        let (mut waits, mut idle) = (limiter.run(calls.call(1)), limiter.idle());
        drop(limiter.clone());
        assert!(!waits.is_set(), "there is another handle");
        drop(limiter);
        assert!(waits.get(PATIENCE).unwrap_err().is_abandoned());
        assert!(!idle.is_set(), "one is under way");
        calls.end(0);
        assert!({ running }.get(PATIENCE).is_ok() && idle.get(PATIENCE).is_ok());
        assert_eq!(calls.made(), [0]);
    });
}

#[test]
fn without_a_pause_what_waits_goes_on_without_a_handle() {
    watched(|| {
        let (limiter, calls) = (Limiter::new(1), Calls::default());
        let running = limiter.run(calls.call(0));
        let waits = limiter.run(calls.call(1));
        drop(limiter);
        calls.end(0);
        calls.await_made(&[0, 1]);
        calls.end(1);
        assert!(asynckit::join((running, waits)).get(PATIENCE).is_ok());
    });
}
