//! Lists of values and errors that panic when they are dropped: what a list drops on its way, it drops in
//! silence, and goes on.

use crate::common::{Bomb, PATIENCE, deferred_on, one_worker, survives, verdict, watched};
use asynckit::{AsyncList, Deferred, Outcome, Pool};
use std::panic::{AssertUnwindSafe, catch_unwind};

type Bombs = AsyncList<Bomb, Bomb>;

fn pending(pool: &Pool, count: usize) -> (Vec<Deferred<Bomb, Bomb>>, Bombs) {
    (0..count).map(|_| deferred_on::<Bomb, Bomb>(pool)).unzip()
}

fn name_of<T, E>(outcome: Outcome<T, E>) -> String {
    let name = verdict(&outcome).to_owned();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(outcome)));
    name
}

/// What is done with a list, and what comes of it when its second item settles as the first argument says.
type Case = (&'static str, fn(Bombs) -> String, &'static str, &'static str);

const CASES: &[Case] = &[
    ("join", |list| name_of(list.join().get(PATIENCE)), "Error", "Ok"),
    ("get", |mut list| name_of(list.get(PATIENCE)), "Error", "Ok"),
    ("any", |list| name_of(list.any().get(PATIENCE)), "Ok", "Ok"),
    ("race", |list| name_of(list.race().get(PATIENCE)), "Error", "Ok"),
    ("some", |list| name_of(list.some(1).get(PATIENCE)), "Ok", "Ok"),
    ("settled", |list| name_of(list.settled().get(PATIENCE)), "Ok", "Ok"),
    (
        "reduce",
        |list| {
            name_of(
                list.reduce(0, |sum, bomb| {
                    std::mem::forget(bomb);
                    Ok(sum + 1)
                })
                .get(PATIENCE),
            )
        },
        "Error",
        "Ok",
    ),
];

#[test]
fn what_a_list_drops_may_panic() {
    watched(|| {
        for &(name, end, failed, succeeded) in CASES {
            for first_fails in [true, false] {
                survives(|pool| {
                    let (deferreds, list) = pending(pool, 4);
                    let settling = pool.run(move || {
                        for (n, deferred) in deferreds.into_iter().enumerate() {
                            match n == 0 && first_fails {
                                true => deferred.reject(Bomb),
                                false => deferred.resolve(Bomb),
                            }
                        }
                    });
                    let came = end(list);
                    assert_eq!(came, if first_fails { failed } else { succeeded }, "{name}");
                    assert!({ settling }.get(PATIENCE).is_ok(), "{name}");
                });
            }
        }
    });
}

/// Dropped and cancelled with some items settled and some not, a list takes nobody with it.
#[test]
fn a_list_of_bombs_may_be_dropped_or_cancelled() {
    watched(|| {
        let pool = one_worker();
        for cancelled in [true, false] {
            for settled in 0..=3 {
                let (mut deferreds, list) = pending(&pool, 3);
                deferreds.drain(..settled).for_each(|deferred| deferred.resolve(Bomb));
                if cancelled {
                    list.cancel();
                }
                drop(list);
                deferreds.into_iter().for_each(|deferred| deferred.resolve(Bomb));
                assert_eq!(pool.run(|| 1).get(PATIENCE).unwrap(), 1);
            }
        }
    });
}
