//! Shared values.

use std::time::Duration;

use asynckit::{AsyncLazy, AsyncOnce, AsyncValue, Failure, IntoPromise, SingleFlight};

use super::wait::moment;
use super::{Operation, operation};
use crate::callback::callback;
use crate::futures::block_on;
use crate::held::{Held, Many, number};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value, check_failure};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("share", &["Promise::share"], share).often(),
    operation("event", &["AsyncValue::new"], event),
    operation("set", &["AsyncValue::set", "AsyncValue::fail"], set),
    operation("value's get", &["AsyncValue::get"], get),
    operation("value's wait", &["AsyncValue::wait", "AsyncValue::try_get"], wait),
    operation(
        "look at a value",
        &["AsyncValue::is_set", "AsyncValue::is_error", "AsyncValue::trace"],
        look,
    ),
    operation("value's map", &["AsyncValue::map"], map).often(),
    operation("value's then", &["AsyncValue::then"], then),
    operation("value's chain", &["AsyncValue::chain", "AsyncValue::chain_on"], chain),
    operation("value's copy", &["AsyncValue::cloned"], copy),
    operation(
        "value's handle",
        &["AsyncValue::handle", "AsyncValue::catch", "AsyncValue::inspect"],
        handle,
    ),
    operation("value's timeout", &["AsyncValue::timeout", "AsyncValue::via"], timeout),
    operation("value's future", &[], future),
    operation("cancel a value", &["AsyncValue::cancel"], cancel),
    operation("drop a value", &[], |r| drop(world().values.take(r))),
    operation(
        "once",
        &["AsyncOnce::new", "AsyncOnce::get_or_init", "AsyncOnce::get", "AsyncOnce::take"],
        once,
    ),
    operation("lazy", &["AsyncLazy::new", "AsyncLazy::get", "AsyncLazy::forget"], lazy),
    operation(
        "single flight",
        &["SingleFlight::new", "SingleFlight::run", "SingleFlight::under_way"],
        flight,
    ),
    operation("line of values", &["Promise::share", "AsyncValue::map", "AsyncValue::cancel"], line),
];

fn share(r: &mut Random) {
    let held = Held::any(r);
    let many = Many { it: held.it.share(), after: held.after };
    if r.one_in(2) {
        world().values.put(many.clone(), r);
    }
    world().values.put(many, r);
}

fn event(r: &mut Random) {
    let many = Many { it: AsyncValue::new(), after: number() };
    Held::new(many.it.map(Value::clone), many.after).keep(r);
    world().values.put(many, r);
}

/// Any value, which goes back to the heap, mostly.
fn with_one(r: &mut Random, f: impl FnOnce(&Many, &mut Random)) {
    let Some(many) = world().values.take(r) else { return };
    f(&many, r);
    if !r.one_in(8) {
        world().values.put(many, r);
    }
}

fn set(r: &mut Random) {
    with_one(r, |many, r| {
        if r.one_in(3) {
            drop(many.it.fail(Fault::new(r)));
        } else {
            drop(many.it.set(Value::new(r)));
        }
    });
}

fn check(result: Result<&Value, asynckit::Failure<Fault>>) {
    match result {
        Ok(value) => value.check(),
        Err(failure) => check_failure(&failure),
    }
}

fn get(r: &mut Random) {
    with_one(r, |many, r| check(many.it.get(moment(r))));
}

fn wait(r: &mut Random) {
    with_one(r, |many, r| {
        if many.it.wait(moment(r)) {
            check(many.it.try_get().expect("it is set"));
        }
    });
}

fn look(r: &mut Random) {
    with_one(r, |many, _| {
        let (it, set) = (&many.it, many.it.is_set());
        assert!(!format!("{it:?} {set} {} {}", it.is_error(), it.trace()).is_empty());
    });
}

fn map(r: &mut Random) {
    with_one(r, |many, r| {
        let callback = callback(r, many.after);
        let next = move |value: &Value| {
            callback.run("value's map");
            value.clone()
        };
        Held::new(many.it.map(next), many.after).keep(r);
    });
}

fn then(r: &mut Random) {
    with_one(r, |many, r| {
        let (callback, other) = (callback(r, many.after), Held::any(r));
        let after = many.after.max(other.after);
        let next = move |value: &Value| {
            callback.run("value's then");
            value.check();
            other.it
        };
        Held::new(many.it.then(next), after).keep(r);
    });
}

