//! Faults that show in time: lost wake-ups, polling, threads left over.

use crate::common::tasks::{cpu_millis, sleeps, threads_asleep, threads_named};
use crate::common::{
    PATIENCE, eventually, flush, named_pool, named_thread, one_worker, watched, watched_long,
};
use asynckit::{AsyncValue, Pool, Promise};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// A continuation that is attached while its source settles runs, exactly once: a million tries.
#[test]
fn lost_chain() {
    const BATCH: usize = 200;
    const BATCHES: usize = if cfg!(miri) { 2 } else { 5_000 };
    watched_long(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let (meet, together) =
            mpsc::sync_channel::<(Arc<Barrier>, Vec<asynckit::Deferred<usize, String>>)>(1);
        let resolver = named_thread("resolver", move || {
            for (start, deferreds) in together {
                start.wait();
                deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
            }
        });
        for _ in 0..BATCHES {
            let (deferreds, promises): (Vec<_>, Vec<_>) =
                (0..BATCH).map(|_| Typed::<usize>::deferred()).unzip();
            let start = Arc::new(Barrier::new(2));
            meet.send((start.clone(), deferreds)).unwrap();
            start.wait();
            let attached: Vec<_> = promises
                .into_iter()
                .map(|promise| {
                    let runs = runs.clone();
                    promise.then(move |n| Ok(runs.fetch_add(n, SeqCst)))
                })
                .collect();
            for mut promise in attached {
                promise.get(PATIENCE).expect("the continuation is not lost");
            }
        }
        drop(meet);
        resolver.join().unwrap();
        assert_eq!(runs.load(SeqCst), BATCH * BATCHES);
    });
}

/// A thousand jobs that wait for one unset promise take no CPU time and no worker.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn busy_rescheduling() {
    watched(|| {
        let pool = named_pool(2, "busy-loop");
        let (deferred, promise) = crate::common::deferred_on::<u8, String>(&pool);
        let value = promise.share();
        let mut waiting: Vec<_> = (0..1_000).map(|_| value.chain(|n| Ok(n + 1))).collect();
        flush(&pool);
        let before = cpu_millis("busy-loop");
        thread::sleep(Duration::from_millis(500));
        let took = cpu_millis("busy-loop") - before;
        assert!(took <= 50, "{took} ms of CPU time in half a second of waiting");
        flush(&pool); // an unrelated job is not held up
        deferred.resolve(1);
        for job in &mut waiting {
            assert_eq!(job.get(PATIENCE).unwrap(), 2);
        }
    });
}

/// A dropped pool leaves no thread behind, and an idle one does not wake up.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn threads_leak_and_poll() {
    watched(|| {
        for _ in 0..10 {
            let pool = named_pool(3, "leaked");
            let mut jobs: Vec<_> = (0..30).map(|_| pool.run(|| ())).collect();
            drop(pool);
            assert!(jobs.iter_mut().all(|job| job.get(Duration::ZERO).is_ok()));
        }
        eventually("all of them have ended", || threads_named("leaked") == 0);

        let pool = named_pool(3, "idle-pool");
        let meet = Arc::new(Barrier::new(3));
        let jobs: Vec<_> = (0..3)
            .map(|_| {
                let meet = meet.clone();
                pool.run(move || {
                    meet.wait();
                })
            })
            .collect();
        assert!(jobs.into_iter().all(|mut job| job.get(PATIENCE).is_ok()));
        eventually("its workers sleep", || threads_asleep("idle-pool") == 3);
        thread::sleep(Duration::from_millis(100));
        let before = sleeps("idle-pool");
        thread::sleep(Duration::from_millis(600));
        assert_eq!(threads_named("idle-pool"), 3);
        let woken = sleeps("idle-pool") - before;
        assert!(woken <= 1, "the three idle workers woke {woken} times in 0.6 s");
    });
}

/// A job may wait for another job of its one-worker pool.
#[test]
fn waiting_in_the_same_pool_hangs() {
    watched(|| {
        let pool = one_worker();
        let own = pool.clone();
        let mut outer = pool.run(move || own.run(|| 20).get(None).unwrap() + 1);
        assert_eq!(outer.get(PATIENCE).unwrap(), 21);
        let own = pool.clone();
        let mut behind = pool.run(move || {
            let event = AsyncValue::<u8, String>::new();
            let setter = event.clone();
            let _setting = own.run(move || setter.set(3));
            *event.get(None).unwrap()
        });
        assert_eq!(behind.get(PATIENCE).unwrap(), 3);
    });
}

/// Who waits is woken by the value, not by a look at the clock every 50 ms: meanwhile it sleeps.
#[test]
#[cfg(target_os = "linux")]
fn polling_waits() {
    watched(|| {
        let (deferred, mut promise) = Promise::<u8, String>::deferred();
        let waiter = named_thread("polling", move || promise.get(Duration::from_secs(3600)));
        eventually("it sleeps", || threads_asleep("polling") == 1);
        thread::sleep(Duration::from_millis(20)); // let a polling wait come to its longest steps
        let before = sleeps("polling");
        thread::sleep(Duration::from_millis(400));
        assert_eq!(sleeps("polling") - before, 0, "it has looked whether the value is there");
        deferred.resolve(1);
        assert!(matches!(waiter.join().unwrap(), Ok(1)));
    });
}

/// A program that ends with a live pool and a running job says nothing and ends at once.
#[test]
fn noise_at_exit() {
    watched(|| {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "waiting::child_that_ends_with_a_live_pool",
                "--ignored",
                "--nocapture",
            ])
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&child.stdout);
        assert!(stdout.contains("1 passed"), "{stdout}");
        assert!(child.status.success(), "{:?}", child.status);
        assert_eq!(String::from_utf8_lossy(&child.stderr), "");
    });
}

#[test]
#[ignore = "run by noise_at_exit, in a process of its own"]
fn child_that_ends_with_a_live_pool() {
    watched(|| {
        let (begun, running) = mpsc::channel();
        for pool in [Box::leak(Box::new(Pool::new(2))), Pool::global()] {
            let begun = begun.clone();
            drop(pool.run(move || {
                begun.send(()).unwrap();
                loop {
                    thread::park();
                }
            }));
            drop(pool.run(|| 1).map(|n| n + 1));
            running.recv().unwrap();
        }
    });
}
