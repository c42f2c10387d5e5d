//! A machine whose cores are taken: jobs one at a time, beside threads that never rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::support::{WORKERS, pool, rayon_pool, tokio_runtime};
use crate::harness::{Contestant, Workload, ratio};

/// Round trips in a sample.
const TRIPS: usize = 300;

const PEERS: &[&str] = &["thread, channels", "rayon, oneshot", "tokio"];

pub(crate) fn workloads() -> Vec<Workload> {
    let busy = |name, title, pinned, contestants| Workload {
        name,
        title,
        unit: "ns",
        rounds: 5,
        pinned,
        contestants,
        targets: vec![ratio("asynckit", PEERS, 1.5)],
    };
    vec![
        busy("busy-0", "a job and its get, alone: the median", false, beside::<0, 50>),
        busy("busy-0-p99", "the same: of 100 the slowest", false, beside::<0, 99>),
        busy(
            "busy-2",
            "a job and its get beside 2 busy threads: the median",
            false,
            beside::<2, 50>,
        ),
        busy("busy-2-p90", "the same: of 10 the slowest", false, beside::<2, 90>),
        busy("busy-2-p99", "the same: of 100 the slowest", false, beside::<2, 99>),
        busy(
            "busy-3",
            "a job and its get beside 3 busy threads: the median",
            false,
            beside::<3, 50>,
        ),
        busy("busy-3-p90", "the same: of 10 the slowest", false, beside::<3, 90>),
        busy("busy-3-p99", "the same: of 100 the slowest", false, beside::<3, 99>),
        busy(
            "busy-6",
            "a job and its get beside 6 busy threads: the median",
            false,
            beside::<6, 50>,
        ),
        busy("busy-6-p90", "the same: of 10 the slowest", false, beside::<6, 90>),
        busy("busy-6-p99", "the same: of 100 the slowest", false, beside::<6, 99>),
        busy("busy-pinned", "beside 3 on one core for all: the median", true, beside::<3, 50>),
        busy("busy-pinned-p99", "the same: of 100 the slowest", true, beside::<3, 99>),
    ]
}

/// Threads that take what they get, until this is dropped.
struct Busy {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Busy {
    fn new(threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let one = |_| {
            let stop = stop.clone();
            thread::spawn(move || while !stop.load(Ordering::Relaxed) {})
        };
        let threads = (0..threads).map(one).collect();
        Busy { stop, threads }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Beside so many busy threads: how long a trip takes that so many of 100 do not exceed.
fn beside<const THREADS: usize, const OF_100: usize>() -> Vec<Contestant> {
    let busy = Arc::new(Busy::new(THREADS));
    let one_by_one = |name, mut trip: Box<dyn FnMut(u64) -> u64>| {
        let busy = busy.clone();
        Contestant::new(name, 1, move || {
            let _until_the_end = &busy;
            let mut times: Vec<Duration> = (0..TRIPS as u64)
                .map(|n| {
                    let started = Instant::now();
                    assert_eq!(trip(n), n + 1);
                    started.elapsed()
                })
                .collect();
            times.sort();
            times[(TRIPS * OF_100 / 100).min(TRIPS - 1)]
        })
    };
    let (ours, rayon, tokio) = (pool(WORKERS), rayon_pool(), tokio_runtime(WORKERS));
    let (questions, answers) = answering();
    vec![
        one_by_one("asynckit", Box::new(|n| ours.run(move || n + 1).get(None).unwrap_or(0))),
        one_by_one(
            "thread, channels",
            Box::new(move |n| {
                questions.send(n).unwrap();
                answers.recv().unwrap()
            }),
        ),
        one_by_one(
            "rayon, oneshot",
            Box::new(|n| {
                let (sender, receiver) = oneshot::channel();
                rayon.spawn(move || drop(sender.send(n + 1)));
                receiver.recv().unwrap()
            }),
        ),
        one_by_one(
            "tokio",
            Box::new(|n| tokio.block_on(tokio.spawn(async move { n + 1 })).unwrap()),
        ),
    ]
}

/// A thread that answers what it is asked.
fn answering() -> (Sender<u64>, Receiver<u64>) {
    let (ask, asked) = channel::<u64>();
    let (answer, answers) = channel();
    thread::spawn(move || asked.into_iter().try_for_each(|n| answer.send(n + 1)));
    (ask, answers)
}
