//! Trying again: `retry` and `retry_if` (conformance H14, H15, H17).

use crate::common::{
    DropCounter, Log, MOMENT, PATIENCE, deferred_on, eventually, flush, is_error, kind, named_pool,
    one_worker, panic_message, verdict, watched,
};
use asynckit::{Backoff, Failure, Inline, Promise, Shutdown, retry, retry_if};
use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

type Typed<T> = Promise<T, String>;

const NONE: Duration = Duration::ZERO;
const SHORT: Duration = Duration::from_millis(10);

fn no(number: u32) -> Typed<u32> {
    Promise::failed(format!("no {number}"))
}

// ── Attempts ─────────────────────────────────────────────────────────────────────────────────────

/// H14: the k-th attempt succeeds, after k - 1 failures.
#[test]
fn it_tries_until_it_succeeds() {
    watched(|| {
        for succeeds in 1..=5 {
            let log = Log::new();
            let seen = log.clone();
            let mut promise = retry([NONE; 4], move |number| {
                seen.add(number);
                if number < succeeds { no(number) } else { Typed::settled(Ok(number)) }
            });
            assert!(matches!(promise.get(PATIENCE), Ok(number) if number == succeeds));
            assert_eq!(log.entries(), (1..=succeeds).collect::<Vec<_>>());
        }
    });
}

/// H14: the last failure is the outcome, after one attempt more than there are pauses.
#[test]
fn it_gives_up_with_the_last_failure() {
    watched(|| {
        for pauses in 0..4_u32 {
            let mut promise = retry(iter::repeat_n(NONE, pauses as usize), no);
            assert!(is_error(promise.get(PATIENCE), &format!("no {}", pauses + 1)));
            let way = promise.trace();
            let kinds: Vec<_> = way.steps().map(|step| step.kind()).collect();
            assert_eq!(kinds, ["settled", "retry"], "however often it has tried");
        }
    });
}

#[test]
fn the_first_attempt_is_made_inside_the_call_the_others_on_the_first_promises_pool() {
    watched(|| {
        let pool = named_pool(1, "attempts");
        let names = Log::new();
        let (seen, own) = (names.clone(), pool.clone()); // what comes behind a pool's end runs elsewhere
        let mut promise = retry([NONE; 2], move |number| {
            seen.add(thread::current().name().unwrap().to_owned());
            let (deferred, promise) = deferred_on::<u32, String>(&own);
            deferred.reject(format!("no {number}"));
            promise
        });
        let here = thread::current().name().unwrap().to_owned();
        assert_eq!(names.entries()[0], here);
        let mut behind = promise_name(&mut promise);
        assert!(behind.get(PATIENCE).unwrap().starts_with("attempts"));
        let names = names.entries();
        assert_eq!(names.len(), 3);
        assert!(names[1..].iter().all(|name| name.starts_with("attempts")), "{names:?}");
    });
}

/// The name of the thread that runs what comes behind the promise.
fn promise_name(promise: &mut Typed<u32>) -> Typed<String> {
    let promise = std::mem::replace(promise, Promise::settled(Err(Failure::Taken)));
    promise.handle(|_| Ok(thread::current().name().unwrap().to_owned()))
}

/// Only `Failure::Error` is retried.
#[test]
fn other_failures_are_final() {
    watched(|| {
        for (expected, _) in
            crate::common::every_failure().into_iter().filter(|entry| entry.0 != "Error")
        {
            let attempts = Arc::new(AtomicUsize::new(0));
            let count = attempts.clone();
            let mut promise = retry([NONE; 9], move |number| {
                count.fetch_add(1, SeqCst);
                if number == 1 {
                    return no(number);
                }
                let mut all = crate::common::every_failure().into_iter();
                let failure = all.find(|entry| entry.0 == expected).unwrap().1;
                Promise::settled(Err(failure))
            });
            assert_eq!(verdict(&promise.get(PATIENCE)), expected);
            assert_eq!(attempts.load(SeqCst), 2, "{expected}");
        }
    });
}

/// H14, as `api.md` 13 decides: a panic of `attempt` is contained and final.
#[test]
fn a_panic_in_an_attempt_is_contained_and_final() {
    watched(|| {
        for fatal in [1, 2] {
            let counter = DropCounter::default();
            let token = counter.token();
            let mut promise = retry([NONE; 9], move |number| {
                let _held = &token;
                if number == fatal { panic!("attempt {number}") } else { no(number) }
            });
            assert_eq!(panic_message(promise.get(PATIENCE)), format!("attempt {fatal}"));
            assert_eq!(counter.dropped(), 1, "the closure is dropped before that");
        }
        let pool = one_worker();
        let mut promise =
            retry([NONE; 9], move |_| pool.spawn(|| -> Result<u32, _> { panic!("job") }));
        assert_eq!(panic_message(promise.get(PATIENCE)), "job");
    });
}

