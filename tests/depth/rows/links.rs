//! Links: `then` and its kin, with a value and with a promise.

use crate::table::{PLAIN, Row};
use asynckit::{Failure, Inline, Promise};

macro_rules! row {
    ($name:literal, [$($uses:literal),*], $step:expr) => {
        Row { name: $name, uses: &[$($uses),*], step: $step, traits: PLAIN }
    };
}

pub(crate) const ROWS: &[Row] = &[
    row!("map", ["Promise::map"], |_, link, carried| {
        link.map(move |value| {
            drop(carried);
            value
        })
    }),
    row!("then", ["Promise::then"], |_, link, carried| {
        link.then(move |value| {
            drop(carried);
            Ok(value)
        })
    }),
    row!("then a promise", ["Promise::then", "Promise::ready"], |_, link, carried| {
        link.then(move |value| {
            drop(carried);
            Promise::ready(value)
        })
    }),
    row!("then a job", ["Promise::then"], |world, link, carried| {
        let pool = world.pool.clone();
        link.then(move |value| {
            pool.spawn(move || {
                drop(carried);
                Ok(value)
            })
        })
    }),
    row!("then, what owns the source", ["Promise::then"], |world, link, carried| {
        let (deferred, gate) = world.deferred();
        let gate = gate.then(move |_| {
            drop(carried);
            link
        });
        deferred.resolve(world.thing());
        gate
    }),
    row!("chain", ["Promise::chain"], |_, link, carried| {
        link.chain(move |value| {
            drop(carried);
            Ok(value)
        })
    }),
    row!("chain_on", ["Promise::chain_on"], |world, link, carried| {
        link.chain_on(&world.pool, move |value| {
            drop(carried);
            Ok(value)
        })
    }),
    row!("finally", ["Promise::finally"], |_, link, carried| link.finally(move || drop(carried))),
    row!("finally_then", ["Promise::finally_then"], |_, link, carried| {
        link.finally_then(move || {
            drop(carried);
            Ok(())
        })
    }),
    row!("inspect_then", ["Promise::inspect_then"], |world, link, carried| {
        let pool = world.pool.clone();
        link.inspect_then(move |_| {
            pool.spawn(move || {
                drop(carried);
                Ok(())
            })
        })
    }),
    row!("inspect", ["Promise::inspect"], |_, link, carried| link.inspect(move |_| drop(carried))),
    row!("catch", ["Promise::catch"], |_, link, carried| {
        link.catch(move |failure| {
            drop(carried);
            Promise::settled(Err(failure))
        })
    }),
    row!("catch_if", ["Promise::catch_if"], |world, link, carried| {
        let other = world.thing();
        let test = move |_: &Failure<_>| {
            drop(carried);
            true
        };
        link.catch_if(test, move |failure| {
            drop(other);
            Promise::settled(Err(failure))
        })
    }),
    row!("or_else", ["Promise::or_else"], |_, link, carried| {
        link.or_else(move |error| {
            drop(carried);
            Err(error)
        })
    }),
    row!("map_err", ["Promise::map_err"], |_, link, carried| {
        link.map_err(move |error| {
            drop(carried);
            error
        })
    }),
    row!("handle", ["Promise::handle", "Promise::settled"], |_, link, carried| {
        link.handle(move |outcome| {
            drop(carried);
            Promise::settled(outcome)
        })
    }),
    row!("inline", ["Promise::via"], |_, link, carried| {
        link.via(Inline).finally(move || drop(carried))
    }),
    row!("from inline to a pool", ["Promise::via"], |world, link, carried| {
        let other = world.thing();
        let inline = link.via(Inline).finally(move || drop(carried));
        inline.via(&world.pool).finally(move || drop(other))
    }),
    row!(
        "an executor",
        ["Promise::via", "ExecutorRef::new", "Job::run"],
        |world, link, carried| {
            let other = world.thing();
            link.via(world.thread(carried)).finally(move || drop(other)).via(&world.pool)
        }
    ),
    row!("an executor's callback", ["Promise::via", "Job::run"], |world, link, carried| {
        link.via(world.thread(world.thing())).finally(move || drop(carried))
    }),
    row!("a local queue", ["LocalQueue::run_pending"], |world, link, carried| {
        link.via(&world.local).finally(move || drop(carried))
    }),
    row!("a serial executor", ["Promise::via", "Serial::new"], |world, link, carried| {
        link.via(asynckit::Serial::new(&world.pool)).finally(move || drop(carried))
    }),
    Row {
        name: "an executor that refuses",
        uses: &["Promise::via"],
        step: |world, link, carried| {
            let other = world.thing();
            let refuse = move |job: asynckit::Job| {
                _ = &other;
                drop(job);
            };
            link.via(refuse).finally(move || drop(carried)).via(&world.pool)
        },
        traits: crate::table::Traits { verdict: |_| "Abandoned", ..PLAIN },
    },
    Row {
        name: "a local queue that is gone",
        uses: &["LocalQueue::with_notify"],
        step: |world, link, carried| {
            let other = world.thing();
            let queue = asynckit::LocalQueue::with_notify(move || _ = &other);
            link.via(&queue).finally(move || drop(carried)).via(&world.pool)
        },
        traits: crate::table::Traits { verdict: |_| "Abandoned", ..PLAIN },
    },
];
