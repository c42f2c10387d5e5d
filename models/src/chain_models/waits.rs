//! Threads that wait for each other's chains: one of them sees it.

use loom::thread;

use crate::cell::engine::{Deferred, Promise, World};
use crate::check;

/// User code of the chain of `own` that waits for `other`. Whether it would have waited for itself.
fn code(world: &World, own: Deferred, other: Promise) -> bool {
    let stuck = own.framed(|| match other.wait() {
        None => {
            other.leave();
            true
        }
        Some(place) => {
            other.get_with(world, place);
            false
        }
    });
    own.resolve(world);
    stuck
}

#[test]
fn two_threads_that_wait_for_each_other() {
    check(4, || {
        let world = World::default();
        let ((one, first), (other, second)) = (world.deferred(), world.deferred());
        let theirs = world.clone();
        let thread = thread::spawn(move || code(&theirs, one, second));
        let mine = code(&world, other, first);
        let stuck = usize::from(mine) + usize::from(thread.join().unwrap());
        // Where both have settled before the other one looks, nobody waits.
        assert!(stuck <= 1, "both were told to give up");
        world.finish();
    });
}

#[test]
fn a_thread_that_waits_through_a_promise_that_follows() {
    check(3, || {
        let world = World::default();
        let ((one, first), (other, second)) = (world.deferred(), world.deferred());
        let (between, third) = world.deferred();
        between.follow(&world, first);
        let theirs = world.clone();
        let thread = thread::spawn(move || code(&theirs, one, second));
        let mine = code(&world, other, third);
        assert!(!(thread.join().unwrap() && mine), "both were told to give up");
        world.finish();
    });
}

/// Another thread looks through a wait whose promise is cancelled, comes to its end, and goes meanwhile.
#[test]
fn a_look_through_a_wait_that_ends() {
    check(3, || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (follower, awaited) = world.deferred();
        follower.follow(&world, inner);
        let ((one, first), (other, second)) = (world.deferred(), world.deferred());
        let place = one.framed(|| awaited.wait()).expect("no circle");
        let theirs = world.clone();
        let looker = thread::spawn(move || {
            let place = other.framed(|| first.wait());
            drop(place);
            other.resolve(&theirs);
            first.leave();
        });
        awaited.cancel();
        drop(place);
        awaited.leave();
        inner_queued.pop(&world);
        looker.join().unwrap();
        one.resolve(&world);
        second.leave();
        world.finish();
    });
}
