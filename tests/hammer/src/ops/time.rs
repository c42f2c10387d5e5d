//! Later, not for ever, once more.

use std::time::{Duration, Instant};

use asynckit::{AnyError, Backoff, Promise, delay, retry, retry_if, retry_when};

use super::{Operation, operation, sure_source};
use crate::callback::callback;
use crate::held::{Held, LAST};
use crate::random::Random;
use crate::value::{Fault, Value, without};

pub(super) const OPERATIONS: &[Operation] = &[
    operation("delay", &["delay", "Promise::delay"], delayed),
    operation("delay_value", &["Promise::delay_value"], delay_value),
    operation("timeout", &["Promise::timeout"], timeout).often(),
    operation("timeout_or", &["Promise::timeout_or"], timeout_or),
    operation("deadline", &["Promise::deadline"], deadline),
    operation(
        "retry",
        &[
            "retry",
            "retry_if",
            "retry_when",
            "Backoff::constant",
            "Backoff::exponential",
            "Backoff::factor",
            "Backoff::cap",
            "Backoff::full_jitter",
            "Backoff::seeded_jitter",
            "Backoff::times",
        ],
        try_again,
    ),
];

/// A millisecond at most.
fn soon(r: &mut Random) -> Duration {
    Duration::from_micros(r.next() % 1000)
}

fn delayed(r: &mut Random) {
    let (value, fault) = (Value::new(r), Fault::new(r));
    let promise = match r.one_in(2) {
        true => {
            delay(soon(r)).map(|()| value).map_err(move |error: AnyError| without(fault, error))
        }
        false => Promise::<(), Fault>::delay(soon(r)).map(|()| value),
    };
    Held::new(promise, 0).keep(r);
}

fn delay_value(r: &mut Random) {
    let duration = soon(r);
    Held::any(r).go(|promise| promise.delay_value(duration)).keep(r);
}

fn timeout(r: &mut Random) {
    let duration = soon(r);
    Held::any(r).go(|promise| promise.timeout(duration)).keep(r);
}

fn deadline(r: &mut Random) {
    let at = Instant::now() + soon(r);
    Held::any(r).go(|promise| promise.deadline(at)).keep(r);
}

fn timeout_or(r: &mut Random) {
    let (held, limit) = (Held::any(r), soon(r));
    let callback = callback(r, held.after);
    let fallback = move || callback.result("timeout_or", None);
    held.go(|promise| promise.timeout_or(limit, fallback)).keep(r);
}

fn backoff(r: &mut Random) -> Backoff {
    let backoff = match r.one_in(2) {
        true => Backoff::constant(Duration::from_micros(50)),
        false => Backoff::exponential(Duration::from_micros(20)).cap(Duration::from_micros(100)),
    };
    let backoff = if r.one_in(3) { backoff.factor(1.5) } else { backoff };
    let backoff = match r.below(3) {
        0 => backoff.full_jitter(),
        1 => backoff.seeded_jitter(r.next()),
        _ => backoff,
    };
    backoff.times(r.below(4))
}

fn try_again(r: &mut Random) {
    let (mut callback, mut q) = (callback(r, LAST), Random::new(r.next()));
    let attempt = move |_| {
        callback.call_again("retry");
        sure_source(&mut q).it
    };
    let worth = |fault: &Fault| {
        fault.check();
        true
    };
    let mut q = Random::new(r.next());
    let decide = move |_, fault: &Fault| {
        fault.check();
        let yes = q.one_in(2);
        sure_source(&mut q).it.map(move |value| without(yes, value))
    };
    let promise = match r.below(3) {
        0 => retry(backoff(r), attempt),
        1 => retry_if(backoff(r), worth, attempt),
        _ => retry_when(backoff(r), decide, attempt),
    };
    Held::new(promise, 0).keep(r);
}
