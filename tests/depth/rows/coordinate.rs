//! What jobs meet at, and calls that are held back.

use crate::table::{CUT, PLAIN, Row};
use crate::things::{Link, Thing};
use asynckit::{AsyncList, Barrier, Failure, Latch, Outcome, Promise, Semaphore, channel};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "behind a permit",
        uses: &["Semaphore::new", "Semaphore::acquire"],
        step: |world, link, carried| {
            let (semaphore, other) = (Semaphore::new(1), world.thing());
            let permit = semaphore.acquire().via(&world.pool).map_err(|_| other);
            permit.then(move |permit| link.finally(move || drop((permit, carried))))
        },
        traits: PLAIN,
    },
    Row {
        name: "a semaphore at which something waits",
        uses: &["Semaphore::new", "Semaphore::acquire_many"],
        step: |world, link, carried| {
            let semaphore = Semaphore::new(1);
            semaphore.acquire_many(2).via(&world.pool).map(move |_| drop(carried)).detach();
            link.finally(move || drop(semaphore))
        },
        traits: PLAIN,
    },
    Row {
        name: "a barrier at which something waits",
        uses: &["Barrier::new", "Barrier::wait"],
        step: |world, link, carried| {
            let barrier = Barrier::new(2);
            barrier.wait().via(&world.pool).map(move |_| drop(carried)).detach();
            link.finally(move || drop(barrier))
        },
        traits: PLAIN,
    },
    Row {
        name: "a barrier that is met",
        uses: &["Barrier::new", "Barrier::wait"],
        step: |world, link, carried| {
            let barrier = Barrier::new(2);
            barrier.wait().via(&world.pool).map(move |_| drop(carried)).detach();
            link.finally(move || barrier.wait().detach())
        },
        traits: PLAIN,
    },
    Row {
        name: "a latch",
        uses: &["Latch::new", "Latch::wait", "Latch::count_down_on_drop"],
        step: |world, link, carried| {
            let latch = Latch::new(1);
            latch.wait().via(&world.pool).map(move |()| drop(carried)).detach();
            let done = latch.count_down_on_drop();
            link.finally(move || drop(done))
        },
        traits: PLAIN,
    },
    Row {
        name: "through a channel",
        uses: &["channel", "Sender::try_send", "Receiver::recv"],
        step: |world, link, carried| {
            let ((sender, receiver), other) = (channel(1), world.thing());
            let sent = link.handle(move |outcome| {
                drop(sender.try_send(outcome));
                Ok::<(), Thing>(())
            });
            sent.detach();
            let received = receiver.recv().via(&world.pool).map_err(|_| other);
            received.then(move |outcome| {
                drop(carried);
                Promise::settled(outcome.unwrap_or(Err(Failure::Abandoned)))
            })
        },
        traits: CUT,
    },
    Row {
        name: "a channel's stream",
        uses: &["channel", "Sender::send", "Receiver::stream"],
        step: |world, link, carried| {
            let (sender, receiver) = channel::<Outcome<Thing, Thing>>(0);
            let sent = link.handle(move |outcome| {
                sender.send(outcome).detach();
                Ok::<(), Thing>(())
            });
            sent.detach();
            let mut stream = receiver.stream();
            let future = async move {
                let next = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
                drop(carried);
                Ok(next.unwrap_or(Err(Failure::Abandoned)))
            };
            world.pool.spawn_future(future).then(Promise::settled)
        },
        traits: CUT,
    },
    Row {
        name: "values in a channel",
        uses: &["channel", "Sender::try_send", "Sender::send"],
        step: |world, link, carried| {
            let (sender, receiver) = channel(1);
            drop(sender.try_send(carried));
            sender.send(world.thing()).via(&world.pool).detach();
            link.finally(move || drop(receiver))
        },
        traits: PLAIN,
    },
    Row {
        name: "a call that was held back",
        uses: &["Pool::debounce", "Paced::call"],
        step: |world, link, carried| {
            let paced = world.pool.debounce(Duration::ZERO, |link: Link| link);
            paced.call(link).map(move |value| {
                drop(carried);
                value.clone()
            })
        },
        traits: CUT,
    },
    Row {
        name: "a call that is held back for ever",
        uses: &["Pool::debounce", "Paced::call"],
        step: |world, link, carried| {
            let other = world.thing();
            let paced = world.pool.debounce(Duration::MAX, move |_: Thing| {
                _ = &other;
                Ok::<(), Thing>(())
            });
            drop(paced.call(carried));
            link.finally(move || drop(paced))
        },
        traits: PLAIN,
    },
    Row {
        name: "what a held-back function owns",
        uses: &["Pool::debounce", "Pool::coalesce"],
        step: |world, link, carried| {
            let other = world.thing();
            let paced = world.pool.debounce(Duration::MAX, move |_: Thing| {
                _ = &carried;
                Ok::<(), Thing>(())
            });
            let coalesced = world.pool.coalesce(Duration::MAX, move |all: Vec<Thing>| {
                _ = &other;
                Ok::<_, Thing>(all)
            });
            link.finally(move || drop((paced, coalesced)))
        },
        traits: PLAIN,
    },
    Row {
        name: "a coalesced call",
        uses: &["Pool::coalesce", "Coalesced::call"],
        step: |world, link, carried| {
            let join = |all: Vec<Link>| AsyncList::from_iter(all).join();
            let coalesced = world.pool.coalesce(Duration::ZERO, join);
            coalesced.call(link).finally(move || drop(carried))
        },
        traits: CUT,
    },
    Row {
        name: "try_now",
        uses: &["Promise::try_now"],
        step: |_, link, carried| {
            Promise::try_now(move || {
                drop(carried);
                link
            })
        },
        traits: PLAIN,
    },
];
