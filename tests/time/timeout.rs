//! Promises that fail when their time is over: `timeout` and `deadline` (conformance H1 to H8).

use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, deferred_on, eventually, flush, held, is_error, kind,
    one_worker, verdict, watched,
};
use asynckit::{AsyncList, Failure, Pool, Promise};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

type Typed<T> = Promise<T, String>;

const SHORT: Duration = Duration::from_millis(10);

/// H1
#[test]
fn done_in_time_the_outcome_passes() {
    watched(|| {
        let (deferred, promise) = Typed::deferred();
        let mut promise = promise.timeout(PATIENCE);
        deferred.resolve(7);
        assert!(matches!(promise.try_get(), Some(Ok(7))));

        let (deferred, promise) = Typed::<u8>::deferred();
        let mut promise = promise.deadline(Instant::now() + PATIENCE);
        deferred.reject("no".to_owned());
        assert!(is_error(promise.try_get().unwrap(), "no"));
    });
}

/// H2 and H8
#[test]
fn when_the_time_is_over_it_fails_and_cancels_upstream() {
    watched(|| {
        let start = Instant::now();
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut promise = promise.map(|n| n).timeout(SHORT);
        assert!(promise.get(PATIENCE).unwrap_err().is_timed_out());
        assert!(start.elapsed() >= SHORT);
        assert!(deferred.is_cancelled(), "before the failure is seen");
        assert!(promise.is_set() && promise.is_error(), "unlike a get that timed out");
        assert!(promise.get(None).unwrap_err().is_timed_out(), "and so each time");
        deferred.resolve(7);
        let kinds: Vec<_> = promise.trace().steps().map(|step| step.kind()).collect();
        assert_eq!(kinds, ["timeout"]);
    });
}

#[test]
fn a_deadline_that_is_past_is_over_at_once() {
    watched(|| {
        for mut limited in [
            held_back().timeout(Duration::ZERO),
            held_back().deadline(Instant::now()),
            held_back().deadline(Instant::now() - SHORT),
        ] {
            assert!(limited.try_get().expect("set at once").unwrap_err().is_timed_out());
        }
        let mut settled = Typed::settled(Ok(7)).timeout(Duration::ZERO);
        assert!(matches!(settled.try_get(), Some(Ok(7))), "an outcome that is there is in time");
    });
}

fn held_back() -> Typed<u8> {
    Typed::settled(Ok(7)).delay_value(Duration::MAX)
}

/// H9
#[test]
fn the_longest_time_is_no_limit() {
    watched(|| {
        let (deferred, promise) = Typed::deferred();
        let mut promise = promise.timeout(Duration::MAX);
        assert!(!promise.wait(MOMENT));
        deferred.resolve(7);
        assert!(matches!(promise.get(None), Ok(7)));
    });
}

/// H2: queued work never runs, and its closure is dropped.
#[test]
fn queued_work_is_dropped_when_its_time_is_over() {
    watched(|| {
        let (pool, counter) = (Pool::new(0), DropCounter::default());
        let token = counter.token();
        let mut job = pool.spawn(move || Ok::<_, String>(token)).map(drop).timeout(SHORT);
        assert!(job.get(PATIENCE).unwrap_err().is_timed_out());
        assert_eq!(counter.dropped(), 1);
    });
}

/// H2: a running closure is told, also where it is what keeps the only worker busy.
#[test]
fn running_work_is_told_through_its_token() {
    watched(|| {
        let (pool, gate, log) = (one_worker(), Gate::new(), Log::new());
        let (key, told) = (gate.key(), log.clone());
        let job = pool.spawn_cancellable(move |token| {
            key.wait();
            while !token.is_cancelled() {
                thread::yield_now();
            }
            told.add("told");
            Ok::<u8, String>(7)
        });
        gate.open();
        gate.await_arrival(1);
        assert!(job.timeout(SHORT).get(PATIENCE).unwrap_err().is_timed_out());
        flush(&pool);
        assert_eq!(log.entries(), ["told"]);
    });
}

