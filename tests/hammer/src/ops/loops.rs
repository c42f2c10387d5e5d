//! Loops.

use std::time::Duration;

use asynckit::{CancelOnDrop, repeat_until, unfold};

use super::{Operation, operation};
use crate::callback::callback;
use crate::held::{Held, LAST};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value, last_or};

pub(super) const OPERATIONS: &[Operation] = &[
    operation("repeat_until", &["repeat_until"], until),
    operation("unfold", &["unfold"], unfolded),
    operation("periodic", &["Pool::repeat_every", "Pool::repeat_after"], periodic),
];

fn until(r: &mut Random) {
    let (mut done, mut q, mut p) =
        (callback(r, LAST), Random::new(r.next()), Random::new(r.next()));
    let pauses: Vec<_> = (0..r.below(4)).map(|_| Duration::from_micros(r.next() % 50)).collect();
    let mut first = Some(Held::any(r).it);
    let promise = repeat_until(
        pauses,
        move |value: &Value| {
            value.check();
            done.call_again("done");
            p.one_in(2)
        },
        move |_| first.take().unwrap_or_else(|| Held::sure(&mut q).it),
    );
    Held::new(promise, LAST).keep(r);
}

fn unfolded(r: &mut Random) {
    let (mut callback, mut q, value) = (callback(r, LAST), Random::new(r.next()), Value::new(r));
    let most = r.below(4);
    let items = unfold(0, move |n| {
        callback.call_again("unfold");
        let next = move |value| (n < most).then_some((value, n + 1));
        Held::sure(&mut q).it.map(next)
    });
    Held::new(items.map(move |all| last_or(all, value)), LAST).keep(r);
}

fn periodic(r: &mut Random) {
    let (pool, mut q) = (Handle::any(r), Random::new(r.next()));
    let (mut callback, fault, last) = (callback(r, LAST), Fault::new(r), r.next() % 4);
    let run = move |tick: asynckit::Tick| {
        callback.call_again("tick");
        match tick.number > last {
            true => Err(fault.clone()),
            false => Ok(()),
        }
    };
    let period = Duration::from_micros(r.next() % 300);
    let ticking: CancelOnDrop<(), Fault> =
        if q.one_in(2) { pool.repeat_every(period, run) } else { pool.repeat_after(period, run) };
    if q.one_in(2) {
        let value = Value::new(r);
        Held::new(ticking.into_inner().map(|()| value), LAST).keep(r);
    }
}
