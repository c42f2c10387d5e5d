//! Where reports are told: the same holds everywhere, also where some are refused.

use crate::common::*;
use asynckit::{Inline, Job, LocalQueue, Pool, Promise, Reporter};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Pool,
    Queue,
    Here,
    Settling,
}

/// One of several calls at the same time.
struct Call {
    number: u32,
    promise: Promise<u32, String>,
    reporter: Reporter,
    heard: Log<(ThreadId, f64)>,
    listeners: DropCounter,
}

/// Every third one fails. Each report tells whose it is.
fn call(number: u32, place: Place, pool: &Pool, queue: &LocalQueue) -> Call {
    let (heard, listeners) = (Log::new(), DropCounter::default());
    let (log, token) = (heard.clone(), listeners.token());
    let listener = move |report: asynckit::Report| {
        _ = &token;
        log.add((thread::current().id(), report.fraction));
    };
    let reporter = match place {
        Place::Pool => Reporter::on(pool, listener),
        Place::Queue => Reporter::on(queue, listener),
        Place::Here => Reporter::here(listener),
        Place::Settling => Reporter::on(Inline, listener),
    };
    let progress = reporter.clone();
    let work = pool.spawn(move || {
        for step in 1..=100 {
            progress.fraction(f64::from(step * 8 + number) / 1000.0);
        }
        if number % 3 == 2 { Err("no".to_owned()) } else { Ok(number) }
    });
    Call { number, promise: reporter.finish_with(work), reporter, heard, listeners }
}

impl Call {
    fn check(mut self, place: Place, queue: &LocalQueue) {
        let outcome = match place {
            Place::Queue => queue.get(&mut self.promise, PATIENCE),
            _ => self.reporter.get(&mut self.promise, PATIENCE),
        };
        self.reporter.fraction(0.99);
        while queue.run_pending() > 0 {}
        eventually("the listener has heard all", || self.listeners.dropped() == 1);
        let (threads, heard): (Vec<_>, Vec<f64>) = self.heard.entries().into_iter().unzip();
        let told = format!("{} at {place:?}: {heard:?}", self.number);
        let ones = heard.iter().filter(|fraction| **fraction == 1.0).count();
        assert_eq!(ones, usize::from(outcome.is_ok()), "{told}");
        assert!(heard.is_sorted() && (ones == 0 || heard.last() == Some(&1.0)), "{told}");
        let own = |fraction: &&f64| (**fraction * 1000.0).round() as u32 % 8 == self.number;
        assert_eq!(heard.iter().filter(own).count() + ones, heard.len(), "{told}");
        let this = thread::current().id();
        match place {
            Place::Queue | Place::Here => assert!(threads.iter().all(|id| *id == this), "{told}"),
            Place::Pool => assert!(threads.iter().all(|id| *id != this), "{told}"),
            Place::Settling => {}
        }
    }
}

#[test]
fn wherever_they_are_told_reports_rise_end_at_one_or_before_it_and_do_not_mix() {
    watched(|| {
        for place in [Place::Pool, Place::Queue, Place::Here, Place::Settling] {
            let (pool, queue) = (Pool::new(3), LocalQueue::new());
            let calls: Vec<_> = (1..7).map(|number| call(number, place, &pool, &queue)).collect();
            calls.into_iter().for_each(|call| call.check(place, &queue));
        }
    });
}

/// A reporter whose reports the test runs, or refuses, and what is heard.
fn by_hand() -> (Arc<Mutex<Vec<Job>>>, Reporter, Log<f64>) {
    let (jobs, log) = (Arc::new(Mutex::new(Vec::new())), Log::new());
    let (queue, heard) = (jobs.clone(), log.clone());
    let executor = move |job: Job| queue.lock().unwrap().push(job);
    (jobs, Reporter::on(executor, move |report| heard.add(report.fraction)), log)
}

/// The only job that is there.
#[track_caller]
fn only(jobs: &Mutex<Vec<Job>>) -> Job {
    let mut jobs = jobs.lock().unwrap();
    assert_eq!(jobs.len(), 1);
    jobs.pop().unwrap()
}

#[test]
fn a_report_that_is_refused_is_lost_and_the_next_one_is_sent() {
    watched(|| {
        let (jobs, reporter, log) = by_hand();
        reporter.fraction(0.25);
        drop(only(&jobs));
        reporter.fraction(0.5);
        only(&jobs).run();
        reporter.finish_with(one_worker().run(|| ())).get(PATIENCE).unwrap();
        only(&jobs).run();
        assert_eq!(log.entries(), [0.5, 1.0]);
    });
}

#[test]
fn what_came_while_one_was_on_its_way_is_sent_when_that_is_refused() {
    watched(|| {
        let (jobs, reporter, log) = by_hand();
        reporter.fraction(0.25);
        let late = only(&jobs);
        reporter.finish_with(one_worker().run(|| ())).get(PATIENCE).unwrap();
        assert!(jobs.lock().unwrap().is_empty());
        drop(late);
        only(&jobs).run();
        assert_eq!(log.entries(), [1.0]);
    });
}

#[test]
fn an_executor_that_refuses_all_is_asked_once_for_each_and_holds_nothing_up() {
    watched(|| {
        let (asked, drops) = (Arc::new(AtomicUsize::new(0)), DropCounter::default());
        let (count, token) = (asked.clone(), drops.token());
        let executor = move |_: Job| _ = count.fetch_add(1, Ordering::SeqCst);
        let reporter = Reporter::on(executor, move |_| panic!("told {token:?}"));
        for done in 1..=100 {
            reporter.items(done, 200);
        }
        reporter.finish_with(one_worker().run(|| ())).get(PATIENCE).unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 101);
        drop(reporter);
        eventually("the listener is dropped", || drops.dropped() == 1);
    });
}

#[test]
fn threads_that_report_while_some_are_refused_lose_no_end() {
    watched(|| {
        for _ in 0..50 {
            let (pool, refuses) = (Pool::new(4), Arc::new(AtomicBool::new(true)));
            let (jobs, log) = (Arc::new(Mutex::new(Vec::new())), Log::new());
            let (kept, heard, still) = (jobs.clone(), log.clone(), refuses.clone());
            let asked = AtomicUsize::new(0);
            let executor = move |job: Job| {
                let odd = asked.fetch_add(1, Ordering::SeqCst) % 2 == 1;
                if !(odd && still.load(Ordering::SeqCst)) {
                    kept.lock().unwrap().push(job);
                }
            };
            let reporter = Reporter::on(executor, move |report| heard.add(report.fraction));
            reporter.items(0, 1000);
            let (deferred, promise) = Promise::<u8, String>::deferred();
            let mut all = reporter.finish_with(promise.via(&pool));
            let work = |reporter: Reporter| move || (0..100).for_each(|_| reporter.advance(1));
            let works: Vec<_> = (0..4).map(|_| pool.run(work(reporter.clone()))).collect();
            let works = asynckit::join(works);
            while !works.is_set() {
                run_all(&jobs);
            }
            refuses.store(false, Ordering::SeqCst);
            deferred.resolve(7);
            eventually("the end is sent", || {
                run_all(&jobs);
                log.entries().last() == Some(&1.0)
            });
            assert!(log.entries().is_sorted());
            assert_eq!(all.get(PATIENCE).unwrap(), 7);
        }
    });
}

/// Each with the lock free: a job may send another one.
fn run_all(jobs: &Mutex<Vec<Job>>) {
    loop {
        let Some(job) = jobs.lock().unwrap().pop() else { return };
        job.run();
    }
}
