//! `AsyncList`: many promises handled as one (conformance, section E).

use crate::common::tasks::await_sleep;
use crate::common::wakers::block_on;
use crate::common::{
    DropCounter, Log, MOMENT, PATIENCE, Token, deferred_on, flush, is_error, named_thread,
    one_worker, pending, verdict, watched,
};
use asynckit::{AsyncList, Pool, Promise};
use std::iter::empty;
use std::time::{Duration, Instant};

type List<T> = AsyncList<T, String>;
type Typed<T> = Promise<T, String>;

fn ready<const N: usize>(values: [u8; N]) -> List<u8> {
    values.map(Promise::ready).into_iter().collect()
}

/// E1
#[test]
fn nothing_is_joined_at_once() {
    watched(|| {
        let nothing = || empty::<Typed<u8>>().collect::<List<u8>>();
        assert_eq!(nothing().len(), 0);
        assert!(nothing().is_set());
        assert!(!nothing().is_error());
        assert!(nothing().wait(Duration::ZERO));
        assert_eq!(nothing().get(Duration::ZERO).unwrap(), [0; 0]);
        let mut joined = nothing().join();
        assert!(joined.is_set());
        assert_eq!(joined.get(None).unwrap(), [0; 0]);
        assert!(nothing().settled().get(None).unwrap().is_empty());
        assert_eq!(nothing().map(|v| v.len()).get(PATIENCE).unwrap(), 0);
        assert_eq!(block_on(nothing()).unwrap(), [0; 0]);
    });
}

/// E2: pending until the last one, whichever that is, and in input order; for types without `Default`.
#[test]
fn values_come_in_input_order_whatever_the_order_of_settling() {
    #[derive(Debug, PartialEq)]
    struct NoDefault(usize);
    let orders: [fn(usize, usize) -> usize; 3] =
        [|_, i| i, |n, i| n - 1 - i, |n, i| (i * 7 + 3) % n];
    watched(move || {
        for (n, order) in
            (1..=9).filter(|n| n % 7 != 0).flat_map(|n| orders.map(|order| (n, order)))
        {
            let (deferreds, promises): (Vec<_>, Vec<_>) =
                (0..n).map(|_| Promise::<NoDefault, String>::deferred()).unzip();
            let mut deferreds: Vec<_> = deferreds.into_iter().map(Some).collect();
            let mut joined = promises.into_iter().collect::<AsyncList<_, _>>().join();
            for i in 0..n {
                assert!(!joined.is_set());
                let index = order(n, i);
                deferreds[index].take().unwrap().resolve(NoDefault(index));
            }
            assert!(joined.is_set(), "joining needs no worker");
            assert_eq!(joined.get(None).unwrap(), (0..n).map(NoDefault).collect::<Vec<_>>());
        }
    });
}

/// E5: what hangs on an item runs when the item is there, not when the join is; also of a join that fails.
#[test]
fn what_is_behind_an_item_waits_for_no_other() {
    watched(|| {
        let (mut deferreds, counted, pool) = (Vec::new(), Log::new(), one_worker());
        let mut list = List::new();
        for n in 0..4 {
            let (deferred, promise) = deferred_on::<usize, String>(&pool);
            let seen = counted.clone();
            deferreds.push(deferred);
            list.push(promise.inspect(move |_| seen.add(n)));
        }
        let mut joined = list.join();
        deferreds.remove(2).resolve(2);
        flush(&pool);
        assert_eq!(counted.entries(), [2]);
        deferreds.remove(0).resolve(0);
        flush(&pool);
        assert_eq!(counted.entries(), [2, 0]);
        assert!(!joined.is_set());
        deferreds.remove(1).reject("no".to_owned());
        assert!(is_error(joined.get(PATIENCE), "no"));
    });
}

/// One deadline for all; the list survives it.
#[test]
fn a_list_has_one_deadline_and_survives_it() {
    watched(|| {
        let (deferreds, mut list) = pending(100);
        let limit = Duration::from_millis(100);
        let start = Instant::now();
        assert!(list.get(limit).unwrap_err().is_timed_out());
        assert!(start.elapsed() >= limit);
        assert!(start.elapsed() < limit * 20, "each item had a deadline of its own");
        assert!(!list.is_set());
        assert!(!list.wait(MOMENT));
        assert!(list.get(Duration::ZERO).unwrap_err().is_timed_out());
        for (n, deferred) in deferreds.into_iter().enumerate() {
            deferred.resolve(n);
        }
        assert!(list.wait(Duration::ZERO));
        assert!(list.is_set());
        assert_eq!(list.get(None).unwrap(), (0..100).collect::<Vec<_>>());
    });
}