fn chain(r: &mut Random) {
    with_one(r, |many, r| {
        let callback = callback(r, many.after);
        let work = move |value: &Value| callback.result("value's chain", Some(value.clone()));
        let promise = match r.one_in(2) {
            true => many.it.chain(work),
            false => many.it.chain_on(&Handle::any(r), work),
        };
        Held::new(promise, many.after).keep(r);
    });
}

fn copy(r: &mut Random) {
    with_one(r, |many, r| {
        let copy = match r.one_in(2) {
            true => many.it.cloned(),
            false => many.it.clone().into_promise(),
        };
        Held::new(copy, many.after).keep(r);
    });
}

fn handle(r: &mut Random) {
    with_one(r, |many, r| {
        let callback = callback(r, many.after);
        match r.below(3) {
            0 => {
                let next = move |outcome: Result<&Value, Failure<Fault>>| match outcome {
                    Ok(value) => callback.result("value's handle", Some(value.clone())),
                    Err(failure) => {
                        check_failure(&failure);
                        callback.result("value's handle", None)
                    }
                };
                Held::new(many.it.handle(next), many.after).keep(r);
            }
            1 => {
                let next = move |failure: Failure<Fault>| {
                    check_failure(&failure);
                    callback.result("value's catch", None)
                };
                Held::new(many.it.catch(next), many.after).keep(r);
            }
            _ => {
                let look = move |outcome: Result<&Value, &Failure<Fault>>| {
                    match outcome {
                        Ok(value) => value.check(),
                        Err(failure) => check_failure(failure),
                    }
                    callback.run("value's inspect");
                };
                let it = many.it.inspect(look);
                world().values.put(Many { it, after: many.after }, r);
            }
        }
    });
}

fn timeout(r: &mut Random) {
    with_one(r, |many, r| {
        let promise = match r.one_in(2) {
            true => many.it.timeout(Duration::from_micros(r.next() % 500)),
            false => many.it.via(&*Handle::any(r)),
        };
        Held::new(promise, many.after).keep(r);
    });
}

fn future(r: &mut Random) {
    with_one(r, |many, r| {
        let mut future = many.it.clone().into_future();
        let ready = block_on(&mut future, Duration::from_micros(r.next() % 300));
        ready.iter().for_each(crate::value::check);
    });
}

fn cancel(r: &mut Random) {
    with_one(r, |many, _| many.it.cancel());
}

/// Values that follow each other, cancelled at the last, at the first, or dropped.
fn line(r: &mut Random) {
    let first = Held::any(r).it.share();
    let mut last = first.clone();
    for _ in 0..r.below(30) {
        last = last.map(Value::clone).share();
    }
    match r.below(4) {
        0 => last.cancel(),
        1 => first.cancel(),
        2 => drop(last.map(Value::clone).cancel_on_drop()),
        _ => {}
    }
}

fn once(r: &mut Random) {
    let (once, held, other) = (AsyncOnce::new(), Held::any(r), Held::any(r));
    let after = held.after.max(other.after);
    let (callback, many) = (callback(r, after), once.get_or_init(|| held.it));
    Held::new(once.get_or_init(|| other.it).map(move |value| value.clone()), after).keep(r);
    if r.one_in(2) {
        drop(once.get());
        drop(once.take());
    }
    drop(once);
    let many = many.then(move |value| callback.result("once", Some(value.clone())));
    Held::new(many, after).keep(r);
}

fn lazy(r: &mut Random) {
    let mut q = Random::new(r.next());
    let seed = q.next();
    let lazy = AsyncLazy::<Value, Fault>::new(move || Held::sure(&mut Random::new(seed)).it);
    for _ in 0..2 {
        let value = lazy.get();
        if r.one_in(2) {
            value.cancel();
        }
        Held::new(value.map(Value::clone), 0).keep(r);
        if r.one_in(2) {
            lazy.forget();
        }
    }
}

fn flight(r: &mut Random) {
    let flights = SingleFlight::<u64, Value, Fault>::new();
    for _ in 0..3 {
        let held = Held::any(r);
        let value = flights.run(r.next() % 2, || held.it);
        Held::new(value.map(Value::clone), crate::held::LAST).keep(r);
    }
    assert!(flights.under_way() <= 2);
}
