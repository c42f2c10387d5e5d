//! `Promise::state`: how far it is.

use crate::common::{Gate, PATIENCE, watched};
use asynckit::{Pool, Promise, PromiseState, delay};
use std::time::Duration;

#[test]
fn a_job_is_queued_then_runs_then_is_settled() {
    watched(|| {
        let (pool, gate) = (Pool::new(0), Gate::new());
        let key = gate.key();
        let mut job = pool.run(move || key.wait());
        assert_eq!(job.state(), PromiseState::Queued);
        pool.set_worker_count(1);
        gate.await_arrival(1);
        assert_eq!(job.state(), PromiseState::Running);
        gate.open();
        assert!(job.wait(PATIENCE));
        assert_eq!(job.state(), PromiseState::Settled);
    });
}

/// A chain is as far as what it waits for: also the promise that a callback has returned.
#[test]
fn a_chain_is_as_far_as_its_job_then_as_what_it_follows() {
    watched(|| {
        let pool = Pool::new(0);
        let (inner, promise) = Promise::<u8>::deferred();
        let mut chain = pool.run(|| ()).any_error().chain(move |()| promise);
        assert_eq!(chain.state(), PromiseState::Queued);
        pool.set_worker_count(1);
        crate::common::eventually("it follows", || chain.state() == PromiseState::Waiting);
        inner.resolve(5);
        assert!(matches!(chain.get(PATIENCE), Ok(5)));
        assert_eq!(chain.state(), PromiseState::Settled, "also when its value was taken");
    });
}

/// What it began with has settled: its callback is in a queue, or runs.
#[test]
fn a_callback_that_is_queued_is_about_to_run() {
    let (deferred, promise) = Promise::<u8>::deferred();
    let queue = asynckit::LocalQueue::new();
    let callbacks = [promise.via(&queue).map(|n| n), Promise::ready(1).via(&queue).map(|n| n)];
    assert_eq!(
        callbacks.each_ref().map(Promise::state),
        [PromiseState::Waiting, PromiseState::Running]
    );
    deferred.resolve(2);
    assert_eq!(callbacks[0].state(), PromiseState::Running);
    assert!(format!("{:?}", callbacks[0]).contains("a callback behind deferred"), "{callbacks:?}");
    queue.run_pending();
    assert_eq!(callbacks[0].state(), PromiseState::Settled);
}

#[test]
fn what_no_pool_runs_waits() {
    let (_deferred, promise) = Promise::<u8>::deferred();
    assert_eq!(promise.state(), PromiseState::Waiting);
    assert_eq!(delay(Duration::from_secs(3600)).state(), PromiseState::Waiting);
    let joined = asynckit::join([promise, Promise::ready(1)]);
    assert_eq!(joined.state(), PromiseState::Waiting);
    joined.cancel();
    assert_eq!(joined.state(), PromiseState::Settled);
    assert_eq!(Promise::<_>::ready(1).state(), PromiseState::Settled);
}
