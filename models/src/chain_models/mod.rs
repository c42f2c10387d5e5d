//! The chain word: who starts a root, who frees it, and how a cancellation reaches it.

mod cancel;
mod claim;
mod follow;
mod held_work;
mod waits;

use loom::thread;

use crate::cell::engine::{Promise, Queued, Result, World};

fn popper(world: &World, queued: Queued) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || queued.pop(&world))
}

fn links(world: &World, promise: Promise, count: usize) -> Promise {
    (0..count).fold(promise, |promise, _| promise.then(world, world.closure(None)))
}

fn cancel_and_leave(promise: Promise) {
    promise.cancel();
    assert!(promise.try_get().is_some(), "cancelled, and not settled");
    promise.leave();
}

fn get(world: &World, tail: Promise) {
    assert_eq!(tail.get(world), Result::Value);
}
