//! One promise on one thread: settled and taken, shared, awaited.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use asynckit::Promise;
use futures::FutureExt;

use super::support::Flag;
use crate::harness::Against::{Allocations, Best};
use crate::harness::{Contestant, Target, Workload, limit, ratio, time};

/// Operations in a sample.
const MANY: u64 = 20_000;
/// How many read a shared value.
const READERS: usize = 4;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload {
            name: "settle",
            title: "create, settle and take, on one thread",
            unit: "ns",
            rounds: 31,
            pinned: false,
            contestants: settle,
            targets: vec![
                ratio("asynckit", &["oneshot"], 1.0),
                limit("asynckit", Allocations, 1.0),
            ],
        },
        Workload {
            name: "shared",
            title: "a shared value: create, set, read by 4 clones, on one thread",
            unit: "ns",
            rounds: 31,
            pinned: false,
            contestants: shared,
            targets: vec![ratio("asynckit", &["futures Shared"], 0.4)],
        },
        Workload {
            name: "await",
            title: "awaited while pending, then woken, on one thread",
            unit: "ns",
            rounds: 31,
            pinned: false,
            contestants: awaited,
            targets: vec![Target {
                ours: "asynckit",
                against: Best(&["tokio oneshot"]),
                at_most: 1.0,
            }],
        },
    ]
}

/// A contestant that does `operation` with one number after the other.
fn repeated(name: &'static str, mut operation: impl FnMut(u64) -> u64 + 'static) -> Contestant {
    Contestant::new(name, MANY as usize, move || {
        time(|| {
            for n in 0..MANY {
                black_box(operation(black_box(n)));
            }
        })
    })
}

fn settle() -> Vec<Contestant> {
    vec![
        repeated("asynckit", |n| {
            let (deferred, mut promise) = Promise::<u64, ()>::deferred();
            deferred.resolve(n);
            promise.get(None).unwrap_or(0)
        }),
        repeated("oneshot", |n| {
            let (sender, receiver) = oneshot::channel();
            let _ = sender.send(n);
            receiver.recv().unwrap_or(0)
        }),
        repeated("tokio oneshot", |n| {
            let (sender, mut receiver) = tokio::sync::oneshot::channel();
            let _ = sender.send(n);
            receiver.try_recv().unwrap_or(0)
        }),
        repeated("futures oneshot", |n| {
            let (sender, mut receiver) = futures::channel::oneshot::channel();
            let _ = sender.send(n);
            receiver.try_recv().ok().flatten().unwrap_or(0)
        }),
    ]
}

fn shared() -> Vec<Contestant> {
    vec![
        repeated("asynckit", |n| {
            let (deferred, promise) = Promise::<u64, ()>::deferred();
            let shared = promise.share();
            let readers: [_; READERS] = std::array::from_fn(|_| shared.clone());
            deferred.resolve(n);
            readers.iter().map(|reader| *reader.get(None).unwrap_or(&0)).sum()
        }),
        repeated("futures Shared", |n| {
            let (sender, receiver) = futures::channel::oneshot::channel::<u64>();
            let shared = receiver.shared();
            let readers: [_; READERS] = std::array::from_fn(|_| shared.clone());
            let _ = sender.send(n);
            readers.into_iter().map(|reader| now(reader).map_or(0, |n| n.unwrap_or(0))).sum()
        }),
        repeated("tokio watch", |n| {
            let (sender, receiver) = tokio::sync::watch::channel(0);
            let readers: [_; READERS] = std::array::from_fn(|_| receiver.clone());
            let _ = sender.send(n);
            readers.into_iter().map(|reader| *reader.borrow()).sum()
        }),
    ]
}

/// The result of a future that is ready.
fn now<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// Polled twice: before and after `settle`.
fn polled<F: Future + Unpin>(mut future: F, waker: &Waker, settle: impl FnOnce()) -> F::Output {
    let mut context = Context::from_waker(waker);
    assert!(Pin::new(&mut future).poll(&mut context).is_pending());
    settle();
    match Pin::new(&mut future).poll(&mut context) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("it is settled"),
    }
}

fn awaited() -> Vec<Contestant> {
    let waker = || Waker::from(Arc::new(Flag::default()));
    let (first, second, third, fourth) = (waker(), waker(), waker(), waker());
    vec![
        repeated("asynckit", move |n| {
            let (deferred, promise) = Promise::<u64, ()>::deferred();
            polled(promise, &first, || deferred.resolve(n)).unwrap_or(0)
        }),
        repeated("tokio oneshot", move |n| {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            polled(receiver, &second, || assert!(sender.send(n).is_ok())).unwrap_or(0)
        }),
        repeated("futures oneshot", move |n| {
            let (sender, receiver) = futures::channel::oneshot::channel();
            polled(receiver, &third, || assert!(sender.send(n).is_ok())).unwrap_or(0)
        }),
        repeated("oneshot", move |n| {
            let (sender, receiver) = oneshot::channel();
            let receiver = Box::pin(receiver.into_future());
            polled(receiver, &fourth, || drop(sender.send(n))).unwrap_or(0)
        }),
    ]
}
