//! Pools for tests, and a look at their workers.

use super::{Gate, PATIENCE, SMALL_STACK};
use asynckit::{Deferred, Pool, Promise};
use std::mem::ManuallyDrop;
use std::thread;

/// A pool of one worker.
pub(crate) fn one_worker() -> Pool {
    Pool::new(1)
}

/// A pool of one worker that runs on a stack where depth would show.
pub(crate) fn one_small_worker() -> Pool {
    Pool::builder().workers(1).stack_size(SMALL_STACK).build().expect("a pool")
}

/// A `Deferred` whose promise has its callbacks run on `pool`.
pub(crate) fn deferred_on<T: Send + 'static, E: Send + 'static>(
    pool: &Pool,
) -> (Deferred<T, E>, Promise<T, E>) {
    let (deferred, inner) = Promise::deferred();
    (deferred, pool.spawn(move || inner))
}

/// Runs a job and returns once the pool's only worker has done all that was queued before it.
pub(crate) fn flush(pool: &Pool) {
    pool.run(|| ()).get(PATIENCE).expect("the worker runs the next job");
}

/// The worker that runs the next job of a one-worker pool.
pub(crate) fn worker_id(pool: &Pool) -> thread::ThreadId {
    pool.run(|| thread::current().id()).get(PATIENCE).expect("the worker runs the next job")
}

/// Threads are told by the start of their name: give each test its own.
pub(crate) fn named_pool(workers: usize, name: &str) -> Pool {
    Pool::builder().workers(workers).name(name).build().unwrap()
}

/// Runs `use_it` with a pool of one worker, and checks that the worker is the one that it was.
#[track_caller]
pub(crate) fn survives(use_it: impl FnOnce(&Pool)) {
    let pool = one_worker();
    let before = worker_id(&pool);
    use_it(&pool);
    flush(&pool);
    assert_eq!(worker_id(&pool), before, "the worker thread has been replaced");
    assert_eq!(pool.worker_count(), 1);
}

/// A promise of `pool` that settles only when the gate is opened: what is attached, or dropped, meanwhile is in place.
pub(crate) fn held(
    pool: &Pool,
    gate: &Gate,
    work: impl FnOnce() -> Result<u8, String> + Send + 'static,
) -> Promise<u8, String> {
    let key = gate.key();
    pool.spawn(move || {
        key.wait();
        work()
    })
}

/// A pool of one worker that nobody can stand in for. It is not joined when it is dropped: its worker may hang.
pub(crate) fn alone() -> ManuallyDrop<Pool> {
    let pool = Pool::builder().workers(1).max_spare_workers(0).build().expect("a pool");
    ManuallyDrop::new(pool)
}

/// What `job` gives as a job of such a pool, which is joined then; fails the test if it does not return.
#[track_caller]
pub(crate) fn on_the_only_worker<T: Send + 'static>(
    name: &str,
    job: impl FnOnce(&Pool) -> T + Send + 'static,
) -> T {
    let pool = alone();
    let own = (*pool).clone();
    let value = match pool.run(move || job(&own)).get(PATIENCE) {
        Ok(value) => value,
        Err(failure) => panic!("{name}: {failure}"),
    };
    drop(ManuallyDrop::into_inner(pool));
    value
}
