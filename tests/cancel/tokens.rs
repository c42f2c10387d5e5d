//! `CancelSource`, `CancelToken`, `Promise::cancel_by`: what the user cancels, and why it was.

use crate::common::alloc::Counter;
use crate::common::tasks::threads_asleep;
use crate::common::{
    Bomb, DropCounter, Gate, Log, PATIENCE, eventually, is_error, named_thread, one_worker, watched,
};
use asynckit::{
    AsyncList, Backoff, CancelReason, CancelSource, CancelToken, Failure, Limiter, Pool, Promise,
    Shutdown, join, retry,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

const WHY: &str = "the user has left";

/// Whether it was cancelled for that reason, and says so, each time it is asked.
fn is_cancelled_for<T: 'static, E: std::fmt::Display + std::fmt::Debug + 'static>(
    mut promise: Promise<T, E>,
    reason: &str,
) -> bool {
    (0..2).all(|_| {
        let Some(failure) = promise.get(PATIENCE).err() else { return false };
        let text = format!("the promise was cancelled: {reason}");
        let told = matches!(&failure, Failure::CancelledFor(why) if why.as_str() == reason);
        told && failure.is_cancelled()
            && failure.to_string() == text
            && format!("{failure:?}") == text
    })
}

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    anywhere::<CancelSource>();
    anywhere::<CancelToken>();
    anywhere::<CancelReason>();
    let source = CancelSource::default();
    assert_eq!(format!("{source:?}"), "CancelSource(CancelToken(wanted))");
    source.cancel_for(WHY);
    assert_eq!(format!("{:?}", source.token()), "CancelToken(cancelled: the user has left)");
}

#[test]
fn a_token_cancels_all_that_it_was_given_to() {
    watched(|| {
        let (pool, source, counter) = (Pool::new(0), CancelSource::new(), DropCounter::default());
        let token = source.token();
        let captured = counter.token();
        let job = pool.run(move || drop(captured)).cancel_by(&token);
        let (asked, promise) = Typed::<u8>::deferred();
        let list: AsyncList<u8, String> = AsyncList::from_iter([promise]);
        let list = list.join().cancel_by(&token);
        let hour = Backoff::constant(Duration::from_secs(3600));
        let retried = retry(hour, |_| Typed::<u8>::failed("down".into())).cancel_by(&token);
        let limiter = Limiter::new(1);
        let (_busy, busy) = Typed::<u8>::deferred();
        let busy = limiter.run(move || busy);
        let waiting = limiter.run(|| Ok::<u8, String>(1)).cancel_by(&token);
        let pause = asynckit::delay(Duration::MAX).cancel_by(&token);
        source.cancel_for(WHY);
        assert_eq!(counter.dropped(), 1, "queued work is dropped before cancel returns");
        assert!(asked.is_cancelled());
        assert_eq!(limiter.waiting(), 0);
        assert!(is_cancelled_for(job, WHY) && is_cancelled_for(pause, WHY));
        assert!(is_cancelled_for(list, WHY));
        assert!(is_cancelled_for(retried, WHY) && is_cancelled_for(waiting, WHY));
        busy.cancel();
    });
}

#[test]
fn work_in_a_scope_and_a_wait_end_by_the_token() {
    watched(|| {
        let (pool, source, gate) = (Pool::new(2), CancelSource::new(), Gate::new());
        let (token, key) = (source.token(), gate.key());
        let canceller = thread::spawn(move || {
            gate.await_arrival(1);
            source.cancel_for(WHY);
            gate.open();
        });
        let outcome = pool.scope(|scope| {
            let mut job = scope.spawn(|| {
                key.wait();
                token.wait(None);
                token.check()?;
                Ok::<_, asynckit::AnyError>(7)
            });
            job.get(None)
        });
        assert!(matches!(outcome, Err(Failure::CancelledFor(why)) if why.as_str() == WHY));
        canceller.join().unwrap();
        let (deferred, never) = Typed::<u8>::deferred();
        assert!(is_cancelled_for(never.shield().cancel_by(&token), WHY));
        assert!(!deferred.is_cancelled(), "only the wait was given up");
    });
}

#[test]
fn a_wait_that_sleeps_ends_by_the_token() {
    watched(|| {
        let source = CancelSource::new();
        let token = source.token();
        let (_deferred, promise) = Typed::<u8>::deferred();
        let mut promise = promise.cancel_by(&token);
        let waiter = named_thread("token-waiter", move || promise.get(PATIENCE));
        let sleeper = named_thread("token-sleeper", move || token.wait(PATIENCE));
        eventually("both sleep", || {
            threads_asleep("token-waiter") == 1 && threads_asleep("token-sleeper") == 1
        });
        source.cancel();
        assert!(matches!(waiter.join().unwrap(), Err(Failure::Cancelled)));
        assert!(sleeper.join().unwrap());
    });
}

