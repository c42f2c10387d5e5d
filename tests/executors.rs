//! Executors: callbacks after `via` run there and nowhere else, and what an executor refuses settles
//! (conformance B19, B20, B22).

mod common;

use asynckit::{AsyncList, Executor, ExecutorRef, Inline, Job, LocalQueue, Pool, Promise};
use common::{
    Bomb, DropCounter, Log, PATIENCE, eventually, every_failure, named_thread, one_worker, verdict,
    watched, worker_id,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

type Typed<T> = Promise<T, String>;

/// A thread of somebody else's, which runs jobs until its executor is dropped.
struct OneThread {
    jobs: Sender<Job>,
    id: ThreadId,
    count: AtomicUsize,
}

impl OneThread {
    fn start() -> Arc<OneThread> {
        let (jobs, queue) = channel::<Job>();
        let thread = named_thread("foreign", move || queue.into_iter().for_each(Job::run));
        Arc::new(OneThread { jobs, id: thread.thread().id(), count: AtomicUsize::new(0) })
    }
}

impl Executor for OneThread {
    fn execute(&self, job: Job) {
        self.count.fetch_add(1, Ordering::SeqCst);
        drop(self.jobs.send(job));
    }
}

/// Adds callbacks of every kind, each of which notes its thread.
fn all_callbacks(promise: Typed<u8>, log: &Log<ThreadId>) -> Typed<u8> {
    let note = || {
        let log = log.clone();
        move || log.add(thread::current().id())
    };
    let (map, then, chain, change, look, end) = (note(), note(), note(), note(), note(), note());
    let (test, caught, other, handle) = (note(), note(), note(), note());
    promise
        .map(move |n| (map(), n).1)
        .then(move |n| (then(), Ok(n)).1)
        .chain(move |n| (chain(), Ok(n)).1)
        .map_err(move |e| (change(), e).1)
        .inspect(move |_| look())
        .finally(end)
        .catch_if(move |_| (test(), false).1, |_| Ok(0))
        .or_else(move |e| (other(), Err(e)).1)
        .catch(move |failure| (caught(), Err(failure.to_string())).1)
        .handle(move |outcome| (handle(), outcome.map_err(|failure| failure.to_string())).1)
}

#[track_caller]
fn only(log: &Log<ThreadId>, id: ThreadId) {
    let threads = log.entries();
    assert!(!threads.is_empty());
    assert!(threads.iter().all(|thread| *thread == id), "{threads:?} instead of {id:?}");
}

/// Values and failures, settled before, right after and later, on every kind of thread.
#[test]
fn callbacks_after_via_run_there_and_nowhere_else() {
    watched(|| {
        let foreign = OneThread::start();
        for value in [true, false] {
            let outcome = || if value { Ok(1) } else { Err(asynckit::Failure::Error("no".into())) };
            let log = Log::new();
            common::three_cases(
                outcome,
                |promise| all_callbacks(promise.via(foreign.clone()), &log),
                |mut end| assert_eq!(end.get(PATIENCE).is_ok(), value),
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

// ── Refused ──────────────────────────────────────────────────────────────────────────────────────

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
            common::three_cases(
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
                .catch(|failure| Err(format!("{failure:?}")))
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

// ── Re-entrancy ──────────────────────────────────────────────────────────────────────────────────

/// `execute` itself makes promises, settles some, and waits for others.
#[test]
fn an_executor_may_use_promises_itself() {
    watched(|| {
        let foreign = OneThread::start();
        let inner = foreign.clone();
        let executor = move |job: Job| {
            let (deferred, promise) = Typed::<u8>::deferred();
            let mut mapped = promise.via(Inline).map(|n| n + 1).via(inner.clone()).map(|n| n + 1);
            deferred.resolve(1);
            assert_eq!(mapped.get(PATIENCE).unwrap(), 3);
            inner.execute(job);
        };
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut end = promise.via(executor).map(|n| n + 1);
        deferred.resolve(1);
        assert_eq!(end.get(PATIENCE).unwrap(), 2);
    });
}

/// The executor's last handle goes with the callback that it runs, and its own drop panics.
#[test]
fn the_last_handle_is_dropped_in_a_callback() {
    struct Fragile(Sender<Job>, Bomb);
    impl Executor for Fragile {
        fn execute(&self, job: Job) {
            drop(self.0.send(job));
        }
    }
    watched(|| {
        let (jobs, queue) = channel::<Job>();
        let executor = Arc::new(Fragile(jobs, Bomb));
        let (deferred, promise) = Typed::<u8>::deferred();
        let own = executor.clone();
        let mut end =
            promise.via(executor).map(move |n| (drop(own), n).1).via(Inline).map(|n| n + 1);
        deferred.resolve(1);
        queue.recv().unwrap().run();
        assert_eq!(end.get(PATIENCE).unwrap(), 2);
        assert!(queue.recv().is_err(), "nobody holds the executor any more");
    });
}

/// No pool is kept alive: it finishes what it has, and refuses what comes later.
#[test]
fn a_reference_keeps_no_pool_alive() {
    watched(|| {
        let pool = one_worker();
        let reference = ExecutorRef::from(&pool);
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut end = promise.via(reference.clone()).map(|n| n + 1);
        drop(pool);
        deferred.resolve(1);
        assert!(end.get(None).unwrap_err().is_abandoned());
        assert!(Typed::ready(1).via(reference).map(|n| n).get(None).unwrap_err().is_abandoned());
    });
}

/// What its executor has refused with a failure in it is not lost in silence: it is reported.
#[test]
fn a_failure_whose_callback_was_refused_is_reported() {
    watched(|| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let hook = seen.clone();
        asynckit::set_unobserved_hook(move |unobserved| {
            hook.lock().unwrap().push(unobserved.to_string());
        });
        let nobody: fn(Job) = drop;
        let failed = Typed::<u8>::failed("the refused error".to_owned());
        assert!(failed.via(nobody).catch(|_| Ok(1)).get(None).unwrap_err().is_abandoned());
        let reports = seen.lock().unwrap();
        assert!(reports.iter().any(|text| text.contains("the refused error")), "{reports:?}");
    });
}
