//! Chains: what a link costs, short and long, whatever becomes of it.

use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use asynckit::{Deferred, Pool, Promise};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::others;
use super::support::{pool, tokio_runtime};
use crate::harness::Against::{Allocations, Bytes};
use crate::harness::{Contestant, Workload, limit, ratio, time};

const SHORT: usize = 1_000;
const LONG: usize = 1_000_000;
/// Short chains in a sample.
const TIMES: usize = 50;

pub(crate) fn workloads() -> Vec<Workload> {
    let long = |ours, short| ratio(ours, short, 1.5);
    vec![
        Workload {
            name: "chain",
            title: "a chain of 1,000, per link, built and completed on one worker",
            unit: "ns",
            rounds: 21,
            pinned: false,
            contestants: on_one_thread,
            targets: vec![
                ratio("asynckit", &["futures, boxed, polled while pending"], 0.8),
                ratio("asynckit", &["Node"], 1.0),
                ratio("asynckit", &["Java"], 1.0),
                // The deferred counts, too, and what the waiting worker notes now and then.
                limit("asynckit", Allocations, 1.05),
                limit("asynckit", Bytes, 57.0),
            ],
        },
        Workload {
            name: "chain-across",
            title: "the same, built on one thread and completed on another",
            unit: "ns",
            rounds: 21,
            pinned: false,
            contestants: across,
            targets: vec![ratio("asynckit", &["futures, boxed, on tokio"], 1.1)],
        },
        Workload {
            name: "chain-long",
            title: "a chain of 1,000,000 against one of 1,000, per link, on one worker",
            unit: "ns",
            rounds: 5,
            pinned: false,
            contestants: short_and_long,
            targets: vec![
                long("completed, 1,000,000", &["completed, 1,000"]),
                long("failed, 1,000,000", &["failed, 1,000"]),
                long("cancelled, 1,000,000", &["cancelled, 1,000"]),
                long("dropped, 1,000,000", &["dropped, 1,000"]),
            ],
        },
    ]
}

/// A chain that waits for its deferred.
fn built(pool: &Pool, links: usize) -> (Deferred<u64, ()>, Promise<u64, ()>) {
    let (deferred, mut promise) = pool.deferred();
    for _ in 0..links {
        promise = promise.map(|n| n + 1);
    }
    (deferred, promise)
}

fn complete(pool: &Pool, links: usize) {
    let (deferred, mut promise) = built(pool, links);
    deferred.resolve(0);
    assert_eq!(promise.get(None).ok(), Some(links as u64));
}

fn fail(pool: &Pool, links: usize) {
    let (deferred, mut promise) = built(pool, links);
    deferred.reject(());
    assert!(promise.get(None).is_err());
}

fn cancel(pool: &Pool, links: usize) {
    let (deferred, promise) = built(pool, links);
    promise.cancel();
    drop((promise, deferred));
}

fn abandon(pool: &Pool, links: usize) {
    let (deferred, promise) = built(pool, links);
    drop(promise);
    drop(deferred);
}

/// `work` with chains of this length, on the pool's worker, some times.
fn on_worker(pool: &'static Pool, work: fn(&Pool, usize), links: usize, times: usize) -> Duration {
    let sample = move || time(|| (0..times).for_each(|_| work(pool, links)));
    pool.run(sample).get(None).unwrap_or_default()
}

type Boxed = BoxFuture<'static, u64>;

fn boxed(links: usize) -> (futures::channel::oneshot::Sender<u64>, Boxed) {
    let (sender, receiver) = futures::channel::oneshot::channel();
    let mut future: Boxed = receiver.map(|n| n.unwrap_or(0)).boxed();
    for _ in 0..links {
        future = future.map(|n| n + 1).boxed();
    }
    (sender, future)
}

fn complete_boxed(polled_before: bool) -> Duration {
    time(|| {
        for _ in 0..TIMES {
            let (sender, mut future) = boxed(SHORT);
            let context = &mut Context::from_waker(Waker::noop());
            if polled_before {
                assert!(Pin::new(&mut future).poll_unpin(context).is_pending());
            }
            let _ = sender.send(0);
            assert!(Pin::new(&mut future).poll_unpin(context).is_ready());
        }
    })
}

fn on_one_thread() -> Vec<Contestant> {
    let one = pool(1);
    vec![
        Contestant::new("asynckit", SHORT * TIMES, || on_worker(one, complete, SHORT, TIMES)),
        // On the same thread: glibc gives each thread an arena of its own, and they differ.
        Contestant::new("futures, boxed, polled while pending", SHORT * TIMES, || {
            one.run(|| complete_boxed(true)).get(None).unwrap_or_default()
        }),
        Contestant::new("futures, boxed, polled when ready", SHORT * TIMES, || {
            one.run(|| complete_boxed(false)).get(None).unwrap_or_default()
        }),
        Contestant::figure("Node", others::node),
        Contestant::figure("Java", others::java),
    ]
}

fn across() -> Vec<Contestant> {
    let (one, runtime) = (pool(1), tokio_runtime(1));
    vec![
        Contestant::new("asynckit", SHORT * TIMES, || {
            time(|| (0..TIMES).for_each(|_| complete(one, SHORT)))
        }),
        Contestant::new("futures, boxed, on tokio", SHORT * TIMES, || {
            time(|| {
                for _ in 0..TIMES {
                    let (sender, future) = boxed(SHORT);
                    let task = runtime.spawn(future);
                    let _ = sender.send(0);
                    assert_eq!(runtime.block_on(task).ok(), Some(SHORT as u64));
                }
            })
        }),
    ]
}

fn short_and_long() -> Vec<Contestant> {
    let one = pool(1);
    let contestant = |name, work: fn(&Pool, usize), links: usize| {
        let times = if links == SHORT { TIMES } else { 1 };
        Contestant::new(name, links * times, move || on_worker(one, work, links, times))
    };
    vec![
        contestant("completed, 1,000", complete, SHORT),
        contestant("completed, 1,000,000", complete, LONG),
        contestant("failed, 1,000", fail, SHORT),
        contestant("failed, 1,000,000", fail, LONG),
        contestant("cancelled, 1,000", cancel, SHORT),
        contestant("cancelled, 1,000,000", cancel, LONG),
        contestant("dropped, 1,000", abandon, SHORT),
        contestant("dropped, 1,000,000", abandon, LONG),
    ]
}
