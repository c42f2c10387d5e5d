//! Very much, one after the other: `map_concurrent` costs neither stack nor memory (conformance D4, D15).

use crate::common::alloc::Counter;
use crate::common::{
    Gate, LONG, PATIENCE, SMALL_STACK, flush, one_worker, run_on_small_stack, unknown, watched_long,
};
use asynckit::{AsyncList, Failure, Pool, Promise, map_concurrent};
use std::sync::Mutex;
use std::thread;

type List<T> = AsyncList<T, String>;

/// D4: what is ready at once nests nowhere.
#[test]
fn many_that_are_ready_cost_no_stack() {
    watched_long(|| {
        run_on_small_stack(SMALL_STACK, || {
            let pool = crate::common::one_small_worker();
            let count = 20_000;
            let (deferred, promise) = crate::common::deferred_on::<usize, String>(&pool);
            let first = Mutex::new(Some(promise));
            let list = map_concurrent(0..count, 1, move |n| {
                first.lock().unwrap().take().unwrap_or_else(|| Promise::ready(n))
            });
            deferred.resolve(0);
            assert_eq!(list.join().get(LONG).unwrap().len(), count);
        });
    });
}

/// More than are ever made ahead, in every way to take them.
#[test]
fn long_lists_come_through_whoever_drains_them() {
    watched_long(|| {
        let count = 5_000;
        for exact in [true, false] {
            let make = || -> List<usize> {
                if exact {
                    map_concurrent(0..count, 3, |n| Promise::ready(n))
                } else {
                    map_concurrent(unknown(count), 3, |n| Promise::ready(n))
                }
            };
            assert_eq!(make().get(LONG).unwrap().len(), count);
            assert_eq!(make().join().get(LONG).unwrap().len(), count);
            assert_eq!(make().settled().get(LONG).unwrap().len(), count);
            let mut asked = make();
            while !asked.is_set() {
                thread::yield_now();
            }
            assert_eq!(asked.get(None).unwrap().len(), count);
        }
    });
}

#[test]
fn lists_leave_no_memory_behind() {
    watched_long(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let pool = one_worker();
        pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
        let round = || {
            let on = pool.clone();
            let list = map_concurrent(unknown(10), 2, move |n| on.spawn(move || Ok(n)));
            assert_eq!(List::join(list).get(PATIENCE).unwrap().len(), 10);
            let on = pool.clone();
            let mut list = map_concurrent(0..10, 2, move |n| {
                on.spawn(move || if n == 3 { Err(Box::new(n)) } else { Ok(n) })
            });
            assert!(matches!(list.get(PATIENCE), Err(Failure::Error(_))));
            drop(list);
            let on = pool.clone();
            drop(map_concurrent(0..10, 2, move |n| on.spawn(move || Ok::<_, String>(n))));
            flush(&pool);
            flush(&pool);
        };
        (0..200).for_each(|_| round());
        let before = counter.live_bytes();
        (0..500).for_each(|_| round());
        let more = counter.live_bytes() - before;
        assert!(more < 1024, "{more} bytes more");
    });
}

#[test]
fn all_kinds_of_things_at_once() {
    watched_long(|| {
        let pool = Pool::new(3);
        for round in 0..300 {
            let gate = Gate::new();
            let on = pool.clone();
            let list: List<usize> = map_concurrent(unknown(30), 1 + round % 5, move |n| {
                on.spawn(move || if n == round % 40 { Err("no".to_owned()) } else { Ok(n) })
            });
            match round % 4 {
                0 => drop(list),
                1 => list.cancel(),
                2 => {
                    let joined = list.join();
                    gate.open();
                    joined.cancel();
                }
                _ => {
                    let expected = if round % 40 < 30 { "Error" } else { "Ok" };
                    assert_eq!(crate::common::verdict(&list.join().get(LONG)), expected);
                }
            }
        }
    });
}

/// D15: nothing is kept of what was handed out, however long it goes on.
#[test]
fn taken_as_it_completes_memory_stays_flat() {
    watched_long(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let pool = one_worker();
        pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
        let on = pool.clone();
        let endless = map_concurrent(0.., 4, move |n: usize| on.run(move || [n; 16]));
        let mut completed = endless.as_completed();
        completed.by_ref().take(2_000).for_each(drop);
        let before = counter.live_bytes();
        completed.by_ref().take(40_000).for_each(drop);
        let more = counter.live_bytes() - before;
        assert!(more < 8_000, "{more} bytes more");
    });
}
