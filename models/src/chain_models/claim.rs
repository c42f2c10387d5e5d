//! Who starts a root: whoever pops it, or a worker that waits for it.

use super::{links, popper};
use crate::cell::engine::{Pool, Result, World};
use crate::check;

fn claim_against_pop(count: usize, bound: usize) {
    check(bound, move || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, count);
        let worker = popper(&world, queued);
        promise.claim(&world, Pool::ONE);
        assert_eq!(promise.get(&world), Result::Value);
        worker.join().unwrap();
        assert_eq!(world.started(), 1 + count);
        world.finish();
    });
}

#[test]
fn claim_against_pop_of_a_job() {
    claim_against_pop(0, 4);
}

#[test]
fn claim_against_pop_of_a_chain() {
    claim_against_pop(2, 4);
}

#[test]
fn claim_against_pop_then_drop() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let worker = popper(&world, queued);
        promise.claim(&world, Pool::ONE);
        promise.leave();
        worker.join().unwrap();
        assert_eq!(world.started(), 1);
        world.finish();
    });
}

#[test]
fn a_worker_claims_from_its_own_pool_only() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        promise.claim(&world, Pool::TWO);
        assert_eq!(world.started(), 0);
        let worker = popper(&world, queued);
        promise.leave();
        worker.join().unwrap();
        world.finish();
    });
}
