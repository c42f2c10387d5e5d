//! Shared values: branches, copies, values that are set by hand.

use crate::common::LONG;
use crate::table::{BARE, CUT, PLAIN, Row, SLOW, Traits};
use crate::things::Thing;
use asynckit::{AsyncLazy, AsyncOnce, AsyncValue, Failure, IntoPromise, Promise, SingleFlight};
use std::future::IntoFuture;
use std::sync::Mutex;

/// A branch is a job; which of them can be run, a worker that waits finds at the far end of the line.
const BRANCH: Traits = Traits { looked_through: 4, ..PLAIN };

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "once",
        uses: &["AsyncOnce::new", "AsyncOnce::get_or_init"],
        step: |_, link, carried| {
            let once = AsyncOnce::new();
            let value = once.get_or_init(|| link);
            value.map(move |value: &Thing| {
                drop(carried);
                value.clone()
            })
        },
        traits: BRANCH,
    },
    Row {
        name: "lazy",
        uses: &["AsyncLazy::new", "AsyncLazy::get"],
        step: |_, link, carried| {
            let link = Mutex::new(Some(link));
            let make = move || link.lock().expect("no panic").take().expect("once");
            let lazy = AsyncLazy::<Thing, Thing>::new(make);
            lazy.get().map(move |value| {
                drop(carried);
                value.clone()
            })
        },
        traits: BRANCH,
    },
    Row {
        name: "a single flight",
        uses: &["SingleFlight::new", "SingleFlight::run"],
        step: |_, link, carried| {
            let flights = SingleFlight::new();
            flights.run(1, || link).map(move |value: &Thing| {
                drop(carried);
                value.clone()
            })
        },
        traits: BRANCH,
    },
    Row {
        name: "a branch",
        uses: &["Promise::share", "AsyncValue::map"],
        step: |_, link, carried| {
            link.share().map(move |value| {
                drop(carried);
                value.clone()
            })
        },
        traits: BRANCH,
    },
    Row {
        name: "a branch by then",
        uses: &["AsyncValue::then"],
        step: |_, link, carried| {
            link.share().then(move |value| {
                drop(carried);
                Promise::ready(value.clone())
            })
        },
        traits: BRANCH,
    },
    Row {
        name: "a branch by chain",
        uses: &["AsyncValue::chain"],
        step: |_, link, carried| {
            link.share().chain(move |value| {
                drop(carried);
                Ok(value.clone())
            })
        },
        traits: BRANCH,
    },
    Row {
        name: "a branch by chain_on",
        uses: &["AsyncValue::chain_on"],
        step: |world, link, carried| {
            link.share().chain_on(&world.pool, move |value| {
                drop(carried);
                Ok(value.clone())
            })
        },
        traits: BRANCH,
    },
    Row {
        name: "one of two branches",
        uses: &["AsyncValue::map"],
        step: |_, link, carried| {
            let value = link.share();
            drop(value.map(move |_| drop(carried)));
            value.map(|value| value.clone())
        },
        traits: BRANCH,
    },
    Row {
        name: "a copy",
        uses: &["IntoPromise::into_promise"],
        step: |_, link, _| link.share().into_promise(),
        traits: BARE,
    },
    Row {
        name: "a copy's link",
        uses: &["IntoPromise::into_promise"],
        step: |_, link, carried| link.share().into_promise().finally(move || drop(carried)),
        traits: PLAIN,
    },
    Row {
        name: "a clone",
        uses: &["AsyncValue::cloned"],
        step: |_, link, carried| link.share().cloned().finally(move || drop(carried)),
        traits: PLAIN,
    },
    Row {
        name: "a value handled",
        uses: &["AsyncValue::handle"],
        step: |_, link, carried| {
            link.share().handle(move |outcome| {
                drop(carried);
                Promise::settled(outcome.cloned())
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a value's failure caught",
        uses: &["AsyncValue::catch"],
        step: |_, link, carried| {
            link.share().catch(move |failure| {
                drop(carried);
                Promise::settled(Err(failure))
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a value inspected",
        uses: &["AsyncValue::inspect"],
        step: |_, link, carried| link.share().inspect(move |_| drop(carried)).cloned(),
        traits: PLAIN,
    },
    Row {
        name: "a value's timeout",
        uses: &["AsyncValue::timeout"],
        step: |_, link, carried| link.share().timeout(LONG).finally(move || drop(carried)),
        traits: SLOW,
    },
    Row {
        name: "a value's via",
        uses: &["AsyncValue::via"],
        step: |world, link, carried| link.share().via(&world.pool).finally(move || drop(carried)),
        traits: PLAIN,
    },
    Row {
        name: "a copy beside a handle",
        uses: &["IntoPromise::into_promise"],
        step: |_, link, carried| {
            let value = link.share();
            let copy = value.clone().into_promise();
            copy.finally(move || drop((value, carried)))
        },
        traits: CUT,
    },
    Row {
        name: "a value in a future",
        uses: &["Pool::spawn_future"],
        step: |world, link, carried| {
            let value = link.share().into_future();
            let copy = world.pool.spawn_future(async move {
                let outcome = value.await;
                drop(carried);
                Ok(outcome)
            });
            copy.then(Promise::settled)
        },
        traits: CUT,
    },
    Row {
        name: "a value that is set by hand",
        uses: &["AsyncValue::new", "AsyncValue::set", "AsyncValue::fail"],
        step: |world, link, carried| {
            let event = AsyncValue::new();
            let branch = event.map(move |value: &crate::things::Thing| {
                drop(carried);
                value.clone()
            });
            drop(link.handle(move |outcome| {
                match outcome {
                    Ok(value) => drop(event.set(value)),
                    Err(Failure::Error(error)) => drop(event.fail(error)),
                    Err(_) => {}
                }
                Ok(())
            }));
            branch.via(&world.pool)
        },
        traits: Traits {
            verdict: |root| if root == "Panicked" { "Abandoned" } else { root },
            ..CUT
        },
    },
    Row {
        name: "a value that its branch owns",
        uses: &["AsyncValue::map"],
        step: |world, link, carried| {
            let value = link.share();
            let (deferred, promise) = world.deferred();
            let copy = value.clone();
            drop(value.map(move |value| deferred.resolve(value.clone())));
            promise.finally(move || drop((copy, carried)))
        },
        traits: Traits { verdict: |root| if root == "Ok" { "Ok" } else { "Abandoned" }, ..CUT },
    },
    Row {
        name: "a value whose handle cancels",
        uses: &["AsyncValue::cancel"],
        step: |_, link, carried| {
            let value = link.share();
            let branch = value.map(|value| value.clone());
            branch.finally(move || {
                value.cancel();
                drop((value, carried));
            })
        },
        traits: Traits { cuts: true, ..BRANCH },
    },
];
