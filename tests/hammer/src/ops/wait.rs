//! Waiting for promises and looking at them.

use std::pin::Pin;
use std::task::Context;
use std::time::{Duration, Instant};

use asynckit::{PromiseState, Timeout};

use super::{Operation, operation};
use crate::callback::callback;
use crate::finding::contain;
use crate::futures::{Kept, bell, block_on};
use crate::held::Held;
use crate::random::Random;
use crate::value::check;
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("get", &["Promise::get"], get),
    operation("get without a limit", &["Promise::get"], get_sure).outermost(),
    operation("wait", &["Promise::wait"], wait),
    operation("try_get", &["Promise::try_get"], try_get),
    operation(
        "look",
        &["Promise::is_set", "Promise::is_error", "Promise::trace", "Promise::state"],
        look,
    ),
    operation("poll", &[], poll),
    operation("block on", &[], block_on_promise),
    operation("drop a promise", &[], |r| drop(world().promises.take(r))),
    operation("wake", &[], wake),
];

/// Half a millisecond at most, in every way in which it can be said.
pub(super) fn moment(r: &mut Random) -> Timeout {
    let moment = Duration::from_micros(r.next() % 500);
    match r.below(4) {
        0 => Duration::ZERO.into(),
        1 => Some(moment).into(),
        2 => (Instant::now() + moment).into(),
        _ => moment.into(),
    }
}

fn get(r: &mut Random) {
    let mut held = Held::any(r);
    check(&held.it.get(moment(r)));
    held.keep(r);
}

fn get_sure(r: &mut Random) {
    let mut held = Held::sure(r);
    check(&held.it.get(None));
    held.keep(r);
}

fn wait(r: &mut Random) {
    let mut held = Held::any(r);
    if held.it.wait(moment(r)) && r.one_in(2) {
        check(&held.it.get(None));
    }
    held.keep(r);
}

fn try_get(r: &mut Random) {
    let mut held = Held::any(r);
    if let Some(outcome) = held.it.try_get() {
        check(&outcome);
    }
    held.keep(r);
}

fn look(r: &mut Random) {
    let held = Held::any(r);
    let text =
        format!("{:?} {} {} {}", held.it, held.it.is_set(), held.it.is_error(), held.it.trace());
    assert!(!text.is_empty() && (held.it.state() != PromiseState::Settled || held.it.is_set()));
    held.keep(r);
}

/// Polls it with a waker that does something, or that another thread wakes.
fn poll(r: &mut Random) {
    let mut held = Held::any(r);
    for _ in 0..1 + r.below(2) {
        let waker = bell(callback(r, held.after));
        if r.one_in(3) {
            world().wakers.put(Kept(waker.clone()), r);
        }
        let mut context = Context::from_waker(&waker);
        if let std::task::Poll::Ready(outcome) = Pin::new(&mut held.it).poll(&mut context) {
            check(&outcome);
        }
    }
    held.keep(r);
}

fn block_on_promise(r: &mut Random) {
    let mut held = Held::any(r);
    if let Some(outcome) = block_on(&mut held.it, Duration::from_micros(r.next() % 500)) {
        check(&outcome);
    }
    held.keep(r);
}

fn wake(r: &mut Random) {
    let Some(waker) = world().wakers.take(r) else { return };
    if r.one_in(2) {
        contain(|| waker.0.wake_by_ref());
    }
    drop(waker);
}
