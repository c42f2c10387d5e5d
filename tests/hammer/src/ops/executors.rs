//! Where callbacks run, and the jobs that foreign executors have kept.

use asynckit::{Executor, LocalQueue, Serial};

use super::wait::moment;
use super::{Operation, operation};
use crate::callback::callback;
use crate::executors;
use crate::held::{Held, LAST};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value, check};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("via", &["Promise::via", "ExecutorRef::new"], via).often(),
    operation("run a kept job", &["Job::run"], run_job).often(),
    operation("drop a kept job", &[], |r| drop(world().jobs.take(r))),
    operation("local queue", &["LocalQueue::new", "LocalQueue::with_notify"], queue),
    operation(
        "run_pending",
        &["LocalQueue::run_pending", "LocalQueue::len", "LocalQueue::is_empty"],
        run_pending,
    )
    .often(),
    operation("local queue's get", &["LocalQueue::get"], get),
    operation("serial", &["Serial::new", "Serial::run", "Serial::len", "Serial::is_empty"], serial),
    operation("drop a local queue", &[], |r| drop(world().queues.take(r))).seldom(),
];

fn via(r: &mut Random) {
    let held = Held::any(r);
    let (executor, number) = executors::any(r);
    let after = held.after.max(number);
    let callback = callback(r, after);
    let promise = held.it.via(executor);
    let promise = match r.below(3) {
        0 => promise,
        1 => promise.map(move |value| {
            callback.run("via map");
            value
        }),
        _ => promise.chain(move |value| callback.result("via chain", Some(value))),
    };
    Held::new(promise, after).keep(r);
}

fn serial(r: &mut Random) {
    let serial = Serial::new(&*Handle::any(r));
    for _ in 0..r.below(4) {
        let callback = callback(r, LAST);
        serial.run(move || callback.run("serial")).detach();
    }
    assert!(serial.len() < 10_000 || serial.is_empty());
}

/// Here, or through an executor of the library.
fn run_job(r: &mut Random) {
    let Some(kept) = world().jobs.take(r) else { return };
    match r.below(4) {
        0 => Handle::any(r).execute(kept.it),
        1 => asynckit::Inline.execute(kept.it),
        _ => kept.it.run(),
    }
}

fn queue(r: &mut Random) {
    let fault = Fault::new(r);
    let queue = match r.one_in(2) {
        true => LocalQueue::new(),
        false => LocalQueue::with_notify(move || fault.check()),
    };
    world().queues.put(queue, r);
}

fn run_pending(r: &mut Random) {
    let Some(queue) = world().queues.copy(r) else { return };
    if !queue.is_empty() && queue.len() < 1_000_000 {
        queue.run_pending();
    }
}

fn get(r: &mut Random) {
    let queue = world().queues.copy(r).unwrap_or_default();
    let held = Held::any(r);
    let mut promise = held.it.via(&queue).map(|value: Value| value);
    check(&queue.get(&mut promise, moment(r)));
    Held::new(promise, held.after.max(crate::held::number())).keep(r);
}
