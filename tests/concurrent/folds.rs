//! Much at once, folded into one, or into nothing: `reduce`, `reduce_unordered`,
//! `for_each_concurrent` (conformance E26 to E28).

use crate::common::alloc::Counter;
use crate::common::{
    DropCounter, Gate, LONG, Log, MOMENT, PATIENCE, SMALL_STACK, deferred_on, eventually, flush,
    is_error, named_pool, one_worker, panic_message, run_on_small_stack, watched, watched_long,
};
use asynckit::{AsyncList, Deferred, Pool, Promise, for_each_concurrent, map_concurrent};
use std::sync::{Arc, Mutex};
use std::thread;

type Typed<T> = Promise<T, String>;
type List<T> = AsyncList<T, String>;

/// A list of `N` items, and what settles them.
fn by_hand<const N: usize>() -> ([Option<Deferred<usize, String>>; N], List<usize>) {
    let pairs = std::array::from_fn::<_, N, _>(|_| Promise::deferred());
    let (mut deferreds, mut list) = (Vec::new(), AsyncList::new());
    for (deferred, promise) in pairs {
        deferreds.push(Some(deferred));
        list.push(promise);
    }
    (deferreds.try_into().unwrap_or_else(|_| unreachable!()), list)
}

fn take<const N: usize>(
    deferreds: &mut [Option<Deferred<usize, String>>; N],
    index: usize,
) -> Deferred<usize, String> {
    deferreds[index].take().unwrap()
}

fn text(so_far: String, n: usize) -> Result<String, String> {
    Ok(format!("{so_far}{n}"))
}

// ── reduce ───────────────────────────────────────────────────────────────────────────────────────

/// E26: input order, whatever the order of time.
#[test]
fn it_folds_in_input_order_as_soon_as_it_can() {
    watched(|| {
        let (mut deferreds, list) = by_hand::<4>();
        let folded = Log::new();
        let seen = folded.clone();
        let mut result = list.reduce(String::new(), move |so_far, n| {
            seen.add(n);
            text(so_far, n)
        });
        take(&mut deferreds, 2).resolve(2);
        take(&mut deferreds, 1).resolve(1);
        thread::sleep(MOMENT);
        assert!(folded.entries().is_empty());
        take(&mut deferreds, 0).resolve(0);
        eventually("what is there is folded", || folded.entries() == [0, 1, 2]);
        assert!(!result.is_set());
        take(&mut deferreds, 3).resolve(3);
        assert_eq!(result.get(PATIENCE).unwrap(), "0123");
    });
}

/// E27: the order of time.
#[test]
fn unordered_it_folds_as_they_come() {
    watched(|| {
        let (mut deferreds, list) = by_hand::<4>();
        let mut result = list.reduce_unordered(String::new(), text);
        for index in [2, 0, 3, 1] {
            take(&mut deferreds, index).resolve(index);
        }
        assert_eq!(result.get(PATIENCE).unwrap(), "2031");
    });
}

/// E26: empty gives the initial value, one element one call.
#[test]
fn nothing_and_one() {
    watched(|| {
        let empty = || List::<usize>::new();
        let one = || List::from_iter([Promise::ready(7)]);
        assert_eq!(empty().reduce("init".to_owned(), text).get(PATIENCE).unwrap(), "init");
        assert_eq!(one().reduce("init".to_owned(), text).get(PATIENCE).unwrap(), "init7");
        assert_eq!(empty().reduce_unordered(String::new(), text).get(PATIENCE).unwrap(), "");
        assert_eq!(one().reduce_unordered(String::new(), text).get(PATIENCE).unwrap(), "7");
    });
}

/// E26 and E27: the first failure of an item is the outcome, and cancels the others.
#[test]
fn a_failed_item_is_the_outcome_and_cancels_the_others() {
    watched(|| {
        for ordered in [true, false] {
            let (mut deferreds, list) = by_hand::<3>();
            let mut result = if ordered {
                list.reduce(String::new(), text)
            } else {
                list.reduce_unordered(String::new(), text)
            };
            take(&mut deferreds, 1).reject("no 1".to_owned());
            assert!(is_error(result.get(PATIENCE), "no 1"));
            assert!(take(&mut deferreds, 0).is_cancelled());
            assert!(take(&mut deferreds, 2).is_cancelled());
            let way = result.trace();
            let steps: Vec<_> = way.steps().map(|step| (step.kind(), step.item())).collect();
            assert_eq!(steps, [("deferred", None), ("reduce", Some(1)), ("reduce", None)]);
            assert!(way.steps().all(|step| step.file() == file!()));
        }
    });
}