/// H14
#[test]
fn a_panic_of_backoff_or_predicate_is_contained_and_final() {
    watched(|| {
        let backoff = iter::once_with(|| -> Duration { panic!("backoff") });
        assert_eq!(panic_message(retry(backoff, no).get(PATIENCE)), "backoff");
        let worth = |error: &String| -> bool { panic!("worth {error}") };
        let mut promise = retry_if([NONE], worth, no);
        assert_eq!(panic_message(promise.get(PATIENCE)), "worth no 1");
    });
}

/// A panic of the predicate while what the others hold panics when it is dropped: neither ends the process, nor its worker.
#[test]
fn a_panic_of_the_predicate_and_one_of_a_drop_are_contained() {
    watched(|| {
        crate::common::survives(|pool| {
            let (bomb, on) = (crate::common::Bomb, pool.clone());
            let worth = |_: &String| -> bool { panic!("worth") };
            let mut promise = retry_if([NONE], worth, move |_| {
                let _held = &bomb;
                on.spawn(|| Err::<u32, _>("no".to_owned()))
            });
            assert_eq!(panic_message(promise.get(PATIENCE)), "worth");
        });
    });
}

/// H15: an error that is not worth it ends it at once.
#[test]
fn what_is_not_worth_a_retry_is_final() {
    watched(|| {
        let asked = Log::new();
        let seen = asked.clone();
        let worth = move |error: &String| {
            seen.add(error.clone());
            error != "no 3"
        };
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let pauses = iter::repeat_with(move || {
            count.fetch_add(1, SeqCst);
            NONE
        });
        let mut promise = retry_if(pauses, worth, no);
        assert!(is_error(promise.get(PATIENCE), "no 3"));
        assert_eq!(asked.entries(), ["no 1", "no 2", "no 3"]);
        assert_eq!(taken.load(SeqCst), 2, "no pause is taken for what is final");
    });
}

#[test]
fn between_two_attempts_is_a_pause() {
    watched(|| {
        let start = Instant::now();
        let times = Log::new();
        let seen = times.clone();
        let mut promise = retry(Backoff::exponential(SHORT).times(2), move |number| {
            seen.add(start.elapsed());
            no(number)
        });
        assert!(is_error(promise.get(PATIENCE), "no 3"));
        let times = times.entries();
        assert!(times[1] - times[0] >= SHORT && times[2] - times[1] >= SHORT * 2, "{times:?}");
    });
}

/// No attempt, and no code of the user's, runs on the timer's thread: a pool that was shut down ends it.
#[test]
fn when_the_pool_was_shut_down_it_is_abandoned() {
    watched(|| {
        let pool = one_worker();
        let attempts = Arc::new(AtomicUsize::new(0));
        let count = attempts.clone();
        let (deferred, first) = deferred_on::<u32, String>(&pool);
        let first = Mutex::new(Some(first));
        let pause = Duration::from_millis(200);
        let mut promise = retry([pause; 5], move |number| {
            count.fetch_add(1, SeqCst);
            first.lock().unwrap().take().unwrap_or_else(|| no(number))
        });
        let start = Instant::now();
        deferred.reject("no".to_owned());
        pool.shutdown(Shutdown::Drain, None);
        let in_time = start.elapsed() < pause; // else the pool has made another attempt
        assert_eq!(verdict(&promise.get(PATIENCE)), "Abandoned");
        assert!(attempts.load(SeqCst) == 1 || !in_time);
    });
}

// ── Cancelling ───────────────────────────────────────────────────────────────────────────────────

/// H17
#[test]
fn cancelled_in_a_pause_it_starts_nothing_more() {
    watched(|| {
        let (pool, counter, attempts) = (one_worker(), DropCounter::default(), Log::new());
        let (token, seen, on) = (counter.token(), attempts.clone(), pool.clone());
        let mut promise = retry([PATIENCE; 9], move |number| {
            let _held = &token;
            seen.add(number);
            let (deferred, promise) = deferred_on::<u32, String>(&on);
            deferred.reject("no".to_owned());
            promise
        });
        flush(&pool); // the pause has begun
        promise.cancel();
        assert_eq!(counter.dropped(), 1, "the closure is dropped before cancel returns");
        assert!(promise.get(None).unwrap_err().is_cancelled());
        assert_eq!(attempts.entries(), [1]);
    });
}

