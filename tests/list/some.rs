//! `AsyncList::some` (conformance E18).

use crate::common::{DropCounter, Token, kind, pending, verdict, watched};
use asynckit::{AllFailed, AsyncList, Deferred, Failure, Outcome, Promise};

type List<T> = AsyncList<T, String>;

fn failures<T>(outcome: Outcome<T, AllFailed<String>>) -> Vec<Failure<String>> {
    match outcome {
        Err(Failure::Error(all)) => all.into_failures(),
        other => panic!("not the failure of all: {}", verdict(&other)),
    }
}

fn kinds(failures: &[Failure<String>]) -> Vec<&'static str> {
    failures.iter().map(kind).collect()
}

/// E18: in the order of completion, and the rest is cancelled.
#[test]
fn values_come_in_the_order_of_completion() {
    watched(|| {
        let (mut deferreds, list) = pending(5);
        let mut some = list.some(3);
        deferreds.remove(4).resolve(4);
        deferreds.remove(0).reject("no".to_owned());
        deferreds.remove(2).resolve(3);
        assert!(!some.is_set());
        deferreds.remove(0).resolve(1);
        assert!(some.is_set());
        assert!(deferreds[0].is_cancelled());
        assert_eq!(some.get(None).unwrap(), [4, 3, 1]);
    });
}

/// E18
#[test]
fn none_are_there_at_once() {
    watched(|| {
        let (deferreds, list) = pending(2);
        let mut some = list.some(0);
        assert!(some.is_set());
        assert_eq!(some.get(None).unwrap(), [0; 0]);
        assert!(deferreds.iter().all(Deferred::is_cancelled), "nobody needs them");
        assert_eq!(List::<u8>::new().some(0).get(None).unwrap(), [0; 0]);
    });
}

/// E18
#[test]
fn more_than_there_are_fails_at_once() {
    watched(|| {
        let (deferreds, list) = pending(2);
        let mut some = list.some(3);
        assert!(some.is_set());
        let failure = some.get(None).unwrap_err();
        assert_eq!(failure.to_string(), "3 values were wanted of 2 promises");
        assert!(deferreds.iter().all(Deferred::is_cancelled));
        assert!(failures(List::<u8>::new().some(1).get(None)).is_empty());
        let many = usize::MAX;
        assert!(failures(List::from_iter([Promise::ready(1)]).some(many).get(None)).is_empty());
    });
}

/// E18: as soon as it is impossible, with the failures so far; what was cancelled is not among them.
#[test]
fn it_fails_as_soon_as_it_is_impossible() {
    watched(|| {
        let (mut deferreds, list) = pending(6);
        let mut some = list.some(4);
        deferreds.remove(5).reject("five".to_owned());
        deferreds.remove(3).settle(Err(Failure::Cancelled));
        deferreds.remove(0).resolve(0);
        assert!(!some.is_set());
        drop(deferreds.remove(0));
        assert!(some.is_set(), "only 3 of 6 are left");
        assert!(deferreds.iter().all(Deferred::is_cancelled));
        let failure = some.get(None).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "4 values were wanted of 6 promises, 2 failed: \
             abandoned: nobody is left to settle the promise; five"
        );
        assert_eq!(kinds(&failures::<u8>(Err(failure))), ["Abandoned", "Error"]);
    });
}

/// All of them is as good as a join, in another order; one that fails is too many.
#[test]
fn all_of_them() {
    watched(|| {
        let (deferreds, list) = pending(3);
        let mut some = list.some(3);
        deferreds.into_iter().enumerate().rev().for_each(|(n, deferred)| deferred.resolve(n));
        assert_eq!(some.get(None).unwrap(), [2, 1, 0]);
        let (mut deferreds, list) = pending(3);
        let mut some = list.some(3);
        deferreds.remove(1).reject("one".to_owned());
        assert!(some.is_set() && deferreds.iter().all(Deferred::is_cancelled));
        assert_eq!(kinds(&failures(some.get(None))), ["Error"]);
    });
}

/// Those that were settled before come first, by their index.
#[test]
fn ties_go_to_the_lowest_index() {
    watched(|| {
        let list: List<u8> = (0..5).map(Promise::ready).collect();
        assert_eq!(list.some(2).get(None).unwrap(), [0, 1]);
    });
}

#[test]
fn every_value_is_dropped_once() {
    watched(|| {
        let counter = DropCounter::default();
        let list = |failing: bool| -> AsyncList<Token, Token> {
            let last = if failing { Err(counter.token()) } else { Ok(counter.token()) };
            let values = (0..3).map(|_| Promise::ready(counter.token()));
            values.chain([Promise::settled(last.map_err(Failure::Error))]).collect()
        };
        drop(list(false).some(2).get(None));
        assert_eq!(counter.dropped(), 4);
        drop(list(true).some(4).get(None));
        assert_eq!(counter.dropped(), 8);
        drop(list(true).some(4));
        assert_eq!(counter.dropped(), 12);
    });
}