/// A list that is waited for on one thread while its items settle on others
#[test]
fn whoever_waits_for_a_list_is_woken_by_the_last_item_or_the_first_failure() {
    watched(|| {
        for fails in [false, true] {
            let (mut deferreds, mut list) = pending(3);
            let waiter =
                named_thread("waits-for-list", move || (list.wait(None), verdict(&list.get(None))));
            await_sleep("waits-for-list", 1);
            deferreds.pop().unwrap().resolve(2);
            if fails {
                deferreds.pop().unwrap().reject("e".to_owned());
                assert_eq!(waiter.join().unwrap(), (true, "Error"));
            } else {
                deferreds.into_iter().for_each(|d| d.resolve(0));
                assert_eq!(waiter.join().unwrap(), (true, "Ok"));
            }
        }
    });
}

#[test]
fn a_list_grows_by_push_and_extend() {
    watched(|| {
        let mut list = ready([1, 2]);
        assert_eq!(list.len(), 2);
        assert!(list.is_set());
        let (deferred, promise) = Typed::deferred();
        list.push(promise);
        list.extend([4, 5].map(Promise::ready));
        assert_eq!(list.len(), 5);
        assert!(!list.is_set(), "one that is pending makes it so");
        deferred.resolve(3);
        assert!(list.is_set());
        assert_eq!(list.get(None).unwrap(), [1, 2, 3, 4, 5]);
    });
}

/// `then`, `chain`, `map`, `share`, `await`: as on `join()`.
#[test]
fn a_list_continues_like_a_promise() {
    watched(|| {
        assert_eq!(ready([1, 2, 3]).map(|v| v.len()).get(PATIENCE).unwrap(), 3);
        assert_eq!(ready([1, 2, 3]).then(|v| Ok(v[2])).get(PATIENCE).unwrap(), 3);
        assert_eq!(ready([1, 2, 3]).then(|v| Promise::ready(v[0])).get(PATIENCE).unwrap(), 1);
        assert_eq!(
            ready([1, 2, 3]).chain(|v| Ok(v.into_iter().sum::<u8>())).get(PATIENCE).unwrap(),
            6
        );
        let shared = ready([1, 2, 3]).share();
        assert_eq!(shared.get(None).unwrap().as_slice(), [1, 2, 3]);
        assert_eq!(block_on(ready([1, 2])).unwrap(), [1, 2]);
        let failed =
            || [Typed::ready(1), Promise::failed("e".to_owned())].into_iter().collect::<List<u8>>();
        assert!(is_error(
            failed().map(|_| -> u8 { unreachable!("it has failed") }).get(PATIENCE),
            "e"
        ));
        assert!(is_error(block_on(failed()), "e"));
        assert_eq!(
            failed().join().or_else(|e| Ok(vec![e.len() as u8])).get(PATIENCE).unwrap(),
            [1]
        );
    });
}

#[test]
fn lists_nest() {
    watched(|| {
        let rows: AsyncList<Vec<u8>, String> =
            [ready([1, 2]), ready([]), ready([3])].map(AsyncList::join).into_iter().collect();
        assert_eq!(rows.join().get(PATIENCE).unwrap(), [vec![1, 2], vec![], vec![3]]);
        let inner_fails: List<u8> = [Promise::failed("deep".to_owned())].into_iter().collect();
        let mut outer: AsyncList<Vec<u8>, String> =
            [ready([1]).join(), inner_fails.join()].into_iter().collect();
        assert!(is_error(outer.get(PATIENCE), "deep"));
    });
}

/// E30
#[test]
fn a_list_of_jobs_on_several_workers_keeps_its_order() {
    watched(|| {
        let pool = Pool::new(4);
        let mut squares: List<u64> =
            (0..1_000_u64).map(|n| pool.spawn(move || Ok(n * n))).collect();
        assert_eq!(squares.get(PATIENCE).unwrap(), (0..1_000).map(|n| n * n).collect::<Vec<_>>());
        let chained: List<u64> = (0..1_000_u64)
            .map(|n| pool.spawn(move || Ok(n)).map(|n: u64| n + 1).chain(|n| Ok(n * 2)))
            .collect();
        assert_eq!(chained.join().get(PATIENCE).unwrap().into_iter().sum::<u64>(), 1_001_000);
    });
}

/// Nothing is leaked or dropped twice, however a list ends.
#[test]
fn a_list_drops_every_value_once() {
    watched(|| {
        let counter = DropCounter::default();
        let tokens = |n: usize| -> AsyncList<Token, String> {
            (0..n).map(|_| Promise::ready(counter.token())).collect()
        };
        drop(tokens(3));
        assert_eq!(counter.dropped(), 3);
        drop(tokens(3).join());
        assert_eq!(counter.dropped(), 6);
        drop(tokens(3).get(None).unwrap());
        assert_eq!(counter.dropped(), 9);
        let mut failing = tokens(2);
        failing.push(Promise::failed("e".to_owned()));
        drop(failing.join().get(None));
        assert_eq!(counter.dropped(), 11);

        let (deferred, promise) = Promise::<Token, String>::deferred();
        let mut late = tokens(1);
        late.push(promise);
        drop(late.join());
        deferred.resolve(counter.token());
        assert_eq!(counter.dropped(), 13);
    });
}
