//! Lists one after the other, as they complete.

use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;

use super::wait::moment;
use super::{Operation, operation};
use crate::callback::callback;
use crate::futures::block_on_poll;
use crate::held::{Held, List};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, check};
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("as_completed", &["AsyncList::as_completed"], as_completed),
    operation("next", &["AsCompleted::next_timeout", "Completed::trace"], next).often(),
    operation("all that complete", &["AsyncList::as_completed"], all).outermost(),
    operation("drop what completes", &[], |r| drop(world().completed.take(r))),
    operation("rest", &["AsCompleted::into_rest", "KeyedAsCompleted::into_rest"], rest),
    operation("stream", &["AsCompleted::stream"], stream),
    operation("stream in a future", &["AsCompleted::stream"], stream_in_future),
    operation(
        "keyed as_completed",
        &["KeyedList::as_completed", "KeyedAsCompleted::next_timeout", "KeyedCompleted::trace"],
        keyed,
    ),
    operation("buffered", &["buffered", "Buffered::next_timeout", "Buffered::into_rest"], in_order),
    operation("buffered stream", &["Buffered::stream"], in_order_stream),
    operation("keyed stream", &["KeyedAsCompleted::stream"], keyed_stream),
];

fn as_completed(r: &mut Random) {
    let completed = List::any(r).it.as_completed();
    world().completed.put(completed, r);
}

fn next(r: &mut Random) {
    let Some(mut completed) = world().completed.take(r) else { return };
    if let Ok(Some(next)) = completed.next_timeout(moment(r)) {
        check(&next.outcome);
        assert!(next.trace().is_none_or(|trace| !trace.is_empty()));
    }
    drop(format!("{completed:?}"));
    world().completed.put(completed, r);
}

fn all(r: &mut Random) {
    let list: asynckit::AsyncList<_, Fault> = (0..r.below(5)).map(|_| Held::sure(r).it).collect();
    let count = list.len();
    let mut seen = 0;
    for completed in list.as_completed() {
        check(&completed.outcome);
        seen += 1;
    }
    assert_eq!(seen, count);
}

fn stream(r: &mut Random) {
    let Some(completed) = world().completed.take(r) else { return };
    let (mut stream, limit) = (completed.stream(), Duration::from_micros(r.next() % 300));
    while let Some(Some(next)) =
        block_on_poll(limit, |context| Pin::new(&mut stream).poll_next(context))
    {
        check(&next.outcome);
    }
}

fn stream_in_future(r: &mut Random) {
    let (list, pool) = (List::any(r), Handle::any(r));
    let callback = callback(r, list.after);
    let mut stream = list.it.as_completed().stream();
    let promise = pool.spawn_future(async move {
        while let Some(next) =
            std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await
        {
            check(&next.outcome);
        }
        callback.result("stream", None)
    });
    Held::new(promise, list.after).keep(r);
}

fn keyed(r: &mut Random) {
    let Some((list, _)) = world().keyed.take(r) else { return };
    let mut completed = list.as_completed();
    for _ in 0..2 {
        if let Ok(Some(next)) = completed.next_timeout(moment(r)) {
            check(&next.outcome);
            assert!(next.trace().is_none_or(|trace| !trace.is_empty()));
        }
    }
}

fn keyed_stream(r: &mut Random) {
    let Some((list, _)) = world().keyed.take(r) else { return };
    let (mut stream, limit) = (list.as_completed().stream(), Duration::from_micros(r.next() % 300));
    while let Some(Some(next)) =
        block_on_poll(limit, |context| Pin::new(&mut stream).poll_next(context))
    {
        check(&next.outcome);
    }
}

fn in_order(r: &mut Random) {
    let (most, count) = (r.below(4), r.below(6));
    let mut q = Random::new(r.next());
    let mut all = asynckit::buffered((0..count).map(|_| Held::any(&mut q).it), most);
    for _ in 0..r.below(4) {
        if let Ok(Some(outcome)) = all.next_timeout(moment(r)) {
            check(&outcome);
        }
    }
    drop(all.into_rest());
}

fn in_order_stream(r: &mut Random) {
    let (limit, mut q) = (Duration::from_micros(r.next() % 300), Random::new(r.next()));
    let mut stream = asynckit::buffered((0..4).map(|_| Held::any(&mut q).it), 2).stream();
    while let Some(Some(outcome)) =
        block_on_poll(limit, |context| Pin::new(&mut stream).poll_next(context))
    {
        check(&outcome);
    }
}

fn rest(r: &mut Random) {
    if r.one_in(2) {
        let Some((list, _)) = world().keyed.take(r) else { return };
        let mut completed = list.as_completed();
        drop(completed.next_timeout(moment(r)));
        return drop(completed.into_rest());
    }
    let Some(completed) = world().completed.take(r) else { return };
    let rest = completed.into_rest();
    match r.below(3) {
        0 => drop(rest),
        1 => rest.cancel(),
        _ => {
            let value = crate::value::Value::new(r);
            let last = rest.join().map(move |all| crate::value::last_or(all, value));
            Held::new(last, crate::held::LAST).keep(r);
        }
    }
}
