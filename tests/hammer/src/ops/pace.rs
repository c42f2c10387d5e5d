//! Calls that are held back. Each argument is a callback, which the call that is made calls.

use std::time::Duration;

use asynckit::{IntoPromise, Promise};

use super::{Operation, operation};
use crate::callback::{Callback, callback};
use crate::held::{Held, LAST, Many};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("paced", &["Pool::debounce", "Pool::throttle", "Paced::edges"], paced).seldom(),
    operation("paced call", &["Paced::call"], call).often(),
    operation("steer a paced call", &["Paced::flush", "Paced::cancel"], steer),
    operation("coalesced", &["Pool::coalesce", "Coalesced::at_most"], coalesced).seldom(),
    operation("coalesced call", &["Coalesced::call", "Coalesced::flush"], coalesced_call).often(),
    operation("try_now", &["Promise::try_now"], |r| try_now(r).keep(r)),
];

fn interval(r: &mut Random) -> Duration {
    Duration::from_micros(r.next() % 300)
}

fn paced(r: &mut Random) {
    let (pool, wait) = (Handle::any(r), interval(r));
    let make = |callback: Callback| callback.result("paced call", None);
    let paced = if r.one_in(2) { pool.debounce(wait, make) } else { pool.throttle(wait, make) };
    let (leading, trailing) = (r.one_in(2), r.one_in(2));
    world().paced.put(if r.one_in(2) { paced.edges(leading, trailing) } else { paced }, r);
}

fn call(r: &mut Random) {
    let Some(paced) = world().paced.copy(r) else { return };
    let many = Many { it: paced.call(callback(r, LAST)), after: LAST };
    if r.one_in(2) {
        Held::new(many.it.clone().into_promise(), LAST).keep(r);
    }
    world().values.put(many, r);
}

fn steer(r: &mut Random) {
    let Some(paced) = world().paced.copy(r) else { return };
    match r.below(6) {
        0 => paced.cancel(),
        1 => drop(world().paced.take(r)),
        _ => paced.flush(),
    }
    assert!(!format!("{paced:?}").is_empty());
}

fn coalesced(r: &mut Random) {
    let (pool, wait, most) = (Handle::any(r), interval(r), r.below(4));
    let make = |all: Vec<Callback>| -> Result<Vec<Value>, Fault> {
        all.into_iter().map(|callback| callback.result("coalesced call", None)).collect()
    };
    let coalesced = pool.coalesce(wait, make);
    world().coalesced.put(if r.one_in(2) { coalesced.at_most(most) } else { coalesced }, r);
}

fn coalesced_call(r: &mut Random) {
    let Some(coalesced) = world().coalesced.copy(r) else { return };
    Held::new(coalesced.call(callback(r, LAST)), LAST).keep(r);
    match r.below(8) {
        0 => coalesced.flush(),
        1 => drop(world().coalesced.take(r)),
        _ => {}
    }
    assert!(!format!("{coalesced:?}").is_empty());
}

fn try_now(r: &mut Random) -> Held {
    let (callback, inner) = (callback(r, 0), Held::any(r));
    let promise = Promise::try_now(move || {
        callback.run("try_now");
        inner.it
    });
    Held::new(promise, inner.after)
}
