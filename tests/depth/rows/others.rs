//! Relays, timeouts, deferreds, followers, cancellation handlers.

use crate::table::{BARE, CUT, PLAIN, Row, SLOW, Traits};
use crate::things::{Link, Thing};
use crate::world::World;
use asynckit::{CancelSource, Failure, Promise};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3_600);

/// A waker that owns something, and wakes nobody.
struct Keeps(#[expect(dead_code, reason = "it is kept")] Thing);

impl Wake for Keeps {
    fn wake(self: Arc<Self>) {}
}

/// Polls the promise once, with a waker that owns something.
fn polled(world: &World, mut link: Link, carried: Thing) -> Link {
    let waker = Waker::from(Arc::new(Keeps(carried)));
    match Future::poll(Pin::new(&mut link), &mut Context::from_waker(&waker)) {
        Poll::Ready(outcome) => Promise::settled(outcome).via(&world.pool),
        Poll::Pending => link,
    }
}

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "timeout",
        uses: &["Promise::timeout"],
        step: |_, link, _| link.timeout(HOUR),
        traits: BARE,
    },
    Row {
        name: "timeout_or",
        uses: &["Promise::timeout_or"],
        step: |_, link, carried| {
            link.timeout_or(HOUR, move || {
                drop(carried);
                Promise::<_, Thing>::settled(Err(Failure::Abandoned))
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "on_cancel of a promise",
        uses: &["Promise::on_cancel"],
        step: |_, link, carried| link.on_cancel(move || drop(carried)),
        traits: PLAIN,
    },
    Row {
        name: "deadline",
        uses: &["Promise::deadline"],
        step: |_, link, carried| {
            link.deadline(Instant::now() + HOUR).finally(move || drop(carried))
        },
        traits: PLAIN,
    },
    Row {
        name: "shield",
        uses: &["Promise::shield"],
        step: |_, link, _| link.shield(),
        traits: Traits { carries: false, ..CUT },
    },
    Row {
        name: "shield's link",
        uses: &["Promise::shield"],
        step: |_, link, carried| link.shield().finally(move || drop(carried)),
        traits: CUT,
    },
    Row {
        name: "cancellable",
        uses: &["Promise::cancellable"],
        step: |_, link, _| link.cancellable().0,
        traits: BARE,
    },
    Row {
        name: "cancellable, whose canceller is owned",
        uses: &["Promise::cancellable", "Canceller::cancel"],
        step: |_, link, carried| {
            let (link, canceller) = link.cancellable();
            link.finally(move || {
                canceller.cancel();
                drop(carried);
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "cancel_by",
        uses: &["Promise::cancel_by", "CancelSource::new", "CancelSource::token"],
        step: |_, link, _| link.cancel_by(&CancelSource::new().token()),
        traits: BARE,
    },
    Row {
        name: "cancel_by, whose source is owned and whose token owns",
        uses: &["CancelSource::cancel", "CancelToken::on_cancel", "CancelToken::child"],
        step: |_, link, carried| {
            let source = CancelSource::new().token().child();
            source.token().on_cancel(move || drop(carried));
            link.cancel_by(&source.token()).finally(move || source.cancel())
        },
        traits: PLAIN,
    },
    Row {
        name: "a promise of a cancellation",
        uses: &["CancelToken::cancelled"],
        step: |world, link, carried| {
            let source = CancelSource::new();
            let told = source.token().cancelled().map_err(|_| unreachable!());
            let told = told.via(&world.pool).then(move |()| link);
            source.token().on_cancel(move || drop(carried));
            source.cancel();
            told
        },
        traits: PLAIN,
    },
    Row {
        name: "a value that comes later",
        uses: &["Promise::delay_value"],
        step: |_, link, carried| {
            link.delay_value(Duration::from_nanos(1)).finally(move || drop(carried))
        },
        traits: SLOW,
    },
    Row {
        name: "into and out of cancel_on_drop",
        uses: &["Promise::cancel_on_drop", "CancelOnDrop::into_inner"],
        step: |_, link, carried| link.cancel_on_drop().into_inner().finally(move || drop(carried)),
        traits: PLAIN,
    },
    Row {
        name: "a waker",
        uses: &[],
        step: |world, link, carried| polled(world, link, carried),
        traits: PLAIN,
    },
    Row {
        name: "a waker's link",
        uses: &[],
        step: |world, link, carried| {
            let other = world.thing();
            polled(world, link.finally(move || drop(carried)), other)
        },
        traits: PLAIN,
    },
    Row {
        name: "follow",
        uses: &["Deferred::follow", "Pool::deferred"],
        step: |world, link, _| {
            let (deferred, promise) = world.deferred();
            deferred.follow(link);
            promise
        },
        traits: BARE,
    },
    Row {
        name: "follow with a link",
        uses: &["Deferred::follow"],
        step: |world, link, carried| {
            let (deferred, promise) = world.deferred();
            let promise = promise.finally(move || drop(carried));
            deferred.follow(link);
            promise
        },
        traits: PLAIN,
    },
    Row {
        name: "a closure that settles the next",
        uses: &["Deferred::settle"],
        step: |world, link, carried| {
            let (deferred, promise) = world.deferred();
            drop(link.handle(move |outcome| {
                drop(carried);
                deferred.settle(outcome);
                Ok(())
            }));
            promise
        },
        traits: CUT,
    },
    Row {
        name: "on_cancel, which cancels the source",
        uses: &["Deferred::on_cancel", "Deferred::resolve", "Deferred::reject"],
        step: |world, link, carried| {
            let (mut deferred, promise) = world.deferred();
            let (link, canceller) = link.cancellable();
            deferred.on_cancel(move || {
                canceller.cancel();
                drop(carried);
            });
            drop(link.handle(move |outcome| {
                match outcome {
                    Ok(value) => deferred.resolve(value),
                    Err(Failure::Error(error)) => deferred.reject(error),
                    Err(failure) => deferred.settle(Err(failure)),
                }
                Ok(())
            }));
            promise
        },
        traits: PLAIN,
    },
    Row {
        name: "on_cancel, which owns the source",
        uses: &["Deferred::on_cancel"],
        step: |world, link, carried| {
            let (mut deferred, promise) = world.deferred();
            let (source, kept) = (link.share(), world.thing());
            let owned = source.map(move |value| {
                drop(carried);
                value.clone()
            });
            let owned = owned.cancel_on_drop();
            deferred.on_cancel(move || drop((owned, kept)));
            deferred.follow(source);
            promise
        },
        traits: CUT,
    },
    Row {
        name: "a callback interface",
        uses: &["Promise::from_callback"],
        step: |world, link, carried| {
            let promise = Promise::from_callback(|resolve, reject| {
                drop(link.handle(move |outcome| {
                    drop(carried);
                    match outcome {
                        Ok(value) => resolve(value),
                        Err(Failure::Error(error)) => reject(error),
                        Err(_) => {}
                    }
                    Ok(())
                }));
            });
            promise.via(&world.pool)
        },
        traits: Traits {
            verdict: |root| if root == "Panicked" { "Abandoned" } else { root },
            ..CUT
        },
    },
    Row {
        name: "a value that is held back",
        uses: &["Promise::delay_value", "Promise::cancel_on_drop"],
        step: |world, link, carried| {
            let held = Promise::<_, Thing>::ready(carried).via(&world.pool).delay_value(HOUR);
            let held = held.cancel_on_drop();
            link.finally(move || drop(held))
        },
        traits: PLAIN,
    },
];
