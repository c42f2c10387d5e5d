//! Many promises at once: joined, and one after the other as they settle.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asynckit::{AsyncList, Deferred, Promise};
use futures::StreamExt;
use futures::channel::oneshot::{self, Canceled};
use futures::stream::FuturesUnordered;

use super::support::{shuffled, tidy_up};
use crate::harness::Against::Allocations;
use crate::harness::{Contestant, Workload, limit, ratio, time};

const SOME: usize = 10_000;
const MANY: usize = 1_000_000;

pub(crate) fn workloads() -> Vec<Workload> {
    let joined = |name, title, rounds, contestants| Workload {
        name,
        title,
        unit: "ns",
        rounds,
        pinned: false,
        contestants,
        targets: vec![
            ratio("asynckit", &["futures-buffered join_all"], 0.5),
            ratio("asynckit", &["futures join_all"], 0.2),
            limit("asynckit", Allocations, 0.01),
        ],
    };
    vec![
        joined(
            "join",
            "join 10,000 pending items, settled in no order, per item",
            21,
            (|| join(SOME)) as fn() -> Vec<Contestant>,
        ),
        joined("join-many", "the same with 1,000,000 items", 5, || join(MANY)),
        Workload {
            name: "completed",
            title: "10,000 pending items as they settle, per item",
            unit: "ns",
            rounds: 21,
            pinned: false,
            contestants: as_completed,
            targets: vec![ratio("asynckit", &["FuturesUnordered"], 0.7)],
        },
    ]
}

/// Writing ends, each taken out when its turn comes.
type Ends<S> = Vec<Option<S>>;
type Receiver = oneshot::Receiver<u64>;

/// What comes of items that are made before the clock runs, and settled in this order while it does.
fn ours(order: &[usize], work: impl Fn(Vec<Promise<u64, ()>>, &mut dyn FnMut())) -> Duration {
    let pairs = order.iter().map(|_| Promise::<u64, ()>::deferred());
    let (mut deferreds, promises): (Ends<Deferred<u64, ()>>, Vec<_>) =
        pairs.map(|(deferred, promise)| (Some(deferred), promise)).unzip();
    time(|| {
        work(promises, &mut || {
            for &index in order {
                if let Some(deferred) = deferreds[index].take() {
                    deferred.resolve(index as u64);
                }
            }
        });
        tidy_up();
    })
}

/// The same with futures' channel.
fn theirs(order: &[usize], work: impl Fn(Vec<Receiver>, &mut dyn FnMut())) -> Duration {
    let pairs = order.iter().map(|_| oneshot::channel());
    let (mut senders, receivers): (Ends<oneshot::Sender<u64>>, Vec<_>) =
        pairs.map(|(sender, receiver)| (Some(sender), receiver)).unzip();
    time(|| {
        work(receivers, &mut || {
            for &index in order {
                if let Some(sender) = senders[index].take() {
                    let _ = sender.send(index as u64);
                }
            }
        });
        tidy_up();
    })
}

/// Polled while nothing is settled, and when everything is.
fn polled(
    future: impl Future<Output = Vec<Result<u64, Canceled>>>,
    settle: &mut dyn FnMut(),
) -> u64 {
    let mut future = pin!(future);
    let context = &mut Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(context).is_pending());
    settle();
    match future.as_mut().poll(context) {
        Poll::Ready(values) => values.into_iter().map(|value| value.unwrap_or(0)).sum(),
        Poll::Pending => unreachable!("all are settled"),
    }
}

fn join(count: usize) -> Vec<Contestant> {
    let order = shuffled(count);
    let (first, second, third) = (order.clone(), order.clone(), order);
    vec![
        Contestant::new("asynckit", count, move || {
            ours(&first, |promises, settle| {
                let mut all = promises.into_iter().collect::<AsyncList<_, _>>().join();
                settle();
                let values = all.get(None).unwrap_or_default();
                black_box(values.into_iter().sum::<u64>());
            })
        }),
        Contestant::new("futures-buffered join_all", count, move || {
            theirs(&second, |receivers, settle| {
                black_box(polled(futures_buffered::join_all(receivers), settle));
            })
        }),
        Contestant::new("futures join_all", count, move || {
            theirs(&third, |receivers, settle| {
                black_box(polled(futures::future::join_all(receivers), settle));
            })
        }),
    ]
}

fn as_completed() -> Vec<Contestant> {
    let order = shuffled(SOME);
    let (first, second) = (order.clone(), order);
    vec![
        Contestant::new("asynckit", SOME, move || {
            ours(&first, |promises, settle| {
                let all = promises.into_iter().collect::<AsyncList<_, _>>().as_completed();
                settle();
                black_box(all.map(|item| item.outcome.unwrap_or(0)).sum::<u64>());
            })
        }),
        Contestant::new("FuturesUnordered", SOME, move || {
            theirs(&second, |receivers, settle| {
                let mut all: FuturesUnordered<_> = receivers.into_iter().collect();
                let context = &mut Context::from_waker(Waker::noop());
                assert!(all.poll_next_unpin(context).is_pending());
                settle();
                let values = futures::executor::block_on_stream(all);
                black_box(values.map(|value| value.unwrap_or(0)).sum::<u64>());
            })
        }),
    ]
}
