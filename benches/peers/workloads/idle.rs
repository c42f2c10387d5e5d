//! Pools without work: how often their threads wake up, and whether there are any before they are needed.

use std::fs;
use std::thread;
use std::time::Duration;

use asynckit::Pool;

use super::support::WORKERS;
use crate::harness::Against::Itself;
use crate::harness::{Contestant, Workload, limit};

/// How long they are watched.
const WHILE: Duration = Duration::from_secs(10);

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload {
            name: "idle",
            title: "wake-ups of an idle pool of two in ten seconds",
            unit: "wake-ups",
            rounds: 1,
            pinned: false,
            contestants: idle,
            targets: vec![limit("asynckit", Itself, 0.0)],
        },
        Workload {
            name: "threads",
            title: "threads of a new pool of two before its first job",
            unit: "threads",
            rounds: 1,
            pinned: false,
            contestants: before_the_first,
            targets: vec![limit("asynckit", Itself, 0.0)],
        },
    ]
}

/// The threads of this process whose names begin like this, by their folders.
fn threads(name: &str) -> Vec<std::path::PathBuf> {
    let all = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let called = |folder: &std::path::PathBuf| {
        fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.starts_with(name))
    };
    all.map(|entry| entry.path()).filter(called).collect()
}

/// How often these threads have gone to sleep.
fn sleeps(name: &str) -> Option<u64> {
    let mut sum = None;
    for folder in threads(name) {
        let status = fs::read_to_string(folder.join("status")).ok()?;
        let count = status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"))?;
        sum = Some(sum.unwrap_or(0) + count.trim().parse::<u64>().ok()?);
    }
    sum
}

/// A pool that has worked, and has had the time to fall asleep.
struct Worked {
    name: &'static str,
    /// Keeps it.
    _pool: Box<dyn std::any::Any>,
}

impl Worked {
    fn sleeps(&self) -> Option<u64> {
        sleeps(self.name)
    }
}

fn idle() -> Vec<Contestant> {
    let ours = Pool::builder().workers(WORKERS).name("idle-ours").build().expect("a pool");
    for job in (0..100).map(|n| ours.run(move || n)).collect::<Vec<_>>() {
        drop(job.share().get(None));
    }
    let name = |number| format!("idle-rayon-{number}");
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(WORKERS).thread_name(name).build();
    let rayon = rayon.expect("rayon starts its threads");
    rayon.install(|| ());
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("idle-tokio")
        .build()
        .expect("tokio starts its threads");
    drop(tokio.block_on(tokio.spawn(async {})));
    let pools = [
        ("asynckit", Worked { name: "idle-ours", _pool: Box::new(ours) }),
        ("rayon", Worked { name: "idle-rayon", _pool: Box::new(rayon) }),
        ("tokio", Worked { name: "idle-tokio", _pool: Box::new(tokio) }),
    ];
    thread::sleep(Duration::from_millis(500));
    let before = pools.each_ref().map(|(_, pool)| pool.sleeps());
    let mut watched = pools.into_iter().zip(before).map(|((title, pool), before)| {
        let figure = move || Some((pool.sleeps()? - before?) as f64);
        Contestant::figure(title, figure)
    });
    let contestants = watched.by_ref().collect();
    thread::sleep(WHILE);
    contestants
}

fn before_the_first() -> Vec<Contestant> {
    if threads("").is_empty() {
        return Vec::new(); // this system does not tell
    }
    vec![Contestant::figure("asynckit", || {
        let pool = Pool::builder().workers(WORKERS).name("fresh").build().ok()?;
        let count = threads("fresh").len();
        drop(pool);
        Some(count as f64)
    })]
}
