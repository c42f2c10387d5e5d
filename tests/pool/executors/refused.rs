//! What an executor refuses settles.

use super::{OneThread, Typed, all_callbacks};
use crate::common::{
    Bomb, DropCounter, Log, PATIENCE, every_failure, named_thread, three_cases, verdict, watched,
};
use asynckit::{Executor, ExecutorRef, Inline, Job, LocalQueue, Pool};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

/// Executors that do not run what they are given.
fn refusing() -> Vec<(&'static str, ExecutorRef)> {
    let closed = LocalQueue::new();
    let closed = ExecutorRef::from(closed); // its last handle
    let shut = Pool::new(1);
    shut.shutdown(asynckit::Shutdown::Drain, None);
    let shut: Arc<dyn Executor> = Arc::new(shut);
    let hung_up = {
        let (sender, _) = channel::<Job>();
        move |job: Job| drop(sender.send(job))
    };
    let panics = |_: Job| panic!("this executor panics");
    let panics_later = |job: Job| {
        drop(job);
        panic!("this executor panics, too");
    };
    let elsewhere = |job: Job| {
        named_thread("elsewhere", move || drop(job)).join().expect("a drop does not panic");
    };
    let drops: fn(Job) = drop;
    vec![
        ("one that drops", drops.into()),
        ("a queue without handles", closed),
        ("a pool that was shut down", shut.into()),
        ("a channel without a receiver", hung_up.into()),
        ("one that panics", panics.into()),
        ("one that drops and panics", panics_later.into()),
        ("one that drops elsewhere", elsewhere.into()),
    ]
}

#[test]
fn a_refused_job_settles_its_promise_and_runs_nothing() {
    watched(|| {
        for (name, executor) in refusing() {
            three_cases(
                || Ok(1),
                |promise: Typed<u8>| {
                    let log = Log::new();
                    (all_callbacks(promise.via(executor.clone()), &log), log)
                },
                |(mut end, log)| {
                    let outcome = end.get(PATIENCE);
                    assert_eq!(verdict(&outcome), "Abandoned", "{name}");
                    assert!(log.entries().is_empty(), "{name}: a callback has run");
                },
            );
        }
    });
}

#[test]
fn a_refused_branch_of_a_value_settles() {
    watched(|| {
        for (name, executor) in refusing() {
            let (deferred, promise) = Typed::<u8>::deferred();
            let value = promise.via(executor).share();
            let branches = [value.map(|n| *n), value.then(|n| Ok(*n)), value.chain(|n| Ok(*n))];
            deferred.resolve(1);
            for mut branch in branches {
                assert_eq!(verdict(&branch.get(PATIENCE)), "Abandoned", "{name}");
            }
        }
    });
}

/// Captures are dropped before the promise is settled, and a `Drop` that panics does no harm.
#[test]
fn a_refused_callback_is_dropped_first() {
    watched(|| {
        for (_, executor) in refusing() {
            let drops = DropCounter::default();
            let (token, bomb) = (drops.token(), Bomb);
            let seen = drops.clone();
            let (deferred, promise) = Typed::<u8>::deferred();
            let mut end = promise
                .via(executor)
                .map(move |n| (drop((token, bomb)), n).1)
                .via(Inline)
                .handle(move |_| Ok(seen.dropped()));
            deferred.resolve(1);
            assert_eq!(end.get(PATIENCE).unwrap(), 1);
            assert_eq!(drops.dropped(), 1);
        }
    });
}

/// After a refusal another executor goes on.
#[test]
fn what_is_behind_a_refusal_runs_where_it_belongs() {
    watched(|| {
        let foreign = OneThread::start();
        for (name, executor) in refusing() {
            let mut end = Typed::ready(1)
                .via(executor)
                .map(|n| n + 1)
                .via(foreign.clone())
                .catch(|failure| Err(format!("{failure:#?}")))
                .or_else(|text| Ok(if text == "Abandoned" { 7 } else { 0 }));
            assert_eq!(end.get(PATIENCE).unwrap(), 7, "{name}");
        }
    });
}

/// Outcomes that need no callback pass by an executor that would refuse it.
#[test]
fn what_needs_no_callback_needs_no_executor() {
    watched(|| {
        for (name, failure) in every_failure() {
            let nobody: fn(Job) = drop;
            let mut end = Typed::<u8>::settled(Err(failure)).via(nobody).map(|n| n + 1);
            assert_eq!(verdict(&end.get(None)), name);
        }
    });
}

/// Jobs that are kept and then dropped, all at once or each by the next.
#[test]
fn jobs_that_are_kept_and_dropped_later_settle() {
    watched(|| {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = kept.clone();
        let hoarder = move |job: Job| keep.lock().unwrap().push(job);
        let executor = ExecutorRef::from(hoarder);
        let ends: Vec<_> =
            (0..10).map(|n| Typed::ready(n).via(executor.clone()).map(|n| n + 1)).collect();
        assert!(ends.iter().all(|end| !end.is_set()));
        let jobs = std::mem::take(&mut *kept.lock().unwrap());
        assert_eq!(jobs.len(), 10);
        drop(jobs);
        assert!(ends.into_iter().all(|mut end| end.get(None).unwrap_err().is_abandoned()));

        // As a full queue does: each new job pushes out the one before it.
        let last = Arc::new(Mutex::new(None));
        let slot = last.clone();
        let one = move |job: Job| drop(slot.lock().unwrap().replace(job));
        let executor = ExecutorRef::from(one);
        let mut ends: Vec<_> =
            (0..10).map(|n| Typed::ready(n).via(executor.clone()).map(|n| n + 1)).collect();
        assert!(!ends.pop().unwrap().is_set());
        assert!(ends.into_iter().all(|mut end| end.get(None).unwrap_err().is_abandoned()));
        let job = last.lock().unwrap().take();
        drop(job); // it keeps its executor, which keeps it
    });
}

/// B22: the executor is asked once for each job.
#[test]
fn every_refused_callback_was_offered_once() {
    watched(|| {
        let offers = Arc::new(AtomicUsize::new(0));
        let count = offers.clone();
        let executor = ExecutorRef::from(move |job: Job| {
            count.fetch_add(1, Ordering::SeqCst);
            drop(job);
        });
        let value = Typed::ready(1).via(executor).share();
        let branches: Vec<_> = (0..5).map(|_| value.chain(|n| Ok(*n))).collect();
        assert!(branches.into_iter().all(|mut b| b.get(PATIENCE).unwrap_err().is_abandoned()));
        assert_eq!(offers.load(Ordering::SeqCst), 5);
    });
}
