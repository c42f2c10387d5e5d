//! A branch of a shared value: others look at its work, and through it, while the value comes.

use loom::thread;

use super::{cancel_and_leave, links, popper};
use crate::cell::engine::{Pool, Promise, Queued, Result, Value, World};
use crate::check;

/// A value that is settled already, and a branch of it that was not told.
fn branch_of_settled(world: &World) -> (Value, Queued, Promise) {
    let (deferred, promise) = world.deferred();
    deferred.resolve(world);
    let value = Value::new(promise);
    let (branch, promise) = value.branch(world);
    (value, branch, promise)
}

/// What the value does with its branch when it is there.
fn comes(world: &World, branch: Queued) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || {
        branch.offer(Pool::ONE);
        branch.pop(&world);
    })
}

#[test]
fn a_look_against_start() {
    check(3, || {
        let world = World::default();
        let (value, branch, promise) = branch_of_settled(&world);
        drop(value);
        let promise = links(&world, promise, 1);
        let value = comes(&world, branch);
        promise.look();
        promise.claim(&world, Pool::ONE);
        assert_eq!(promise.get(&world), Result::Value);
        value.join().unwrap();
        assert_eq!(world.started(), 2);
        world.finish();
    });
}

#[test]
fn a_look_against_cancel() {
    check(4, || {
        let world = World::default();
        let (value, branch, promise) = branch_of_settled(&world);
        drop(value);
        let again = promise.alias();
        let canceller = thread::spawn(move || again.cancel());
        promise.look();
        canceller.join().unwrap();
        assert!(promise.is_cancelled() && !promise.look());
        promise.leave();
        branch.pop(&world);
        world.finish();
    });
}

#[test]
fn a_look_against_leave() {
    check(3, || {
        let world = World::default();
        let (value, branch, promise) = branch_of_settled(&world);
        let worker = comes(&world, branch);
        promise.leave();
        worker.join().unwrap();
        assert!(value.left() <= 1);
        assert_eq!(world.started(), 1);
        drop(value);
        world.finish();
    });
}

#[test]
fn a_promise_that_goes_leaves_the_value() {
    check(4, || {
        let world = World::default();
        let (value, branch, promise) = branch_of_settled(&world);
        links(&world, promise, 1).leave();
        assert_eq!(value.left(), 1);
        drop(value);
        branch.pop(&world);
        world.finish();
    });
}

/// A worker waits for a branch of a value that an adopted job gives, and all are cancelled meanwhile. `from_value`:
/// by the value; else by the branch.
fn claim_through_a_value(from_value: bool) {
    check(3, move || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (outer_queued, feeder) = world.job(Some(inner));
        outer_queued.pop(&world);
        let value = Value::new(feeder);
        let (branch, promise) = value.branch(&world);
        let again = promise.alias();
        let theirs = world.clone();
        let waiter = thread::spawn(move || again.claim(&theirs, Pool::ONE));
        if from_value {
            value.cancel();
        } else {
            promise.cancel();
        }
        drop(value);
        waiter.join().unwrap();
        promise.leave();
        branch.pop(&world);
        inner_queued.pop(&world);
        world.finish();
    });
}

#[test]
fn claim_through_a_value_against_its_cancellation() {
    claim_through_a_value(true);
}

#[test]
fn claim_through_a_value_against_cancellation_of_the_branch() {
    claim_through_a_value(false);
}

#[test]
fn claim_through_a_value_against_pop() {
    check(3, || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (outer_queued, feeder) = world.job(Some(inner));
        outer_queued.pop(&world);
        let value = Value::new(feeder);
        let (branch, promise) = value.branch(&world);
        drop(value);
        let worker = popper(&world, inner_queued);
        promise.claim(&world, Pool::ONE);
        worker.join().unwrap();
        assert_eq!(world.started(), 2);
        cancel_and_leave(promise);
        branch.pop(&world);
        world.finish();
    });
}

/// A value whose source would follow a branch of it, directly or by way of another promise that follows, and is
/// cancelled meanwhile.
fn circle_through_a_value(bound: usize, between: bool) {
    check(bound, move || {
        let world = World::default();
        let (source, promise) = world.deferred();
        let value = Value::new(promise);
        let (branch, mut last) = value.branch(&world);
        if between {
            let (middle, promise) = world.deferred();
            middle.follow(&world, std::mem::replace(&mut last, promise));
        }
        let theirs = world.clone();
        let follower = thread::spawn(move || source.follow(&theirs, last));
        value.cancel();
        follower.join().unwrap();
        drop(value);
        branch.pop(&world);
        world.finish();
    });
}

#[test]
fn a_circle_through_a_value_against_its_cancellation() {
    circle_through_a_value(3, false);
}

#[test]
fn a_longer_circle_through_a_value_against_its_cancellation() {
    circle_through_a_value(3, true);
}

/// A job that returns the promise of a branch: the look goes on through it, and meets a canceller beyond the value.
#[test]
fn a_look_through_a_follower_and_a_value_against_its_cancellation() {
    check(2, || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (source, feeder) = world.job(Some(inner));
        source.pop(&world);
        let value = Value::new(feeder);
        let (branch, promise) = value.branch(&world);
        let (outer_queued, tail) = world.job(Some(promise));
        outer_queued.pop(&world);
        let (again, theirs) = (tail.alias(), world.clone());
        let looker = thread::spawn(move || again.claim(&theirs, Pool::TWO));
        value.cancel();
        drop(value);
        looker.join().unwrap();
        inner_queued.pop(&world);
        branch.pop(&world);
        assert_eq!(tail.get(&world), Result::Value);
        world.finish();
    });
}
