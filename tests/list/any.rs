//! `AsyncList::any` and `AllFailed` (conformance E15, I4).

use crate::common::{DropCounter, PATIENCE, kind, pending, verdict, watched};
use asynckit::{AllFailed, AnyError, AsyncList, Failure, Outcome, Promise};
use std::error::Error;
use std::io;

type List<T> = AsyncList<T, String>;
type Typed<T> = Promise<T, String>;

fn all_failed<T, E>(outcome: Outcome<T, AllFailed<E>>) -> AllFailed<E> {
    match outcome {
        Err(Failure::Error(all)) => all,
        other => panic!("not the failure of all: {}", verdict(&other)),
    }
}

/// E15: failures before the first value do not matter; the rest is cancelled.
#[test]
fn the_first_value_wins_over_earlier_failures() {
    watched(|| {
        let (mut deferreds, list) = pending(5);
        let mut any = list.any();
        deferreds.remove(0).reject("no".to_owned());
        drop(deferreds.remove(0));
        deferreds.remove(0).settle(Err(Failure::Cancelled));
        assert!(!any.is_set());
        deferreds.remove(0).resolve(3);
        assert!(any.is_set());
        assert!(deferreds[0].is_cancelled());
        assert_eq!(any.get(None).unwrap(), 3);
    });
}

/// E15: all failed: every failure, of every kind, in input order whatever the order of time.
#[test]
fn all_failures_come_in_input_order() {
    watched(|| {
        let failures = crate::common::every_failure();
        let (mut deferreds, list) = pending(failures.len());
        let mut any = list.any();
        for (_, failure) in failures.iter().rev() {
            assert!(!any.is_set());
            deferreds.pop().unwrap().settle(Err(failure.clone()));
        }
        let all = all_failed(any.get(None));
        let names = |failures: &[Failure<String>]| failures.iter().map(kind).collect::<Vec<_>>();
        let expected: Vec<_> = failures.iter().map(|(name, _)| *name).collect();
        assert_eq!(names(all.failures()), expected);
        assert_eq!(names(&all.clone().into_failures()), expected);
        assert_eq!(any.trace().steps().map(|step| step.kind()).collect::<Vec<_>>(), ["any"]);
    });
}

/// E15
#[test]
fn any_of_nothing_fails_at_once() {
    watched(|| {
        let mut any = List::<u8>::new().any();
        assert!(any.is_set());
        assert!(any.get(None).unwrap_err().is_empty());
    });
}

#[test]
fn of_values_that_were_there_before_the_lowest_index_wins() {
    watched(|| {
        let (_never, never) = Typed::deferred();
        let failed = Promise::failed("no".to_owned());
        let list: List<u8> =
            [never, failed, Promise::ready(2), Promise::ready(3)].into_iter().collect();
        assert_eq!(list.any().get(None).unwrap(), 2);
    });
}

#[test]
fn all_failed_says_what_failed() {
    watched(|| {
        let failed = |texts: &[&str]| {
            let list: List<u8> =
                texts.iter().map(|text| Promise::failed((*text).to_owned())).collect();
            all_failed(list.any().get(None)).to_string()
        };
        assert_eq!(failed(&["one", "two"]), "all 2 promises failed: one; two");
        let many = failed(&["e"; 20]);
        assert_eq!(many, "all 20 promises failed: e; e; e; e; e; e; e; e; and 12 more");
    });
}

/// With typed errors and with any error it is an error, which `?` takes.
#[test]
fn all_failed_is_an_error() {
    fn any_error() -> Result<u8, AnyError> {
        let list: AsyncList<u8> =
            ["a", "b"].map(|text| Promise::failed(AnyError::msg(text))).into_iter().collect();
        Ok(list.any().get(PATIENCE)?)
    }
    fn typed() -> Result<u8, Box<dyn Error + Send + Sync>> {
        let failed = Promise::failed(io::Error::other("c"));
        Ok(AsyncList::from_iter([failed]).any().get(PATIENCE)?)
    }
    watched(|| {
        assert_eq!(any_error().unwrap_err().to_string(), "all 2 promises failed: a; b");
        assert_eq!(typed().unwrap_err().to_string(), "all 1 promises failed: c");
        // In a chain of dynamic errors it can be told apart.
        let list: AsyncList<u8> = AsyncList::from_iter([Promise::failed(AnyError::msg("deep"))]);
        let mut chained: Promise<u8> = list.any().map_err(AnyError::from).map(|n| n + 1);
        let failure = chained.get(PATIENCE).unwrap_err();
        let all = failure.downcast_ref::<AllFailed>().expect("it is in there");
        assert_eq!(all.failures().len(), 1);
    });
}

/// Values that came too late, and failures that were overtaken, are dropped once.
#[test]
fn every_item_is_dropped_once() {
    watched(|| {
        let counter = DropCounter::default();
        let (first, second) = (Promise::deferred(), Promise::deferred());
        let list: AsyncList<_, crate::common::Token> =
            AsyncList::from_iter([Promise::failed(counter.token()), first.1, second.1]);
        let any = list.any();
        first.0.resolve(counter.token());
        assert_eq!(counter.dropped(), 1, "a failure that does not matter any more");
        second.0.resolve(counter.token());
        assert_eq!(counter.dropped(), 2, "a value that came too late");
        drop(any);
        assert_eq!(counter.dropped(), 3);
    });
}
