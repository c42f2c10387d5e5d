//! What goes on after a promise.

use asynckit::{AnyError, Promise};

use super::{Operation, operation, sure_source};
use crate::callback::callback;
use crate::held::{Held, List};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value, check, check_failure, without};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("map", &["Promise::map"], map).often(),
    operation("map to others", &["Promise::map"], map_to_others),
    operation("then", &["Promise::then"], then).often(),
    operation("then a promise", &["Promise::then"], then_promise),
    operation("then a value", &["Promise::then"], then_value),
    operation("then a list", &["Promise::then"], then_list),
    operation("chain", &["Promise::chain"], chain).often(),
    operation("chain_on", &["Promise::chain_on"], chain_on),
    operation("map_err", &["Promise::map_err"], map_err),
    operation("any_error", &["Promise::any_error"], any_error),
    operation("catch", &["Promise::catch"], catch),
    operation("catch_if", &["Promise::catch_if"], catch_if),
    operation("or_else", &["Promise::or_else"], or_else),
    operation("handle", &["Promise::handle"], handle),
    operation("finally", &["Promise::finally"], finally),
    operation("inspect", &["Promise::inspect"], inspect),
    operation("beside", &["Promise::finally_then", "Promise::inspect_then"], beside),
    operation("finally that has to run", &["Promise::finally", "Promise::inspect"], has_to_run),
];

fn map(r: &mut Random) {
    let held = Held::any(r);
    let callback = callback(r, held.after);
    let next = move |value: Value| {
        callback.run("map");
        value.check();
        value
    };
    held.go(|promise| promise.map(next)).keep(r);
}

/// Aligned and large, as little else is.
#[repr(align(128))]
struct Large(Value, [u8; 300]);

/// By way of promises of other types: nothing, much, and what is aligned.
fn map_to_others(r: &mut Random) {
    let held = Held::any(r);
    let there = held.go(|promise| match r.below(3) {
        0 => {
            let value = Value::new(r);
            promise.map(drop).map(move |()| value)
        }
        1 => promise.map(|value| Large(value, [7; 300])).chain(|large| {
            assert_eq!(large.1, [7; 300]);
            Ok(large.0)
        }),
        _ => promise.map(|value| [Some(value), None]).map(|[value, _]| value.expect("it is there")),
    });
    there.keep(r);
}

fn then(r: &mut Random) {
    let held = Held::any(r);
    let callback = callback(r, held.after);
    held.go(|promise| promise.then(move |value| callback.result("then", Some(value)))).keep(r);
}

fn then_promise(r: &mut Random) {
    let (held, next) = (Held::any(r), Held::any(r));
    let callback = callback(r, held.after);
    let after = held.after.max(next.after);
    let promise = held.it.then(move |value: Value| {
        callback.run("then");
        without(next.it, value)
    });
    Held::new(promise, after).keep(r);
}

fn then_value(r: &mut Random) {
    let held = Held::any(r);
    // The closure may own the last handle that could set it: so it must not wait for it.
    let Some(many) = world().values.take_if(r, |many| many.after > held.after) else {
        return held.keep(r);
    };
    let after = many.after;
    Held::new(held.it.then(move |value| without(many.it, value)), after).keep(r);
}

fn then_list(r: &mut Random) {
    let (held, list) = (Held::any(r), List::any(r));
    let after = held.after.max(list.after);
    let callback = callback(r, after);
    let values = held.it.then(move |value| without(list.it, value));
    let last = move |mut values: Vec<Value>| {
        let last = values.pop();
        drop(values);
        callback.result("then", last)
    };
    Held::new(values.then(last), after).keep(r);
}

fn chain(r: &mut Random) {
    let held = Held::any(r);
    let callback = callback(r, held.after);
    held.go(|promise| promise.chain(move |value| callback.result("chain", Some(value)))).keep(r);
}

fn chain_on(r: &mut Random) {
    let (held, pool) = (Held::any(r), Handle::any(r));
    let callback = callback(r, held.after);
    let work = move |value| callback.result("chain_on", Some(value));
    held.go(|promise| promise.chain_on(&pool, work)).keep(r);
}

fn map_err(r: &mut Random) {
    let held = Held::any(r);
    let callback = callback(r, held.after);
    let change = move |fault: Fault| {
        callback.run("map_err");
        fault.check();
        fault
    };
    held.go(|promise| promise.map_err(change)).keep(r);
}

fn any_error(r: &mut Random) {
    let (held, own) = (Held::any(r), Fault::new(r));
    let back = move |error: AnyError| without(own, error);
    held.go(|promise| promise.any_error().map_err(back)).keep(r);
}

fn catch(r: &mut Random) {
    let held = Held::any(r);
    let callback = callback(r, held.after);
    let cure = move |failure| {
        check_failure(&failure);
        drop(failure);
        callback.result("catch", None)
    };
    held.go(|promise| promise.catch(cure)).keep(r);
}

fn catch_if(r: &mut Random) {
    let held = Held::any(r);
    let (test, callback) = (callback(r, held.after), callback(r, held.after));
    let is_wanted = move |failure: &_| {
        check_failure(failure);
        test.call("catch_if's test").one_in(2)
    };
    let cure = move |failure| {
        check_failure(&failure);
        drop(failure);
        callback.result("catch_if", None)
    };
    held.go(|promise| promise.catch_if(is_wanted, cure)).keep(r);
}

fn or_else(r: &mut Random) {
    let (held, other) = (Held::any(r), Held::any(r));
    let after = held.after.max(other.after);
    let callback = callback(r, held.after);
    let cure = move |fault: Fault| {
        fault.check();
        callback.run("or_else");
        without(other.it, fault)
    };
    Held::new(held.it.or_else(cure), after).keep(r);
}

fn handle(r: &mut Random) {
    let held = Held::any(r);
    let callback = callback(r, held.after);
    let next = move |outcome| {
        check(&outcome);
        callback.result("handle", outcome.ok())
    };
    held.go(|promise| promise.handle(next)).keep(r);
}

fn finally(r: &mut Random) {
    let held = Held::any(r);
    let callback = callback(r, held.after);
    held.go(|promise| promise.finally(move || callback.run("finally"))).keep(r);
}

/// What is waited for beside is a promise that settles by itself.
fn beside(r: &mut Random) {
    let (held, other) = (Held::any(r), sure_source(r));
    let callback = callback(r, held.after);
    let begin = move || {
        callback.run("beside");
        other.it.map(drop)
    };
    held.go(|promise| match r.one_in(2) {
        true => promise.finally_then(begin),
        false => promise.inspect_then(move |outcome| {
            check(outcome);
            begin()
        }),
    })
    .keep(r);
}

fn inspect(r: &mut Random) {
    let held = Held::any(r);
    let callback = callback(r, held.after);
    let look = move |outcome: &_| {
        check(outcome);
        callback.run("inspect");
        check(outcome);
    };
    held.go(|promise| promise.inspect(look)).keep(r);
}

/// On the global pool, which is never shut down, these run whatever becomes of their promise.
fn has_to_run(r: &mut Random) {
    let number = crate::held::number();
    let (it, promise) = Promise::deferred();
    let callback = callback(r, number).must_be_called();
    let promise = match r.one_in(2) {
        true => promise.finally(move || callback.run("finally")),
        false => promise.inspect(move |outcome| {
            check(outcome);
            callback.run("inspect");
        }),
    };
    world().deferreds.put(crate::held::Settler { it, number }, r);
    Held::new(promise, number).keep(r);
}
