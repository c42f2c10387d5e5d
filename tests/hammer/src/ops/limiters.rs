//! Limiters. A call waits for the calls before it, in ways that have no number: nothing is settled after it.

use std::time::Duration;

use asynckit::Limiter;

use super::{Operation, operation};
use crate::callback::callback;
use crate::held::{Held, LAST};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::Value;
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation(
        "limiter",
        &["Limiter::new", "Limiter::rate", "Limiter::per", "Limiter::on"],
        limiter,
    )
    .seldom(),
    operation("limiter's run", &["Limiter::run"], run),
    operation("look at a limiter", &["Limiter::under_way", "Limiter::waiting"], look).seldom(),
    operation("drop a limiter", &[], |r| drop(world().limiters.take(r))).seldom(),
];

fn limiter(r: &mut Random) {
    let interval = Duration::from_micros(1 + r.next() % 300);
    let limiter = match r.below(3) {
        0 => Limiter::rate(2, interval),
        1 => Limiter::new(r.below(4)).per(3, interval),
        _ => Limiter::new(1 + r.below(3)),
    };
    let limiter = if r.one_in(2) { limiter.on(&Handle::any(r)) } else { limiter };
    world().limiters.put(limiter, r);
}

fn run(r: &mut Random) {
    let Some(limiter) = world().limiters.copy(r) else { return };
    let (callback, inner) = (callback(r, LAST), Held::any(r));
    let promise = match r.below(3) {
        0 => limiter.run(move || callback.result("limiter's run", None)),
        _ => limiter.run(move || {
            callback.run("limiter's run");
            inner.it.map(|value: Value| value)
        }),
    };
    Held::new(promise, LAST).keep(r);
}

fn look(r: &mut Random) {
    let Some(limiter) = world().limiters.copy(r) else { return };
    let text = format!("{limiter:?} {} {}", limiter.under_way(), limiter.waiting());
    assert!(!text.is_empty());
}
