//! Stopping a pool: `shutdown`, and dropping its last handle (conformance J1 to J4).

use crate::common::tasks::threads_named;
use crate::common::{
    DropCounter, Gate, Log, PATIENCE, deferred_on, eventually, flush, named_pool, named_thread,
    one_worker, verdict, watched,
};
use asynckit::{AsyncList, Pool, Promise, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

type Typed<T> = Promise<T, String>;

/// J2: drain
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn shutdown_drains_the_queue() {
    watched(|| {
        let (pool, ran) = (named_pool(1, "j2-drain"), Arc::new(AtomicUsize::new(0)));
        let gate = Gate::new();
        let jobs: Vec<_> = (0..50)
            .map(|_| {
                let (key, ran) = (gate.key(), ran.clone());
                pool.run(move || {
                    key.wait();
                    ran.fetch_add(1, SeqCst);
                })
            })
            .collect();
        gate.await_arrival(1);
        gate.open();
        let report = pool.shutdown(Shutdown::Drain, None);
        assert_eq!(ran.load(SeqCst), 50);
        assert_eq!((report.abandoned, report.still_running), (0, 0));
        assert!(jobs.into_iter().all(|mut job| job.get(Duration::ZERO).is_ok()));
        eventually("its threads end", || threads_named("j2-drain") == 0);
    });
}

/// J2, J7: cancel what is queued
#[test]
fn shutdown_cancels_what_has_not_begun() {
    watched(|| {
        let (pool, ran, dropped) =
            (one_worker(), Arc::new(AtomicUsize::new(0)), DropCounter::default());
        let gate = Gate::new();
        let mut jobs: Vec<_> = (0..50)
            .map(|_| {
                let (key, ran, token) = (gate.key(), ran.clone(), dropped.token());
                pool.run(move || {
                    key.wait();
                    ran.fetch_add(1, SeqCst);
                    drop(token);
                })
            })
            .collect();
        gate.await_arrival(1);
        let running = jobs.remove(0);
        let report = pool.shutdown(Shutdown::CancelQueued, Duration::ZERO);
        assert_eq!((report.finished, report.abandoned, report.still_running), (0, 49, 1));
        assert_eq!(dropped.dropped(), 49, "captures of jobs that never run are dropped");
        for mut job in jobs {
            assert!(job.get(Duration::ZERO).unwrap_err().is_abandoned());
        }
        gate.open();
        { running }.get(PATIENCE).unwrap();
        assert_eq!(ran.load(SeqCst), 1);
    });
}

/// J2, J7: also on a pool that is paused: closing it starts no worker that could run what is to be cancelled.
#[test]
fn shutdown_cancels_everything_of_a_paused_pool() {
    const JOBS: usize = 10_000;
    watched(|| {
        for _ in 0..20 {
            let (pool, ran) = (one_worker(), Arc::new(AtomicUsize::new(0)));
            pool.set_worker_count(0);
            for _ in 0..JOBS {
                let ran = ran.clone();
                drop(pool.run(move || ran.fetch_add(1, SeqCst)));
            }
            let report = pool.shutdown(Shutdown::CancelQueued, None);
            assert_eq!((report.finished, report.abandoned, report.still_running), (0, JOBS, 0));
            assert_eq!(ran.load(SeqCst), 0);
        }
    });
}

/// J2: what is queued is cancelled also while workers are taking from the queue: none of it begins after the call.
#[test]
fn nothing_begins_after_queued_work_was_cancelled() {
    const WORKERS: usize = 2;
    const JOBS: usize = 20_000;
    watched(|| {
        for _ in 0..20 {
            let (pool, begun) = (Pool::new(WORKERS), Arc::new(AtomicUsize::new(0)));
            for _ in 0..JOBS {
                let begun = begun.clone();
                drop(pool.run(move || begun.fetch_add(1, SeqCst)));
            }
            let cancelled = pool.shutdown(Shutdown::CancelQueued, Duration::ZERO).abandoned;
            let at_return = begun.load(SeqCst);
            pool.shutdown(Shutdown::Drain, None);
            let in_the_end = begun.load(SeqCst);
            assert!(in_the_end <= at_return + WORKERS, "{at_return} had begun, then {in_the_end}");
            assert_eq!(in_the_end + cancelled, JOBS);
        }
    });
}

/// `shutdown` counts the jobs of this call: what was queued or running, not what was done before.
#[test]
fn a_shutdown_reports_what_it_waited_for() {
    watched(|| {
        let pool = one_worker();
        flush(&pool);
        let gate = Gate::new();
        let jobs: Vec<_> = (0..5)
            .map(|_| {
                let key = gate.key();
                pool.run(move || key.wait())
            })
            .collect();
        gate.await_arrival(1);
        let stopping = pool.clone();
        let shutdown = named_thread("shutdown", move || stopping.shutdown(Shutdown::Drain, None));
        // The first job that is refused shows that the call has begun; those before it are its work, too.
        let accepted =
            std::iter::repeat_with(|| pool.run(|| ())).take_while(|probe| !probe.is_set()).count();
        gate.open();
        let report = shutdown.join().unwrap();
        assert_eq!((report.finished, report.abandoned, report.still_running), (5 + accepted, 0, 0));
        drop(jobs);
    });
}

/// J1: work that comes too late fails at once; none is left pending.
#[test]
fn work_spawned_after_shutdown_is_abandoned() {
    watched(|| {
        for how in [Shutdown::Drain, Shutdown::CancelQueued] {
            let pool = one_worker();
            let (waiting, promise) = deferred_on::<u8, String>(&pool);
            flush(&pool);
            pool.shutdown(how, None);
            let dropped = DropCounter::default();
            let token = dropped.token();
            let late = pool.run(move || drop(token));
            assert!(late.is_set());
            assert_eq!(verdict(&{ late }.get(Duration::ZERO)), "Abandoned");
            assert_eq!(dropped.dropped(), 1);
            let mut typed: Typed<u8> = pool.spawn(|| Ok(1));
            assert!(typed.get(Duration::ZERO).unwrap_err().is_abandoned());
            // what waits for an outside promise then
            let mut mapped = promise.map(|n| n + 1);
            waiting.resolve(1);
            assert!(mapped.get(PATIENCE).unwrap_err().is_abandoned());
        }
    });
}

/// What needs no pool still works when the pool was shut down: on the pool of the process. What needs it fails,
/// and says where the pool was shut down.
#[test]
fn handlers_still_run_after_the_pool_was_shut_down() {
    watched(|| {
        let pool = one_worker();
        let (deferred, promise) = deferred_on::<u8, String>(&pool);
        let (second, other) = deferred_on::<u8, String>(&pool);
        let (third, failing) = deferred_on::<u8, String>(&pool);
        flush(&pool);
        pool.shutdown(Shutdown::Drain, None);
        drop(pool);
        let log = Log::new();
        let (a, b, c, d) = (log.clone(), log.clone(), log.clone(), log.clone());
        let thread = || std::thread::current().name().unwrap_or_default().to_owned();
        let mut end = promise
            .finally(move || a.add(format!("finally on {}", thread())))
            .inspect(move |_| b.add("inspect".to_owned()))
            .map(|n| n + 1)
            .catch(move |f| {
                c.add(crate::common::kind(&f).to_owned());
                Ok(7)
            })
            .handle(move |o| {
                d.add(verdict(&o).to_owned());
                Ok(8)
            });
        deferred.resolve(1);
        assert_eq!(end.get(PATIENCE).unwrap(), 8);
        let entries = log.entries();
        assert!(entries[0].starts_with("finally on asynckit-global"), "{entries:?}");
        assert_eq!(entries[1..], ["inspect", "Abandoned", "Ok"]);
        second.resolve(2);
        assert_eq!({ other }.get(PATIENCE).unwrap(), 2, "the value itself needs no worker");
        third.resolve(3);
        let mut late = failing.map(|n| n + 1);
        assert!(late.get(PATIENCE).unwrap_err().is_abandoned());
        let trace = late.trace().to_string();
        assert!(trace.contains("shutdown at tests/pool/shutdown.rs:"), "{trace}");
    });
}

/// Dropping a pool is not to shut it down: a function may own its pool, and give a promise away.
#[test]
fn what_comes_after_a_dropped_pool_runs_on_the_pool_of_the_process() {
    fn load() -> Typed<u32> {
        let pool = Pool::new(2);
        pool.spawn(|| Ok(5))
    }
    watched(|| {
        let on_global = || {
            let thread = std::thread::current();
            assert!(thread.name().unwrap_or_default().starts_with("asynckit-global"));
        };
        let mut mapped = load().map(move |n| {
            on_global();
            n + 1
        });
        assert_eq!(mapped.get(PATIENCE).unwrap(), 6);
        let mut chained = load().chain(|n| Ok(n + 1)).then(|n| Ok(n + 1)).map(|n| n + 1);
        assert_eq!(chained.get(PATIENCE).unwrap(), 8);
        let shared = load().share();
        assert_eq!(shared.map(|n| n + 1).get(PATIENCE).unwrap(), 6);
        assert_eq!(shared.chain(|n| Ok(n + 2)).get(PATIENCE).unwrap(), 7);
        let list: AsyncList<u32, String> = (0..3).map(|_| load()).collect();
        assert_eq!(list.map(|all| all.len()).get(PATIENCE).unwrap(), 3);
        // what becomes ready later
        let (deferred, mut later) = {
            let pool = one_worker();
            let (deferred, promise) = deferred_on::<u8, String>(&pool);
            (deferred, promise.map(|n| n + 1).chain(|n| Ok(n + 1)))
        };
        deferred.resolve(1);
        assert_eq!(later.get(PATIENCE).unwrap(), 3);
    });
}

/// A pool that comes after one that has gone has nothing to do with that one's promises.
#[test]
fn a_pool_that_is_made_later_does_not_run_what_is_left_of_another() {
    watched(|| {
        let (deferred, promise) = {
            let pool = one_worker();
            deferred_on::<u8, String>(&pool)
        };
        let (shut, abandoned) = {
            let pool = one_worker();
            let pair = deferred_on::<u8, String>(&pool);
            pool.shutdown(Shutdown::Drain, None);
            pair
        };
        let later: Vec<_> = (0..4).map(|n| named_pool(1, &format!("later-{n}"))).collect();
        let thread = |_| std::thread::current().name().unwrap_or_default().to_owned();
        let (mut first, mut second) = (promise.map(thread), abandoned.map(thread));
        deferred.resolve(1);
        shut.resolve(1);
        assert!(first.get(PATIENCE).unwrap().starts_with("asynckit-global"));
        assert!(second.get(PATIENCE).unwrap_err().is_abandoned());
        drop(later);
    });
}

/// J4: the last handle finishes all accepted work, what becomes ready meanwhile too, and joins the threads.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn dropping_the_last_handle_finishes_all_accepted_work() {
    watched(|| {
        let (pool, ran) = (named_pool(2, "j4-drop"), Arc::new(AtomicUsize::new(0)));
        let count = || {
            let ran = ran.clone();
            move |n: u8| {
                ran.fetch_add(1, SeqCst);
                n
            }
        };
        for _ in 0..100 {
            let (job, map, chain, nested) = (count(), count(), count(), count());
            drop(pool.run(move || job(1)).map(map).chain(move |n| Ok(chain(n))).then(move |n| {
                Promise::ready(n).finally(move || {
                    nested(n);
                })
            }));
        }
        let copy = pool.clone();
        drop(pool);
        flush(&copy);
        drop(copy);
        assert!(ran.load(SeqCst) >= 300, "{} of the pool's own callbacks ran", ran.load(SeqCst));
        eventually("its threads are joined", || threads_named("j4-drop") == 0);
        eventually("the callback on the global pool runs as well", || ran.load(SeqCst) == 400);
    });
}

