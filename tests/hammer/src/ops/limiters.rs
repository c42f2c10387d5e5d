//! Limiters. A call waits for the calls before it, in ways that have no number: nothing is settled after it.

use std::time::Duration;

use asynckit::Limiter;

use super::wait::moment;
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
    operation("limiter's run", &["Limiter::run", "Limiter::run_with_priority"], run),
    operation(
        "steer a limiter",
        &[
            "Limiter::set_limit",
            "Limiter::pause",
            "Limiter::resume",
            "Limiter::is_paused",
            "Limiter::clear",
            "Limiter::idle",
            "Limiter::wait_idle",
        ],
        steer,
    ),
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
        // No lower one than that of `run`: a call below may wait for this one, and must not start before it.
        0 => limiter
            .run_with_priority(r.below(3) as i32, move || callback.result("limiter's run", None)),
        _ => limiter.run(move || {
            callback.run("limiter's run");
            inner.it.map(|value: Value| value)
        }),
    };
    Held::new(promise, LAST).keep(r);
}

fn steer(r: &mut Random) {
    let Some(limiter) = world().limiters.copy(r) else { return };
    match r.below(5) {
        0 => limiter.set_limit(r.below(4)),
        1 => {
            limiter.pause();
            assert!(!format!("{}", limiter.is_paused()).is_empty());
            limiter.resume(); // what waits has its turn some day
        }
        2 => _ = limiter.clear(),
        3 => _ = limiter.wait_idle(moment(r)),
        _ => {
            let callback = callback(r, LAST);
            limiter.idle().finally(move || callback.run("limiter is idle")).detach();
        }
    }
}

fn look(r: &mut Random) {
    let Some(limiter) = world().limiters.copy(r) else { return };
    let text = format!("{limiter:?} {} {}", limiter.under_way(), limiter.waiting());
    assert!(!text.is_empty());
}
