//! Small programs that the library is known to have failed on, or might.

use asynckit::controlled::thread;
use asynckit::{Job, Pool, Shutdown};
use std::sync::Arc;

use crate::pairs;
use crate::random::mix;
use crate::run::{begin, end, judge};
use crate::{say, under};

pub(crate) type Small = (&'static str, fn() -> Vec<String>);

const ALL: &[Small] = &[
    ("stale-parent", stale_parent),
    ("freed-executor", freed_executor),
    ("list-notified", list_notified),
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
                assert_eq!(*keep, 1);
                job.run();
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
