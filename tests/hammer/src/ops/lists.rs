//! Lists and what becomes of them.

use std::time::Duration;

use asynckit::{AllFailed, AsyncList, KeyedList};

use super::wait::moment;
use super::{Operation, operation};
use crate::callback::callback;
use crate::futures::block_on;
use crate::held::{Held, LAST, List};
use crate::random::Random;
use crate::value::{Fault, Value, check, check_failure, last_or, without};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("list", &["AsyncList::new", "AsyncList::push"], list).often(),
    operation("push", &["AsyncList::push", "AsyncList::len", "AsyncList::is_empty"], push),
    operation("list's get", &["AsyncList::get", "AsyncList::wait"], get),
    operation("look at a list", &["AsyncList::is_set", "AsyncList::is_error"], look),
    operation("on_progress", &["AsyncList::on_progress"], on_progress),
    operation("cancel a list", &["AsyncList::cancel"], cancel),
    operation("drop a list", &[], |r| drop(world().lists.take(r))),
    operation("list's join", &["AsyncList::join", "AsyncList::map"], join),
    operation("list's then", &["AsyncList::then", "AsyncList::chain"], then),
    operation("list's share", &["AsyncList::share"], share),
    operation("list's future", &[], future),
    operation("settled", &["AsyncList::settled"], settled),
    operation("join_all", &["AsyncList::join_all"], join_all),
    operation("any", &["AsyncList::any", "AllFailed::failures", "AllFailed::into_failures"], any),
    operation("some", &["AsyncList::some"], some),
    operation("race", &["AsyncList::race"], race),
    operation(
        "keyed",
        &["AsyncList::keyed", "KeyedList::new", "KeyedList::push", "KeyedList::on_progress"],
        keyed,
    ),
    operation(
        "look at a keyed list",
        &["KeyedList::len", "KeyedList::is_empty", "KeyedList::is_set", "KeyedList::is_error"],
        look_at_keyed,
    ),
    operation(
        "more of a keyed list",
        &["KeyedList::get", "KeyedList::wait", "KeyedList::any", "KeyedList::race"],
        more_of_keyed,
    ),
    operation(
        "a keyed list folded",
        &["KeyedList::reduce", "KeyedList::reduce_unordered"],
        fold_keyed,
    ),
    operation(
        "a keyed list's then",
        &["KeyedList::then", "KeyedList::chain", "KeyedList::map", "KeyedList::share"],
        then_keyed,
    ),
    operation("most of a keyed list", &["KeyedList::some", "KeyedList::join_all"], most_of_keyed),
    operation(
        "end of a keyed list",
        &["KeyedList::join", "KeyedList::settled", "KeyedList::cancel"],
        end_of_keyed,
    ),
];

fn list(r: &mut Random) {
    let mut list = List::any(r);
    if r.one_in(3) {
        list = List { it: AsyncList::new(), after: 0 };
    }
    push_to(&mut list, r);
    world().lists.put(list, r);
}

fn push_to(list: &mut List, r: &mut Random) {
    let held = Held::any(r);
    list.after = list.after.max(held.after);
    list.it.push(held.it);
}

/// One of the heap, which goes back to it.
fn with_one(r: &mut Random, f: impl FnOnce(&mut List, &mut Random)) {
    let Some(mut list) = world().lists.take(r) else { return };
    f(&mut list, r);
    world().lists.put(list, r);
}

fn push(r: &mut Random) {
    with_one(r, |list, r| {
        if list.it.len() < 20 || list.it.is_empty() {
            push_to(list, r);
        }
    });
}

fn get(r: &mut Random) {
    with_one(r, |list, r| {
        if list.it.wait(moment(r)) || r.one_in(2) {
            match list.it.get(moment(r)) {
                Ok(values) => values.iter().for_each(Value::check),
                Err(failure) => check_failure(&failure),
            }
        }
    });
}

fn look(r: &mut Random) {
    with_one(r, |list, _| {
        let text = format!("{:?} {} {}", list.it, list.it.is_set(), list.it.is_error());
        assert!(!text.is_empty());
    });
}

fn on_progress(r: &mut Random) {
    with_one(r, |list, r| {
        // Whatever is pushed later comes before it, too.
        let mut callback = callback(r, LAST);
        list.it.on_progress(move |progress| {
            assert!(progress.failed <= progress.done);
            callback.call_again("on_progress");
        });
    });
}

fn cancel(r: &mut Random) {
    with_one(r, |list, _| list.it.cancel());
}

fn first(mut values: Vec<Value>) -> Option<Value> {
    values.iter().for_each(Value::check);
    let last = values.pop();
    without(last, values)
}

fn join(r: &mut Random) {
    let list = List::any(r);
    let (callback, value) = (callback(r, list.after), Value::new(r));
    let next = move |values| {
        callback.run("list's map");
        last_or(values, value)
    };
    let promise = if r.one_in(2) { list.it.join().map(next) } else { list.it.map(next) };
    Held::new(promise, list.after).keep(r);
}

fn then(r: &mut Random) {
    let list = List::any(r);
    let callback = callback(r, list.after);
    let next = move |values| callback.result("list's then", first(values));
    let promise = if r.one_in(2) { list.it.then(next) } else { list.it.chain(next) };
    Held::new(promise, list.after).keep(r);
}

fn share(r: &mut Random) {
    let (list, value) = (List::any(r), Value::new(r));
    let shared = list.it.share();
    let promise = shared.map(move |values| match values.first() {
        Some(first) => without(first.clone(), value),
        None => value,
    });
    Held::new(promise, list.after).keep(r);
}

fn future(r: &mut Random) {
    let mut future = List::any(r).it.into_future();
    if let Some(Err(failure)) = block_on(&mut future, Duration::from_micros(r.next() % 300)) {
        check_failure(&failure);
    }
}

