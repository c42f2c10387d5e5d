//! A tree of jobs that wait for their children: 2^17 - 1 of them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;

use asynckit::{Pool, Promise, join};
use futures::channel::oneshot;
use futures::task::{ArcWake, waker_ref};

use super::support::{WORKERS, pool, rayon_pool, tokio_runtime};
use crate::harness::{Contestant, Workload, ratio, time};

const DEPTH: u32 = 16;
const JOBS: usize = (1 << (DEPTH + 1)) - 1;

pub(crate) fn workloads() -> Vec<Workload> {
    let ours = |name| [ratio(name, &["futures on rayon"], 0.7), ratio(name, &["tokio"], 0.35)];
    vec![Workload {
        name: "tree",
        title: "a fork/join tree of depth 16, per job, 2 workers",
        unit: "ns",
        rounds: 9,
        pinned: false,
        contestants,
        targets: [ours("asynckit, get in jobs"), ours("asynckit, join")]
            .into_iter()
            .flatten()
            .collect(),
    }]
}

fn contestants() -> Vec<Contestant> {
    let tree = |name, mut sum: Box<dyn FnMut() -> u64>| {
        Contestant::new(name, JOBS, move || time(|| assert_eq!(sum(), JOBS as u64)))
    };
    let (ours, rayon, tokio) = (pool(WORKERS), rayon_pool(), tokio_runtime(WORKERS));
    vec![
        tree(
            "asynckit, get in jobs",
            Box::new(|| ours.run(|| with_get(ours, DEPTH)).get(None).unwrap_or(0)),
        ),
        tree(
            "asynckit, join",
            Box::new(|| ours.spawn(|| with_join(ours, DEPTH)).get(None).unwrap_or(0)),
        ),
        tree(
            "asynckit, join of an array",
            Box::new(|| ours.spawn(|| with_array(ours, DEPTH)).get(None).unwrap_or(0)),
        ),
        tree(
            "futures on rayon",
            Box::new(|| spawn_on(rayon, on_rayon(rayon, DEPTH)).recv_blocking()),
        ),
        tree("tokio", Box::new(|| tokio.block_on(tokio.spawn(on_tokio(DEPTH))).unwrap_or(0))),
        tree("rayon::join (borrows the stack)", Box::new(|| rayon.install(|| with_rayon(DEPTH)))),
    ]
}

fn with_get(pool: &'static Pool, depth: u32) -> u64 {
    if depth == 0 {
        return 1;
    }
    let mut left = pool.run(move || with_get(pool, depth - 1));
    let mut right = pool.run(move || with_get(pool, depth - 1));
    left.get(None).unwrap_or(0) + right.get(None).unwrap_or(0) + 1
}

fn with_join(pool: &'static Pool, depth: u32) -> Promise<u64> {
    if depth == 0 {
        return Promise::ready(1);
    }
    let left = pool.spawn(move || with_join(pool, depth - 1));
    let right = pool.spawn(move || with_join(pool, depth - 1));
    join((left, right)).map(|(left, right)| left + right + 1)
}

fn with_array(pool: &'static Pool, depth: u32) -> Promise<u64> {
    if depth == 0 {
        return Promise::ready(1);
    }
    let children = [0, 1].map(|_| pool.spawn(move || with_array(pool, depth - 1)));
    join(children).map(|[left, right]| left + right + 1)
}

fn on_tokio(depth: u32) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if depth == 0 {
            return 1;
        }
        let left = tokio::spawn(on_tokio(depth - 1));
        let right = tokio::spawn(on_tokio(depth - 1));
        left.await.unwrap_or(0) + right.await.unwrap_or(0) + 1
    })
}

fn with_rayon(depth: u32) -> u64 {
    if depth == 0 {
        return 1;
    }
    let (left, right) = rayon::join(|| with_rayon(depth - 1), || with_rayon(depth - 1));
    left + right + 1
}

fn on_rayon(
    pool: &'static rayon::ThreadPool,
    depth: u32,
) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if depth == 0 {
            return 1;
        }
        let left = spawn_on(pool, on_rayon(pool, depth - 1));
        let right = spawn_on(pool, on_rayon(pool, depth - 1));
        left.result.await.unwrap_or(0) + right.result.await.unwrap_or(0) + 1
    })
}

// ── The smallest executor of futures on rayon ────────────────────────────────────────────────────

struct Task {
    pool: &'static rayon::ThreadPool,
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
}

impl Task {
    fn poll(self: &Arc<Self>) {
        let waker = waker_ref(self);
        let mut future = self.future.lock().unwrap_or_else(PoisonError::into_inner);
        let done = future.as_mut().is_some_and(|future| {
            future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        });
        if done {
            *future = None;
        }
    }
}

impl ArcWake for Task {
    fn wake_by_ref(task: &Arc<Self>) {
        let again = Arc::clone(task);
        task.pool.spawn(move || again.poll());
    }
}

struct Answer {
    result: oneshot::Receiver<u64>,
}

impl Answer {
    fn recv_blocking(self) -> u64 {
        futures::executor::block_on(self.result).unwrap_or(0)
    }
}

fn spawn_on(
    pool: &'static rayon::ThreadPool,
    future: impl Future<Output = u64> + Send + 'static,
) -> Answer {
    let (sender, result) = oneshot::channel();
    let whole = Box::pin(async move { assert!(sender.send(future.await).is_ok()) });
    let task = Arc::new(Task { pool, future: Mutex::new(Some(whole)) });
    pool.spawn(move || task.poll());
    Answer { result }
}
