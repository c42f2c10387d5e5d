//! What one call has told, the next one confirms, on whatever thread: pairs of calls that come at the same time.

use asynckit::controlled::thread;
use asynckit::{AnyError, AsyncList, AsyncValue, Failure, Pool, Promise, Shutdown};
use std::sync::Arc;
use std::time::Duration;

use crate::small::Small;

pub(crate) const ALL: &[Small] = &[
    ("set-set", set_set),
    ("set-fail", set_fail),
    ("resolve-cancel", resolve_cancel),
    ("cancel-told", cancel_told),
    ("wait-get", wait_get),
    ("list-set", list_set),
    ("shutdown-run", shutdown_run),
    ("share-readers", share_readers),
];

/// Does both at the same time.
fn both<A: Send + 'static, B>(
    one: impl FnOnce() -> A + Send + 'static,
    two: impl FnOnce() -> B,
) -> (A, B) {
    let one = thread::spawn(one);
    let second = two();
    (one.join().expect("its panics are problems"), second)
}

fn when(wrong: bool, what: &str) -> Option<String> {
    wrong.then(|| what.to_owned())
}

/// Sets a value; where it comes too late, the value is set.
fn set_set() -> Vec<String> {
    let value: AsyncValue<usize> = AsyncValue::new();
    let set = |value: AsyncValue<usize>, number| {
        move || {
            let first = value.set(number).is_ok();
            (first, when(value.try_get().is_none(), "told that it is set, and it is not"))
        }
    };
    let (one, two) = both(set(value.clone(), 1), set(value.clone(), 2));
    let winner = if one.0 { 1 } else { 2 };
    let kept = value.try_get().and_then(Result::ok).copied();
    let wrong = when(one.0 == two.0, "both, or none, have set it");
    let other = when(kept != Some(winner), "it has the value of who was refused");
    [one.1, two.1, wrong, other].into_iter().flatten().collect()
}

fn set_fail() -> Vec<String> {
    let value: AsyncValue<usize> = AsyncValue::new();
    let (a, b) = (value.clone(), value.clone());
    let set = move || (a.set(1).is_ok(), when(!a.is_set(), "set was through, and it is not set"));
    let fail = move || {
        let first = b.fail(AnyError::msg("no")).is_ok();
        (first, when(!b.is_set(), "fail was through, and it is not set"))
    };
    let (one, two) = both(set, fail);
    let wrong = when(one.0 == two.0, "both, or none, have settled it");
    let other = when(value.is_error() != two.0, "it has the outcome of who was refused");
    [one.1, two.1, wrong, other].into_iter().flatten().collect()
}

fn resolve_cancel() -> Vec<String> {
    let (deferred, promise) = Promise::<usize>::deferred();
    let (mut promise, canceller) = promise.cancellable();
    let resolve = move || {
        let told = deferred.is_cancelled();
        deferred.resolve(1);
        told
    };
    let (told, ()) = both(resolve, || canceller.cancel());
    let set = when(!promise.is_set(), "resolved and cancelled, and it is not set");
    let outcome = promise.get(Duration::ZERO);
    let wrong = when(told && outcome.is_ok(), "told of a cancellation that was none");
    let other = match outcome {
        Ok(1) | Err(Failure::Cancelled) => None,
        other => Some(format!("{other:?}")),
    };
    [set, wrong, other].into_iter().flatten().collect()
}

/// Two cancel; whoever is through finds it cancelled.
fn cancel_told() -> Vec<String> {
    let (mut deferred, promise) = Promise::<usize>::deferred();
    let called = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (count, order) = (called.clone(), std::sync::atomic::Ordering::Relaxed);
    deferred.on_cancel(move || _ = count.fetch_add(1, order));
    let promise = Arc::new(promise);
    let other = promise.clone();
    let cancel = move || {
        other.cancel();
        when(!other.is_set(), "cancel was through, and it is not set")
    };
    let here = || {
        promise.cancel();
        when(!promise.is_set(), "cancel was through, and it is not set")
    };
    let (one, two) = both(cancel, here);
    let told = when(!deferred.is_cancelled(), "cancelled, and its deferred is not told");
    let calls = called.load(order);
    let often = when(calls != 1, "its handler is not called once");
    [one, two, told, often].into_iter().flatten().collect()
}

fn wait_get() -> Vec<String> {
    let pool = Pool::new(1);
    let mut promise = pool.run(|| 1);
    let waited = promise.wait(Duration::from_millis(1));
    let set = promise.is_set();
    let missing = when(waited && !set, "waited for, and it is not set");
    let outcome = promise.get(Duration::ZERO);
    let lost = when(set && outcome.is_err(), "it was set, and there is nothing to get");
    pool.shutdown(Shutdown::Drain, None);
    [missing, lost].into_iter().flatten().collect()
}

fn list_set() -> Vec<String> {
    let pool = Pool::new(2);
    let mut list: AsyncList<usize> = (0..2).map(|number| pool.run(move || number)).collect();
    let mut problems = vec![];
    for _ in 0..40 {
        if list.is_set() {
            let outcome = list.get(Duration::ZERO);
            problems.extend(when(outcome.is_err(), "it was set, and there is nothing to get"));
            break;
        }
        thread::yield_now();
    }
    pool.shutdown(Shutdown::Drain, None);
    problems
}

/// A job that was accepted is run; one that comes after the end is refused.
fn shutdown_run() -> Vec<String> {
    let pool = Pool::new(1);
    let other = pool.clone();
    let run = move || {
        let mut job = other.run(|| 1);
        let outcome = job.get(None);
        match outcome {
            Ok(1) | Err(Failure::Abandoned) => None,
            outcome => Some(format!("the job gives {outcome:?}")),
        }
    };
    let end = || {
        pool.shutdown(Shutdown::Drain, None);
        let late = pool.run(|| 2).try_get();
        when(!matches!(late, Some(Err(Failure::Abandoned))), "taken after the end")
    };
    let (one, two) = both(run, end);
    [one, two].into_iter().flatten().collect()
}

/// Once one reader has the value, every other one has it.
fn share_readers() -> Vec<String> {
    let pool = Pool::new(2);
    let value = pool.run(|| 1).share();
    let other = value.clone();
    let first = move || {
        let got = other.get(None).is_ok();
        (got, when(!other.is_set(), "got, and it is not set"))
    };
    let second = || {
        let got = value.get(Duration::from_millis(1)).is_ok();
        when(got && value.try_get().is_none(), "got, and then it is not there")
    };
    let (one, two) = both(first, second);
    let all = when(one.0 && !value.is_set(), "got by one, and not set for another");
    pool.shutdown(Shutdown::Drain, None);
    [one.1, two, all].into_iter().flatten().collect()
}