#[test]
fn a_reason_reaches_every_handler_and_not_those_of_others() {
    watched(|| {
        let (source, log) = (CancelSource::new(), Log::new());
        let token = source.token();
        let told = |what: &'static str, log: &Log<_>| {
            let log = log.clone();
            move || log.add((what, CancelReason::current().map(|why| why.to_string())))
        };
        token.on_cancel(told("token", &log));
        let (mut deferred, promise) = Typed::<u8>::deferred();
        deferred.on_cancel(told("deferred", &log));
        let promise = promise.on_cancel(told("promise", &log)).cancel_by(&token);
        let mut kept = None;
        let aborted = Typed::<u8>::from_abortable(|resolve, _| {
            kept = Some(resolve);
            told("abort", &log)
        });
        let shared = aborted.cancel_by(&token).share();
        let branch = shared.map(|n| *n);
        let child = token.child();
        child.token().on_cancel(told("child", &log));
        source.cancel_for(WHY);
        token.on_cancel(told("late", &log));
        let why = Some(WHY.to_owned());
        let expected = ["token", "promise", "deferred", "abort", "child", "late"];
        assert_eq!(log.entries(), expected.map(|what| (what, why.clone())));
        assert!(is_cancelled_for(promise, WHY) && is_cancelled_for(branch, WHY));
        assert_eq!(CancelReason::current(), None);
        let other = Log::new();
        let (mut deferred, promise) = Typed::<u8>::deferred();
        deferred.on_cancel(told("plain", &other));
        promise.cancel();
        assert_eq!(other.entries(), [("plain", None)]);
    });
}

#[test]
fn a_running_job_is_told_the_reason() {
    watched(|| {
        let (pool, source, gate) = (one_worker(), CancelSource::new(), Gate::new());
        let (key, log) = (gate.key(), Log::new());
        let seen = log.clone();
        let job = pool.spawn_cancellable(move |token| {
            key.wait();
            seen.add(token.reason().map(|why| why.to_string()));
            Ok::<_, String>(())
        });
        let job = job.cancel_by(&source.token());
        gate.await_arrival(1);
        source.cancel_for(WHY);
        gate.open();
        assert!(is_cancelled_for(job, WHY));
        pool.shutdown(Shutdown::Drain, PATIENCE);
        assert_eq!(log.entries(), [Some(WHY.to_owned())]);
    });
}

#[test]
fn children_are_cancelled_with_their_parent_and_not_the_other_way_round() {
    watched(|| {
        let parent = CancelSource::new();
        let (first, second) = (parent.token().child(), parent.token().child());
        first.cancel_for("only this");
        assert!(!parent.is_cancelled() && !second.is_cancelled());
        parent.cancel_for(WHY);
        assert_eq!(second.token().reason(), Some(CancelReason::from(WHY)));
        assert_eq!(first.token().reason(), Some(CancelReason::from("only this")));
        assert!(parent.token().child().is_cancelled(), "a child that is born late");
        // Also where all handles in between are gone.
        let parent = CancelSource::new();
        let promise = Typed::<u8>::deferred().1;
        let promise = promise.shield().cancel_by(&parent.token().child().token().child().token());
        parent.cancel_for(WHY);
        drop(promise.inspect(|outcome| assert!(outcome.is_err())));
        let either = CancelToken::any([CancelSource::new().token(), parent.token()]);
        assert_eq!(either.reason(), Some(CancelReason::from(WHY)));
        assert!(!CancelToken::any([]).is_cancelled());
    });
}

#[test]
fn a_promise_behind_a_child_that_nothing_else_holds_is_cancelled() {
    watched(|| {
        let parent = CancelSource::new();
        let (deferred, promise) = Typed::<u8>::deferred();
        let promise = promise.cancel_by(&parent.token().child().token());
        parent.cancel_for(WHY);
        assert!(deferred.is_cancelled() && is_cancelled_for(promise, WHY));
    });
}

#[test]
fn what_has_settled_is_not_cancelled_and_leaves_nothing_behind() {
    watched(|| {
        let source = CancelSource::new();
        let token = source.token();
        let counter = Counter::leaked();
        let round = || {
            let (deferred, promise) = Typed::<u8>::deferred();
            let mut promise = promise.cancel_by(&token);
            deferred.resolve(7);
            assert!(matches!(promise.get(None), Ok(7)));
            assert!(!token.wait(Duration::from_nanos(1)));
            drop(token.cancelled());
            drop(token.child());
            drop(CancelToken::any([token.clone(), token.clone()]));
        };
        round();
        counter.count_this_thread();
        let before = counter.live_bytes();
        (0..1000).for_each(|_| round());
        assert!(counter.live_bytes() <= before + 4096, "a long-lived token grows");
        source.cancel();
        let mut late = Typed::ready(8).cancel_by(&token);
        assert!(matches!(late.get(None), Ok(8)));
        assert!(is_error(
            Typed::<u8>::failed("no".into()).cancel_by(&CancelSource::new().token()).get(None),
            "no"
        ));
    });
}

