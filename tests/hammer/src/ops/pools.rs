//! Pools that come and go, change, and wait.

use std::time::Duration;

use asynckit::{Pool, Shutdown, blocking};

use super::wait::moment;
use super::{Operation, operation, step};
use crate::callback::callback;
use crate::held::Held;
use crate::pools::Handle;
use crate::random::Random;
use crate::sync;
use crate::value::{Fault, Value};
use crate::watch::depth;
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation(
        "build a pool",
        &[
            "Pool::builder",
            "PoolBuilder::workers",
            "PoolBuilder::name",
            "PoolBuilder::stack_size",
            "PoolBuilder::queue_limit",
            "PoolBuilder::max_spare_workers",
            "PoolBuilder::on_drop",
            "PoolBuilder::keep_alive",
            "PoolBuilder::on_thread_start",
            "PoolBuilder::on_thread_stop",
            "PoolBuilder::build",
        ],
        |r| drop(Handle::built(r)),
    )
    .seldom(),
    operation("a short-lived pool", &["Pool::new"], short).seldom(),
    operation("drop a pool", &[], |r| drop(world().guests.take(r))).seldom(),
    operation("shutdown", &["Pool::shutdown"], shutdown).seldom(),
    operation("set_worker_count", &["Pool::set_worker_count", "Pool::worker_count"], set_count),
    operation(
        "look at a pool",
        &["Pool::live_workers", "Pool::wait_for_room", "Pool::metrics", "Pool::queued"],
        look,
    ),
    operation("detach a pool", &["Pool::detach"], detach).seldom(),
    operation("block elsewhere", &["blocking"], block),
    operation("scope", &["Pool::scope", "Scope::spawn"], scope).outermost(),
    operation("try_scope", &["Pool::try_scope", "TryScope::spawn"], try_scope).outermost(),
];

/// Its only handle is dropped with work in it.
fn short(r: &mut Random) {
    let pool = Pool::new(r.below(3));
    for _ in 0..r.below(4) {
        let callback = callback(r, 0);
        Held::new(pool.spawn(move || callback.result("job", None)), 0).keep(r);
    }
    if pool.worker_count() == 0 {
        _ = pool.shutdown(Shutdown::CancelQueued, Duration::ZERO);
    }
    // Not here: this may be another pool's worker, see `Handle`.
    sync::start("end of a pool", move || drop(pool));
}

fn shutdown(r: &mut Random) {
    let how = if r.one_in(2) { Shutdown::Drain } else { Shutdown::CancelQueued };
    let report = Handle::guest(r).shutdown(how, moment(r));
    assert!(!format!("{report:?}").is_empty());
}

fn set_count(r: &mut Random) {
    let pool = if r.one_in(2) { Handle::guest(r) } else { Handle::resident(r) };
    if r.one_in(2) {
        pool.set_worker_count(0);
        Held::new(pool.spawn(|| Err(Fault::new(&mut Random::new(1)))), 0).keep(r);
    }
    let count = 1 + r.below(3);
    pool.set_worker_count(count);
    // Another thread may have set it since.
    assert!(pool.worker_count() < 100);
}

fn look(r: &mut Random) {
    let pool = Handle::any(r);
    assert!(pool.live_workers() < 10_000);
    _ = pool.wait_for_room(moment(r));
    let metrics = pool.metrics();
    assert!(metrics.idle + metrics.blocked + metrics.running < 10_000);
    if r.one_in(10) {
        assert!(pool.queued() < 10_000_000);
    }
}

fn detach(r: &mut Random) {
    let pool = Pool::new(1 + r.below(2));
    let callback = callback(r, 0);
    Held::new(pool.spawn(move || callback.result("job", None)), 0).keep(r);
    pool.detach();
}

/// What it waits for is another operation: a wait in a wait, where that is one.
fn block(r: &mut Random) {
    blocking(|| {
        std::thread::yield_now();
        if depth() < 4 {
            step(r, true);
        }
    });
}

/// Jobs that borrow: all are through when the scope is.
fn scope(r: &mut Random) {
    let pool = Handle::any(r);
    let mut values = [Value::new(r), Value::new(r), Value::new(r)];
    let callbacks = [callback(r, 0), callback(r, 0), callback(r, 0)];
    let cancels = r.one_in(3);
    pool.scope(|scope| {
        for (value, callback) in values.iter_mut().zip(callbacks) {
            let promise = scope.spawn(move || {
                value.check();
                *value = callback.result("scoped job", None)?;
                Ok::<_, Fault>(())
            });
            if cancels {
                promise.cancel();
            }
        }
    });
    values.iter().for_each(Value::check);
}

fn try_scope(r: &mut Random) {
    let pool = Handle::any(r);
    let mut values = [Value::new(r), Value::new(r), Value::new(r)];
    let callbacks = [callback(r, 0), callback(r, 0), callback(r, 0)];
    let cancels = r.one_in(3);
    let result = pool.try_scope(|scope| {
        assert!(!format!("{scope:?}").is_empty());
        for (value, callback) in values.iter_mut().zip(callbacks) {
            let promise = scope.spawn(move || {
                value.check();
                *value = callback.result("job of a try_scope", None)?;
                Ok::<_, Fault>(())
            });
            if cancels {
                promise.cancel();
            }
        }
        Ok(())
    });
    drop(result);
    values.iter().for_each(Value::check);
}
