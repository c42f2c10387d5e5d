//! Jobs on a pool: one at a time, very many, and such that take a microsecond.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use super::support::{HandMade, WORKERS, pool, rayon_pool, tokio_runtime};
use crate::harness::Against::Allocations;
use crate::harness::{Contestant, Workload, limit, ratio, time};

/// Jobs that are spawned before the first result is taken.
const BURST: u64 = 200_000;
/// Jobs of a microsecond.
const SHORT: u64 = 20_000;
/// Round trips in a sample.
const TRIPS: u64 = 1_000;

const PEERS: &[&str] = &["rayon, oneshot", "tokio", "threadpool, oneshot", "crossbeam, oneshot"];

pub(crate) fn workloads() -> Vec<Workload> {
    let trip = |name, title, pinned, at_most| Workload {
        name,
        title,
        unit: "ns",
        rounds: 15,
        pinned,
        contestants: trips,
        targets: vec![ratio("asynckit", &["rayon, oneshot"], at_most)],
    };
    let burst = |name, title, contestants, targets| Workload {
        name,
        title,
        unit: "ns",
        rounds: 9,
        pinned: false,
        contestants,
        targets,
    };
    vec![
        trip("trip", "spawn and get, one at a time, 2 workers", false, 0.3),
        trip("trip-pinned", "the same, all threads on one core", true, 0.8),
        burst(
            "jobs",
            "200,000 jobs from one thread, results in order, 2 workers",
            (|| burst_of(BURST, 1, |n| n + 1)) as fn() -> Vec<Contestant>,
            vec![ratio("asynckit", PEERS, 0.25), limit("asynckit", Allocations, 1.01)],
        ),
        burst(
            "jobs-two",
            "200,000 jobs from two threads, results in order, 2 workers",
            || burst_of(BURST, 2, |n| n + 1),
            vec![ratio("asynckit", PEERS, 0.5)],
        ),
        burst(
            "jobs-short",
            "20,000 jobs of a microsecond on 2 workers (500 ns would be ideal)",
            || burst_of(SHORT, 1, a_microsecond),
            vec![ratio("asynckit", PEERS, 0.8)],
        ),
    ]
}

fn trips() -> Vec<Contestant> {
    let one_by_one = |name, mut trip: Box<dyn FnMut(u64) -> u64>| {
        Contestant::new(name, TRIPS as usize, move || {
            time(|| (0..TRIPS).for_each(|n| assert_eq!(trip(n), n + 1)))
        })
    };
    let (ours, rayon, tokio) = (pool(WORKERS), rayon_pool(), tokio_runtime(WORKERS));
    let (threads, own) = (threadpool::ThreadPool::new(WORKERS), HandMade::new());
    vec![
        one_by_one("asynckit", Box::new(|n| ours.run(move || n + 1).get(None).unwrap_or(0))),
        one_by_one(
            "rayon, oneshot",
            Box::new(|n| rayon_spawn(rayon, move || n + 1).recv().unwrap()),
        ),
        one_by_one(
            "tokio",
            Box::new(|n| tokio.block_on(tokio.spawn(async move { n + 1 })).unwrap()),
        ),
        one_by_one(
            "threadpool, oneshot",
            Box::new(move |n| {
                answered(|task| threads.execute(task), move || n + 1).recv().unwrap()
            }),
        ),
        one_by_one(
            "crossbeam, oneshot",
            Box::new(move |n| answered(|task| own.spawn(task), move || n + 1).recv().unwrap()),
        ),
    ]
}

fn rayon_spawn(
    pool: &rayon::ThreadPool,
    work: impl FnOnce() -> u64 + Send + 'static,
) -> oneshot::Receiver<u64> {
    let (sender, receiver) = oneshot::channel();
    pool.spawn(move || drop(sender.send(work())));
    receiver
}

type Task = Box<dyn FnOnce() + Send>;

