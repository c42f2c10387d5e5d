//! The hottest paths, for counting their instructions: `.ci/run instructions` runs each under valgrind's callgrind and
//! holds the count against `benches/instructions/bounds.txt`.
//!
//! `PATH COUNT` runs the path that often; without arguments the paths' names are printed. Only what is done inside of a
//! function called `measured` counts. Each path stays on one thread, so that the count is the same in every run.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Waker};

use asynckit::{AsyncList, Pool, Promise};

type Path = fn(u64);

/// The paths, and what one operation of them is.
const PATHS: [(&str, Path); 6] = [
    ("settle", settle::measured),
    ("await", awaited::measured),
    ("chain", |count| on_worker(chain::measured, count)),
    ("job", |count| on_worker(job::measured, count)),
    ("join", join::measured),
    ("shared", shared::measured),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [name, count] = arguments.as_slice() else {
        PATHS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let path = PATHS.iter().find(|path| path.0 == name.as_str());
    match (path, count.parse()) {
        (Some((_, path)), Ok(count)) => {
            path(count);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("no path {name}, or {count} is no number");
            ExitCode::FAILURE
        }
    }
}

/// Runs a path as a job of a pool of one, so that nobody else can take what it queues.
fn on_worker(path: fn(&'static Pool, u64), count: u64) {
    let pool: &'static Pool = Box::leak(Box::new(Pool::new(1)));
    pool.run(move || path(pool, count)).get(None).expect("the path does not panic");
}

/// Create, settle and take.
mod settle {
    use super::{Promise, black_box};

    #[inline(never)]
    pub(super) fn measured(count: u64) {
        for n in 0..count {
            let (deferred, mut promise) = Promise::<u64, ()>::deferred();
            deferred.resolve(black_box(n));
            assert_eq!(promise.get(None).ok(), Some(n));
        }
    }
}

/// Polled while pending, settled, polled again.
mod awaited {
    use super::{Context, Future, Pin, Promise, Waker, black_box};

    #[inline(never)]
    pub(super) fn measured(count: u64) {
        let mut context = Context::from_waker(Waker::noop());
        for n in 0..count {
            let (deferred, mut promise) = Promise::<u64, ()>::deferred();
            assert!(Pin::new(&mut promise).poll(&mut context).is_pending());
            deferred.resolve(black_box(n));
            assert!(Pin::new(&mut promise).poll(&mut context).is_ready());
        }
    }
}

/// A link of a long chain, from its attachment to the end of the chain.
mod chain {
    use super::{Pool, black_box};

    #[inline(never)]
    pub(super) fn measured(pool: &'static Pool, count: u64) {
        let mut promise = pool.spawn(|| Ok::<u64, ()>(black_box(0)));
        for _ in 0..count {
            promise = promise.map(|n| n + 1);
        }
        assert_eq!(promise.get(None).ok(), Some(count));
    }
}

/// A job that is spawned and waited for in a job.
mod job {
    use super::{Pool, black_box};

    #[inline(never)]
    pub(super) fn measured(pool: &'static Pool, count: u64) {
        for n in 0..count {
            let n = black_box(n);
            assert_eq!(pool.run(move || n + 1).get(None).ok(), Some(n + 1));
        }
    }
}

/// A pending item of a joined list, from its creation to its value.
mod join {
    use super::{AsyncList, Promise, black_box};

    #[inline(never)]
    pub(super) fn measured(count: u64) {
        let (deferreds, promises): (Vec<_>, Vec<_>) =
            (0..count).map(|_| Promise::<u64, ()>::deferred()).unzip();
        let mut all = promises.into_iter().collect::<AsyncList<_, _>>().join();
        for deferred in deferreds {
            deferred.resolve(black_box(1));
        }
        assert_eq!(all.get(None).map(|values| values.iter().sum()).ok(), Some(count));
    }
}

/// A shared value: made, cloned four times, set, read by each.
mod shared {
    use super::{Promise, black_box};

    #[inline(never)]
    pub(super) fn measured(count: u64) {
        for n in 0..count {
            let (deferred, promise) = Promise::<u64, ()>::deferred();
            let shared = promise.share();
            let readers: [_; 4] = std::array::from_fn(|_| shared.clone());
            deferred.resolve(black_box(n));
            assert!(readers.iter().all(|reader| reader.get(None).ok() == Some(&n)));
        }
    }
}