#[test]
fn a_token_that_was_cancelled_cancels_at_once() {
    watched(|| {
        let source = CancelSource::new();
        source.cancel_for(WHY);
        let (deferred, promise) = Typed::<u8>::deferred();
        assert!(is_cancelled_for(promise.cancel_by(&source.token()), WHY));
        assert!(deferred.is_cancelled());
        assert!(source.token().wait(Duration::ZERO));
        assert!(source.token().cancelled().get(PATIENCE).is_ok());
        source.cancel_for("another");
        assert_eq!(source.token().reason(), Some(CancelReason::from(WHY)), "the first counts");
    });
}

#[test]
fn the_time_of_a_source_is_over_also_where_only_a_token_is_left() {
    watched(|| {
        let source = CancelSource::new();
        source.cancel_after(Duration::from_secs(3600));
        source.cancel_after(Duration::MAX);
        source.cancel_after(Duration::from_millis(2)); // the last one counts
        let token = source.token();
        drop(source);
        assert!(token.wait(PATIENCE));
        assert_eq!(token.reason(), Some(CancelReason::from("its time is over")));
        let source = CancelSource::new();
        source.cancel_after(Duration::ZERO);
        assert!(source.is_cancelled());
    });
}

#[test]
fn panics_of_handlers_and_of_drops_are_contained() {
    watched(|| {
        let (source, called) = (CancelSource::new(), Arc::new(AtomicUsize::new(0)));
        let token = source.token();
        token.on_cancel(|| panic!("a handler"));
        let bomb = Bomb;
        token.on_cancel(move || drop(bomb));
        let count = called.clone();
        token.on_cancel(move || _ = count.fetch_add(1, SeqCst));
        source.cancel();
        token.on_cancel(|| panic!("a late handler"));
        assert_eq!(called.load(SeqCst), 1);
        let (left, bomb) = (CancelSource::new(), Bomb);
        left.token().on_cancel(move || _ = &bomb);
        drop(left); // its handlers are dropped unrun
    });
}

/// Handlers drop the last handles, cancel again, attach, and wait for what they cancel.
#[test]
fn handlers_may_come_back_in() {
    watched(|| {
        let source = CancelSource::new();
        let (again, token) = (source.clone(), source.token());
        let (_deferred, promise) = Typed::<u8>::deferred();
        let mut promise = promise.cancel_by(&token);
        token.clone().on_cancel(move || {
            again.cancel_for("again");
            assert!(again.is_cancelled());
            drop(again.token().child());
            again.token().on_cancel(|| ());
            drop(again);
            drop(token);
        });
        let last = source.token().cancelled();
        source.cancel_for(WHY);
        drop(source);
        assert!({ last }.get(PATIENCE).is_ok());
        assert!(promise.get(PATIENCE).unwrap_err().is_cancelled());
    });
}

#[test]
fn a_promise_of_a_cancellation_fails_when_nothing_is_left_that_could_cancel() {
    watched(|| {
        let source = CancelSource::new();
        let mut told = source.token().cancelled();
        drop(source);
        assert!(told.get(PATIENCE).unwrap_err().is_abandoned());
        let job = Pool::global().spawn_cancellable(|token| Ok::<_, String>(token.cancelled()));
        let mut told = { job }.get(PATIENCE).unwrap();
        assert!(told.get(PATIENCE).unwrap_err().is_abandoned(), "the job has ended");
    });
}

/// Source and tokens are gone, and with them what would have settled the promise: it is told, and nothing leaks.
#[test]
fn a_promise_keeps_no_token_that_owns_what_it_waits_for() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let (parent, counter) = (CancelSource::new(), DropCounter::default());
        let (child, captured) = (parent.token().child(), counter.token());
        child.token().on_cancel(move || {
            drop(captured);
            deferred.resolve(1);
        });
        let mut promise = promise.cancel_by(&child.token());
        let own = child.clone();
        parent.token().on_cancel(move || own.cancel());
        drop((child, parent));
        assert!(promise.get(PATIENCE).unwrap_err().is_abandoned());
        assert_eq!(counter.dropped(), 1);
    });
}

#[test]
fn a_pool_that_is_shut_down_does_not_keep_a_token_from_cancelling() {
    watched(|| {
        let (pool, source) = (Pool::new(0), CancelSource::new());
        let mut job = pool.run(|| 1).cancel_by(&source.token());
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
        source.cancel();
        assert!(job.get(PATIENCE).unwrap_err().is_abandoned(), "that came first");
        let (deferred, promise) = pool.deferred::<u8, String>();
        let token = CancelSource::new();
        let both = join([promise, Typed::ready(2)]).cancel_by(&token.token());
        token.cancel_for(WHY);
        assert!(deferred.is_cancelled() && is_cancelled_for(both, WHY));
    });
}
