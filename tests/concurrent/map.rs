//! So much at once, results in order: `map_concurrent` (conformance E23).

use crate::common::{
    Calls, LONG, Log, MOMENT, PATIENCE, eventually, flush, named_pool, unknown, watched,
    watched_long,
};
use asynckit::{AsyncList, Failure, Pool, Promise, map_concurrent};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

type Typed<T> = Promise<T, String>;
type List<T> = AsyncList<T, String>;
// ── How many, and in which order ─────────────────────────────────────────────────────────────────

/// E23: never more than the limit, started in input order, results in input order.
#[test]
fn no_more_are_under_way_than_the_limit() {
    watched(|| {
        let calls = Calls::default();
        let mut list: List<usize> = map_concurrent(0..5, 2, calls.in_order());
        assert_eq!((calls.count(), list.len()), (2, 5), "the first calls are made inside of it");
        calls.end(1);
        calls.await_count(3);
        calls.end(2);
        calls.await_count(4);
        calls.end(0);
        calls.await_count(5);
        calls.end(4);
        calls.end(3);
        assert_eq!(list.get(PATIENCE).unwrap(), [0, 10, 20, 30, 40]);
    });
}

/// E23, with threads.
#[test]
fn no_more_run_than_the_limit() {
    watched_long(|| {
        for (count, limit) in [(100, 4), (3, 7), (1, 1), (0, 3), (50, 0), (5, usize::MAX)] {
            for exact in [true, false] {
                let (pool, now, most) = (Pool::new(6), Arc::new(AtomicUsize::new(0)), Log::new());
                let (seen, on) = (most.clone(), pool.clone());
                let work = move |n: usize| {
                    let (now, seen) = (now.clone(), seen.clone());
                    on.run(move || {
                        seen.add(now.fetch_add(1, SeqCst) + 1);
                        thread::yield_now();
                        now.fetch_sub(1, SeqCst);
                        n
                    })
                };
                let list = if exact {
                    map_concurrent(0..count, limit, work)
                } else {
                    map_concurrent(unknown(count), limit, work)
                };
                let values = list.join().get(LONG).unwrap();
                assert_eq!(values, (0..count).collect::<Vec<_>>());
                assert!(most.entries().iter().all(|&most| most <= limit.max(1)));
                assert_eq!(most.entries().len(), count);
            }
        }
    });
}

#[test]
fn the_work_goes_on_though_nobody_looks_at_the_list() {
    watched(|| {
        for exact in [true, false] {
            let (log, seen) = (Log::new(), Log::new());
            let entries = log.clone();
            let call = move |n: usize| {
                entries.add(n);
                Typed::settled(Ok(n))
            };
            let list: List<usize> = if exact {
                map_concurrent(0..40, 1, call)
            } else {
                map_concurrent(unknown(40), 1, call)
            };
            eventually("all are made", || log.entries().len() == 40);
            seen.add(list.len());
            let mut list = list;
            assert_eq!(list.get(PATIENCE).unwrap().len(), 40);
            assert_eq!(list.len(), 40);
        }
    });
}

#[test]
fn inputs_are_drawn_when_they_are_needed() {
    watched(|| {
        let (calls, drawn) = (Calls::default(), Arc::new(AtomicUsize::new(0)));
        let count = drawn.clone();
        let inputs = (0..100).inspect(move |_| _ = count.fetch_add(1, SeqCst));
        let list: List<usize> = map_concurrent(inputs, 3, calls.in_order());
        assert_eq!(drawn.load(SeqCst), 3);
        calls.end(0);
        calls.await_count(4);
        assert_eq!(drawn.load(SeqCst), 4);
        list.cancel();
        assert_eq!(drawn.load(SeqCst), 4);
    });
}

#[test]
fn the_others_are_called_on_the_pool_of_the_first_promise() {
    watched(|| {
        let (pool, names) = (named_pool(1, "calls"), Log::new());
        let (on, seen) = (pool.clone(), names.clone());
        let list: List<()> = map_concurrent(0..4, 2, move |n| {
            seen.add(thread::current().name().unwrap().to_owned());
            let (deferred, promise) =
                crate::common::deferred_on(if n == 0 { &on } else { Pool::global() });
            deferred.resolve(());
            promise
        });
        let behind = list.map(|_| thread::current().name().unwrap().to_owned()).get(PATIENCE);
        assert!(behind.unwrap().starts_with("calls"));
        let here = thread::current().name().unwrap().to_owned();
        let names = names.entries();
        assert_eq!(names[..2], [here.clone(), here]);
        assert!(names[2..].iter().all(|name| name.starts_with("calls")), "{names:?}");
    });
}

