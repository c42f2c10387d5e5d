//! The threads of a pool that serves for long: what is done on each, when they end, and what can be seen of them.

use crate::common::{Gate, Log, PATIENCE, eventually, watched};
use asynckit::{Pool, Shutdown};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

#[test]
fn each_thread_begins_and_ends_with_its_hooks() {
    watched(|| {
        let log = Log::new();
        let (starts, stops) = (log.clone(), log.clone());
        let pool = Pool::builder()
            .on_thread_start(move || starts.add(("start", thread::current().id())))
            .on_thread_stop(move || stops.add(("stop", thread::current().id())))
            .build()
            .unwrap();
        let jobs = log.clone();
        let mut job = pool.run(move || {
            jobs.add(("job", thread::current().id()));
            thread::current().id()
        });
        let id = job.get(PATIENCE).unwrap();
        assert_eq!(log.entries(), [("start", id), ("job", id)]);
        drop(pool);
        assert_eq!(log.entries(), [("start", id), ("job", id), ("stop", id)]);
    });
}

#[test]
fn a_panic_in_a_hook_is_contained() {
    watched(|| {
        let build = Pool::builder()
            .on_thread_start(|| panic!("on purpose"))
            .on_thread_stop(|| panic!("on purpose"))
            .build();
        let pool = build.unwrap();
        assert!(matches!(pool.run(|| 1).get(PATIENCE), Ok(1)));
        drop(pool);
    });
}

/// Its thread is a worker already: another takes its place while it waits for a job.
#[test]
fn a_hook_may_use_its_pool() {
    watched(|| {
        let cell: Arc<OnceLock<Pool>> = Arc::default();
        let log = Log::new();
        let (own, seen) = (cell.clone(), log.clone());
        let build = Pool::builder().on_thread_start(move || {
            if let Some(pool) = own.get() {
                seen.add(pool.run(|| 5).map(|n| n + 1).get(None).unwrap());
            }
        });
        let pool = build.build().unwrap();
        assert!(cell.set(pool.clone()).is_ok());
        assert!(matches!(pool.run(|| 1).get(PATIENCE), Ok(1)));
        eventually("the hook is through", || log.entries().first() == Some(&6));
        // Nobody else lets go of the handle that the hook looks at.
        let report = pool.shutdown(Shutdown::Drain, PATIENCE);
        assert_eq!(report.still_running, 0);
    });
}

/// A thread whose first act shuts its pool down is not taken for one that still runs.
#[test]
fn a_hook_may_shut_its_pool_down() {
    watched(|| {
        let cell: Arc<OnceLock<Pool>> = Arc::default();
        let own = cell.clone();
        let build = Pool::builder().on_thread_start(move || {
            if let Some(pool) = own.get() {
                pool.shutdown(Shutdown::CancelQueued, Duration::ZERO);
            }
        });
        let pool = build.build().unwrap();
        assert!(cell.set(pool.clone()).is_ok());
        let mut job = pool.run(|| 1);
        assert!(job.get(PATIENCE).unwrap_err().is_abandoned());
        assert_eq!(pool.shutdown(Shutdown::Drain, PATIENCE).still_running, 0);
        assert_eq!(pool.live_workers(), 0);
    });
}

#[test]
fn an_idle_thread_ends_after_the_keep_alive() {
    watched(|| {
        let pool = Pool::builder().workers(3).keep_alive(Duration::from_millis(1)).build().unwrap();
        for _ in 0..3 {
            assert!(matches!(pool.run(|| 1).get(PATIENCE), Ok(1)));
            eventually("no thread is left", || pool.live_workers() == 0);
        }
        assert_eq!(pool.worker_count(), 3);
    });
}

/// The end of the last thread and a new job at the same moment.
#[test]
fn no_job_is_lost_to_a_thread_that_ends() {
    watched(|| {
        let pool = Pool::builder().workers(2).keep_alive(Duration::ZERO).build().unwrap();
        for n in 0..500_u32 {
            assert!(
                matches!(pool.run(move || n).map(|n| n + 1).get(PATIENCE), Ok(m) if m == n + 1)
            );
        }
    });
}

