//! Small programs that the library is known to have failed on, or might.

use asynckit::controlled::thread;
use asynckit::{AnyError, Job, Pool, Promise, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::pairs;
use crate::random::mix;
use crate::run::{begin, end, judge};
use crate::{say, under};

pub(crate) type Small = (&'static str, fn() -> Vec<String>);

const ALL: &[Small] = &[
    ("stale-parent", stale_parent),
    ("freed-executor", freed_executor),
    ("list-notified", list_notified),
    ("pool-after-pool", pool_after_pool),
    ("drop-while-posting", drop_while_posting),
    ("follow-cancelled", follow_cancelled),
    ("told-and-dropped", told_and_dropped),
    ("counted-and-cancelled", counted_and_cancelled),
    ("counted-and-run", counted_and_run),
];

fn all() -> impl Iterator<Item = &'static Small> {
    ALL.iter().chain(pairs::ALL)
}

/// Runs the one of this name, or all.
pub(crate) fn run(name: &str, schedule: Option<u64>, count: Option<usize>) {
    if name.is_empty() {
        return crate::parent::small(&all().map(|(name, _)| *name).collect::<Vec<_>>());
    }
    for (known, program) in all().filter(|(known, _)| *known == name) {
        let count = count.unwrap_or(2000) as u64;
        let schedules = schedule.map_or_else(|| (0..count).map(mix).collect(), |one| vec![one]);
        let program = *program;
        under(schedules, known, move || {
            begin();
            let problems = program();
            end();
            judge(problems);
        });
        say(&format!("{known}: {count} schedules pass"));
    }
}

/// Jobs that wait for a line of others, whose links become ready while they look for them.
fn stale_parent() -> Vec<String> {
    let pool = Pool::new(4);
    let jobs: Vec<_> = (0..3)
        .map(|_| {
            let inner = pool.clone();
            pool.run(move || {
                for _ in 0..2 {
                    let line = inner.run(|| vec![1_u8; 8]).map(|v| v).map(|v| v);
                    let length = line.chain(|v| Ok(v.len())).get(None);
                    assert_eq!(length.ok(), Some(8));
                }
            })
        })
        .collect();
    let mut problems = vec![];
    for mut job in jobs {
        if let Err(failure) = job.get(None) {
            problems.push(format!("a job: {failure:?}"));
        }
    }
    pool.shutdown(Shutdown::Drain, None);
    problems
}

/// An executor whose last handle is given up by whoever cancels.
fn freed_executor() -> Vec<String> {
    let pool = Pool::new(2);
    let promises: Vec<_> = (0..3)
        .map(|_| {
            let keep = Arc::new(1_usize);
            let via = move |job: Job| {
                job.run();
                assert_eq!(*keep, 1); // it is not freed while it is used
            };
            pool.run(|| ()).via(via).map(|()| ()).cancel_on_drop()
        })
        .collect();
    promises.into_iter().for_each(drop);
    pool.shutdown(Shutdown::Drain, None);
    vec![]
}

/// A list that is asked and dropped while its item settles.
fn list_notified() -> Vec<String> {
    let pool = Pool::new(1);
    for _ in 0..2 {
        let list: asynckit::AsyncList<()> = std::iter::once(pool.run(|| ())).collect();
        while !list.is_set() {
            thread::yield_now();
        }
        drop(list);
    }
    pool.shutdown(Shutdown::Drain, None);
    vec![]
}

/// Callbacks become ready for a pool that goes, while another one takes its place.
fn pool_after_pool() -> Vec<String> {
    let first = Pool::new(1);
    let (mut settlers, mut callbacks) = (vec![], vec![]);
    for _ in 0..3 {
        let (deferred, promise) = first.deferred::<(), AnyError>();
        callbacks.push(promise.map(|()| ()));
        settlers.push(thread::spawn(move || deferred.resolve(())));
    }
    drop(first);
    let second = Pool::new(1);
    let mut problems = vec![];
    if let Err(failure) = second.run(|| ()).get(None) {
        problems.push(format!("a job: {failure:?}"));
    }
    for mut callback in callbacks {
        if let Err(failure) = callback.get(None) {
            problems.push(format!("a callback: {failure:?}"));
        }
    }
    for settler in settlers {
        let _ = settler.join();
    }
    second.shutdown(Shutdown::Drain, None);
    problems
}

/// The last handle is dropped behind a job, while a callback becomes ready for the pool.
fn drop_while_posting() -> Vec<String> {
    let pool = Pool::new(1);
    let (deferred, promise) = pool.deferred::<(), AnyError>();
    let mut late = promise.map(|()| ());
    let settler = thread::spawn(move || deferred.resolve(()));
    let job = pool.run(|| ());
    drop(pool);
    let mut problems = vec![];
    if !job.is_set() {
        problems.push("the pool was dropped before its job was through".to_owned());
    }
    let _ = settler.join();
    if let Err(failure) = late.get(None) {
        problems.push(format!("a callback: {failure:?}"));
    }
    problems
}

/// A deferred with a handler is made to follow, while its promise is cancelled.
fn follow_cancelled() -> Vec<String> {
    let (mut deferred, promise) = Promise::<()>::deferred();
    let calls = Arc::new(AtomicUsize::new(0));
    let called = Arc::clone(&calls);
    deferred.on_cancel(move || {
        called.fetch_add(1, Ordering::Relaxed);
    });
    let (open, source) = Promise::<()>::deferred();
    let promise = promise.map(|()| ());
    let follower = thread::spawn(move || deferred.follow(source));
    promise.cancel();
    let _ = follower.join();
    drop(open);
    match calls.load(Ordering::Relaxed) {
        1 => vec![],
        calls => vec![format!("the handler was called {calls} times")],
    }
}

/// A deferred that has told that it is cancelled calls a handler that is given then, also if it is dropped before the
/// canceller is through.
fn told_and_dropped() -> Vec<String> {
    let (mut deferred, promise) = Promise::<()>::deferred();
    let canceller = thread::spawn(move || promise.cancel());
    let called = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&called);
    let told = deferred.is_cancelled();
    deferred.on_cancel(move || {
        calls.fetch_add(1, Ordering::Relaxed);
    });
    drop(deferred);
    let _ = canceller.join();
    match called.load(Ordering::Relaxed) {
        0 if told => vec!["the handler was not called".to_owned()],
        0 | 1 => vec![],
        calls => vec![format!("the handler was called {calls} times")],
    }
}

