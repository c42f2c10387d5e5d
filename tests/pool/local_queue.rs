//! `LocalQueue`: callbacks on the thread that drains it (conformance F11).

use crate::common::wakers::CountingWaker;
use crate::common::{DropCounter, Gate, Log, MOMENT, PATIENCE, named_thread, one_worker, watched};
use asynckit::{LocalQueue, Promise};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

#[test]
fn callbacks_run_on_the_draining_thread() {
    watched(|| {
        let (pool, queue) = (one_worker(), LocalQueue::new());
        let here = thread::current().id();
        let mut shown =
            pool.run(|| 1).via(&queue).map(move |n| (n, thread::current().id() == here));
        assert_eq!(queue.get(&mut shown, PATIENCE).unwrap(), (1, true));
        assert_eq!(queue.run_pending(), 0);
    });
}

#[test]
fn nothing_runs_until_it_is_drained() {
    watched(|| {
        let queue = LocalQueue::new();
        let ran = Arc::new(AtomicUsize::new(0));
        let ends: Vec<_> = (0..5)
            .map(|n| {
                let ran = ran.clone();
                Typed::ready(n).via(&queue).map(move |n| (ran.fetch_add(1, Ordering::SeqCst), n).1)
            })
            .collect();
        assert_eq!((queue.len(), ran.load(Ordering::SeqCst)), (5, 0));
        assert_eq!(queue.run_pending(), 5);
        assert_eq!(ran.load(Ordering::SeqCst), 5);
        assert!(queue.is_empty());
        for (n, mut end) in ends.into_iter().enumerate() {
            assert_eq!(end.try_get().unwrap().unwrap(), n, "in order");
        }
    });
}

/// What comes meanwhile is left to the next call.
#[test]
fn run_pending_runs_what_was_there_when_it_began() {
    fn forever(queue: &LocalQueue, runs: &Arc<AtomicUsize>) -> Typed<()> {
        let (again, counted) = (queue.clone(), runs.clone());
        Typed::ready(()).via(queue).then(move |()| {
            counted.fetch_add(1, Ordering::SeqCst);
            forever(&again, &counted)
        })
    }
    watched(|| {
        let (queue, runs) = (LocalQueue::new(), Arc::default());
        let endless = forever(&queue, &runs);
        for round in 1..=10 {
            assert_eq!(queue.run_pending(), 1);
            assert_eq!(runs.load(Ordering::SeqCst), round);
        }
        endless.cancel();
        assert_eq!(queue.run_pending(), 1, "it drops the callback, which has a handle");
        assert_eq!((queue.run_pending(), runs.load(Ordering::SeqCst)), (0, 10));
    });
}

/// A long chain does not keep the loop from its other work.
#[test]
fn a_long_chain_takes_several_rounds() {
    watched(|| {
        let queue = LocalQueue::new();
        let start = Typed::ready(0).via(&queue);
        let mut end = (0..1_000).fold(start, |chain, _| chain.map(|n| n + 1));
        let mut rounds = 0;
        while !end.is_set() {
            assert_eq!(queue.run_pending(), 1);
            rounds += 1;
        }
        assert!((2..=1_000).contains(&rounds), "{rounds}");
        assert_eq!(end.try_get().unwrap().unwrap(), 1_000);
    });
}

/// F11: `get` wakes for jobs that come, and for a promise that needs none.
#[test]
fn get_wakes_for_jobs_and_for_the_promise() {
    watched(|| {
        let queue = LocalQueue::new();
        let gate = Gate::new();
        let (key, feeder) = (gate.key(), queue.clone());
        let ran = Log::new();
        let (log, seen) = (ran.clone(), ran.clone());
        let (deferred, mut elsewhere) = Typed::<u8>::deferred();
        let other = named_thread("feeder", move || {
            key.wait();
            let (first, second) = (log.clone(), log);
            drop(Typed::ready(1).via(&feeder).map(move |_| first.add(thread::current().id())));
            drop(Typed::ready(1).via(&feeder).map(move |_| second.add(thread::current().id())));
            crate::common::eventually("both run", || seen.entries().len() == 2);
            deferred.resolve(7);
        });
        gate.open();
        assert_eq!(queue.get(&mut elsewhere, PATIENCE).unwrap(), 7);
        other.join().unwrap();
        assert_eq!(ran.entries(), [thread::current().id(); 2]);
    });
}

/// F11: the time is over when nothing comes.
#[test]
fn get_says_when_the_time_is_over() {
    watched(|| {
        let queue = LocalQueue::new();
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut end = promise.via(&queue).map(|n| n + 1);
        assert!(queue.get(&mut end, MOMENT).unwrap_err().is_timed_out());
        assert!(queue.get(&mut end, Duration::ZERO).unwrap_err().is_timed_out());
        deferred.resolve(1);
        assert_eq!(queue.get(&mut end, Duration::ZERO).unwrap(), 2, "zero runs what is there");
        assert!(queue.get(&mut end, None).unwrap_err().is_taken());
    });
}

