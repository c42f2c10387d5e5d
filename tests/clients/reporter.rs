//! Progress beside the promise.

use crate::common::*;
use asynckit::{Failure, LocalQueue, Pool, Promise, Reporter};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// A reporter whose reports are told by this thread's queue, and what is heard.
fn queued() -> (LocalQueue, Reporter, Log<f64>) {
    let (queue, log) = (LocalQueue::new(), Log::new());
    let heard = log.clone();
    let reporter = Reporter::on(&queue, move |report| heard.add(report.fraction));
    (queue, reporter, log)
}

/// A reporter on a pool; the channel ends with it.
fn on_pool(pool: &Pool) -> (Reporter, Receiver<f64>) {
    let (hear, heard) = channel();
    (Reporter::on(pool, move |report| hear.send(report.fraction).unwrap()), heard)
}

#[test]
fn reports_never_go_back_and_are_clamped() {
    watched(|| {
        let (queue, reporter, log) = queued();
        for fraction in [-3.0, 0.25, 0.1, f64::NAN, 0.25, 0.5] {
            reporter.fraction(fraction);
            queue.run_pending();
        }
        assert_eq!(log.entries(), [0.0, 0.25, 0.5]);
    });
}

#[test]
fn one_is_told_once_and_only_when_the_promise_has_a_value() {
    watched(|| {
        let (queue, reporter, log) = queued();
        let (deferred, promise) = Promise::<u8, String>::deferred();
        let mut promise = reporter.finish_with(promise);
        reporter.items(9, 9);
        reporter.fraction(7.0);
        queue.run_pending();
        assert_eq!(log.entries(), [0.0; 0]);
        deferred.resolve(7);
        assert_eq!(queue.get(&mut promise, PATIENCE).unwrap(), 7);
        reporter.fraction(1.0);
        reporter.items(9, 9);
        while queue.run_pending() > 0 {}
        assert_eq!(log.entries(), [1.0]);
    });
}

#[test]
fn a_success_without_a_report_tells_one() {
    watched(|| {
        let pool = one_worker();
        let (reporter, heard) = on_pool(&pool);
        assert_eq!(reporter.finish_with(pool.run(|| 7)).get(PATIENCE).unwrap(), 7);
        drop(reporter);
        assert_eq!(heard.iter().collect::<Vec<_>>(), [1.0]);
    });
}

#[test]
fn nothing_is_told_after_a_failure() {
    watched(|| {
        for (name, failure) in every_failure() {
            let (queue, reporter, log) = queued();
            let (deferred, promise) = Promise::<u8, String>::deferred();
            let mut promise = reporter.finish_with(promise);
            reporter.fraction(0.5); // on its way
            deferred.settle(Err(failure));
            assert_eq!(verdict(&promise.get(PATIENCE)), name);
            reporter.fraction(0.75);
            queue.run_pending();
            assert_eq!(log.entries(), [0.0; 0], "{name}");
        }
    });
}

#[test]
fn nothing_is_told_after_a_cancellation_or_where_nothing_settles_it() {
    watched(|| {
        let (queue, reporter, log) = queued();
        let (deferred, promise) = Promise::<u8, String>::deferred();
        let promise = reporter.finish_with(promise);
        promise.cancel();
        reporter.fraction(0.5);
        drop(deferred);
        queue.run_pending();
        assert_eq!(log.entries(), [0.0; 0]);
    });
}

#[test]
fn reports_are_coalesced_and_the_listener_hears_how_things_stand() {
    watched(|| {
        let (queue, reporter, log) = queued();
        for done in 0..=100 {
            reporter.items(done, 200);
        }
        queue.run_pending();
        reporter.advance(50);
        queue.run_pending();
        assert_eq!(log.entries(), [0.5, 0.75]);
    });
}

