//! Where promises come from.

use asynckit::{AnyError, Failure, Pool, Promise};

use super::{Operation, operation};
use crate::callback::callback;
use crate::futures::Later;
use crate::held::{Held, Settler, number};
use crate::pools::Handle;
use crate::random::Random;
use crate::sync;
use crate::value::{Fault, Value, without};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("spawn", &["Pool::spawn"], |r| spawn(r).keep(r)).often(),
    operation("run", &["Pool::run"], |r| run(r).keep(r)),
    operation("attempt", &["Pool::attempt"], |r| attempt(r).keep(r)),
    operation("try_spawn", &["Pool::try_spawn", "PoolFull::into_inner"], |r| try_spawn(r).keep(r)),
    operation("spawn on global", &["spawn", "Pool::global"], |r| spawn_on_global(r).keep(r)),
    operation("spawn_cancellable", &["Pool::spawn_cancellable"], |r| cancellable(r).keep(r)),
    operation("spawn an inner promise", &["Pool::spawn"], |r| inner(r).keep(r)),
    operation("spawn a wait", &["Promise::get"], |r| waiting(r).keep(r)),
    operation(
        "deferred",
        &["Promise::deferred", "Pool::deferred", "Pool::deferred_cancel_on_drop"],
        |r| deferred(r).keep(r),
    )
    .often(),
    operation("ready", &["Promise::ready", "Promise::failed", "Promise::settled"], |r| {
        ready(r).keep(r);
    }),
    operation("from_callback", &["Promise::from_callback", "Promise::from_abortable"], |r| {
        from_callback(r).keep(r);
    }),
    operation("from a thread", &[], |r| from_thread(r).keep(r)).seldom(),
    operation("spawn_future", &["Pool::spawn_future"], |r| future(r).keep(r)).often(),
    operation("a future that is not woken", &["Pool::spawn_future"], not_woken).seldom(),
    operation("spawn_future of a promise", &["Pool::spawn_future"], |r| awaiting(r).keep(r)),
];

/// Any new promise.
pub(crate) fn source(r: &mut Random) -> Held {
    match r.below(6) {
        0 => deferred(r),
        1 => future(r),
        2 => from_callback(r),
        _ => sure_source(r),
    }
}

/// A new promise that settles without an outside hand.
pub(crate) fn sure_source(r: &mut Random) -> Held {
    match r.below(6) {
        0 => ready(r),
        1 => run(r),
        2 => cancellable(r),
        _ => spawn(r),
    }
}

fn spawn(r: &mut Random) -> Held {
    let (pool, callback) = (Handle::any(r), callback(r, 0));
    Held::new(pool.spawn(move || callback.result("job", None)), 0)
}

fn run(r: &mut Random) -> Held {
    let (pool, callback) = (Handle::any(r), callback(r, 0));
    let promise = pool.run(move || Value::new(&mut callback.call("job")));
    let mut q = Random::new(r.next());
    Held::new(promise.map_err(move |_: AnyError| Fault::new(&mut q)), 0)
}

fn attempt(r: &mut Random) -> Held {
    let (pool, callback) = (Handle::any(r), callback(r, 0));
    let promise = pool.attempt(move || Ok(callback.result("job", None)?));
    let own = Fault::new(r);
    Held::new(promise.map_err(move |error: AnyError| without(own, error)), 0)
}

fn try_spawn(r: &mut Random) -> Held {
    let (pool, callback) = (Handle::guest(r), callback(r, 0));
    match pool.try_spawn(move || callback.result("job", None)) {
        Ok(promise) => Held::new(promise, 0),
        Err(full) => {
            let work = full.into_inner();
            Held::new(Handle::resident(r).spawn(work), 0)
        }
    }
}

fn spawn_on_global(r: &mut Random) -> Held {
    let callback = callback(r, 0);
    if r.one_in(2) {
        return Held::new(asynckit::spawn(move || callback.result("job", None)), 0);
    }
    Held::new(Pool::global().spawn(move || callback.result("job", None)), 0)
}

/// Its token goes to the heap, from where handlers are given to it.
fn cancellable(r: &mut Random) -> Held {
    let (pool, callback, handler) = (Handle::any(r), callback(r, 0), callback(r, 0));
    let mut q = Random::new(r.next());
    let work = move |token: &asynckit::CancelToken| {
        token.on_cancel(move || handler.run("token"));
        world().tokens.put(token.clone(), &mut q);
        callback.result("cancellable job", None)
    };
    Held::new(pool.spawn_cancellable(work), 0)
}

/// The job hands back a promise, which is adopted.
fn inner(r: &mut Random) -> Held {
    let (pool, inner, callback) = (Handle::any(r), Held::any(r), callback(r, 0));
    let adopted = inner.it;
    let promise = pool.spawn(move || {
        callback.run("job");
        adopted
    });
    Held::new(promise, inner.after)
}