/// Work that sends its result.
fn answered(
    spawn: impl FnOnce(Task),
    work: impl FnOnce() -> u64 + Send + 'static,
) -> oneshot::Receiver<u64> {
    let (sender, receiver) = oneshot::channel();
    spawn(Box::new(move || drop(sender.send(work()))));
    receiver
}

/// Work of a known number of steps: unlike a look at the clock it takes longer if the core is taken away.
fn a_microsecond(n: u64) -> u64 {
    static STEPS: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let steps = *STEPS.get_or_init(|| {
        let best = (0..50).map(|_| {
            let started = Instant::now();
            black_box(steps_of(black_box(1), 10_000));
            started.elapsed()
        });
        let best = best.min().unwrap_or(Duration::from_micros(10)).as_nanos().max(1) as u64;
        10_000 * 1_000 / best
    });
    black_box(steps_of(black_box(n), steps));
    n + 1
}

fn steps_of(seed: u64, steps: u64) -> u64 {
    (0..steps).fold(seed | 1, |random, _| {
        let random = random ^ (random << 13);
        let random = random ^ (random >> 7);
        random ^ (random << 17)
    })
}

/// `count` jobs that do `work`, from `producers` threads.
fn burst_of(count: u64, producers: u64, work: fn(u64) -> u64) -> Vec<Contestant> {
    work(0);
    let share = count / producers;
    let produced = move |one: &(dyn Fn(u64) + Sync)| {
        time(|| match producers {
            1 => one(share),
            _ => thread::scope(|scope| {
                for _ in 1..producers {
                    scope.spawn(|| one(share));
                }
                one(share);
            }),
        })
    };
    let contestant = |name, one: Box<dyn Fn(u64) + Sync>| {
        Contestant::new(name, count as usize, move || produced(&one))
    };
    let (ours, rayon, tokio) = (pool(WORKERS), rayon_pool(), tokio_runtime(WORKERS));
    let (threads, own) = (threadpool::ThreadPool::new(WORKERS), HandMade::new());
    let threads = std::sync::Mutex::new(threads);
    vec![
        contestant(
            "asynckit",
            Box::new(move |share| {
                let all: Vec<_> = (0..share).map(|n| ours.run(move || work(n))).collect();
                check(share, all.into_iter().map(|mut job| job.get(None).unwrap_or(0)));
            }),
        ),
        contestant(
            "rayon, oneshot",
            Box::new(move |share| {
                let all: Vec<_> = (0..share).map(|n| rayon_spawn(rayon, move || work(n))).collect();
                check(share, all.into_iter().map(|answer| answer.recv().unwrap()));
            }),
        ),
        contestant(
            "tokio",
            Box::new(move |share| {
                let all: Vec<_> = (0..share).map(|n| tokio.spawn(async move { work(n) })).collect();
                let waiting = async move {
                    let mut results = Vec::with_capacity(all.len());
                    for task in all {
                        results.push(task.await.unwrap());
                    }
                    results
                };
                check(share, tokio.block_on(waiting).into_iter());
            }),
        ),
        contestant(
            "threadpool, oneshot",
            Box::new(move |share| {
                let threads = threads.lock().unwrap().clone();
                let spawn = |n| answered(|task| threads.execute(task), move || work(n));
                let all: Vec<_> = (0..share).map(spawn).collect();
                check(share, all.into_iter().map(|answer| answer.recv().unwrap()));
            }),
        ),
        contestant(
            "crossbeam, oneshot",
            Box::new(move |share| {
                let spawn = |n| answered(|task| own.spawn(task), move || work(n));
                let all: Vec<_> = (0..share).map(spawn).collect();
                check(share, all.into_iter().map(|answer| answer.recv().unwrap()));
            }),
        ),
    ]
}

/// The results are those of the inputs, in order.
fn check(count: u64, results: impl Iterator<Item = u64>) {
    let mut expected = 0;
    for result in results {
        expected += 1;
        assert_eq!(result, expected);
    }
    assert_eq!(expected, count);
}