/// A paused pool starts a worker for it.
#[test]
fn dropping_a_paused_pool_finishes_its_work() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        pool.set_worker_count(0);
        for n in 0..5 {
            let log = log.clone();
            drop(pool.run(move || log.add(n)));
        }
        drop(pool);
        assert_eq!(log.entries(), [0, 1, 2, 3, 4]);
    });
}

/// From one of its own workers the last handle joins nothing, and the rest of the work is done.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn the_last_handle_may_go_in_a_worker_of_the_pool() {
    watched(|| {
        let (pool, log) = (named_pool(2, "j4-own"), Log::new());
        let gate = Gate::new();
        let (own, key, note, after) = (pool.clone(), gate.key(), log.clone(), log.clone());
        let mut dropper = pool.run(move || {
            key.wait();
            drop(own);
            note.add("dropped");
        });
        for _ in 0..10 {
            let after = after.clone();
            drop(pool.run(move || after.add("queued")));
        }
        gate.await_arrival(1);
        drop(pool);
        gate.open();
        dropper.get(PATIENCE).unwrap();
        eventually("the rest is done", || log.entries().len() == 11);
        eventually("its threads end", || threads_named("j4-own") == 0);
    });
}

/// One total deadline, and draining goes on in the background.
#[test]
fn a_shutdown_that_times_out_says_what_is_left_and_goes_on() {
    watched(|| {
        let pool = Pool::new(4);
        let gate = Gate::new();
        let mut jobs: Vec<_> = (0..8)
            .map(|n| {
                let key = gate.key();
                pool.run(move || {
                    key.wait();
                    n
                })
            })
            .collect();
        gate.await_arrival(4);
        let (start, limit) = (Instant::now(), Duration::from_millis(300));
        let report = pool.shutdown(Shutdown::Drain, limit);
        assert!(
            start.elapsed() >= limit && start.elapsed() < limit * 3,
            "one deadline, not one for each worker"
        );
        assert_eq!((report.finished, report.abandoned, report.still_running), (0, 0, 4));
        gate.open();
        for (n, job) in jobs.iter_mut().enumerate() {
            assert_eq!(job.get(PATIENCE).unwrap(), n);
        }
    });
}