#[test]
fn calls_at_the_same_time_do_not_mix() {
    watched(|| {
        let pool = Pool::new(4);
        let calls: Vec<_> = (0..8)
            .map(|call| {
                let (reporter, heard) = on_pool(&pool);
                let progress = reporter.clone();
                let work = pool.run(move || {
                    for step in 1..50_u32 {
                        progress.fraction(f64::from(step * 8 + call) / 1000.0);
                    }
                });
                (call, reporter.finish_with(work), heard)
            })
            .collect();
        for (call, mut promise, heard) in calls {
            promise.get(PATIENCE).unwrap();
            let heard: Vec<f64> = heard.iter().collect();
            let (last, before) = heard.split_last().unwrap();
            let own = |fraction: &f64| (fraction * 1000.0).round() as u32 % 8 == call;
            assert!(before.is_sorted() && before.iter().all(own), "{call}: {heard:?}");
            assert_eq!((*last, before.contains(&1.0)), (1.0, false));
        }
    });
}

#[test]
fn the_listener_is_dropped_with_the_last_report_and_with_a_failure() {
    watched(|| {
        for outcome in [Ok(7), Err(Failure::Error("no".to_owned()))] {
            let (pool, drops) = (one_worker(), DropCounter::default());
            let token = drops.token();
            let reporter = Reporter::on(&pool, move |_| _ = &token);
            let promise = Promise::<u8, String>::settled(outcome).via(&pool);
            drop(reporter.finish_with(promise).get(PATIENCE));
            eventually("the listener is dropped", || drops.dropped() == 1);
            reporter.fraction(0.5);
        }
    });
}

#[test]
fn a_listener_that_panics_is_called_for_the_next_report() {
    watched(|| {
        survives(|pool| {
            let log = Log::new();
            let heard = log.clone();
            let reporter = Reporter::on(pool, move |report| {
                heard.add(report.fraction);
                assert!(report.fraction > 0.6, "on purpose");
            });
            reporter.fraction(0.5);
            flush(pool);
            reporter.finish_with(pool.run(|| ())).get(PATIENCE).unwrap();
            eventually("the last report", || log.entries() == [0.5, 1.0]);
        });
    });
}

#[test]
fn a_listener_may_report_itself_and_drop_the_last_handle() {
    watched(|| {
        let pool = one_worker();
        let (hear, heard) = channel();
        let own = Arc::new(std::sync::Mutex::new(None::<Reporter>));
        let handle = own.clone();
        let reporter = Reporter::on(&pool, move |report| {
            hear.send(report.fraction).unwrap();
            let handle = handle.lock().unwrap().take();
            if let Some(reporter) = handle {
                reporter.fraction(0.75);
            }
        });
        *own.lock().unwrap() = Some(reporter.clone());
        reporter.fraction(0.5);
        drop(reporter);
        let two: Vec<_> = heard.iter().take(2).collect();
        assert_eq!(two, [0.5, 0.75]);
    });
}

#[test]
fn an_executor_that_is_gone_holds_nothing_up() {
    watched(|| {
        let (queue, reporter, log) = queued();
        let pool = one_worker();
        drop(queue);
        reporter.fraction(0.5);
        assert_eq!(reporter.finish_with(pool.run(|| 7)).get(PATIENCE).unwrap(), 7);
        assert_eq!(log.entries(), [0.0; 0]);
    });
}

#[test]
fn here_is_the_thread_that_waits_and_the_last_report_comes_before_get_returns() {
    watched(|| {
        for limit in [None, Some(PATIENCE)] {
            let log = Log::new();
            let heard = log.clone();
            let reporter =
                Reporter::here(move |report| heard.add((thread::current().id(), report.fraction)));
            let (pool, progress) = (one_worker(), reporter.clone());
            let mut work = reporter.finish_with(pool.run(move || progress.items(1, 2)));
            reporter.get(&mut work, limit).unwrap();
            let this = thread::current().id();
            assert!(log.entries().iter().all(|(id, _)| *id == this));
            assert_eq!(log.entries().last(), Some(&(this, 1.0)));
        }
    });
}

#[test]
fn without_a_listener_promises_pass_as_they_are() {
    watched(|| {
        let reporter = Reporter::none();
        reporter.items(1, 2);
        let mut passed = reporter.finish_with(Promise::<_, String>::ready(7));
        assert_eq!(reporter.get(&mut passed, None).unwrap(), 7);
    });
}