/// The job waits: for jobs of the same pool, for a promise that settles by itself, or for any one, for a moment.
fn waiting(r: &mut Random) -> Held {
    let (pool, callback) = (Handle::resident(r), callback(r, 0));
    let mut q = Random::new(r.next());
    let (again, mut sure, mut any) = (pool.clone(), Held::sure(r), Held::any(r));
    let promise = pool.spawn(move || {
        match q.below(3) {
            0 => {
                let mut first = again.spawn(|| Ok::<_, Fault>(1));
                let mut second = again.spawn(|| Ok::<_, Fault>(2)).map(|n| n + 1);
                assert!(first.get(None).is_ok() || q.one_in(1));
                drop(second.get(None));
            }
            1 => drop(sure.it.get(None)),
            _ => drop(any.it.get(super::wait::moment(&mut q))),
        }
        callback.result("job", None)
    });
    Held::new(promise, 0)
}

pub(super) fn deferred(r: &mut Random) -> Held {
    let number = number();
    let (mut it, promise) = match r.below(8) {
        0 | 1 => Promise::deferred(),
        2 => Handle::any(r).deferred_cancel_on_drop(),
        _ => Handle::any(r).deferred(),
    };
    if r.one_in(3) {
        let handler = callback(r, number);
        it.on_cancel(move || handler.run("on_cancel"));
    }
    world().deferreds.put(Settler { it, number }, r);
    Held::new(promise, number)
}

fn ready(r: &mut Random) -> Held {
    let promise = match r.below(4) {
        0 => Promise::failed(Fault::new(r)),
        1 => Promise::settled(Err(Failure::Cancelled)),
        2 => Promise::settled(Ok(Value::new(r))),
        _ => Promise::ready(Value::new(r)),
    };
    Held::new(promise, 0)
}

/// Both functions are called, from another thread or here; or neither is.
fn from_callback(r: &mut Random) -> Held {
    let (pool, value, fault) = (Handle::any(r), Value::new(r), Fault::new(r));
    let (how, started) = (r.below(4), callback(r, 0));
    let start = move |resolve: Box<dyn Fn(Value) + Send + Sync>,
                      reject: Box<dyn Fn(Fault) + Send + Sync>| {
        started.run("from_callback");
        match how {
            0 => resolve(value),
            1 => drop(pool.run(move || {
                reject(fault);
                resolve(value);
            })),
            2 => drop(pool.run(move || resolve(value))),
            _ => {}
        }
    };
    if r.one_in(2) {
        let (number, abort) = (number(), callback(r, 0));
        let abortable = move |resolve: Box<_>, reject: Box<_>| {
            start(resolve, reject);
            move || abort.run("abort")
        };
        return Held::new(Promise::from_abortable(abortable), number);
    }
    Held::new(Promise::from_callback(start), 0)
}

fn from_thread(r: &mut Random) -> Held {
    let callback = callback(r, 0);
    let thread = sync::Builder::new().spawn(move || Value::new(&mut callback.call("thread")));
    let thread = thread.expect("a thread");
    Held::new(Promise::from(thread), 0)
}

fn future(r: &mut Random) -> Held {
    let (number, pool) = (number(), Handle::any(r));
    let (callback, left) = (Some(callback(r, 0)), r.below(4));
    let later = Later { callback, left, random: Random::new(r.next()) };
    Held::new(pool.spawn_future(later), number)
}

/// A future that awaits a promise, a value, or a guard.
fn awaiting(r: &mut Random) -> Held {
    let (pool, held, how) = (Handle::any(r), Held::any(r), r.below(3));
    let callback = callback(r, held.after);
    let promise = pool.spawn_future(async move {
        let outcome = match how {
            0 => held.it.await,
            1 => held.it.share().await,
            _ => held.it.cancel_on_drop().await,
        };
        crate::value::check(&outcome);
        callback.result("future", outcome.ok())
    });
    Held::new(promise, held.after)
}

/// A future that nobody can wake ends when it is cancelled, or when nobody has its promise.
fn not_woken(r: &mut Random) {
    let (pool, value) = (Handle::any(r), Value::new(r));
    let promise = pool.spawn_future(async move {
        std::future::pending::<()>().await;
        Ok::<_, Fault>(value)
    });
    let mut promise = if r.one_in(2) { promise.map(|value| value) } else { promise };
    drop(promise.get(super::wait::moment(r)));
    match r.below(3) {
        0 => promise.cancel(),
        1 => drop(promise.timeout(std::time::Duration::from_micros(100))),
        _ => drop(promise),
    }
}
