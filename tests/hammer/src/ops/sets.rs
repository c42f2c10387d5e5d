//! Live sets.

use std::pin::Pin;
use std::time::Duration;

use asynckit::{KeyedList, TaskSet};
use futures_core::Stream;

use super::wait::moment;
use super::{Operation, operation};
use crate::callback::callback;
use crate::futures::block_on_poll;
use crate::held::{Held, LAST};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value, check, last_or};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("a set", &["TaskSet::new", "TaskSet::push"], |r| put(r, set)).often(),
    operation("push", &["TaskSet::pusher", "TaskPusher::push"], push).often(),
    operation("take", &["TaskSet::next_timeout", "TaskSet::len", "TaskSet::is_empty"], take)
        .often(),
    operation("wait for a set", &["TaskSet::wait"], |r| {
        let limit = moment(r);
        with(r, |set, _| _ = set.wait(limit));
    }),
    operation("cancel in a set", &["TaskSet::cancel", "TaskSet::cancel_all"], cancel),
    operation("rest of a set", &["TaskSet::take_rest", "TaskSet::detach"], rest),
    operation("stream of a set", &["TaskSet::stream"], stream),
    operation("drop a set", &[], |r| drop(world().sets.take(r))),
    operation("keyed set", &["TaskSet::keyed", "TaskSet::push_keyed"], keyed),
    operation("who wins", &["TaskSet::race", "TaskSet::any", "AllFailed::indices"], won),
    operation("all of a set", &["TaskSet::next", "TaskPusher::push_keyed"], all).outermost(),
];

fn set(r: &mut Random) -> TaskSet<Value, Fault> {
    let set = TaskSet::new();
    for _ in 0..r.below(4) {
        set.push(Held::any(r).it);
    }
    set
}

fn put(r: &mut Random, make: fn(&mut Random) -> TaskSet<Value, Fault>) {
    let set = make(r);
    world().sets.put(set, r);
}

fn with(r: &mut Random, f: impl FnOnce(&TaskSet<Value, Fault>, &mut Random)) {
    let Some(set) = world().sets.take(r) else { return };
    f(&set, r);
    drop(format!("{set:?}"));
    world().sets.put(set, r);
}

/// By hand, or by a callback of a promise.
fn push(r: &mut Random) {
    let Some(set) = world().sets.take(r) else { return };
    let (pusher, held) = (set.pusher(), Held::any(r));
    if r.one_in(2) {
        pusher.push(held.it);
    } else {
        let (pool, callback) = (Handle::any(r), callback(r, LAST));
        set.push(pool.spawn(move || {
            pusher.clone().push(held.it);
            callback.result("push", None)
        }));
    }
    world().sets.put(set, r);
}

fn take(r: &mut Random) {
    let limit = moment(r);
    with(r, |set, _| {
        if let Ok(Some(done)) = set.next_timeout(limit) {
            check(&done.outcome);
            assert!(done.trace().is_none_or(|trace| !trace.is_empty()));
        }
        assert!(set.len() < 1_000_000 || set.is_empty());
    });
}

fn cancel(r: &mut Random) {
    with(r, |set, r| {
        if r.one_in(3) {
            set.cancel_all();
        } else {
            set.cancel(r.below(6));
        }
    });
}

fn rest(r: &mut Random) {
    let Some(set) = world().sets.take(r) else { return };
    match r.below(3) {
        0 => set.detach(),
        1 => drop(set.take_rest()),
        _ => {
            let (list, value): (KeyedList<usize, Value, Fault>, _) =
                (set.take_rest(), Value::new(r));
            let values =
                |all: Vec<(usize, Value)>| all.into_iter().map(|(_, value)| value).collect();
            Held::new(list.join().map(move |all| last_or(values(all), value)), LAST).keep(r);
        }
    }
}

fn stream(r: &mut Random) {
    let Some(set) = world().sets.take(r) else { return };
    let (mut stream, limit) = (set.stream(), Duration::from_micros(r.next() % 300));
    while let Some(Some(next)) =
        block_on_poll(limit, |context| Pin::new(&mut stream).poll_next(context))
    {
        check(&next.outcome);
    }
}

fn keyed(r: &mut Random) {
    let set = TaskSet::keyed();
    set.push_keyed(Value::new(r), Held::any(r).it);
    set.push_keyed(Value::new(r), Held::any(r).it);
    if let Ok(Some(done)) = set.next_timeout(moment(r)) {
        done.key.check();
        check(&done.outcome);
    }
}

fn all(r: &mut Random) {
    let set = TaskSet::keyed();
    let (pusher, count) = (set.pusher(), r.below(4));
    (0..count).for_each(|n| _ = pusher.push_keyed(n, Held::sure(r).it));
    let mut seen = 0;
    while let Some(done) = set.next() {
        check(&done.outcome);
        seen += 1;
    }
    assert_eq!(seen, count);
}

fn won(r: &mut Random) {
    let set: TaskSet<Value, Fault> = (0..r.below(4)).map(|_| Held::any(r).it).collect();
    let (keeps, fault) = (r.one_in(2), Fault::new(r));
    let then = move |set: TaskSet<Value, Fault>| if keeps { set.detach() } else { drop(set) };
    let promise = match r.one_in(2) {
        true => set.race().then(move |(first, rest)| {
            then(rest);
            asynckit::Promise::settled(first.outcome)
        }),
        false => {
            let any = set.any().map(move |(_, value, rest)| {
                then(rest);
                value
            });
            any.map_err(move |all| {
                assert_eq!(all.indices().len(), all.failures().len());
                drop(all);
                fault
            })
        }
    };
    Held::new(promise, LAST).keep(r);
}
