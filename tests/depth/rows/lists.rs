//! Lists and joins of one promise, or of one and some that are there.

use crate::table::{BARE, CUT, PLAIN, Row, Traits};
use crate::things::{Link, Thing};
use asynckit::{AllFailed, AsyncList, Failure, Outcome, Promise, join};
use std::future::poll_fn;
use std::pin::Pin;

pub(super) fn list(link: Link) -> AsyncList<Thing, Thing> {
    [link].into_iter().collect()
}

/// What failed of a list of one.
fn only(outcome: Outcome<Thing, AllFailed<Thing>>) -> Outcome<Thing, Thing> {
    outcome.map_err(|failure| match failure {
        Failure::Error(all) => all.into_failures().pop().expect("a list of one"),
        Failure::Panicked(panic) => Failure::Panicked(panic),
        Failure::Abandoned => Failure::Abandoned,
        Failure::Cancelled => Failure::Cancelled,
        Failure::TimedOut => Failure::TimedOut,
        _ => Failure::Empty,
    })
}

/// Back from the errors of a whole list to those of its items.
pub(super) fn flat(promise: Promise<Thing, AllFailed<Thing>>, carried: Thing) -> Link {
    let outcome = promise.handle(move |outcome| {
        drop(carried);
        Ok(only(outcome))
    });
    let nested =
        outcome.map_err(|all| all.into_failures().into_iter().find_map(error).expect("an error"));
    nested.then(Promise::settled)
}

