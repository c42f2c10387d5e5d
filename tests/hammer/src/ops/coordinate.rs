//! What jobs meet at: semaphores, barriers, latches, channels. What waits there waits for others, in ways that have no number:
//! nothing is settled after it.

use std::pin::Pin;
use std::task::{Context, Poll};

use asynckit::{AnyError, Barrier, Latch, Promise, Semaphore, channel};
use futures_core::Stream;

use super::wait::moment;
use super::{Operation, operation};
use crate::callback::callback;
use crate::futures::bell;
use crate::held::{Held, LAST};
use crate::random::Random;
use crate::value::{Fault, Value, without};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("semaphore", &["Semaphore::new"], semaphore).seldom(),
    operation(
        "acquire",
        &["Semaphore::acquire", "Semaphore::acquire_many", "SemaphorePermit::count"],
        acquire,
    )
    .often(),
    operation(
        "try to acquire",
        &["Semaphore::try_acquire", "Semaphore::try_acquire_many", "SemaphorePermit::forget"],
        try_acquire,
    ),
    operation(
        "steer a semaphore",
        &[
            "Semaphore::add_permits",
            "Semaphore::available_permits",
            "Semaphore::close",
            "Semaphore::is_closed",
        ],
        steer,
    ),
    operation("meet", &["Barrier::new", "Barrier::wait", "BarrierWaitResult::is_leader"], meet),
    operation(
        "latch",
        &[
            "Latch::new",
            "Latch::wait",
            "Latch::count",
            "Latch::count_down",
            "Latch::count_down_on_drop",
        ],
        latch,
    ),
    operation("channel", &["channel"], |r| {
        let ends = channel(r.below(4));
        world().channels.put(ends, r);
    })
    .seldom(),
    operation("send", &["Sender::send", "Sender::try_send", "TrySendError::into_inner"], send)
        .often(),
    operation(
        "receive",
        &["Receiver::recv", "Receiver::try_recv", "Receiver::recv_timeout"],
        receive,
    )
    .often(),
    operation(
        "look at a channel",
        &[
            "Sender::is_closed",
            "Receiver::is_closed",
            "Receiver::len",
            "Receiver::is_empty",
            "Sender::close",
            "Receiver::close",
        ],
        look,
    )
    .seldom(),
    operation("stream of a channel", &["Receiver::stream"], stream),
    operation("all of a channel", &["Receiver::iter"], all),
    operation("drop what is met at", &[], drop_one).seldom(),
];

/// Puts the promise into the heap, as one of values.
fn keep<T: Send + 'static>(
    r: &mut Random,
    name: &'static str,
    promise: Promise<T>,
    look: impl FnOnce(T) -> Option<Value> + Send + 'static,
) {
    let (callback, own, fault) = (callback(r, LAST), Value::new(r), Fault::new(r));
    let promise = promise
        .map_err(move |error: AnyError| without(fault, error))
        .then(move |what| callback.result(name, Some(look(what).unwrap_or(own))));
    Held::new(promise, LAST).keep(r);
}

fn semaphore(r: &mut Random) {
    let semaphore = Semaphore::new(r.below(4));
    world().semaphores.put(semaphore, r);
}

fn acquire(r: &mut Random) {
    let Some(semaphore) = world().semaphores.copy(r) else { return semaphore(r) };
    let count = r.below(3);
    let promise = if r.one_in(2) { semaphore.acquire() } else { semaphore.acquire_many(count) };
    keep(r, "permit", promise, |permit| {
        assert!(permit.count() < 3);
        None
    });
}

fn try_acquire(r: &mut Random) {
    let Some(semaphore) = world().semaphores.copy(r) else { return };
    let permit = match r.below(2) {
        0 => semaphore.try_acquire(),
        _ => semaphore.try_acquire_many(r.below(3)),
    };
    if let Some(permit) = permit.filter(|_| r.one_in(8)) {
        permit.forget();
    }
}