/// A job may shut its own pool down; it neither counts nor is waited for.
#[test]
fn a_job_may_shut_its_own_pool_down() {
    watched(|| {
        let pool = one_worker();
        let own = pool.clone();
        let gate = Gate::new();
        let key = gate.key();
        let mut stopper = pool.run(move || {
            key.wait();
            let report = own.shutdown(Shutdown::CancelQueued, None);
            (report.finished, report.abandoned, report.still_running)
        });
        gate.await_arrival(1);
        let mut queued = pool.run(|| ());
        gate.open();
        assert_eq!(stopper.get(PATIENCE).unwrap(), (0, 1, 0));
        assert!(queued.get(PATIENCE).unwrap_err().is_abandoned());
    });
}

/// Jobs that shut their pool down at the same time neither count nor wait for each other, also not when one of them is
/// through and does something else; for other jobs they do.
#[test]
fn jobs_that_shut_their_pool_down_do_not_wait_for_each_other() {
    watched(|| {
        let (pool, gate) = (Pool::new(3), Gate::new());
        let (tell, told) = std::sync::mpsc::channel();
        let told = std::sync::Mutex::new(told);
        let stopper = |after: Box<dyn FnOnce() + Send>| {
            let (own, key) = (pool.clone(), gate.key());
            pool.run(move || {
                key.wait();
                let report = own.shutdown(Shutdown::Drain, None);
                after();
                (report.abandoned, report.still_running)
            })
        };
        let waits = move || told.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        let mut first = stopper(Box::new(waits));
        let mut second = stopper(Box::new(move || tell.send(()).unwrap()));
        let key = gate.key();
        let mut other = pool.run(move || key.wait());
        gate.await_arrival(3);
        gate.open();
        assert_eq!(first.get(PATIENCE).unwrap(), (0, 0));
        assert_eq!(second.get(PATIENCE).unwrap(), (0, 0));
        assert!(other.get(Duration::ZERO).is_ok(), "it was waited for");
    });
}

/// `Pool::global()` is there for ever: shutdown only waits until it is idle.
#[test]
fn the_global_pool_outlives_its_shutdown() {
    watched(|| {
        let gate = Gate::new();
        let key = gate.key();
        let mut job = Pool::global().run(move || {
            key.wait();
            1
        });
        gate.open();
        Pool::global().shutdown(Shutdown::Drain, PATIENCE);
        assert_eq!(job.get(Duration::ZERO).unwrap(), 1);
        assert_eq!(Pool::global().run(|| 2).get(PATIENCE).unwrap(), 2);
    });
}
