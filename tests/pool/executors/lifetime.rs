//! Executors that use promises themselves, or go while they are in use.

use super::{OneThread, Typed};
use crate::common::{Bomb, PATIENCE, one_worker, watched};
use asynckit::{Executor, ExecutorRef, Inline, Job};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

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

/// No pool is kept alive: it finishes what it has, and what comes later runs on the pool of the process.
#[test]
fn a_reference_keeps_no_pool_alive() {
    watched(|| {
        let pool = one_worker();
        let reference = ExecutorRef::from(&pool);
        let (deferred, promise) = Typed::<u8>::deferred();
        let thread = |_| std::thread::current().name().unwrap_or_default().to_owned();
        let mut end = promise.via(reference.clone()).map(thread);
        drop(pool);
        deferred.resolve(1);
        assert!(end.get(PATIENCE).unwrap().starts_with("asynckit-global"));
        let mut later = Typed::ready(1).via(reference).map(thread);
        assert!(later.get(PATIENCE).unwrap().starts_with("asynckit-global"));
    });
}
