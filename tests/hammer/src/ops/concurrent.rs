//! Only so many at once, and folds.

use asynckit::{AsyncList, for_each_concurrent, map_concurrent};

use super::{Operation, operation, sure_source};
use crate::callback::callback;
use crate::held::{Held, LAST, List};
use crate::random::Random;
use crate::value::{Fault, Value, without};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("map_concurrent", &["map_concurrent"], mapped),
    operation("map_concurrent, taken", &["map_concurrent"], mapped_and_taken).outermost(),
    operation("for_each_concurrent", &["for_each_concurrent"], for_each),
    operation("reduce", &["AsyncList::reduce"], reduce),
    operation("reduce_unordered", &["AsyncList::reduce_unordered"], reduce_unordered),
];

/// The inputs: some, none, or some whose number is not known.
fn inputs(r: &mut Random) -> impl Iterator<Item = usize> + Send + 'static + use<> {
    let (count, rest) = (r.below(12), r.below(4));
    (0..count).filter(move |n| n % 4 <= rest)
}

fn growing(r: &mut Random) -> AsyncList<Value, Fault> {
    let (mut callback, mut q) = (callback(r, LAST), Random::new(r.next()));
    let limit = r.below(4);
    map_concurrent(inputs(r), limit, move |_| {
        callback.call_again("map_concurrent");
        sure_source(&mut q).it
    })
}

fn mapped(r: &mut Random) {
    let it = growing(r);
    world().lists.put(List { it, after: 0 }, r);
}

fn mapped_and_taken(r: &mut Random) {
    let list = growing(r);
    let most = r.below(12);
    for completed in list.as_completed().take(most) {
        crate::value::check(&completed.outcome);
    }
}

fn for_each(r: &mut Random) {
    let (mut callback, mut q, value) = (callback(r, LAST), Random::new(r.next()), Value::new(r));
    let limit = r.below(4);
    let promise = for_each_concurrent(inputs(r), limit, move |_| {
        callback.call_again("for_each_concurrent");
        sure_source(&mut q).it
    });
    Held::new(promise.map(|()| value), 0).keep(r);
}

fn reduce(r: &mut Random) {
    let (list, first) = (List::any(r), Value::new(r));
    let mut callback = callback(r, list.after);
    let promise = list.it.reduce(first, move |so_far, next| {
        callback.call_again("reduce");
        Ok(without(so_far, next))
    });
    Held::new(promise, list.after).keep(r);
}

/// The steps are promises.
fn reduce_unordered(r: &mut Random) {
    let (list, first) = (List::any(r), Value::new(r));
    let (mut callback, mut q) = (callback(r, list.after), Random::new(r.next()));
    let promise = list.it.reduce_unordered(first, move |so_far, next| {
        callback.call_again("reduce_unordered");
        so_far.check();
        drop(so_far);
        sure_source(&mut q).it.map(|other| without(next, other))
    });
    Held::new(promise, list.after).keep(r);
}