fn steer(r: &mut Random) {
    let Some(semaphore) = world().semaphores.copy(r) else { return };
    if semaphore.available_permits() < 4 {
        semaphore.add_permits(r.below(3));
    }
    if r.one_in(20) {
        semaphore.close();
        assert!(semaphore.is_closed());
    }
    assert!(!format!("{semaphore:?}").is_empty());
}

fn meet(r: &mut Random) {
    let barrier = world().barriers.copy(r).filter(|_| !r.one_in(4));
    let barrier = barrier.unwrap_or_else(|| {
        let barrier = Barrier::new(r.below(4));
        world().barriers.put(barrier.clone(), r);
        barrier
    });
    let promise = barrier.wait();
    keep(r, "met", promise, |met| {
        assert!(met.is_leader() || !met.is_leader());
        None
    });
}

fn latch(r: &mut Random) {
    let latch = world().latches.copy(r).filter(|_| !r.one_in(4));
    let latch = latch.unwrap_or_else(|| {
        let latch = Latch::new(r.below(4));
        world().latches.put(latch.clone(), r);
        latch
    });
    match r.below(3) {
        0 => latch.count_down(),
        1 => drop(latch.count_down_on_drop()),
        _ => {
            let promise = latch.wait();
            keep(r, "latch", promise, |()| None);
        }
    }
    assert!(latch.count() < 4);
}

fn send(r: &mut Random) {
    let Some((sender, receiver)) = world().channels.copy(r) else { return };
    drop(receiver); // the last one, now and then
    let value = Value::new(r);
    if r.one_in(3) {
        if let Err(back) = sender.try_send(value) {
            back.into_inner().check();
        }
        return;
    }
    let promise = sender.send(value);
    keep(r, "sent", promise, |()| None);
}

fn receive(r: &mut Random) {
    let Some((sender, receiver)) = world().channels.copy(r) else { return };
    drop(sender);
    match r.below(4) {
        0 => {
            if let Ok(value) = receiver.try_recv() {
                value.check();
            }
        }
        1 => {
            if let Ok(Some(value)) = receiver.recv_timeout(moment(r)) {
                value.check();
            }
        }
        _ => {
            let promise = receiver.recv();
            keep(r, "received", promise, |value| value);
        }
    }
}

fn look(r: &mut Random) {
    let Some((sender, receiver)) = world().channels.copy(r) else { return };
    assert!(!format!("{sender:?} {receiver:?}").is_empty());
    let (closed, empty) = (sender.is_closed() && receiver.is_closed(), receiver.is_empty());
    assert!(receiver.len() <= 8 || !closed || !empty, "as far as anything is known of it");
    match r.below(12) {
        0 => sender.close(),
        1 => receiver.close(),
        _ => {}
    }
}

/// A stream that is polled some times, and dropped.
fn stream(r: &mut Random) {
    let Some((sender, receiver)) = world().channels.copy(r) else { return };
    drop(sender);
    let (mut stream, waker) = (receiver.stream(), bell(callback(r, LAST)));
    let context = &mut Context::from_waker(&waker);
    for _ in 0..r.below(4) {
        if let Poll::Ready(Some(value)) = Pin::new(&mut stream).poll_next(context) {
            value.check();
        }
    }
}

/// A channel with an end: all that was sent comes.
fn all(r: &mut Random) {
    let (sender, receiver) = channel(2);
    let count = r.below(5);
    let sent: Vec<_> = (0..count).map(|_| sender.send(Value::new(r))).collect();
    drop(sender);
    let got = receiver.iter().map(|value: Value| value.check()).count();
    assert_eq!(got, count);
    assert!(sent.iter().all(Promise::is_set));
}

fn drop_one(r: &mut Random) {
    match r.below(4) {
        0 => drop(world().semaphores.take(r)),
        1 => drop(world().barriers.take(r)),
        2 => drop(world().latches.take(r)),
        _ => drop(world().channels.take(r)),
    }
}
