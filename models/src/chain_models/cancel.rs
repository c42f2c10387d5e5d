//! How a cancellation reaches the root, and who is told of it.

use loom::thread;

use super::{cancel_and_leave, links, popper};
use crate::cell::engine::{Pool, World};
use crate::check;

fn cancel_against_pop(count: usize, bound: usize) {
    check(bound, move || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, count);
        let worker = popper(&world, queued);
        cancel_and_leave(promise);
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn cancel_against_pop_of_a_job() {
    cancel_against_pop(0, 4);
}

#[test]
fn cancel_against_pop_of_a_chain() {
    cancel_against_pop(2, 4);
}

#[test]
fn cancel_before_pop_runs_nothing() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, 1);
        promise.cancel();
        let worker = popper(&world, queued);
        promise.leave();
        worker.join().unwrap();
        assert_eq!(world.started(), 0);
        world.finish();
    });
}

#[test]
fn a_cancelled_promise_stays_cancelled() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let worker = popper(&world, queued);
        promise.cancel();
        let cancelled = promise.is_cancelled();
        worker.join().unwrap();
        assert_eq!(promise.is_cancelled(), cancelled);
        promise.leave();
        world.finish();
    });
}

#[test]
fn a_link_attached_and_cancelled_against_pop() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let worker = popper(&world, queued);
        cancel_and_leave(links(&world, promise, 1));
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn a_link_attached_after_cancel_against_pop() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let worker = popper(&world, queued);
        promise.cancel();
        links(&world, promise, 1).leave();
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn two_cancels_against_pop() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, 1);
        let worker = popper(&world, queued);
        promise.cancel();
        cancel_and_leave(promise);
        worker.join().unwrap();
        world.finish();
    });
}

/// Two owners of one tail (a shared value's feeding link, say): one cancels, the other waits.
#[test]
fn cancel_against_claim_against_pop() {
    check(2, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, 1);
        let worker = popper(&world, queued);
        let theirs = (world.clone(), promise.alias());
        let waiter = thread::spawn(move || theirs.1.claim(&theirs.0, Pool::ONE));
        promise.cancel();
        waiter.join().unwrap();
        promise.leave();
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn two_cancellers_against_pop() {
    check(3, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, 1);
        let worker = popper(&world, queued);
        let theirs = (world.clone(), promise.alias());
        let other = thread::spawn(move || theirs.1.cancel());
        promise.cancel();
        other.join().unwrap();
        promise.leave();
        worker.join().unwrap();
        world.finish();
    });
}

/// The deferred has settled by the state word alone; its chain goes on all the same.
#[test]
fn a_link_on_a_settled_deferred_against_cancel() {
    check(4, || {
        let world = World::default();
        let (deferred, promise) = world.deferred();
        deferred.resolve(&world);
        let (tail, posted) = promise.then_posted(&world, world.closure(None));
        let theirs = world.clone();
        let worker = thread::spawn(move || posted.unwrap().run(&theirs));
        cancel_and_leave(tail);
        worker.join().unwrap();
        world.finish();
    });
}

// ── Cancellation handlers ────────────────────────────────────────────────────────────────────────

#[test]
fn a_handler_is_given_against_cancel() {
    check(4, || {
        let world = World::default();
        let (deferred, promise) = world.deferred();
        let theirs = world.clone();
        let giver = thread::spawn(move || {
            deferred.on_cancel(&theirs);
            deferred.on_cancel(&theirs);
            deferred
        });
        cancel_and_leave(promise);
        let deferred = giver.join().unwrap();
        assert_eq!(world.handled(), 2, "before the cancellation or after it, each runs once");
        deferred.resolve(&world);
        world.finish();
    });
}

#[test]
fn a_handler_against_resolve_and_cancel() {
    check(4, || {
        let world = World::default();
        let (deferred, promise) = world.deferred();
        deferred.on_cancel(&world);
        let theirs = world.clone();
        let producer = thread::spawn(move || deferred.resolve(&theirs));
        let tail = links(&world, promise, 1);
        cancel_and_leave(tail);
        producer.join().unwrap();
        assert!(world.handled() <= 1);
        world.finish();
    });
}
