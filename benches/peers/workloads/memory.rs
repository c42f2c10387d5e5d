//! What a pending promise with one continuation asks the allocator for.

use std::pin::Pin;
use std::task::{Context, Waker};

use asynckit::Promise;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::harness::Against::Itself;
use crate::harness::alloc::left_by;
use crate::harness::{Contestant, Workload, limit};

const MANY: usize = 1_000_000;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![Workload {
        name: "memory",
        title: "a million pending promises with one continuation, asked for by each",
        unit: "bytes",
        rounds: 1,
        pinned: false,
        contestants,
        targets: vec![limit("asynckit", Itself, 96.0)],
    }]
}

fn contestants() -> Vec<Contestant> {
    vec![
        Contestant::figure("asynckit", || {
            Some(each(|| {
                let (deferred, promise) = Promise::<u64, ()>::deferred();
                (deferred, promise.map(|n| n + 1))
            }))
        }),
        Contestant::figure("futures oneshot, boxed map", || {
            Some(each(|| {
                let (sender, receiver) = futures::channel::oneshot::channel::<u64>();
                (sender, polled(receiver.map(|n| n.unwrap_or(0) + 1).boxed()))
            }))
        }),
        Contestant::figure("tokio oneshot, boxed map", || {
            Some(each(|| {
                let (sender, receiver) = tokio::sync::oneshot::channel::<u64>();
                (sender, polled(receiver.map(|n| n.unwrap_or(0) + 1).boxed()))
            }))
        }),
    ]
}

/// As it is while somebody waits for it.
fn polled(mut future: BoxFuture<'static, u64>) -> BoxFuture<'static, u64> {
    let pending = Pin::new(&mut future).poll_unpin(&mut Context::from_waker(Waker::noop()));
    assert!(pending.is_pending());
    future
}

/// The handles are where the user has them: their place is made before.
fn each<T>(make: impl Fn() -> T) -> f64 {
    let mut all = Vec::with_capacity(MANY);
    let (bytes, ()) = left_by(|| all.extend((0..MANY).map(|_| make())));
    drop(all);
    bytes as f64 / MANY as f64
}