/// E26: an error or a panic of the function is the outcome, and cancels the others.
#[test]
fn a_failed_call_is_the_outcome_and_cancels_the_others() {
    watched(|| {
        let fails: [fn(usize) -> Typed<String>; 3] = [
            |n| Promise::failed(format!("no {n}")),
            |n| panic!("no {n}"),
            |n| Pool::global().spawn(move || Err(format!("no {n}"))),
        ];
        for (index, fail) in fails.into_iter().enumerate() {
            let (mut deferreds, list) = by_hand::<3>();
            let mut result = list.reduce(String::new(), move |_, n| fail(n));
            take(&mut deferreds, 0).resolve(0);
            let outcome = result.get(PATIENCE);
            if index == 1 {
                assert_eq!(panic_message(outcome), "no 0");
            } else {
                assert!(is_error(outcome, "no 0"));
            }
            let other = take(&mut deferreds, 1);
            eventually("the others are cancelled", || other.is_cancelled());
        }
    });
}

#[test]
fn one_call_waits_for_the_promise_of_the_one_before() {
    watched(|| {
        let pool = Pool::new(3);
        let (gate, log) = (Gate::new(), Log::new());
        let (key, seen, on) = (gate.key(), log.clone(), pool.clone());
        let list: List<usize> = (0..4).map(Promise::ready).collect();
        let mut result = list.reduce(0, move |sum, n| {
            let (key, seen) = (key.clone(), seen.clone());
            on.spawn(move || {
                seen.add(format!("begin {n}"));
                key.wait();
                seen.add(format!("end {n}"));
                Ok(sum + n)
            })
        });
        gate.await_arrival(1);
        flush(&pool);
        assert_eq!(log.entries(), ["begin 0"]);
        gate.open();
        assert_eq!(result.get(PATIENCE).unwrap(), 6);
        let expected: Vec<_> =
            (0..4).flat_map(|n| [format!("begin {n}"), format!("end {n}")]).collect();
        assert_eq!(log.entries(), expected);
    });
}

#[test]
fn it_runs_on_the_executor_of_the_first_item() {
    watched(|| {
        let (pool, names) = (named_pool(1, "folds"), Log::new());
        let seen = names.clone();
        let (deferred, first) = deferred_on::<usize, String>(&pool);
        let list: List<usize> = AsyncList::from_iter([first, Promise::ready(1), Promise::ready(2)]);
        let mut result = list.reduce(0, move |sum, n| {
            seen.add(thread::current().name().unwrap().to_owned());
            Pool::global().spawn(move || Ok(sum + n))
        });
        deferred.resolve(0);
        assert_eq!(result.get(PATIENCE).unwrap(), 3);
        assert!(names.entries().iter().all(|name| name.starts_with("folds")));
    });
}

#[test]
fn cancelling_cancels_the_items_and_the_call_under_way() {
    watched(|| {
        for running in [false, true] {
            let (mut deferreds, list) = by_hand::<2>();
            let counter = DropCounter::default();
            let (call, token) = (Arc::new(Mutex::new(None)), counter.token());
            let slot = call.clone();
            let mut result = list.reduce(0, move |_, _| {
                let _held = &token;
                let (deferred, promise) = Typed::deferred();
                *slot.lock().unwrap() = Some(deferred);
                promise
            });
            if running {
                take(&mut deferreds, 0).resolve(0);
                eventually("the call is made", || call.lock().unwrap().is_some());
            }
            result.cancel();
            assert!(result.get(None).unwrap_err().is_cancelled());
            assert!(take(&mut deferreds, 1).is_cancelled());
            if running {
                let deferred = call.lock().unwrap().take().unwrap();
                eventually("the call is cancelled", || deferred.is_cancelled());
            }
            eventually("the closure is dropped", || counter.dropped() == 1);
        }
    });
}

#[test]
fn a_worker_can_wait_for_a_fold() {
    watched(|| {
        let pool = one_worker();
        let on = pool.clone();
        let mut sum = pool.run(move || {
            let list: AsyncList<usize> = (0..10).map(|n| on.run(move || n)).collect();
            list.reduce(0, |sum, n| Ok(sum + n)).get(None)
        });
        assert!(matches!(sum.get(PATIENCE), Ok(Ok(45))));
    });
}

