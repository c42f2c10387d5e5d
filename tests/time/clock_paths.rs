//! A clock that tests set: each way in which something waits for it, and its end.

use crate::common::{PATIENCE, one_worker, watched};
use asynckit::{
    AnyError, AsyncList, AsyncValue, CancelSource, Pool, Promise, TaskSet, TestClock, delay,
    for_each_concurrent, repeat_until,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A job of it may give a promise, which settles after all jobs are through.
#[test]
fn the_end_of_a_nursery_waits_by_the_clock() {
    watched(|| {
        let (clock, pool) = (TestClock::new(), one_worker());
        let _entered = clock.enter();
        let both = pool.try_scope(|scope| {
            scope.spawn(|| delay(HOUR)).detach();
            Ok(())
        });
        both.unwrap();
        assert_eq!(clock.elapsed(), HOUR);
    });
}

#[test]
fn each_wait_with_a_limit_is_by_the_clock() {
    watched(|| {
        let clock = TestClock::new();
        let _entered = clock.enter();
        let mut hours = 0;
        let mut passed = |what: &str, over: bool| {
            hours += 1;
            assert!(over, "{what}");
            assert_eq!(clock.elapsed(), hours * HOUR, "{what}");
        };
        let (_deferred, mut pending) = Promise::<u8>::deferred();
        passed("wait", !pending.wait(HOUR));
        passed("try_get", pending.get(clock.now() + HOUR).is_err());
        let value: AsyncValue<u8> = AsyncValue::new();
        passed("a value", value.get(HOUR).unwrap_err().is_timed_out());
        let set: TaskSet<u8> = TaskSet::new();
        let (_of_set, item) = Promise::deferred();
        set.push(item);
        passed("a set", set.next_timeout(HOUR).is_err());
        passed("all of a set", !set.wait(HOUR));
        let (_of_list, item) = Promise::<u8>::deferred();
        let items: AsyncList<u8> = [item].into_iter().collect();
        passed("an iterator", items.as_completed().next_timeout(HOUR).is_err());
        passed("a token", !CancelSource::new().token().wait(HOUR));
        let full = Pool::builder().workers(0).queue_limit(1).build().unwrap();
        let _queued = full.run(|| ());
        passed("room in a queue", !full.wait_for_room(HOUR));
    });
}

#[test]
fn loops_and_lists_run_on_it() {
    watched(|| {
        let (clock, pool) = (TestClock::new(), one_worker());
        let _entered = clock.enter();
        let own = pool.clone();
        let mut found =
            repeat_until(std::iter::repeat(HOUR), |n: &u32| *n == 4, move |n| own.run(move || n));
        assert_eq!(found.get(None).unwrap(), 4);
        assert_eq!(clock.elapsed(), 3 * HOUR);
        for_each_concurrent(0..6, 2, |_| delay(HOUR)).get(None).unwrap();
        assert_eq!(clock.elapsed(), 6 * HOUR);
    });
}

/// A thread that a step has woken is at work before the next step.
#[test]
fn advance_meets_each_limit_of_a_job_in_its_turn() {
    const TIMES: u32 = 500;
    watched(|| {
        let (clock, pool) = (TestClock::manual(), Pool::new(2));
        let _entered = clock.enter();
        let jobs: Vec<_> = (0..2)
            .map(|_| {
                let own = clock.clone();
                pool.run(move || {
                    let (_deferred, mut never) = Promise::<u8>::deferred();
                    let limit = |_| {
                        assert!(never.get(SECOND).unwrap_err().is_timed_out());
                        own.elapsed()
                    };
                    (0..TIMES).map(limit).collect::<Vec<_>>()
                })
            })
            .collect();
        clock.advance(TIMES * SECOND);
        let expected: Vec<_> = (1..=TIMES).map(|n| n * SECOND).collect();
        for mut job in jobs {
            assert_eq!(job.get(PATIENCE).unwrap(), expected);
        }
    });
}

/// Panics when it is dropped.
struct Bomb(Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        if !thread::panicking() {
            panic!("a value that a clock has held was dropped");
        }
    }
}

/// The promise of the value has gone; what refuses it finds nothing that takes the value.
#[test]
fn values_that_an_ended_clock_refuses_are_dropped_and_their_panics_are_contained() {
    watched(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let (clock, pool) = (TestClock::manual(), one_worker());
        let entered = clock.enter();
        let held = Promise::<_>::ready(Bomb(Arc::clone(&drops))).delay_value(HOUR);
        let (open, opened) = channel::<()>();
        let bomb = Bomb(Arc::clone(&drops));
        let mut behind = pool.run(move || {
            opened.recv().unwrap();
            let late = Promise::<_>::ready(bomb).delay_value(HOUR);
            late.is_error()
        });
        drop((entered, clock)); // the first is refused here
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        open.send(()).unwrap();
        assert!(behind.get(PATIENCE).unwrap(), "refused, and the job goes on");
        assert_eq!(drops.load(Ordering::SeqCst), 2);
        drop(held);
    });
}

/// What was begun by it and comes late has no hour to wait.
#[test]
fn a_wait_that_begins_behind_the_end_of_its_clock_is_over_at_once() {
    watched(|| {
        let (clock, pool) = (TestClock::manual(), one_worker());
        let entered = clock.enter();
        let (open, opened) = channel::<()>();
        let (_deferred, mut promise) = Promise::<u8>::deferred();
        let mut waits = pool.run(move || {
            opened.recv().unwrap();
            promise.get(HOUR).unwrap_err().is_timed_out()
        });
        drop((entered, clock));
        open.send(()).unwrap();
        assert!(waits.get(PATIENCE).unwrap());
    });
}