/// A timeout needs no worker: it comes also while every worker is blocked.
#[test]
fn it_comes_while_every_worker_is_blocked() {
    watched(|| {
        let (pool, gate) = (one_worker(), Gate::new());
        let blocked = held(&pool, &gate, || Ok(7));
        gate.await_arrival(1);
        let queued = pool.spawn(|| Ok::<u8, String>(8));
        let mut both: Typed<Vec<u8>> =
            AsyncList::from_iter([blocked.shield(), queued]).join().timeout(SHORT);
        assert!(both.get(PATIENCE).unwrap_err().is_timed_out());
    });
}

#[test]
fn a_job_that_waits_for_a_promise_with_a_timeout_does_not_block_its_pool() {
    watched(|| {
        let pool = one_worker();
        let inner = pool.clone();
        let mut outer = pool.spawn(move || {
            let job = inner.spawn(|| Ok::<u8, String>(7));
            job.timeout(PATIENCE).get(None).map_err(|failure| kind(&failure).to_owned())
        });
        assert_eq!(outer.get(PATIENCE).unwrap(), 7);
    });
}

/// H3: other consumers go on.
#[test]
fn of_a_shared_value_only_the_branch_is_cancelled() {
    watched(|| {
        let (deferred, promise) = Typed::deferred();
        let shared = promise.share();
        let mut short = shared.map(|n| *n).timeout(SHORT);
        assert!(short.get(PATIENCE).unwrap_err().is_timed_out());
        assert!(!deferred.is_cancelled());
        deferred.resolve(7);
        assert_eq!(shared.get(PATIENCE).unwrap(), &7);
    });
}

/// H4
#[test]
fn behind_a_shield_the_source_goes_on() {
    watched(|| {
        let (pool, gate, log) = (one_worker(), Gate::new(), Log::new());
        let seen = log.clone();
        let source = held(&pool, &gate, || Ok(7)).map(move |n| seen.add(n));
        assert!(source.shield().timeout(SHORT).get(PATIENCE).unwrap_err().is_timed_out());
        gate.open();
        flush(&pool);
        assert_eq!(log.entries(), [7]);
    });
}

/// H5, as `api.md` 6 decides: the source's own answer to the cancellation comes too late.
#[test]
fn what_the_source_makes_of_the_cancellation_is_dropped() {
    watched(|| {
        let (first, promise) = Typed::deferred();
        let slot = Arc::new(std::sync::Mutex::new(Some(first)));
        let (mut second, other) = Typed::<u8>::deferred();
        let taken = slot.clone();
        second.on_cancel(move || taken.lock().unwrap().take().unwrap().resolve(8));
        let both = AsyncList::from_iter([other, promise]).join();
        assert_eq!(verdict(&both.timeout(SHORT).get(PATIENCE)), "TimedOut");
        drop(second);
    });
}

/// H6
#[test]
fn cancelled_by_the_user_before_it_does_nothing_more() {
    watched(|| {
        let (mut deferred, promise) = Typed::<u8>::deferred();
        let called = Arc::new(AtomicUsize::new(0));
        let count = called.clone();
        deferred.on_cancel(move || _ = count.fetch_add(1, SeqCst));
        let mut promise = promise.timeout(SHORT);
        promise.cancel();
        asynckit::delay(SHORT * 2).get(PATIENCE).unwrap();
        assert!(promise.get(None).unwrap_err().is_cancelled());
        assert_eq!(called.load(SeqCst), 1);
    });
}

/// H7
#[test]
fn another_outcome_can_take_the_failures_place() {
    watched(|| {
        let over = || held_back().timeout(SHORT);
        let mut value = over().catch_if(Failure::is_timed_out, |_| Ok(1));
        let mut promise = over().catch_if(Failure::is_timed_out, |_| Promise::ready(2));
        let mut error = over().catch_if(Failure::is_timed_out, |_| Err("late".to_owned()));
        assert_eq!(value.get(PATIENCE).unwrap(), 1);
        assert_eq!(promise.get(PATIENCE).unwrap(), 2);
        assert!(is_error(error.get(PATIENCE), "late"));
    });
}

