//! Callbacks after `via` run there and nowhere else.

use super::{OneThread, Typed, all_callbacks, only};
use crate::common::{
    Log, PATIENCE, eventually, one_worker, three_cases, verdict, watched, worker_id,
};
use asynckit::{AsyncList, Executor, ExecutorRef, Inline, Job, LocalQueue};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

/// Values and failures, settled before, right after and later, on every kind of thread.
#[test]
fn callbacks_after_via_run_there_and_nowhere_else() {
    watched(|| {
        let foreign = OneThread::start();
        for value in [true, false] {
            let outcome = || if value { Ok(1) } else { Err(asynckit::Failure::Error("no".into())) };
            let log = Log::new();
            three_cases(
                outcome,
                |promise| all_callbacks(promise.via(foreign.clone()), &log),
                |mut end| {
                    assert_eq!(verdict(&end.get(PATIENCE)), if value { "Ok" } else { "Error" })
                },
            );
            only(&log, foreign.id);
        }
    });
}

#[test]
fn a_worker_that_has_the_value_does_not_run_them() {
    watched(|| {
        let (pool, foreign, log) = (one_worker(), OneThread::start(), Log::new());
        let job: Typed<u8> = pool.spawn(|| Ok(1));
        let mut end = all_callbacks(job.via(foreign.clone()), &log);
        assert_eq!(end.get(PATIENCE).unwrap(), 1);
        only(&log, foreign.id);
    });
}

/// What runs on the way of a cancellation does so there, too.
#[test]
fn a_cancellation_does_not_run_them_elsewhere() {
    watched(|| {
        let (foreign, log) = (OneThread::start(), Log::new());
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut end = all_callbacks(promise.via(foreign.clone()), &log);
        end.cancel();
        assert!(end.get(None).unwrap_err().is_cancelled());
        eventually("finally and inspect run", || log.entries().len() == 2);
        only(&log, foreign.id);
        drop(deferred);
    });
}

/// Joins and races have the executor of their first item.
#[test]
fn lists_of_promises_keep_their_executor() {
    watched(|| {
        let (foreign, log) = (OneThread::start(), Log::new());
        let items = || {
            let typed = (0..3).map(Typed::ready).map(|promise| promise.via(foreign.clone()));
            typed.collect::<AsyncList<u8, String>>()
        };
        let joined = items().join().map(|all| all.len() as u8);
        let raced = items().race();
        let both = asynckit::join([
            all_callbacks(joined, &log),
            all_callbacks(raced, &log),
            all_callbacks(items().then(|all| Ok(all[0])), &log),
        ]);
        let mut end = all_callbacks(both.map(|_| 1), &log);
        assert!(end.get(PATIENCE).is_ok());
        only(&log, foreign.id);
    });
}

#[test]
fn branches_of_a_shared_value_run_there() {
    watched(|| {
        let (foreign, log) = (OneThread::start(), Log::new());
        let (deferred, promise) = Typed::<u8>::deferred();
        let value = promise.via(foreign.clone()).share();
        let branches: Vec<_> = (0..4).map(|_| all_callbacks(value.map(|n| *n), &log)).collect();
        deferred.resolve(1);
        for mut branch in branches {
            assert!(branch.get(PATIENCE).is_ok());
        }
        assert!(all_callbacks(value.chain(|n| Ok(*n)), &log).get(PATIENCE).is_ok());
        only(&log, foreign.id);
    });
}

/// B20: it holds until the next one.
#[test]
fn via_holds_until_the_next_via() {
    watched(|| {
        let (pool, first, second) = (one_worker(), OneThread::start(), OneThread::start());
        let id = || thread::current().id();
        let mut hops = Typed::ready(())
            .via(&pool)
            .map(move |()| vec![id()])
            .via(first.clone())
            .map(move |ids| [ids, vec![id()]].concat())
            .then(move |ids| Typed::ready([ids, vec![id()]].concat()))
            .map(move |ids| [ids, vec![id()]].concat())
            .via(second.clone())
            .map(move |ids| [ids, vec![id()]].concat())
            .chain_on(&pool, move |ids| Ok([ids, vec![id()]].concat()));
        let worker = worker_id(&pool);
        let expected = [worker, first.id, first.id, first.id, second.id, worker];
        assert_eq!(hops.get(PATIENCE).unwrap(), expected);
    });
}

/// Everything that can stand for an executor.
#[test]
fn every_kind_of_executor_is_taken() {
    watched(|| {
        let (pool, queue, foreign) = (one_worker(), LocalQueue::new(), OneThread::start());
        let boxed: Arc<dyn Executor> = foreign.clone();
        let on_pool: Arc<dyn Executor> = Arc::new(pool.clone());
        let sender = foreign.jobs.clone();
        let executors: [ExecutorRef; 9] = [
            (&pool).into(),
            pool.clone().into(),
            Inline.into(),
            foreign.into(),
            boxed.into(),
            on_pool.into(),
            (move |job: Job| drop(sender.send(job))).into(),
            (&queue).into(),
            queue.clone().into(),
        ];
        for executor in executors {
            let mut end = Typed::ready(1).via(executor.clone()).map(|n| n + 1).chain(|n| Ok(n * 2));
            assert_eq!(queue.get(&mut end, PATIENCE).unwrap(), 4, "{executor:?}");
        }
    });
}

/// A chain on one executor is one job, some dozens of callbacks long: it takes no trip for each.
#[test]
fn callbacks_in_a_row_share_a_job() {
    watched(|| {
        let foreign = OneThread::start();
        let chain = |links| {
            let start = Typed::ready(0).via(foreign.clone());
            (0..links).fold(start, |chain, _| chain.map(|n| n + 1))
        };
        assert_eq!(chain(20).get(PATIENCE).unwrap(), 20);
        assert!(foreign.count.load(Ordering::SeqCst) <= 20);
        let before = foreign.count.load(Ordering::SeqCst);
        let (deferred, promise) = Typed::<u32>::deferred();
        let mut end =
            (0..6_400).fold(promise.via(foreign.clone()), |chain, _| chain.map(|n| n + 1));
        deferred.resolve(0);
        assert_eq!(end.get(PATIENCE).unwrap(), 6_400);
        let jobs = foreign.count.load(Ordering::SeqCst) - before;
        assert!((50..200).contains(&jobs), "{jobs} jobs: others have their turn in between");
    });
}