#[test]
fn guards_may_be_dropped_in_any_order_and_by_a_panic() {
    watched(|| {
        let (outer, inner) = (TestClock::manual(), TestClock::manual());
        outer.advance(HOUR);
        let first = outer.enter();
        let second = inner.enter();
        let (_a, _b) = (delay(SECOND), drop(first));
        assert_eq!((outer.timers(), inner.timers()), (0, 1), "the innermost one counts");
        drop(second);
        let real = delay(SECOND);
        assert_eq!((outer.timers(), inner.timers()), (0, 1));
        drop(real);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let _entered = outer.enter();
            panic!("inside of a clock");
        }));
        assert!(panic.is_err());
        let real = delay(SECOND);
        assert_eq!(outer.timers(), 0);
        drop(real);
        // Not entered any more: nothing holds it.
        let clock = outer.clone();
        let other = thread::spawn(move || {
            let _entered = clock.enter();
            drop(delay(HOUR));
        });
        other.join().unwrap();
        outer.advance(HOUR);
        assert_eq!(outer.elapsed(), 2 * HOUR);
    });
}

/// Each test of a program has its own: what one sets, the others do not see.
#[test]
fn clocks_of_tests_that_run_side_by_side_know_nothing_of_each_other() {
    watched(|| {
        let one = |hours: u32| {
            move || {
                let (clock, pool) = (TestClock::new(), one_worker());
                let _entered = clock.enter();
                for n in 1..=20 {
                    let mut late = delay(hours * HOUR).via(&pool).map(|()| ());
                    late.get(None).unwrap();
                    assert_eq!(clock.elapsed(), n * hours * HOUR);
                }
            }
        };
        let threads: Vec<_> = (1..=4).map(|hours| thread::spawn(one(hours))).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Work of other threads that have not entered it is not the clock's to wait for; it settles promises all the same.
#[test]
fn a_plain_thread_may_settle_what_is_waited_for_by_a_manual_clock() {
    watched(|| {
        let clock = TestClock::manual();
        let _entered = clock.enter();
        let (deferred, mut promise) = Promise::<u8>::deferred();
        let other = thread::spawn(move || deferred.resolve(7));
        assert_eq!(promise.get(HOUR).unwrap(), 7);
        assert_eq!(clock.elapsed(), Duration::ZERO);
        other.join().unwrap();
    });
}

/// The log of two runs is the same one.
#[test]
fn what_happens_at_different_times_happens_in_their_order_each_time() {
    watched(|| {
        let run = || {
            let (clock, pool) = (TestClock::new(), Pool::new(2));
            let _entered = clock.enter();
            let log = Arc::new(Mutex::new(Vec::new()));
            let jobs: AsyncList<()> = (0..30_u32)
                .map(|n| {
                    let (log, clock, after) = (Arc::clone(&log), clock.clone(), (n * 7) % 30 + 1);
                    let noted = move |()| log.lock().unwrap().push((clock.elapsed(), after));
                    delay(after * SECOND).via(&pool).map(noted)
                })
                .collect();
            jobs.join().get(None).unwrap();
            let log = log.lock().unwrap();
            log.clone()
        };
        let expected: Vec<_> = (1..=30).map(|n| (n * SECOND, n)).collect();
        assert_eq!(run(), expected);
        assert_eq!(run(), expected);
    });
}

#[cfg(feature = "memo")]
#[test]
fn a_memo_keeps_a_value_by_the_clock_of_its_caller() {
    watched(|| {
        let (clock, pool) = (TestClock::manual(), one_worker());
        let _entered = clock.enter();
        clock.advance(9 * HOUR);
        let memo = asynckit::Memo::<u8, usize>::new().time_to_live(HOUR);
        let calls = Arc::new(AtomicUsize::new(0));
        let call = || {
            let calls = Arc::clone(&calls);
            let call = || pool.run(move || calls.fetch_add(1, Ordering::SeqCst) + 1);
            memo.run(1, call).get(None).unwrap()
        };
        assert_eq!((call(), call()), (1, 1));
        clock.advance(HOUR - SECOND);
        assert_eq!(call(), 1, "a second is left");
        clock.advance(SECOND);
        assert_eq!((call(), call()), (2, 2));
    });
}

/// The last call of a burst is made when an hour has been quiet, and one window has all that came in it.
#[test]
fn calls_that_are_held_back_wait_by_the_clock() {
    watched(|| {
        let pool = Pool::new(1);
        let clock = TestClock::new();
        let _entered = clock.enter();
        let hour = Duration::from_secs(3600);
        let saved = pool.debounce(hour, |n: u32| Ok::<_, AnyError>(n));
        let (first, last) = (saved.call(1), saved.call(2));
        assert_eq!((first.get(None).unwrap(), last.get(None).unwrap()), (&2, &2));
        let sums = pool.coalesce(hour, |all: Vec<u32>| {
            let sum = all.iter().sum::<u32>();
            Ok::<_, AnyError>(all.into_iter().map(|_| sum).collect())
        });
        let (mut one, mut two) = (sums.call(1), sums.call(2));
        assert_eq!((one.get(None).unwrap(), two.get(None).unwrap()), (3, 3));
    });
}
