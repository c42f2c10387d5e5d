//! Promises that are taken one by one: live sets, in order, and what is left; keyed lists.

use super::lists::{flat, list};
use crate::table::{CUT, PLAIN, Row, Traits};
use crate::things::Link;
use asynckit::{AsyncList, Promise, TaskSet, buffered};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "buffered",
        uses: &["buffered", "Buffered::stream"],
        step: |world, link, carried| {
            let mut stream = buffered([link], 1).stream();
            let next = world.pool.spawn_future(async move {
                let next = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
                drop(carried);
                Ok(Promise::settled(next.expect("one")))
            });
            next.then(|inner: Link| inner)
        },
        traits: CUT,
    },
    Row {
        name: "the rest of buffered",
        uses: &["Buffered::into_rest"],
        step: |_, link, carried| {
            buffered([link], 1).into_rest().map(move |mut all| {
                drop(carried);
                all.pop().expect("one")
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a set's race",
        uses: &["TaskSet::race"],
        step: |_, link, carried| {
            TaskSet::from_iter([link]).race().then(move |(first, rest)| {
                drop((carried, rest));
                Promise::settled(first.outcome)
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a set's first value",
        uses: &["TaskSet::any"],
        step: |_, link, carried| {
            flat(TaskSet::from_iter([link]).any().map(|(_, value, _)| value), carried)
        },
        traits: PLAIN,
    },
    Row {
        name: "a join of all",
        uses: &["AsyncList::join_all"],
        step: |_, link, carried| {
            flat(list(link).join_all().map(|mut all| all.pop().expect("one")), carried)
        },
        traits: PLAIN,
    },
    Row {
        name: "the rest of what completes",
        uses: &["AsyncList::as_completed", "AsCompleted::into_rest"],
        step: |_, link, carried| {
            list(link).as_completed().into_rest().map(move |mut all| {
                drop(carried);
                all.pop().expect("one")
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "the rest of what completes, with keys",
        uses: &["KeyedAsCompleted::into_rest"],
        step: |_, link, carried| {
            let rest = AsyncList::keyed([(carried, link)]).as_completed().into_rest();
            rest.join().map(|mut all| all.pop().expect("one").1)
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed race",
        uses: &["KeyedList::race"],
        step: |_, link, carried| AsyncList::keyed([(carried, link)]).race().map(|(_, value)| value),
        traits: PLAIN,
    },
    Row {
        name: "a keyed any",
        uses: &["KeyedList::any"],
        step: |world, link, carried| {
            let any = AsyncList::keyed([(carried, link)]).any();
            flat(any.map(|(_, value)| value), world.thing())
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed reduce",
        uses: &["KeyedList::reduce"],
        step: |_, link, carried| {
            AsyncList::keyed([(carried, link)])
                .reduce(None, |_, _, value| Ok(Some(value)))
                .map(|value| value.expect("one"))
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed fold in the order of time",
        uses: &["KeyedList::reduce_unordered"],
        step: |_, link, carried| {
            AsyncList::keyed([(carried, link)])
                .reduce_unordered(None, |_, _, value| Ok(Some(value)))
                .map(|value| value.expect("one"))
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed some",
        uses: &["KeyedList::some"],
        step: |world, link, carried| {
            let some = AsyncList::keyed([(carried, link)]).some(1);
            flat(some.map(|mut all| all.pop().expect("one").1), world.thing())
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed join of all",
        uses: &["KeyedList::join_all"],
        step: |world, link, carried| {
            let all = AsyncList::keyed([(carried, link)]).join_all();
            flat(all.map(|mut all| all.pop().expect("one").1), world.thing())
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed map",
        uses: &["KeyedList::map"],
        step: |_, link, carried| {
            AsyncList::keyed([(carried, link)]).map(|mut all| all.pop().expect("one").1)
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed then",
        uses: &["KeyedList::then"],
        step: |_, link, carried| {
            AsyncList::keyed([(carried, link)]).then(|mut all| Ok(all.pop().expect("one").1))
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed chain",
        uses: &["KeyedList::chain"],
        step: |_, link, carried| {
            AsyncList::keyed([(carried, link)]).chain(|mut all| Ok(all.pop().expect("one").1))
        },
        traits: PLAIN,
    },
    Row {
        name: "a keyed list shared",
        uses: &["KeyedList::share"],
        step: |_, link, carried| {
            AsyncList::keyed([(carried, link)]).share().map(|all| all[0].1.clone())
        },
        traits: Traits { looked_through: 4, ..PLAIN },
    },
    Row {
        name: "a set's rest",
        uses: &["TaskSet::new", "TaskSet::push", "TaskSet::take_rest"],
        step: |_, link, carried| {
            let set = TaskSet::new();
            set.push(link);
            let rest = set.take_rest().join();
            rest.map(move |mut all| {
                drop(carried);
                all.pop().expect("one").1
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a set's stream",
        uses: &["TaskSet::stream", "TaskSet::pusher", "TaskPusher::push"],
        step: |world, link, carried| {
            let set = TaskSet::new();
            set.pusher().push(link);
            let mut stream = set.stream();
            world
                .pool
                .spawn_future(async move {
                    let next = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
                    drop(carried);
                    match next.expect("one").outcome {
                        Ok(value) => Ok(Promise::ready(value)),
                        Err(failure) => Ok(Promise::settled(Err(failure))),
                    }
                })
                .then(|inner: Link| inner)
        },
        traits: PLAIN,
    },
];
