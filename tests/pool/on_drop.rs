//! What becomes of queued work when the last handle of a pool is dropped: `PoolBuilder::on_drop`.

use crate::common::{Gate, PATIENCE, watched};
use asynckit::{Pool, Promise, Shutdown};
use std::thread;

/// What runs is waited for; what is queued is not run. Else a program that has given up goes on until its queue is empty.
#[test]
fn a_pool_that_cancels_on_drop_ends_with_what_runs() {
    watched(|| {
        let build = Pool::builder().workers(1).on_drop(Shutdown::CancelQueued).build();
        let (pool, gate) = (build.unwrap(), Gate::new());
        let key = gate.key();
        let mut running = pool.run(move || key.wait());
        gate.await_arrival(1);
        let queued: Vec<Promise<()>> =
            (0..100).map(|_| pool.run(|| panic!("it was queued"))).collect();
        let dropping = thread::spawn(move || drop(pool));
        for mut promise in queued {
            assert!(promise.get(PATIENCE).unwrap_err().is_abandoned());
        }
        assert!(!running.is_set() && !dropping.is_finished());
        gate.open();
        dropping.join().unwrap();
        assert!(running.get(PATIENCE).is_ok());
    });
}

#[test]
fn a_pool_that_cancels_on_drop_leaves_its_results() {
    watched(|| {
        fn load() -> Promise<u32> {
            let build = Pool::builder().workers(1).on_drop(Shutdown::CancelQueued).build();
            let (pool, gate) = (build.unwrap(), Gate::new());
            let key = gate.key();
            let promise = pool.run(move || {
                key.wait();
                5
            });
            gate.await_arrival(1);
            gate.open();
            promise
        }
        assert!(matches!(load().map(|n| n + 1).get(PATIENCE), Ok(6)));
    });
}
