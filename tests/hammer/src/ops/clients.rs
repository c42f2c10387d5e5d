//! What API clients are made of: flows, memos, reporters, a last step of the caller's.

use std::pin::Pin;
use std::time::Duration;

use asynckit::face::{Blocking, CallError, Face, FromCall, Promised, own_error};
use asynckit::{Flow, Memo, Promise, Reporter, pages};
use futures_core::Stream;

use super::wait::moment;
use super::{Operation, operation, sure_source};
use crate::callback::callback;
use crate::futures::block_on_poll;
use crate::held::{Held, LAST};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value, check, check_failure, last_or};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("flow's next", &["pages", "Flow::next_timeout"], next),
    operation("flow's join", &["Flow::at_once", "Flow::stage", "Flow::join"], join),
    operation("flow's stream", &["Flow::read_ahead", "Flow::stream"], stream),
    operation("all of a flow", &["pages"], all).outermost().seldom(),
    operation(
        "process",
        &[
            "Promise::process",
            "Processed::raw",
            "Processed::get",
            "Processed::is_set",
            "Processed::cancel",
            "Processed::into_raw",
        ],
        process,
    ),
    operation(
        "report",
        &[
            "Reporter::on",
            "Reporter::fraction",
            "Reporter::items",
            "Reporter::advance",
            "Reporter::finish_with",
        ],
        report,
    ),
    operation(
        "report here",
        &["Reporter::here", "Reporter::new", "Reporter::none", "Reporter::get"],
        here,
    ),
    operation(
        "memo",
        &["Memo::new", "Memo::time_to_live", "Memo::keep_failures", "Memo::capacity", "Memo::on"],
        memo,
    ),
    operation("memo's run", &["Memo::run"], remember),
    operation(
        "forget",
        &["Memo::invalidate", "Memo::clear", "Memo::len", "Memo::is_empty"],
        forget,
    ),
    operation("blocking face", &["Blocking::within", "own_error", "CallError::sort"], face),
    operation("blocking face, without a limit", &["Blocking::new"], patient_face).outermost(),
];

/// A few values, by steps each of which knows the next, or by ones that do not depend on each other, perhaps in stages.
fn flow(r: &mut Random) -> Flow<Value, Fault> {
    let (mut call, mut q, mut left) = (callback(r, LAST), Random::new(r.next()), r.below(6));
    let flow = match r.below(3) {
        0 => Flow::at_once(0..left, 1 + r.below(3), move |_| {
            call.call_again("at_once");
            sure_source(&mut q).it
        }),
        _ => pages((), move |()| {
            call.call_again("pages");
            left = left.saturating_sub(1);
            let next = (left > 0).then_some(());
            sure_source(&mut q).it.map(move |value| (value, next))
        }),
    };
    if r.one_in(2) {
        return flow;
    }
    let (mut call, mut q) = (callback(r, LAST), Random::new(r.next()));
    flow.stage(move |value: Value| {
        call.call_again("stage");
        value.check();
        match q.one_in(2) {
            true => Promise::ready(value),
            false => sure_source(&mut q).it.map(move |other| crate::value::without(value, other)),
        }
    })
}

fn next(r: &mut Random) {
    let mut flow = flow(r);
    for _ in 0..r.below(4) {
        if let Ok(Some(outcome)) = flow.next_timeout(moment(r)) {
            check(&outcome);
        }
    }
    assert!(!format!("{flow:?}").is_empty());
}

fn join(r: &mut Random) {
    let (flow, or) = (flow(r), Value::new(r));
    Held::new(flow.join().map(|values| last_or(values, or)), LAST).keep(r);
}

fn stream(r: &mut Random) {
    let limit = Duration::from_micros(r.next() % 300);
    let mut stream = flow(r).read_ahead(r.below(4)).stream();
    while let Some(Some(outcome)) =
        block_on_poll(limit, |context| Pin::new(&mut stream).poll_next(context))
    {
        check(&outcome);
    }
}

