//! Jobs, futures, scopes, limits: what gets its turn, and then gives the outcome of another promise.

use crate::table::{CUT, PLAIN, Row, SLOW, Traits};
use crate::things::{Link, Thing};
use asynckit::{
    Job, Limiter, LocalQueue, Pool, Promise, for_each_concurrent, map_concurrent, repeat_until,
    retry, retry_if, retry_when, unfold,
};
use std::iter::{empty, once};
use std::sync::mpsc::channel;
use std::time::Duration;

/// What is taken out once.
fn take<T>(from: &mut Option<T>) -> T {
    from.take().expect("it is called once")
}

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "a job",
        uses: &["Pool::spawn"],
        step: |world, link, carried| {
            world.pool.spawn(move || {
                drop(carried);
                link
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a job of a queue with room",
        uses: &["Pool::try_spawn"],
        step: |world, link, carried| {
            let job = move || {
                drop(carried);
                link
            };
            world.pool.try_spawn(job).expect("there is room")
        },
        traits: PLAIN,
    },
    Row {
        name: "a job that is told",
        uses: &["Pool::spawn_cancellable", "CancelToken::on_cancel"],
        step: |world, link, carried| {
            world.pool.spawn_cancellable(move |token| {
                token.on_cancel(move || drop(carried));
                link
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a job of a scope",
        uses: &["Pool::scope", "Scope::spawn"],
        step: |world, link, carried| {
            let mut link = Some((link, carried));
            world.pool.scope(|scope| scope.spawn(|| take(&mut link).0).finally(|| ()))
        },
        traits: Traits { carries: false, ..SLOW },
    },
    Row {
        name: "spawn_with",
        uses: &["Pool::spawn_with"],
        step: |world, link, carried| {
            world.pool.spawn_with(link, move |value| {
                drop(carried);
                Ok(value)
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "spawn_with two",
        uses: &["Pool::spawn_with"],
        step: |world, link, carried| {
            let there = Promise::ready(world.thing());
            world.pool.spawn_with((link, there), move |value, _| {
                drop(carried);
                Promise::ready(value)
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a future",
        uses: &["Pool::spawn_future"],
        step: |world, link, carried| {
            let future = async move {
                let outcome = link.await;
                drop(carried);
                Ok(outcome)
            };
            world.pool.spawn_future(future).then(Promise::settled)
        },
        traits: CUT,
    },
    Row {
        name: "a future that cancels what it waits for",
        uses: &["Pool::spawn_future", "Promise::cancel_on_drop"],
        step: |world, link, carried| {
            let link = link.cancel_on_drop();
            let future = async move {
                let outcome = link.await;
                drop(carried);
                Ok(outcome)
            };
            world.pool.spawn_future(future).then(Promise::settled)
        },
        traits: PLAIN,
    },
    Row {
        name: "map_concurrent",
        uses: &["map_concurrent"],
        step: |_, link, carried| {
            let results = map_concurrent(once(link), 1, move |link| {
                _ = &carried;
                link
            });
            results.race()
        },
        traits: PLAIN,
    },
    Row {
        name: "inputs of map_concurrent",
        uses: &["map_concurrent"],
        step: |world, link, carried| {
            let other = world.thing();
            let mut link = Some(link);
            let inputs = [world.thing(), carried];
            let results = map_concurrent(inputs, 1, move |input| {
                drop(input);
                link.take().unwrap_or_else(|| Promise::ready(other.clone()))
            });
            results.map(|mut both| both.remove(0))
        },
        traits: PLAIN,
    },
    Row {
        name: "for_each_concurrent",
        uses: &["for_each_concurrent"],
        step: |world, link, carried| {
            let other = world.thing();
            let all = for_each_concurrent(once(link), 1, move |link| {
                _ = &carried;
                link
            });
            all.map(move |()| other)
        },
        traits: PLAIN,
    },
    Row {
        name: "repeat_until",
        uses: &["repeat_until"],
        step: |_, link, carried| {
            let mut link = Some(link);
            let mut carried = Some(carried);
            let done = move |_: &Thing| carried.take().is_some();
            repeat_until(empty(), done, move |_| link.take().expect("once"))
        },
        traits: PLAIN,
    },
    Row {
        name: "unfold",
        uses: &["unfold"],
        step: |_, link, carried| {
            let all = unfold(Some(link), move |link: Option<Link>| {
                _ = &carried;
                match link {
                    Some(link) => link.map(|value| Some((value, None))),
                    None => Promise::ready(None),
                }
            });
            all.map(|mut all| all.pop().expect("one"))
        },
        traits: PLAIN,
    },
    Row {
        name: "retry",
        uses: &["retry"],
        step: |_, link, carried| {
            let mut link = Some(link);
            retry(empty(), move |_| {
                _ = &carried;
                take(&mut link)
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "retry_if, a second time",
        uses: &["retry_if"],
        step: |world, link, carried| {
            let (mut link, other, third) = (Some(link), world.thing(), world.thing());
            let mut first = Some(Promise::failed(carried).via(&world.pool));
            let worth = move |_: &_| {
                _ = &third;
                true
            };
            retry_if([Duration::ZERO], worth, move |_| {
                _ = &other;
                first.take().unwrap_or_else(|| take(&mut link))
            })
        },
        traits: CUT,
    },
    Row {
        name: "retry_when, a second time",
        uses: &["retry_when"],
        step: |world, link, carried| {
            let (mut link, other, third) = (Some(link), world.thing(), world.thing());
            let mut first = Some(Promise::failed(carried).via(&world.pool));
            let decide = move |_: u32, _: &_| {
                _ = &third;
                Promise::ready(true)
            };
            retry_when([Duration::ZERO], decide, move |_| {
                _ = &other;
                first.take().unwrap_or_else(|| take(&mut link))
            })
        },
        traits: CUT,
    },
    Row {
        name: "a limiter that has room",
        uses: &["Limiter::new", "Limiter::on", "Limiter::run"],
        step: |world, link, carried| {
            Limiter::new(1).on(&world.pool).run(move || {
                drop(carried);
                link
            })
        },
        traits: PLAIN,
    },
    Row {
        name: "a limiter that waits",
        uses: &["Limiter::run", "Limiter::run_with_priority"],
        step: |world, link, carried| {
            let limiter = Limiter::new(1).on(&world.pool);
            let link = link.share();
            let first = limiter.run({
                let link = link.clone();
                move || link.map(drop_it)
            });
            drop(first);
            limiter.run_with_priority(1, move || {
                drop(carried);
                link
            })
        },
        traits: CUT,
    },
    Row {
        name: "a pool's queue",
        uses: &["Pool::new", "Pool::spawn"],
        step: |_, link, carried| {
            let pool = Pool::new(0);
            drop(pool.run(move || drop(carried)));
            link.finally(move || drop(pool))
        },
        traits: PLAIN,
    },
    Row {
        name: "a local queue that has a job",
        uses: &["LocalQueue::new"],
        step: |world, link, carried| {
            let queue = LocalQueue::new();
            let there = Promise::<_, Thing>::ready(world.thing()).via(&queue);
            drop(there.finally(move || drop(carried)));
            link.finally(move || drop(queue))
        },
        traits: PLAIN,
    },
    Row {
        name: "a job that its executor keeps",
        uses: &["Promise::via"],
        step: |world, link, carried| {
            let (jobs, kept) = channel();
            let there = Promise::<_, Thing>::ready(world.thing());
            let there = there.via(move |job: Job| drop(jobs.send(job)));
            drop(there.finally(move || drop(carried)));
            link.finally(move || drop(kept))
        },
        traits: PLAIN,
    },
];

fn drop_it(_: &Thing) {}