/// It leaves nothing of the waiter behind.
#[test]
fn a_promise_that_was_got_in_vain_can_be_polled() {
    watched(|| {
        let queue = LocalQueue::new();
        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(queue.get(&mut promise, MOMENT).unwrap_err().is_timed_out());
        let waker = CountingWaker::new();
        assert!(waker.poll(&mut promise).is_pending());
        deferred.resolve(1);
        assert_eq!(waker.woken(), 1);
        assert_eq!(promise.get(None).unwrap(), 1);
    });
}

/// On a worker: another one takes its place meanwhile.
#[test]
fn get_on_a_worker_keeps_its_pool_going() {
    watched(|| {
        let pool = one_worker();
        let again = pool.clone();
        let mut job = pool.run(move || {
            let queue = LocalQueue::new();
            let mut inner = again.run(|| 1).via(&queue).map(|n| n + 1);
            queue.get(&mut inner, PATIENCE).unwrap()
        });
        assert_eq!(job.get(PATIENCE).unwrap(), 2);
    });
}

// ── Its end ──────────────────────────────────────────────────────────────────────────────────────

#[test]
fn jobs_in_a_dropped_queue_are_abandoned() {
    watched(|| {
        let (queue, drops) = (LocalQueue::new(), DropCounter::default());
        let mut ends: Vec<_> = (0..10)
            .map(|n| {
                let token = drops.token();
                Typed::ready(n).via(&queue).map(move |n| (drop(token), n).1).finally(|| panic!())
            })
            .collect();
        let (deferred, later) = Typed::<u8>::deferred();
        let mut later = later.via(&queue).map(|n| n + 1);
        let clone = queue.clone();
        drop(queue);
        assert_eq!(drops.dropped(), 0, "a handle is left");
        drop(clone);
        assert_eq!(drops.dropped(), 10);
        assert!(ends.iter_mut().all(|end| end.get(None).unwrap_err().is_abandoned()));
        deferred.resolve(1);
        assert!(later.get(None).unwrap_err().is_abandoned(), "also what comes later");
    });
}

/// The last handle goes inside a callback of the queue's own.
#[test]
fn the_last_handle_is_dropped_in_a_callback() {
    watched(|| {
        let queue = LocalQueue::new();
        let slot = Arc::new(Mutex::new(Some(queue.clone())));
        let (taken, seen) = (slot.clone(), Log::new());
        let log = seen.clone();
        let first = Typed::ready(1).via(&queue).map(move |n| {
            drop(taken.lock().unwrap().take());
            log.add("first");
            n
        });
        let mut second = Typed::ready(2).via(&queue).map(|n| n + 1);
        let drain = named_thread("drain", move || {
            let own = slot.lock().unwrap().clone().unwrap();
            drop(slot);
            drop(queue);
            own.run_pending()
        });
        assert_eq!(drain.join().unwrap(), 2);
        assert!(first.is_set());
        assert_eq!(second.get(None).unwrap(), 3);
        assert_eq!(seen.entries(), ["first"]);
    });
}

// ── Re-entrancy ──────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_callback_may_drain_and_wait() {
    watched(|| {
        let queue = LocalQueue::new();
        let (own, again) = (queue.clone(), queue.clone());
        let log = Log::new();
        let (outer, inner, last) = (log.clone(), log.clone(), log.clone());
        let end = Typed::ready(0).via(&queue).map(move |_| {
            outer.add("outer begins");
            assert_eq!(own.run_pending(), 1);
            let mut nested = Typed::ready(1).via(&again).map(|n| n + 1);
            assert_eq!(again.get(&mut nested, PATIENCE).unwrap(), 2);
            outer.add("outer ends");
        });
        drop(Typed::ready(0).via(&queue).map(move |_| inner.add("inner")));
        assert_eq!(queue.run_pending(), 1, "the other one was run by the callback");
        drop(Typed::ready(0).via(&queue).map(move |_| last.add("last")));
        assert_eq!(queue.run_pending(), 1);
        assert!(end.is_set());
        assert_eq!(log.entries(), ["outer begins", "inner", "outer ends", "last"]);
    });
}

#[test]
fn a_callback_that_panics_does_not_stop_the_draining() {
    watched(|| {
        let queue = LocalQueue::new();
        let mut bad = Typed::<u8>::ready(1).via(&queue).map(|_| panic!("on the queue's thread"));
        let mut good = Typed::ready(1).via(&queue).map(|n| n + 1);
        assert_eq!(queue.run_pending(), 2);
        assert!(bad.get(None).unwrap_err().is_panicked());
        assert_eq!(good.get(None).unwrap(), 2);
    });
}