#[test]
fn cancelled_in_an_attempt_it_cancels_the_attempt() {
    watched(|| {
        for running in [1, 3] {
            let (at_last, attempts) = (Arc::new(Mutex::new(None)), Log::new());
            let (slot, seen) = (at_last.clone(), attempts.clone());
            let mut promise = retry([NONE; 9], move |number| {
                seen.add(number);
                if number < running {
                    return no(number);
                }
                let (deferred, promise) = Typed::deferred();
                *slot.lock().unwrap() = Some(deferred);
                promise
            });
            eventually("the attempt is made", || at_last.lock().unwrap().is_some());
            promise.cancel();
            let deferred = at_last.lock().unwrap().take().unwrap();
            eventually("it is cancelled", || deferred.is_cancelled()); // it may just be adopted
            deferred.reject("late".to_owned());
            assert!(promise.get(None).unwrap_err().is_cancelled());
            assert_eq!(attempts.entries().len(), running as usize);
        }
    });
}

#[test]
fn a_timeout_ends_all_attempts_together() {
    watched(|| {
        let attempts = Arc::new(AtomicUsize::new(0));
        let count = attempts.clone();
        let endless = retry(Backoff::constant(Duration::from_millis(1)), move |number| {
            count.fetch_add(1, SeqCst);
            no(number)
        });
        let mut limited = endless.timeout(MOMENT);
        assert!(limited.get(PATIENCE).unwrap_err().is_timed_out());
        let made = attempts.load(SeqCst);
        thread::sleep(SHORT);
        assert!(attempts.load(SeqCst) <= made + 1, "at most one that was being made");
    });
}

/// Timeouts of single attempts are final unless they are made errors of.
#[test]
fn an_attempt_with_a_timeout_can_be_retried() {
    watched(|| {
        let mut promise = retry([NONE; 3], |number| {
            let never = Typed::settled(Ok(number)).delay_value(Duration::MAX);
            let answer = if number < 3 { never } else { Typed::settled(Ok(number)) };
            answer.timeout(SHORT).catch(|failure| Err(kind(&failure).to_owned()))
        });
        assert!(matches!(promise.get(PATIENCE), Ok(3)));
    });
}

/// The failure of a time limit tells why there was no success: in its way is the last error.
#[test]
fn a_timeout_over_a_retry_knows_the_last_error() {
    watched(|| {
        type Limit = fn(Typed<u32>) -> Typed<u32>;
        let limits: [Limit; 3] = [
            |promise| promise.timeout(SHORT),
            |promise| promise.map(|n| n + 1).timeout(SHORT),
            |promise| promise.deadline(Instant::now() + SHORT),
        ];
        // In a pause, and in an attempt that hangs, also one with links of its own.
        let (first, second) = (Typed::deferred(), Typed::deferred());
        let mut hanging = Some(second.1.map(|n| n));
        let attempts: [(Typed<u32>, &str); 3] = [
            (retry([NONE, PATIENCE], no), "no 2"),
            (
                retry(
                    [NONE],
                    move |number| if number == 1 { no(1) } else { hanging.take().unwrap() },
                ),
                "no 1",
            ),
            (first.1, ""),
        ];
        for ((promise, error), limit) in attempts.into_iter().zip(limits) {
            let mut limited = limit(promise);
            assert!(limited.get(PATIENCE).unwrap_err().is_timed_out());
            let trace = limited.trace();
            let last = trace.steps().find_map(|step| step.last_error());
            assert_eq!(last.unwrap_or_default(), error);
            if !error.is_empty() {
                let kinds: Vec<_> = trace.steps().map(|step| step.kind()).collect();
                assert_eq!(kinds, ["retry", "timeout"]);
                assert!(trace.to_string().contains(&format!(", which had failed: {error}\n")));
            }
        }
        assert!(first.0.is_cancelled() && second.0.is_cancelled());
    });
}

/// Inline, without pauses and without an end: the call returns, and the promise can be cancelled.
#[test]
fn endless_attempts_inline_leave_the_caller_alone() {
    watched(|| {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let promise = retry(iter::repeat(NONE), move |number| {
            count.fetch_add(1, SeqCst);
            no(number).via(Inline)
        });
        eventually("it goes on", || made.load(SeqCst) > 10);
        promise.cancel();
        assert_eq!(verdict(&{ promise }.get(None)), "Cancelled");
        eventually("it ends", || {
            let before = made.load(SeqCst);
            thread::sleep(MOMENT);
            made.load(SeqCst) == before
        });
    });
}