/// D4 and D15, for folds: neither stack nor memory grows with what is folded.
#[test]
fn long_folds_cost_neither_stack_nor_memory() {
    watched_long(|| {
        run_on_small_stack(SMALL_STACK, || {
            let pool = crate::common::one_small_worker();
            let counter = Counter::leaked();
            pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
            let (deferred, first) = deferred_on::<u64, String>(&pool);
            let first = Mutex::new(Some(first));
            let samples = Log::new();
            let seen = samples.clone();
            let list = map_concurrent(0..20_000_u64, 2, move |n| {
                first.lock().unwrap().take().unwrap_or_else(|| Promise::ready(n))
            });
            let mut result = list.reduce_unordered(0, move |sum, n| {
                if [2_000, 19_000].contains(&n) {
                    seen.add(counter.live_bytes());
                }
                Ok(sum + n)
            });
            deferred.resolve(0);
            assert_eq!(result.get(LONG).unwrap(), (0..20_000).sum::<u64>());
            let samples = samples.entries();
            assert!(samples[1] - samples[0] < 20_000, "{} bytes more", samples[1] - samples[0]);
        });
    });
}

// ── for_each_concurrent ──────────────────────────────────────────────────────────────────────────

#[test]
fn for_each_is_set_when_all_have_settled() {
    watched(|| {
        let pool = Pool::new(3);
        for (count, limit) in [(0, 1), (1, 0), (20, 3), (3, 20)] {
            let log = Log::new();
            let (seen, on) = (log.clone(), pool.clone());
            let mut all = for_each_concurrent(0..count, limit, move |n| {
                let seen = seen.clone();
                on.spawn(move || {
                    seen.add(n);
                    Ok::<_, String>(n.to_string())
                })
            });
            all.get(PATIENCE).unwrap();
            let mut entries = log.entries();
            entries.sort();
            assert_eq!(entries, (0..count).collect::<Vec<i32>>());
        }
    });
}

/// E28: with a limit of 1 the next one starts when the one before has settled; stops at the first error.
#[test]
fn one_at_a_time_they_follow_each_other_until_one_fails() {
    watched(|| {
        let (pool, log) = (Pool::new(3), Log::new());
        let (seen, on) = (log.clone(), pool.clone());
        let mut all = for_each_concurrent(0..9, 1, move |n| {
            let seen = seen.clone();
            seen.add(("call", n));
            on.spawn(move || {
                thread::yield_now();
                seen.add(("end", n));
                if n == 3 { Err(format!("no {n}")) } else { Ok(()) }
            })
        });
        assert!(is_error(all.get(PATIENCE), "no 3"));
        let way = all.trace();
        assert_eq!(way.steps().last().unwrap().item(), Some(3));
        flush(&pool);
        let expected: Vec<_> = (0..4).flat_map(|n| [("call", n), ("end", n)]).collect();
        assert_eq!(log.entries(), expected);
    });
}

#[test]
fn for_each_cancels_what_is_under_way_at_the_first_failure() {
    watched(|| {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let made = calls.clone();
        let mut all = for_each_concurrent(0..9, 3, move |_| {
            let (deferred, promise) = Typed::<()>::deferred();
            made.lock().unwrap().push(Some(deferred));
            promise
        });
        let take = |n: usize| calls.lock().unwrap()[n].take().unwrap();
        take(1).reject("no".to_owned());
        assert!(is_error(all.get(PATIENCE), "no"));
        assert!(take(0).is_cancelled() && take(2).is_cancelled());
        assert_eq!(calls.lock().unwrap().len(), 3);
    });
}

/// E29
#[test]
fn cancelling_for_each_starts_nothing_more() {
    watched(|| {
        let (counter, log) = (DropCounter::default(), Log::new());
        let (token, seen) = (counter.token(), log.clone());
        let never: Typed<()> = Promise::settled(Ok(())).delay_value(std::time::Duration::MAX);
        let never = Mutex::new(Some(never));
        let mut all = for_each_concurrent(0.., 1, move |n: usize| {
            let _held = &token;
            seen.add(n);
            never.lock().unwrap().take().unwrap()
        });
        all.cancel();
        assert!(all.get(None).unwrap_err().is_cancelled());
        assert_eq!((counter.dropped(), log.entries()), (1, vec![0]));
    });
}

/// Constant memory, however many there are.
#[test]
fn for_each_over_very_many_costs_neither_stack_nor_memory() {
    watched_long(|| {
        run_on_small_stack(SMALL_STACK, || {
            let pool = crate::common::one_small_worker();
            let counter = Counter::leaked();
            pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
            let samples = Log::new();
            let (seen, on) = (samples.clone(), pool.clone());
            let mut all = for_each_concurrent(0.., 4, move |n: usize| {
                if [2_000, 40_000].contains(&n) {
                    seen.add(counter.live_bytes());
                }
                on.spawn(move || if n < 50_000 { Ok([n; 16]) } else { Err("enough".to_owned()) })
            });
            assert!(is_error(all.get(LONG), "enough"));
            let samples = samples.entries();
            assert!(samples[1] - samples[0] < 4_000, "{} bytes more", samples[1] - samples[0]);
        });
    });
}
