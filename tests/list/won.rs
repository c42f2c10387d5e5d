//! Which one has won, and what becomes of the others: `TaskSet::race`, `any`; `AsyncList::join_all`, `AllFailed::indices`.

use crate::common::tasks::await_sleep;
use crate::common::{PATIENCE, is_error, named_thread, one_worker, watched};
use asynckit::{
    AllFailed, AsyncList, Deferred, Failure, Outcome, Pool, Promise, Shutdown, TaskSet,
};
use std::sync::Arc;

type Typed<T> = Promise<T, String>;

fn pending(n: usize) -> (Vec<Deferred<u8, String>>, Vec<Typed<u8>>) {
    (0..n).map(|_| Typed::deferred()).unzip()
}

fn indices<T>(outcome: Outcome<T, AllFailed<String>>) -> (Vec<usize>, String) {
    match outcome {
        Err(Failure::Error(all)) => (all.indices().to_vec(), all.to_string()),
        Err(failure) => (Vec::new(), failure.to_string()),
        Ok(_) => (Vec::new(), "Ok".to_owned()),
    }
}

#[test]
fn a_race_tells_the_winner_and_keeps_the_others_as_long_as_the_set() {
    watched(|| {
        let (mut deferreds, promises) = pending(3);
        let mut race = TaskSet::from_iter(promises).race();
        assert!(race.try_get().is_none());
        deferreds.remove(1).resolve(7);
        let (first, rest) = race.get(PATIENCE).unwrap();
        assert_eq!((first.key, first.outcome.unwrap(), rest.len()), (1, 7, 2));
        deferreds.remove(0).reject("no".to_owned());
        let (second, rest) = { rest.race() }.get(PATIENCE).unwrap();
        assert!(second.key == 0 && is_error(second.outcome, "no"), "a failure may win");
        assert!(!deferreds[0].is_cancelled());
        drop(rest);
        assert!(deferreds[0].is_cancelled());
        assert!(matches!(TaskSet::<u8>::new().race().get(PATIENCE), Err(Failure::Empty)));
    });
}

#[test]
fn any_passes_failures_over_and_lists_them_by_number() {
    watched(|| {
        let (mut deferreds, promises) = pending(3);
        let keyed = ["a", "b", "c"].into_iter().zip(promises);
        let mut any = TaskSet::from_iter(keyed).any();
        deferreds.remove(2).reject("no".to_owned());
        deferreds.remove(1).resolve(7);
        let (key, value, rest) = any.get(PATIENCE).unwrap();
        assert_eq!((key, value, rest.len()), ("b", 7, 1));
        rest.detach();
        assert!(!deferreds[0].is_cancelled());

        let (deferreds, promises) = pending(3);
        let any = TaskSet::from_iter(promises).any();
        deferreds.into_iter().rev().for_each(|one| one.reject("no".to_owned()));
        let (numbers, text) = indices({ any }.get(PATIENCE));
        assert_eq!((numbers, &*text), (vec![0, 1, 2], "all 3 promises failed: no; no; no"));
        assert!(matches!(TaskSet::<u8>::new().any().get(PATIENCE), Err(Failure::Empty)));
    });
}

#[test]
fn cancelling_a_race_cancels_all() {
    watched(|| {
        let (deferreds, promises) = pending(2);
        TaskSet::from_iter(promises).race().cancel();
        assert!(deferreds.iter().all(Deferred::is_cancelled));
        let (deferreds, promises) = pending(2);
        TaskSet::from_iter(promises).any().cancel();
        assert!(deferreds.iter().all(Deferred::is_cancelled));
    });
}

#[test]
fn a_race_whose_pool_is_shut_down_is_abandoned_and_cancels() {
    watched(|| {
        let pool = one_worker();
        let (deferred, promise) = pool.deferred::<u8, String>();
        let mut race = TaskSet::from_iter([promise]).race();
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
        deferred.resolve(1);
        assert!(race.get(PATIENCE).is_err_and(|failure| failure.is_abandoned()));
    });
}

#[test]
fn a_join_of_all_waits_for_all_and_lists_every_failure() {
    watched(|| {
        let (mut deferreds, promises) = pending(4);
        let mut all = AsyncList::from_iter(promises).join_all();
        deferreds.remove(3).reject("three".to_owned());
        assert!(!all.is_set() && deferreds.iter().all(|one| !one.is_cancelled()));
        deferreds.remove(0).resolve(1);
        deferreds.remove(1).settle(Err(Failure::Cancelled));
        assert!(!all.is_set());
        deferreds.remove(0).resolve(1);
        let (numbers, text) = indices(all.get(PATIENCE));
        assert_eq!(numbers, [2, 3]);
        assert_eq!(text, "2 of 4 promises failed: #2: the promise was cancelled; #3: three");
        let values = AsyncList::from_iter((0..3).map(Typed::ready)).join_all();
        assert_eq!({ values }.get(PATIENCE).unwrap(), [0, 1, 2]);
        assert!(AsyncList::<u8>::new().join_all().get(PATIENCE).unwrap().is_empty());
        let (deferreds, promises) = pending(2);
        AsyncList::from_iter(promises).join_all().cancel();
        assert!(deferreds.iter().all(Deferred::is_cancelled));
    });
}

#[test]
fn any_and_some_of_a_list_tell_the_indices() {
    watched(|| {
        let list =
            || AsyncList::from_iter([Typed::<u8>::failed("a".into()), Typed::failed("b".into())]);
        assert_eq!(indices(list().any().get(PATIENCE)).0, [0, 1]);
        let (mut deferreds, promises) = pending(4);
        let some = AsyncList::from_iter(promises).some(3);
        deferreds.remove(3).reject("three".to_owned());
        deferreds.remove(1).reject("one".to_owned());
        assert_eq!(indices({ some }.get(PATIENCE)).0, [1, 3]);
    });
}

/// A wait for the whole set ends also where the last promise is given up by another one, which would never end.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks at /proc")]
fn a_wait_ends_when_another_gives_up_what_is_pending() {
    watched(|| {
        let pool = Pool::builder().workers(1).max_spare_workers(0).build().unwrap();
        let (again, set) = (pool.clone(), Arc::new(TaskSet::<u8, String>::new()));
        let own = set.clone();
        let mut told = pool.spawn(move || {
            own.push(again.spawn(|| Ok(1)));
            let waits = own.clone();
            let waiter = named_thread("set-waits", move || waits.wait(PATIENCE));
            await_sleep("set-waits", 1);
            let given_up = own.next().unwrap();
            assert!(given_up.outcome.unwrap_err().is_would_deadlock());
            Ok::<_, String>(waiter)
        });
        assert!(told.get(PATIENCE).unwrap().join().unwrap(), "nothing is pending");
        assert!(set.is_empty());
    });
}