fn error(failure: Failure<Thing>) -> Option<Thing> {
    if let Failure::Error(error) = failure { Some(error) } else { None }
}

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "a list's race",
        uses: &["AsyncList::race"],
        step: |_, link, _| list(link).race(),
        traits: BARE,
    },
    Row {
        name: "a list's race with one that is late",
        uses: &["AsyncList::race", "AsyncList::push", "AsyncList::new"],
        step: |world, link, carried| {
            let (deferred, late) = world.deferred();
            let mut list = AsyncList::new();
            list.push(link);
            list.push(late);
            list.race().finally(move || deferred.resolve(carried))
        },
        traits: PLAIN,
    },
    Row {
        name: "a list's join",
        uses: &["AsyncList::join", "AsyncList::map"],
        step: |_, link, carried| {
            list(link).map(move |mut one| {
                drop(carried);
                one.remove(0)
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a list's join, with one that was there",
        uses: &["AsyncList::then"],
        step: |world, link, carried| {
            let there = Promise::ready(carried).via(&world.pool);
            [there, link].into_iter().collect::<AsyncList<_, _>>().then(|mut two| Ok(two.remove(1)))
        },
        traits: PLAIN,
    },
    Row {
        name: "a list's chain",
        uses: &["AsyncList::chain"],
        step: |_, link, carried| {
            list(link).chain(move |mut one| {
                drop(carried);
                Ok(one.remove(0))
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a list as a value",
        uses: &["AsyncList::share"],
        step: |_, link, carried| {
            list(link).share().map(move |one| {
                drop(carried);
                one[0].clone()
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a list's settled",
        uses: &["AsyncList::settled"],
        step: |_, link, carried| {
            list(link).settled().then(move |mut one| {
                drop(carried);
                Promise::settled(one.remove(0))
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a list's any",
        uses: &["AsyncList::any", "AllFailed::into_failures"],
        step: |_, link, carried| flat(list(link).any(), carried),
        traits: PLAIN,
    },
    Row {
        name: "a list's some",
        uses: &["AsyncList::some"],
        step: |_, link, carried| flat(list(link).some(1).map(|mut one| one.remove(0)), carried),
        traits: PLAIN,
    },
    Row {
        name: "a list's progress",
        uses: &["AsyncList::on_progress"],
        step: |_, link, carried| {
            let mut list = list(link);
            list.on_progress(move |_| _ = &carried);
            list.race()
        },
        traits: PLAIN,
    },
    Row {
        name: "keys of a list's join",
        uses: &["AsyncList::keyed", "KeyedList::new", "KeyedList::push", "KeyedList::join"],
        step: |_, link, carried| {
            AsyncList::keyed([(carried, link)]).join().map(|mut one| one.remove(0).1)
        },
        traits: PLAIN,
    },
    Row {
        name: "keys of a list's settled",
        uses: &["KeyedList::settled", "KeyedList::on_progress"],
        step: |world, link, carried| {
            let mut keyed = AsyncList::keyed([(carried, link)]);
            let other = world.thing();
            keyed.on_progress(move |_| _ = &other);
            keyed.settled().then(|mut one| Promise::settled(one.remove(0).1))
        },
        traits: PLAIN,
    },
    Row {
        name: "reduce",
        uses: &["AsyncList::reduce"],
        step: |world, link, carried| {
            let other = world.thing();
            list(link).reduce(carried, move |_, value| {
                _ = &other;
                Ok(value)
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "reduce_unordered",
        uses: &["AsyncList::reduce_unordered"],
        step: |world, link, carried| {
            list(link).reduce_unordered(world.thing(), move |_, value| {
                _ = &carried;
                Ok(value)
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "as_completed, in a future",
        uses: &["AsyncList::as_completed", "AsCompleted::stream"],
        step: |world, link, carried| {
            let mut stream = list(link).as_completed().stream();
            let first = world.pool.spawn_future(async move {
                let next = poll_fn(|context| {
                    futures_core::Stream::poll_next(Pin::new(&mut stream), context)
                });
                let one = next.await.expect("a list of one");
                drop(carried);
                Ok(one.outcome)
            });
            first.then(Promise::settled)
        },
        traits: CUT,
    },
    Row {
        name: "as_completed with keys, in a future",
        uses: &["KeyedList::as_completed", "KeyedAsCompleted::stream"],
        step: |world, link, carried| {
            let mut stream = AsyncList::keyed([(carried, link)]).as_completed().stream();
            let first = world.pool.spawn_future(async move {
                let next = poll_fn(|context| {
                    futures_core::Stream::poll_next(Pin::new(&mut stream), context)
                });
                Ok(next.await.expect("a list of one").outcome)
            });
            first.then(Promise::settled)
        },
        traits: CUT,
    },
    Row {
        name: "a tuple",
        uses: &["join"],
        step: |world, link, carried| {
            let there = Promise::ready(carried).via(&world.pool);
            join((link, there)).map(|(first, _)| first)
        },
        traits: PLAIN,
    },
    Row {
        name: "an array",
        uses: &["join"],
        step: |world, link, carried| {
            let there = world.thing();
            join([link, Promise::ready(there)]).then(move |[first, _]| {
                drop(carried);
                Ok(first)
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a tuple of a value and its branch",
        uses: &["join"],
        step: |world, link, carried| {
            let value = link.share();
            let branch = value.map(move |value| {
                drop(carried);
                value.clone()
            });
            join((value, branch)).map(|(first, _)| first).via(&world.pool)
        },
        traits: Traits { looked_through: 4, ..PLAIN },
    },
    Row {
        name: "a list that a closure drops",
        uses: &["AsyncList::push"],
        step: |world, link, carried| {
            let (deferred, late) = world.deferred();
            let list = list(late.finally(move || drop(carried)));
            link.finally(move || drop((list, deferred)))
        },
        traits: PLAIN,
    },
    Row {
        name: "a list that a closure cancels",
        uses: &["AsyncList::cancel"],
        step: |world, link, carried| {
            let (deferred, late) = world.deferred();
            let list = list(late.finally(move || drop(carried)));
            link.finally(move || {
                list.cancel();
                drop((list, deferred));
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a list with keys that a closure cancels",
        uses: &["KeyedList::cancel"],
        step: |world, link, carried| {
            let (deferred, late) = world.deferred();
            let list = AsyncList::keyed([(carried, late)]);
            link.finally(move || {
                list.cancel();
                drop((list, deferred));
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "items that nobody takes as they complete",
        uses: &["AsyncList::as_completed"],
        step: |world, link, carried| {
            let there = Promise::ready(carried).via(&world.pool);
            let (deferred, late) = world.deferred();
            let items = [there, late].into_iter().collect::<AsyncList<_, _>>().as_completed();
            link.finally(move || drop((items, deferred)))
        },
        traits: PLAIN,
    },
];
