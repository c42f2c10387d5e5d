//! A link that is in the queue of its executor.

use loom::thread;

use super::{cancel_and_leave, links, popper};
use crate::check;
use crate::engine::{Pool, Promise, Result, World};

/// A chain whose root has run, and whose link, `before` others behind the root, is queued; one more is behind it.
fn with_queued_link(world: &World, before: usize) -> Promise {
    let (job, promise) = world.job(None);
    let promise = links(world, promise, before).then(world, world.queued_closure());
    let promise = links(world, promise, 1);
    job.pop(world);
    assert_eq!(world.started(), 1 + before);
    promise
}

fn link_popper(world: &World) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || world.pop_links())
}

fn cancel_against_pop_of_a_link(before: usize) {
    check(4, move || {
        let world = World::default();
        let promise = with_queued_link(&world, before);
        let worker = link_popper(&world);
        cancel_and_leave(&world, promise);
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn cancel_against_pop_of_a_link_behind_the_root() {
    cancel_against_pop_of_a_link(0);
}

#[test]
fn cancel_against_pop_of_a_link_further_down() {
    cancel_against_pop_of_a_link(1);
}

#[test]
fn a_cancelled_link_is_settled_at_once() {
    check(4, || {
        for before in [0, 1] {
            let world = World::default();
            let promise = with_queued_link(&world, before);
            cancel_and_leave(&world, promise);
            assert_eq!(world.started(), 1 + before);
            world.pop_links();
            assert_eq!(world.started(), 1 + before);
            world.finish();
        }
    });
}

#[test]
fn leave_and_get_against_pop_of_a_link() {
    for gets in [false, true] {
        check(4, move || {
            let world = World::default();
            let promise = with_queued_link(&world, 1);
            let worker = link_popper(&world);
            if gets {
                assert_eq!(promise.get(&world), Result::Value);
            } else {
                promise.leave();
            }
            worker.join().unwrap();
            assert_eq!(world.started(), 4);
            world.finish();
        });
    }
}

#[test]
fn a_link_of_a_root_that_is_in_its_queue_still() {
    check(3, || {
        let world = World::default();
        let (job, promise) = world.job(None);
        let promise = links(&world, promise.then(&world, world.queued_closure()), 1);
        promise.claim(&world, Pool::ONE);
        let worker = link_popper(&world);
        let other = popper(&world, job);
        promise.cancel(&world);
        promise.leave();
        worker.join().unwrap();
        other.join().unwrap();
        world.finish();
    });
}

#[test]
fn two_cancel_a_chain_with_a_queued_link() {
    check(3, || {
        let world = World::default();
        let promise = with_queued_link(&world, 0);
        let (again, beside) = (promise.alias(), world.clone());
        let other = thread::spawn(move || again.cancel(&beside));
        promise.cancel(&world);
        other.join().unwrap();
        promise.leave();
        world.pop_links();
        world.finish();
    });
}