fn settled(r: &mut Random) {
    let list = List::any(r);
    let callback = callback(r, list.after);
    let promise = list.it.settled().then(move |outcomes| {
        outcomes.iter().for_each(check);
        drop(outcomes);
        callback.result("settled", None)
    });
    Held::new(promise, list.after).keep(r);
}

fn all_failed(failed: AllFailed<Fault>, fault: Fault) -> Fault {
    failed.failures().iter().for_each(check_failure);
    failed.into_failures().iter().for_each(check_failure);
    fault
}

fn any(r: &mut Random) {
    let (list, fault) = (List::any(r), Fault::new(r));
    let promise = list.it.any().map_err(move |failed| all_failed(failed, fault));
    Held::new(promise, list.after).keep(r);
}

fn some(r: &mut Random) {
    let (list, fault, value) = (List::any(r), Fault::new(r), Value::new(r));
    let promise = list.it.some(r.below(4)).map_err(move |failed| all_failed(failed, fault));
    let promise = promise.map(move |values| last_or(values, value));
    Held::new(promise, list.after).keep(r);
}

fn race(r: &mut Random) {
    let list = List::any(r);
    Held::new(list.it.race(), list.after).keep(r);
}

fn keyed(r: &mut Random) {
    let (mut list, mut after) = match r.one_in(2) {
        true => (KeyedList::new(), 0),
        false => {
            let held = Held::any(r);
            (AsyncList::keyed([(7, held.it)]), held.after)
        }
    };
    for key in 0..r.below(4) as u64 {
        let held = Held::any(r);
        after = after.max(held.after);
        list.push(key, held.it);
    }
    if r.one_in(3) {
        let mut callback = callback(r, after);
        list.on_progress(move |_| callback.call_again("on_progress"));
    }
    world().keyed.put((list, after), r);
}

fn look_at_keyed(r: &mut Random) {
    let Some((list, after)) = world().keyed.take(r) else { return };
    let count = list.len();
    assert_eq!(list.is_empty(), count == 0);
    assert!(!format!("{list:?}").is_empty());
    world().keyed.put((list, after), r);
}

fn end_of_keyed(r: &mut Random) {
    let Some((list, after)) = world().keyed.take(r) else { return };
    if r.one_in(4) {
        list.cancel();
    }
    let callback = callback(r, after);
    let promise = match r.one_in(2) {
        true => list.join().then(move |mut values| {
            let last = values.pop();
            drop(values);
            callback.result("keyed join", last.map(|(_, value)| value))
        }),
        false => list.settled().then(move |outcomes| {
            outcomes.iter().for_each(|(_, outcome)| check(outcome));
            drop(outcomes);
            callback.result("keyed settled", None)
        }),
    };
    Held::new(promise, after).keep(r);
}

fn join_all(r: &mut Random) {
    let (list, value, fault) = (List::any(r), Value::new(r), Fault::new(r));
    let all = list.it.join_all().map(move |all| last_or(all, value));
    let all = all.map_err(move |all| {
        all.failures().iter().for_each(check_failure);
        without(fault, all)
    });
    Held::new(all, list.after).keep(r);
}

fn more_of_keyed(r: &mut Random) {
    let Some((mut list, after)) = world().keyed.take(r) else { return };
    let fault = Fault::new(r);
    let promise = match r.below(3) {
        0 => {
            if list.wait(moment(r)) || r.one_in(2) {
                if let Ok(values) = list.get(moment(r)) {
                    values.iter().for_each(|(_, value)| value.check());
                }
            }
            return;
        }
        1 => list.any().map(|(_, value)| value).map_err(move |all| without(fault, all)),
        _ => list.race().map(|(_, value)| value),
    };
    Held::new(promise, after).keep(r);
}

fn fold_keyed(r: &mut Random) {
    let Some((list, after)) = world().keyed.take(r) else { return };
    let (value, mut callback) = (Value::new(r), callback(r, after));
    let fold = move |so_far, _, value| {
        callback.call_again("keyed reduce");
        Ok(without(value, so_far))
    };
    let promise = match r.one_in(2) {
        true => list.reduce(value, fold),
        false => list.reduce_unordered(value, fold),
    };
    Held::new(promise, after).keep(r);
}

fn then_keyed(r: &mut Random) {
    let Some((list, after)) = world().keyed.take(r) else { return };
    let (callback, value) = (callback(r, after), Value::new(r));
    let last = |mut values: Vec<(u64, Value)>| {
        let last = values.pop();
        without(last.map(|(_, value)| value), values)
    };
    let promise = match r.below(4) {
        0 => list.then(move |values| callback.result("keyed then", last(values))),
        1 => list.chain(move |values| callback.result("keyed chain", last(values))),
        2 => list.map(move |values| {
            callback.run("keyed map");
            last_or(values.into_iter().map(|(_, value)| value).collect(), value)
        }),
        _ => list.share().map(move |values| match values.first() {
            Some((_, first)) => without(first.clone(), value),
            None => value,
        }),
    };
    Held::new(promise, after).keep(r);
}

fn most_of_keyed(r: &mut Random) {
    let Some((list, after)) = world().keyed.take(r) else { return };
    let (value, fault) = (Value::new(r), Fault::new(r));
    let values = match r.one_in(2) {
        true => list.some(r.below(4)),
        false => list.join_all(),
    };
    let promise = values.map_err(move |failed| all_failed(failed, fault));
    let values = |all: Vec<(u64, Value)>| all.into_iter().map(|(_, value)| value).collect();
    Held::new(promise.map(move |all| last_or(values(all), value)), after).keep(r);
}