#[test]
fn detaching_waits_for_nothing_and_loses_nothing() {
    watched(|| {
        let (pool, gate) = (Pool::new(1), Gate::new());
        let key = gate.key();
        let running = pool.run(move || key.wait());
        let mut queued = running.map(|()| 2);
        gate.await_arrival(1);
        pool.detach();
        gate.open();
        assert!(matches!(queued.get(PATIENCE), Ok(2)));
    });
}

#[test]
fn detaching_one_of_several_handles_is_dropping_it() {
    watched(|| {
        let pool = Pool::new(1);
        pool.clone().detach();
        assert!(matches!(pool.run(|| 1).get(PATIENCE), Ok(1)));
    });
}

#[test]
fn the_metrics_tell_what_each_thread_does() {
    watched(|| {
        let (pool, gate) = (Pool::new(2), Gate::new());
        let keys = [gate.key(), gate.key()];
        let jobs: Vec<_> = keys.into_iter().map(|key| pool.run(move || key.wait())).collect();
        gate.await_arrival(2);
        let queued: Vec<_> = (0..5).map(|n| pool.run(move || n)).collect();
        let metrics = pool.metrics();
        assert_eq!((metrics.workers, metrics.running, metrics.blocked), (2, 2, 0));
        assert_eq!((metrics.idle, metrics.started, metrics.finished), (0, 2, 0));
        assert_eq!(pool.queued(), 5);
        gate.open();
        for mut job in jobs {
            assert!(job.get(PATIENCE).is_ok());
        }
        for (n, mut job) in queued.into_iter().enumerate() {
            assert!(matches!(job.get(PATIENCE), Ok(m) if m == n), "in its order");
        }
        eventually("all are counted", || pool.metrics().finished == 7);
        eventually("both rest", || pool.metrics().idle == 2);
        assert_eq!(pool.queued(), 0);
    });
}

/// A hook may take longer than there is time; the next call waits for it.
#[test]
fn a_shutdown_waits_for_a_hook_no_longer_than_its_time() {
    watched(|| {
        let (gate, through) = (Gate::new(), Log::new());
        let (key, ends) = (gate.key(), through.clone());
        let build = Pool::builder().on_thread_stop(move || {
            key.wait();
            ends.add(());
        });
        let pool = build.build().unwrap();
        assert!(matches!(pool.run(|| 1).get(PATIENCE), Ok(1)));
        let report = pool.shutdown(Shutdown::Drain, Duration::from_millis(10));
        assert_eq!((report.still_running, report.queued), (1, 0));
        gate.await_arrival(1);
        gate.open();
        assert_eq!(pool.shutdown(Shutdown::Drain, PATIENCE).still_running, 0);
        assert_eq!(through.entries(), [()]);
    });
}

/// Of the threads whose hooks shut the pool down none waits for itself, with a limit or without one.
#[test]
fn a_last_hook_may_shut_its_pool_down() {
    watched(|| {
        for limit in [None, Some(PATIENCE)] {
            let cell: Arc<Mutex<Option<Pool>>> = Arc::default();
            let (own, through) = (cell.clone(), Log::new());
            let ends = through.clone();
            let build = Pool::builder().workers(2).on_thread_stop(move || {
                let pool = own.lock().unwrap().clone();
                let pool = pool.expect("it is there until the hooks are through");
                ends.add(pool.shutdown(Shutdown::Drain, limit).queued);
            });
            let pool = build.build().unwrap();
            *cell.lock().unwrap() = Some(pool.clone());
            let gate = Gate::new();
            let jobs = [gate.key(), gate.key()].map(|key| pool.run(move || key.wait()));
            gate.await_arrival(2);
            gate.open();
            assert!(asynckit::join(jobs).get(PATIENCE).is_ok());
            pool.shutdown(Shutdown::Drain, None);
            eventually("both hooks are through", || through.entries() == [0, 0]);
            drop((cell.lock().unwrap().take(), pool));
        }
    });
}

/// What a hook has captured goes with the pool, and panics.
#[test]
fn a_panic_in_the_drop_of_a_hook_is_contained() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    watched(|| {
        for detaches in [false, true] {
            let bomb = Bomb;
            let build = Pool::builder().on_thread_start(move || _ = &bomb).build();
            let pool = build.unwrap();
            assert!(matches!(pool.run(|| 1).get(PATIENCE), Ok(1)));
            if detaches { pool.detach() } else { drop(pool) }
        }
    });
}
