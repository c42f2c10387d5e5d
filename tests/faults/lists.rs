//! Faults of lists.

use crate::common::{MOMENT, PATIENCE, is_error, watched};
use asynckit::{AsyncList, AsyncValue, Promise};
use std::time::{Duration, Instant};

type Typed<T> = Promise<T, String>;
type List<T> = AsyncList<T, String>;

/// A list can be chained, before and after it is complete.
#[test]
fn lists_cannot_be_chained() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let pending: List<u8> = [promise, Promise::ready(2)].into_iter().collect();
        let mut early = pending.chain(|v| Ok(v.len()));
        deferred.resolve(1);
        assert_eq!(early.get(PATIENCE).unwrap(), 2);
        let complete: List<u8> = [Promise::ready(1)].into_iter().collect();
        assert_eq!(complete.chain(|v| Ok(v.len())).get(PATIENCE).unwrap(), 1);
    });
}

/// A failure in a list fails what depends on it at once, though other items are pending.
#[test]
fn failed_item_does_not_fail_early() {
    watched(|| {
        let (_deferred, never) = Typed::<u8>::deferred();
        let list: List<u8> = [Promise::failed("early".to_owned()), never].into_iter().collect();
        let mut dependent = list.join().then(|v| Ok(v.len()));
        assert!(is_error(dependent.get(PATIENCE), "early"));
    });
}

/// The timeout of a list is one for all.
#[test]
fn timeout_for_each_item() {
    watched(|| {
        let (_deferreds, promises): (Vec<_>, Vec<_>) =
            (0..100).map(|_| Typed::<u8>::deferred()).unzip();
        let mut list: List<u8> = promises.into_iter().collect();
        let limit = Duration::from_millis(200);
        for waits in [
            |list: &mut List<u8>, t| list.get(t).is_err_and(|e| e.is_timed_out()),
            |list: &mut List<u8>, t| !list.wait(t),
        ] {
            let start = Instant::now();
            assert!(waits(&mut list, limit));
            let took = start.elapsed();
            assert!(took >= limit && took < limit * 10, "took {took:?}"); // a hundred of them: 20 s
        }
    });
}

/// A list fails by time: a late item that fails is seen while earlier ones are pending.
#[test]
fn failures_are_seen_in_order_of_place() {
    watched(|| {
        let (_deferred, never) = Typed::<u8>::deferred();
        let (second, promise) = Typed::<u8>::deferred();
        let mut list: List<u8> = [never, promise].into_iter().collect();
        second.reject("at once".to_owned());
        assert!(list.is_set());
        assert!(is_error(list.get(PATIENCE), "at once"));
    });
}

/// Every `wait` says whether it is settled.
#[test]
fn wait_returns_nothing_for_lists() {
    watched(|| {
        let (deferred, mut promise) = Typed::<u8>::deferred();
        let event = AsyncValue::<u8, String>::new();
        let mut list: List<u8> = [event.map(|n| *n)].into_iter().collect();
        let no: [bool; 3] = [promise.wait(MOMENT), event.wait(MOMENT), list.wait(MOMENT)];
        assert_eq!(no, [false; 3]);
        deferred.resolve(1);
        event.set(1).unwrap();
        let yes: [bool; 3] = [promise.wait(PATIENCE), event.wait(PATIENCE), list.wait(PATIENCE)];
        assert_eq!(yes, [true; 3]);
    });
}

/// Two empty lists have nothing in common.
#[test]
fn empty_lists_share_their_items() {
    watched(|| {
        let mut filled: List<u8> = std::iter::empty().collect();
        let mut empty: List<u8> = std::iter::empty().collect();
        let (deferred, promise) = Typed::deferred();
        filled.push(promise);
        assert!(!filled.is_set());
        assert!(empty.is_set());
        assert_eq!((filled.len(), empty.len()), (1, 0));
        assert_eq!(empty.get(None).unwrap(), [0; 0]);
        deferred.resolve(1);
        assert_eq!(filled.get(None).unwrap(), [1]);
    });
}

/// A list owns its items and has walked the iterator once.
#[test]
fn lists_alias_their_source() {
    watched(|| {
        let mut made = 0;
        let mut list: List<u8> = (0..3)
            .map(|n| {
                made += 1;
                Promise::ready(n)
            })
            .collect();
        assert!(list.is_set() && list.is_set() && list.len() == 3);
        assert_eq!(list.get(None).unwrap(), [0, 1, 2]);
        assert_eq!(made, 3);
    });
}

/// Each way of joining has a `get` that gives what was joined.
#[test]
fn a_join_whose_get_is_empty() {
    watched(|| {
        let list = || (0..3).map(Promise::ready).collect::<List<u8>>();
        assert_eq!(list().get(None).unwrap(), [0, 1, 2]);
        assert_eq!(list().join().get(None).unwrap(), [0, 1, 2]);
        assert_eq!(list().share().get(None).unwrap().as_slice(), [0, 1, 2]);
        let settled = list().settled().get(None).unwrap();
        assert_eq!(settled.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
    });
}