/// Jobs that are cancelled while another thread has taken them out of the queue to count them.
fn counted_and_cancelled() -> Vec<String> {
    let pool = Pool::new(0);
    let jobs = [1, 2].map(|n| pool.run(move || n));
    let looks = pool.clone();
    let looker = thread::spawn(move || looks.queued());
    let report = pool.shutdown(Shutdown::CancelQueued, None);
    let counted = looker.join().unwrap_or(usize::MAX);
    let ran = jobs.into_iter().filter(|job| !job.is_error()).count();
    match (counted, report.abandoned, ran) {
        (0 | 2, 2, 0) => vec![],
        seen => vec![format!("(counted, abandoned, run): {seen:?}")],
    }
}

/// Jobs that are counted while workers look for them, and the pool closes.
fn counted_and_run() -> Vec<String> {
    let pool = Pool::new(2);
    let looks = pool.clone();
    let looker = thread::spawn(move || looks.queued());
    let jobs = [1, 2, 3].map(|n| pool.run(move || n));
    let mut problems = vec![];
    if looker.join().unwrap_or(usize::MAX) > 3 {
        problems.push("more were queued than there are".to_owned());
    }
    drop(pool);
    for mut job in jobs {
        if let Err(failure) = job.get(None) {
            problems.push(format!("a job: {failure:?}"));
        }
    }
    problems
}
