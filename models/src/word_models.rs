//! The state word: the producer against each thing that the consumer can do.

use loom::thread;

use crate::cell::engine::{Promise, Result, World};
use crate::check;

/// One job, run by another thread; `consume` has its promise. How many closures run in all.
fn against_settle(jobs: usize, consume: impl Fn(&World, Promise) + Sync + Send + 'static) {
    check(5, move || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let theirs = world.clone();
        let producer = thread::spawn(move || queued.pop(&theirs));
        consume(&world, promise);
        producer.join().unwrap();
        assert_eq!(world.started(), jobs);
        world.finish();
    });
}

/// The same with a deferred, which settles by the state word alone where it can.
fn against_resolve(jobs: usize, consume: impl Fn(&World, Promise) + Sync + Send + 'static) {
    check(3, move || {
        let world = World::default();
        let (deferred, promise) = world.deferred();
        let theirs = world.clone();
        let producer = thread::spawn(move || deferred.resolve(&theirs));
        consume(&world, promise);
        producer.join().unwrap();
        assert!(world.started() <= jobs);
        world.finish();
    });
}

fn then_get(world: &World, promise: Promise) {
    let next = promise.then(world, world.closure(None));
    assert_eq!(next.get(world), Result::Value);
}

fn then_drop(world: &World, promise: Promise) {
    promise.then(world, world.closure(None)).leave();
}

fn get(world: &World, promise: Promise) {
    assert_eq!(promise.get(world), Result::Value);
}

fn expired_get_and_drop(world: &World, promise: Promise) {
    let _ = promise.expired_get(world);
    promise.leave();
}

fn expired_get_and_get(world: &World, promise: Promise) {
    match promise.expired_get(world) {
        None => assert_eq!(promise.get(world), Result::Value),
        Some(_) => promise.leave(),
    }
}

fn expired_get_and_then(world: &World, promise: Promise) {
    match promise.expired_get(world) {
        None => then_get(world, promise),
        Some(_) => promise.leave(),
    }
}

fn poll_twice_and_drop(world: &World, promise: Promise) {
    if !promise.poll(world) {
        promise.poll(world);
    }
    promise.leave();
}

fn poll_and_then(world: &World, promise: Promise) {
    promise.poll(world);
    then_get(world, promise);
}

#[test]
fn settle_against_then() {
    against_settle(2, then_get);
}

#[test]
fn settle_against_then_and_drop() {
    against_settle(2, then_drop);
}

#[test]
fn settle_against_two_links() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let theirs = world.clone();
        let producer = thread::spawn(move || queued.pop(&theirs));
        let next = promise.then(&world, world.closure(None)).then(&world, world.closure(None));
        assert_eq!(next.get(&world), Result::Value);
        producer.join().unwrap();
        assert_eq!(world.started(), 3);
        world.finish();
    });
}

#[test]
fn settle_against_get() {
    against_settle(1, get);
}

#[test]
fn settle_against_expired_get() {
    against_settle(1, expired_get_and_drop);
}

#[test]
fn settle_against_expired_get_and_get() {
    against_settle(1, expired_get_and_get);
}

#[test]
fn settle_against_expired_get_and_then() {
    check(5, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let theirs = world.clone();
        let producer = thread::spawn(move || queued.pop(&theirs));
        expired_get_and_then(&world, promise);
        producer.join().unwrap();
        world.finish();
    });
}

#[test]
fn settle_against_two_polls() {
    against_settle(1, poll_twice_and_drop);
}

#[test]
fn settle_against_poll_and_then() {
    against_settle(2, poll_and_then);
}

#[test]
fn settle_against_drop() {
    against_settle(1, |_, promise| promise.leave());
}

#[test]
fn resolve_against_then() {
    against_resolve(1, then_get);
}

#[test]
fn resolve_against_then_and_drop() {
    against_resolve(1, then_drop);
}

#[test]
fn resolve_against_get() {
    against_resolve(0, get);
}

#[test]
fn resolve_against_expired_get() {
    against_resolve(0, expired_get_and_drop);
}

#[test]
fn resolve_against_two_polls() {
    against_resolve(0, poll_twice_and_drop);
}

#[test]
fn resolve_against_drop() {
    against_resolve(0, |_, promise| promise.leave());
}

#[test]
fn resolve_against_cancel() {
    against_resolve(0, |_, promise| {
        promise.cancel();
        assert!(promise.try_get().is_some());
        promise.leave();
    });
}

#[test]
fn resolve_against_cancel_and_then() {
    against_resolve(1, |world, promise| {
        promise.cancel();
        promise.then(world, world.closure(None)).leave();
    });
}

#[test]
fn resolve_against_poll_and_cancel() {
    against_resolve(0, |world, promise| {
        promise.poll(world);
        promise.cancel();
        promise.leave();
    });
}

#[test]
fn resolve_against_then_and_cancel() {
    against_resolve(1, |world, promise| {
        let next = promise.then(world, world.closure(None));
        next.cancel();
        assert!(next.try_get().is_some());
        next.leave();
    });
}
