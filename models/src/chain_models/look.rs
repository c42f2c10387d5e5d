//! A job that waits for something else than its turn: others look at its work meanwhile.

use loom::thread;

use super::{cancel_and_leave, links};
use crate::check;
use crate::engine::{Pool, Queued, Result, World};

/// The value has come: what it does with a branch.
fn comes(world: &World, branch: Queued) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || {
        branch.offer(Pool::ONE);
        branch.pop(&world);
    })
}

#[test]
fn a_look_against_start() {
    check(4, || {
        let world = World::default();
        let (branch, promise) = world.branch();
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
        let (branch, promise) = world.branch();
        let (again, beside) = (promise.alias(), world.clone());
        let canceller = thread::spawn(move || again.cancel(&beside));
        promise.look();
        canceller.join().unwrap();
        assert!(promise.is_cancelled() && !promise.look());
        promise.leave();
        branch.pop(&world);
        world.finish();
    });
}

#[test]
fn a_look_against_a_look() {
    check(3, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let again = promise.alias();
        let other = thread::spawn(move || assert!(again.look()));
        assert!(promise.look());
        other.join().unwrap();
        promise.leave();
        branch.pop(&world);
        assert_eq!(world.started(), 1);
        world.finish();
    });
}

/// The work stays until the last of two has looked.
#[test]
fn a_look_against_a_look_and_start() {
    check(4, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let again = promise.alias();
        let other = thread::spawn(move || again.look());
        promise.look();
        branch.offer(Pool::ONE);
        branch.pop(&world);
        other.join().unwrap();
        assert_eq!(promise.get(&world), Result::Value);
        world.finish();
    });
}

#[test]
fn who_wants_it_against_cancel() {
    check(4, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let promise = links(&world, promise, 2);
        let beside = world.clone();
        let canceller = thread::spawn(move || cancel_and_leave(&beside, promise));
        branch.is_wanted();
        branch.pop(&world);
        canceller.join().unwrap();
        world.finish();
    });
}

#[test]
fn who_wants_it_against_leave() {
    check(4, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let promise = links(&world, promise, 1);
        let leaver = thread::spawn(move || promise.leave());
        branch.is_wanted();
        leaver.join().unwrap();
        assert!(!branch.is_wanted());
        branch.pop(&world);
        world.finish();
    });
}