#[test]
fn the_shorter_of_two_counts() {
    watched(|| {
        for (inner, outer) in [(SHORT, PATIENCE), (PATIENCE, SHORT)] {
            let (deferred, promise) = Typed::<u8>::deferred();
            let mut promise = promise.timeout(inner).map(|n| n).timeout(outer);
            assert!(promise.get(PATIENCE).unwrap_err().is_timed_out());
            assert!(deferred.is_cancelled());
        }
    });
}

#[test]
fn a_waiting_thread_and_a_waiting_task_are_woken() {
    watched(|| {
        let mut waited = held_back().timeout(SHORT);
        assert!(waited.wait(PATIENCE));
        let waker = CountingWaker::new();
        let mut awaited = held_back().timeout(SHORT);
        assert!(waker.poll(&mut awaited).is_pending());
        eventually("the waker is woken", || waker.woken() == 1);
        assert!(block_on(awaited).unwrap_err().is_timed_out());
    });
}

/// A race of outcome and timer: one of them, and the source is cancelled if and only if it was late.
#[test]
fn an_outcome_that_comes_at_the_last_moment_is_in_time_or_not() {
    watched(|| {
        let counter = DropCounter::default();
        const ROUNDS: usize = 300;
        let mut in_time = 0;
        for round in 0..ROUNDS {
            let limit = Duration::from_micros(200);
            let (deferred, promise) = Typed::deferred();
            let mut promise = promise.timeout(limit);
            let end = Instant::now() + limit * (round % 3) as u32 / 2;
            while Instant::now() < end {
                thread::yield_now();
            }
            deferred.resolve(counter.token());
            let outcome = promise.get(PATIENCE);
            assert!(matches!(&outcome, Ok(_) | Err(Failure::TimedOut)));
            in_time += usize::from(outcome.is_ok());
        }
        eventually("every value is dropped", || counter.dropped() == ROUNDS);
        assert!(in_time > 0);
    });
}

#[test]
fn a_panic_in_a_handler_leaves_the_timer_alive() {
    watched(|| {
        let (mut deferred, promise) = Typed::<u8>::deferred();
        deferred.on_cancel(|| panic!("a handler"));
        let (keeper, bomb) = (one_worker(), crate::common::Bomb);
        let (other, carrier) = deferred_on::<u8, String>(&keeper);
        let carrier = carrier.map(move |_| drop(bomb));
        assert!(promise.timeout(SHORT).get(PATIENCE).unwrap_err().is_timed_out());
        assert!(carrier.timeout(SHORT).get(PATIENCE).unwrap_err().is_timed_out());
        drop(other);
        asynckit::delay(SHORT).get(PATIENCE).unwrap();
    });
}

/// H13: handlers and destructors of a timeout's do not run on the timer's thread either, and one that takes its time makes nothing
/// late: others ring what is due meanwhile.
#[test]
fn a_handler_that_blocks_makes_no_alarm_late() {
    watched(|| {
        const STUCK: usize = 3;
        let gate = Gate::new();
        let names = Log::new();
        let mut blocked = Vec::new();
        for _ in 0..STUCK {
            let (mut deferred, promise) = Typed::<u8>::deferred();
            let (key, name) = (gate.key(), names.clone());
            deferred.on_cancel(move || {
                name.add(thread::current().name().unwrap().to_owned());
                key.wait();
            });
            blocked.push((promise.timeout(SHORT), deferred));
        }
        gate.await_arrival(STUCK);
        for _ in 0..3 {
            asynckit::delay(SHORT).get(PATIENCE).unwrap();
        }
        assert!(blocked.iter().all(|(promise, _)| !promise.is_set()), "seen when it is cancelled");
        gate.open();
        for (mut promise, _) in blocked {
            assert!(promise.get(PATIENCE).unwrap_err().is_timed_out());
        }
        assert!(
            names.entries().iter().all(|name| name != "asynckit-timer"),
            "{:?}",
            names.entries()
        );
    });
}
