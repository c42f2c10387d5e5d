//! `AsyncList::keyed` (conformance E22).

use crate::common::{DropCounter, Log, MOMENT, PATIENCE, is_error, verdict, watched};
use asynckit::{AsyncList, KeyedList, Pool, Promise};
use futures_core::stream::{FusedStream, Stream};
use std::collections::BTreeMap;
use std::pin::pin;

type Typed<T> = Promise<T, String>;

/// E22: each outcome comes with its key, a failure too, in the order of completion.
#[test]
fn each_outcome_comes_with_its_key() {
    watched(|| {
        let (a, first) = Typed::<u8>::deferred();
        let (b, second) = Typed::deferred();
        let mut list = AsyncList::keyed([("a", first), ("b", second)]);
        list.push("c", Promise::ready(3));
        assert_eq!((list.len(), list.is_empty()), (3, false));
        b.reject("no".to_owned());
        a.resolve(1);
        let mut completed = list.as_completed();
        assert_eq!(completed.size_hint(), (3, Some(3)));
        let outcomes: Vec<_> =
            completed.by_ref().map(|done| (done.key, verdict(&done.outcome))).collect();
        assert_eq!(outcomes, [("c", "Ok"), ("b", "Error"), ("a", "Ok")]);
        assert!(completed.next_timeout(None).unwrap().is_none());
    });
}

/// E22: keys are kept, in input order; what is there already is mixed with what is not.
#[test]
fn a_join_keeps_the_keys() {
    watched(|| {
        let (a, pending) = Typed::<u8>::deferred();
        let list: KeyedList<_, _, _> =
            [("late", pending), ("ready", Promise::ready(2))].into_iter().collect();
        let mut joined = list.join();
        assert!(!joined.is_set());
        a.resolve(1);
        assert!(joined.is_set(), "joining needs no worker");
        assert_eq!(joined.get(None).unwrap(), [("late", 1), ("ready", 2)]);
    });
}

/// E22: any failure fails it, and cancels the rest; nothing is joined at once.
#[test]
fn any_failure_fails_a_join() {
    watched(|| {
        let (never, pending) = Typed::<u8>::deferred();
        let list = AsyncList::keyed([(1, pending), (2, Promise::failed("no".to_owned()))]);
        let mut joined = list.join();
        assert!(is_error(joined.get(None), "no"));
        assert!(never.is_cancelled());
        let nothing = KeyedList::<u8, u8, String>::default();
        assert!(nothing.is_empty());
        assert!(nothing.join().get(None).unwrap().is_empty());
        assert!(KeyedList::<u8, u8>::new().settled().get(None).unwrap().is_empty());
    });
}

/// E6
#[test]
fn settled_has_every_outcome_with_its_key() {
    watched(|| {
        let items = [('a', Typed::ready(1)), ('b', Promise::failed("no".to_owned()))];
        let settled = AsyncList::keyed(items).settled().get(None).unwrap();
        let verdicts: BTreeMap<_, _> =
            settled.iter().map(|(key, outcome)| (*key, verdict(outcome))).collect();
        assert_eq!(verdicts, BTreeMap::from([('a', "Ok"), ('b', "Error")]));
    });
}

/// Keys need nothing: neither `Clone`, nor `Eq`, nor to be different; each is dropped once.
#[test]
fn keys_are_dropped_once() {
    watched(|| {
        let counter = DropCounter::default();
        let list = |failing: bool| {
            let mut list: KeyedList<_, u8, String> =
                (0..3).map(|n| (counter.token(), Promise::ready(n))).collect();
            if failing {
                list.push(counter.token(), Promise::failed("no".to_owned()));
            }
            list
        };
        drop(list(false).join().get(None).unwrap());
        assert_eq!(counter.dropped(), 3);
        drop(list(true).join());
        assert_eq!(counter.dropped(), 7);
        drop(list(true).settled());
        assert_eq!(counter.dropped(), 11);
        let mut completed = list(false).as_completed();
        drop(completed.next());
        assert_eq!(counter.dropped(), 12);
        drop(completed);
        assert_eq!(counter.dropped(), 14);
    });
}

#[test]
fn a_keyed_list_can_be_cancelled_watched_and_waited_for() {
    watched(|| {
        let pool = Pool::new(2);
        let reports = Log::new();
        let jobs = (0..4).map(|n| (n, pool.spawn(move || Ok::<_, String>(n))));
        let mut list = AsyncList::keyed(jobs);
        let log = reports.clone();
        list.on_progress(move |progress| log.add((progress.done, progress.total)));
        assert_eq!(list.join().get(PATIENCE).unwrap().len(), 4);
        crate::common::eventually("the last report", || reports.entries().last() == Some(&(4, 4)));

        let (_never, pending) = Typed::<u8>::deferred();
        let list = AsyncList::keyed([("never", pending)]);
        list.cancel();
        let mut completed = list.as_completed();
        let done = completed.next_timeout(MOMENT).unwrap().unwrap();
        assert_eq!((done.key, verdict(&done.outcome)), ("never", "Cancelled"));
        assert!(done.trace().is_some());
    });
}

#[test]
fn a_keyed_stream_has_the_keys_too() {
    watched(|| {
        let list = AsyncList::keyed([("a", Typed::ready(1)), ("b", Promise::ready(2))]);
        let mut stream = pin!(list.as_completed().stream());
        let mut keys = Vec::new();
        crate::common::wakers::block_on(async {
            while let Some(done) =
                std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await
            {
                keys.push(done.key);
            }
        });
        assert_eq!(keys, ["a", "b"]);
        assert!(stream.is_terminated());
    });
}
