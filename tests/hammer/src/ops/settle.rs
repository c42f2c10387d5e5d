//! How deferreds end.

use asynckit::Failure;

use super::{Operation, operation};
use crate::callback::callback;
use crate::held::Settler;
use crate::luggage::before;
use crate::random::Random;
use crate::value::{Fault, Value};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation(
        "settle",
        &["Deferred::resolve", "Deferred::reject", "Deferred::settle", "Deferred::follow"],
        settle_any,
    )
    .often(),
    operation("drop a deferred", &[], |r| drop(world().deferreds.take(r))),
    operation("deferred's on_cancel", &["Deferred::on_cancel", "Deferred::is_cancelled"], handler),
    operation("settle on another thread", &["Deferred::resolve"], settle_elsewhere),
];

fn settle_any(r: &mut Random) {
    if let Some(settler) = world().deferreds.take(r) {
        settle(settler, r);
    }
}

/// Settles it, in any way.
pub(crate) fn settle(settler: Settler, r: &mut Random) {
    let Settler { it, number } = settler;
    match r.below(8) {
        0 => it.reject(Fault::new(r)),
        1 => it.settle(Err(Failure::TimedOut)),
        2 => it.settle(Ok(Value::new(r))),
        3 | 4 => it.follow(before(r, number).it),
        5 => follow_shared(Settler { it, number }, r),
        _ => it.resolve(Value::new(r)),
    }
}

fn follow_shared(settler: Settler, r: &mut Random) {
    let Settler { it, number } = settler;
    match world().values.take_if(r, |many| many.after < number) {
        Some(many) => it.follow(many.it),
        None => it.follow(Err(Fault::new(r))),
    }
}

fn handler(r: &mut Random) {
    let Some(mut settler) = world().deferreds.take(r) else { return };
    let callback = callback(r, settler.number);
    if !settler.it.is_cancelled() || r.one_in(2) {
        settler.it.on_cancel(move || callback.run("on_cancel"));
    }
    drop(format!("{:?}", settler.it));
    world().deferreds.put(settler, r);
}

fn settle_elsewhere(r: &mut Random) {
    let (settler, value) = (world().deferreds.take(r), Value::new(r));
    if let Some(Settler { it, .. }) = settler {
        drop(crate::pools::Handle::any(r).run(move || it.resolve(value)));
    }
}