fn all(r: &mut Random) {
    for outcome in flow(r).read_ahead(r.below(4)) {
        check(&outcome);
    }
}

fn process(r: &mut Random) {
    let held = Held::any(r);
    let mut processed = held.it.process(|value| {
        value.check();
        Ok(())
    });
    match r.below(4) {
        0 => drop(processed.raw(moment(r)).map(Value::check)),
        1 => processed.cancel(),
        _ => {
            if let Err(failure) = processed.get(moment(r)) {
                check_failure(&failure);
            }
        }
    }
    assert!(!format!("{processed:?} {}", processed.is_set()).is_empty());
    Held::new(processed.into_raw(), held.after).keep(r);
}

fn report(r: &mut Random) {
    let (held, pool) = (Held::any(r), Handle::any(r));
    let mut call = callback(r, held.after);
    let reporter = Reporter::on(&*pool, move |_| call.call_again("report"));
    let promise = reporter.finish_with(held.it);
    reporter.items(1, 7);
    reporter.advance(2);
    reporter.fraction(0.5);
    Held::new(promise, held.after).keep(r);
}

fn here(r: &mut Random) {
    let held = Held::any(r);
    let mut call = callback(r, held.after);
    let reporter = match r.below(3) {
        0 => Reporter::none(),
        1 => Reporter::new(move |_| call.call_again("report to the global pool")),
        _ => Reporter::here(move |_| call.call_again("report here")),
    };
    let mut promise = reporter.finish_with(held.it);
    reporter.fraction(0.5);
    if let Err(failure) = reporter.get(&mut promise, moment(r)) {
        check_failure(&failure);
    }
    Held::new(promise, held.after).keep(r);
}

/// What several threads remember together.
pub(crate) type Remembered = Memo<u64, Value, Fault>;

fn memo(r: &mut Random) {
    let life = Duration::from_micros(r.next() % 300);
    let memo = Memo::new().capacity(r.below(4)).keep_failures(life).on(&Handle::any(r));
    let memo = if r.one_in(2) { memo.time_to_live(life) } else { memo };
    world().memos.put(memo, r);
}

fn with_memo(r: &mut Random, f: impl FnOnce(&Remembered, &mut Random)) {
    let Some(taken) = world().memos.take(r) else { return memo(r) };
    if r.one_in(2) {
        world().memos.put(taken.clone(), r);
    }
    f(&taken, r);
    if !r.one_in(8) {
        world().memos.put(taken, r);
    }
}

fn remember(r: &mut Random) {
    with_memo(r, |memo, r| {
        for _ in 0..3 {
            let (held, call) = (Held::any(r), callback(r, LAST));
            let promise = memo.run(r.next() % 5, || {
                call.run("memo");
                held.it
            });
            Held::new(promise, LAST).keep(r);
        }
    });
}

fn forget(r: &mut Random) {
    with_memo(r, |memo, r| {
        match r.below(3) {
            0 => memo.clear(),
            _ => memo.invalidate(&(r.next() % 5)),
        }
        assert!(!format!("{memo:?} {} {}", memo.len(), memo.is_empty()).is_empty());
    });
}

impl FromCall for Fault {
    fn from_call(call: CallError) -> Self {
        drop(call.to_string());
        Fault::new(&mut Random::new(1))
    }
}

fn checked(result: Result<Value, Fault>) {
    match result {
        Ok(value) => value.check(),
        Err(fault) => fault.check(),
    }
}

fn face(r: &mut Random) {
    let face = Blocking::within(Duration::from_micros(r.next() % 300));
    match r.below(3) {
        0 => checked(face.reply(Held::any(r).it)),
        1 => face.items(flow(r)).for_each(checked),
        _ => {
            let mut promise = Promised.reply(Held::any(r).it);
            match promise.get(moment(r)) {
                Err(failure) if r.one_in(2) => drop(CallError::sort(failure)),
                outcome => checked(outcome.map_err(own_error)),
            }
        }
    }
}

fn patient_face(r: &mut Random) {
    checked(Blocking::new().reply(Held::sure(r).it));
}