/// Several threads may drain it: each job runs once.
#[test]
fn several_threads_drain_it() {
    watched(|| {
        let (queue, runs) = (LocalQueue::new(), Arc::new(AtomicUsize::new(0)));
        let ends: Vec<_> = (0..1_000)
            .map(|n| {
                let runs = runs.clone();
                Typed::ready(n).via(&queue).map(move |n| (runs.fetch_add(1, Ordering::SeqCst), n).1)
            })
            .collect();
        let drains: Vec<_> = (0..4)
            .map(|_| {
                let queue = queue.clone();
                named_thread("drain", move || queue.run_pending())
            })
            .collect();
        let total: usize = drains.into_iter().map(|drain| drain.join().unwrap()).sum();
        assert_eq!((total, runs.load(Ordering::SeqCst)), (1_000, 1_000));
        assert!(ends.into_iter().all(|end| end.is_set()));
    });
}

/// The loop is told when there is something to do.
#[test]
fn it_notifies_whenever_a_job_comes() {
    watched(|| {
        let notes = Arc::new(AtomicUsize::new(0));
        let counted = notes.clone();
        let queue = LocalQueue::with_notify(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            panic!("a notification that panics");
        });
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut end = promise.via(&queue).map(|n| n + 1);
        assert_eq!(notes.load(Ordering::SeqCst), 0);
        deferred.resolve(1);
        assert_eq!(notes.load(Ordering::SeqCst), 1);
        assert_eq!(queue.run_pending(), 1);
        assert_eq!(end.get(None).unwrap(), 2);
    });
}

/// A plain `get` on the thread that drains it runs its jobs: else it would wait for ever.
#[test]
fn a_plain_get_on_the_draining_thread_runs_its_jobs() {
    watched(|| {
        let (pool, queue) = (one_worker(), LocalQueue::new());
        let here = thread::current().id();
        let on_this = move |n: u8| (n, thread::current().id() == here);
        for round in 0..100 {
            let shown = || pool.spawn(|| Ok::<u8, String>(1)).via(&queue).map(on_this);
            assert_eq!(
                shown().get(None).unwrap(),
                (1, true),
                "before it was ever drained, and after"
            );
            assert!(shown().wait(None));
            let list: asynckit::AsyncList<_, String> = [shown(), shown()].into_iter().collect();
            assert_eq!({ list }.get(None).unwrap(), [(1, true); 2]);
            assert_eq!(shown().share().get(None).unwrap(), &(1, true));
            let list: asynckit::AsyncList<_, String> = [shown(), shown()].into_iter().collect();
            assert_eq!(list.as_completed().count(), 2);
            if round % 2 == 0 {
                queue.run_pending();
            }
        }
        assert!(queue.is_empty());
    });
}

/// Also inside of one of its callbacks, and with two queues.
#[test]
fn a_plain_get_in_a_callback_of_the_queue_runs_the_others() {
    watched(|| {
        let (first, second) = (LocalQueue::new(), LocalQueue::new());
        let (inner, other) = (first.clone(), second.clone());
        let mut end = Typed::ready(1).via(&first).map(move |n| {
            let own = Typed::ready(n).via(&inner).map(|n| n + 1).get(None);
            let others = Typed::ready(n).via(&other).map(|n| n + 2).get(None);
            own.unwrap() + others.unwrap()
        });
        assert_eq!(end.get(None).unwrap(), 5);
        assert!(first.is_empty() && second.is_empty());
    });
}

/// The thread that has drained it last runs its jobs, no other.
#[test]
fn a_plain_get_elsewhere_leaves_its_jobs_alone() {
    watched(|| {
        let queue = LocalQueue::new();
        let (drains, ready) = (queue.clone(), Gate::new());
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let key = ready.key();
        let ui = named_thread("ui", move || {
            drains.run_pending();
            key.wait();
            while stopped.try_recv().is_err() {
                drains.run_pending();
                thread::yield_now();
            }
        });
        ready.await_arrival(1);
        ready.open();
        let ui_id = ui.thread().id();
        for _ in 0..100 {
            let mut ran_there =
                Typed::ready(1).via(&queue).map(move |_| thread::current().id() == ui_id);
            assert!(ran_there.get(None).unwrap());
        }
        stop.send(()).unwrap();
        ui.join().unwrap();
    });
}

/// With a limit of time it only waits.
#[test]
fn a_plain_get_with_a_limit_runs_no_jobs() {
    watched(|| {
        let queue = LocalQueue::new();
        let mut end = Typed::ready(1).via(&queue).map(|n| n + 1);
        assert!(end.get(MOMENT).unwrap_err().is_timed_out());
        assert_eq!((queue.len(), queue.get(&mut end, PATIENCE).unwrap()), (1, 2));
    });
}