/// Inputs without a known length: what was made ahead in vain is not there.
#[test]
fn items_that_were_made_in_vain_do_not_count() {
    watched(|| {
        for count in [0, 1, 5, 63, 64, 65, 200] {
            let make =
                || -> List<usize> { map_concurrent(unknown(count), 2, |n| Promise::ready(n)) };
            let expected: Vec<_> = (0..count).collect();
            assert_eq!(make().get(PATIENCE).unwrap(), expected);
            assert_eq!(make().join().get(PATIENCE).unwrap(), expected);
            assert_eq!(make().settled().get(PATIENCE).unwrap().len(), count);
            let filtered = (0..count).filter(|n| n % 3 == 0);
            let mut list: List<usize> = map_concurrent(filtered, 2, |n| Promise::ready(n));
            assert_eq!(list.get(PATIENCE).unwrap().len(), count.div_ceil(3));
            assert_eq!(list.len(), count.div_ceil(3));
        }
    });
}

#[test]
fn more_can_be_pushed_to_the_list() {
    watched(|| {
        for exact in [true, false] {
            let calls = Calls::default();
            let mut list: List<usize> = if exact {
                map_concurrent(0..3, 1, calls.in_order())
            } else {
                map_concurrent(unknown(3), 1, calls.in_order())
            };
            list.push(Promise::ready(7));
            (0..3).for_each(|n| {
                calls.await_count(n + 1);
                calls.end(n);
            });
            let mut values = list.get(PATIENCE).unwrap();
            values.sort();
            assert_eq!(values, [0, 7, 10, 20]);
        }
    });
}

// ── As they complete ─────────────────────────────────────────────────────────────────────────────

/// An endless iterator is fine: each one once, no more than the limit under way, and no more than
/// twice the limit ahead of whoever takes them.
#[test]
fn an_endless_iterator_is_taken_as_it_completes() {
    watched_long(|| {
        for limit in [1, 3] {
            let (pool, made) = (Pool::new(2), Arc::new(AtomicUsize::new(0)));
            let (on, count) = (pool.clone(), made.clone());
            let endless: List<usize> = map_concurrent(0.., limit, move |n| {
                count.fetch_add(1, SeqCst);
                on.spawn(move || if n % 3 == 1 { Err(format!("no {n}")) } else { Ok(n) })
            });
            let ahead = 64 + limit; // before it is known who takes them
            let mut seen = Vec::new();
            for (taken, done) in endless.as_completed().take(500).enumerate() {
                if taken > 200 {
                    assert!(made.load(SeqCst) <= taken + 2 * limit + 1);
                }
                assert!(made.load(SeqCst) <= taken + ahead + 2 * limit);
                match done.outcome {
                    Ok(n) => assert_eq!(n, done.index),
                    Err(Failure::Error(text)) => assert_eq!(text, format!("no {}", done.index)),
                    Err(other) => panic!("{other}"),
                }
                seen.push(done.index);
            }
            flush(&pool);
            let made_at_the_end = made.load(SeqCst);
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 500);
            assert!(seen[499] < 500 + ahead + limit);
            thread::sleep(MOMENT);
            assert_eq!(made.load(SeqCst), made_at_the_end, "dropped, it starts no more");
        }
    });
}

/// Twice the limit are done ahead of whoever takes them slowly, and then none.
#[test]
fn who_takes_slowly_holds_the_work_back() {
    watched(|| {
        let calls = Calls::default();
        let list: List<usize> = map_concurrent(0..1000, 2, calls.in_order());
        let mut completed = list.as_completed();
        for n in 0..4 {
            calls.await_count((n + 2).min(4));
            calls.end(n);
        }
        thread::sleep(MOMENT);
        assert_eq!(calls.count(), 4);
        assert_eq!(completed.next().unwrap().index, 0);
        calls.await_count(5);
        assert_eq!(completed.next().unwrap().index, 1);
        calls.await_count(6);
        drop(completed);
        assert!(!calls.take(4).is_cancelled());
    });
}

/// Promises that were pushed by hand come in between.
#[test]
fn pushed_ones_are_taken_too() {
    watched(|| {
        let mut list: List<usize> = map_concurrent(unknown(100), 1, |n| Promise::ready(n));
        list.push(Promise::ready(1000));
        list.push(Promise::ready(1001));
        let mut values: Vec<_> = list.as_completed().map(|done| done.outcome.unwrap()).collect();
        values.sort();
        assert_eq!(values[..100], (0..100).collect::<Vec<_>>());
        assert_eq!(values[100..], [1000, 1001]);
    });
}
