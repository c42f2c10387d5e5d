//! A keyed list can do what a list can: `get`, `any`, `race`, `reduce`, `some`, `join_all`, and what goes on from it.

use crate::common::wakers::block_on;
use crate::common::{Bomb, DropCounter, PATIENCE, is_error, watched};
use asynckit::{AsyncList, Deferred, Failure, IntoPromise, KeyedList, Promise};
use std::time::Duration;

type Typed<T> = Promise<T, String>;
type List<T> = KeyedList<&'static str, T, String>;

fn pending() -> (Vec<Deferred<u8, String>>, List<u8>) {
    let (deferreds, promises): (Vec<_>, Vec<_>) = (0..3).map(|_| Typed::deferred()).unzip();
    (deferreds, ["a", "b", "c"].into_iter().zip(promises).collect())
}

#[test]
fn get_gives_the_keys_with_the_values_once() {
    watched(|| {
        let (deferreds, mut list) = pending();
        assert!(list.get(Duration::ZERO).unwrap_err().is_timed_out());
        deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
        assert_eq!(list.get(PATIENCE).unwrap(), [("a", 1), ("b", 1), ("c", 1)]);
        assert!(list.get(PATIENCE).unwrap_err().is_taken());
        let (mut deferreds, mut list) = pending();
        deferreds.remove(1).reject("no".to_owned());
        assert!(is_error(list.get(PATIENCE), "no"));
    });
}

#[test]
fn any_and_race_tell_the_key_and_cancel_the_others() {
    watched(|| {
        let (mut deferreds, list) = pending();
        let mut any = list.any();
        deferreds.remove(0).reject("no".to_owned());
        deferreds.remove(1).resolve(7);
        assert_eq!(any.get(PATIENCE).unwrap(), ("c", 7));
        assert!(deferreds[0].is_cancelled());
        let (mut deferreds, list) = pending();
        let mut race = list.race();
        deferreds.remove(1).resolve(7);
        assert_eq!(race.get(PATIENCE).unwrap(), ("b", 7));
        assert!(deferreds.iter().all(Deferred::is_cancelled));
        let (mut deferreds, list) = pending();
        let mut race = list.race();
        deferreds.remove(1).reject("no".to_owned());
        assert!(is_error(race.get(PATIENCE), "no"));
        let (deferreds, list) = pending();
        let any = list.any();
        drop(deferreds);
        let Err(Failure::Error(all)) = { any }.get(PATIENCE) else { unreachable!() };
        assert_eq!(all.indices(), [0, 1, 2]);
        assert!(matches!({ List::<u8>::new().race() }.get(PATIENCE), Err(Failure::Empty)));
    });
}

#[test]
fn reduce_gets_the_keys_in_order_and_drops_of_keys_may_panic() {
    watched(|| {
        let (deferreds, list) = pending();
        let folded =
            list.reduce(String::new(), |text: String, key, n| Ok(format!("{text}{key}{n}")));
        deferreds
            .into_iter()
            .zip(1..4)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .for_each(|(deferred, n)| deferred.resolve(n));
        assert_eq!({ folded }.get(PATIENCE).unwrap(), "a1b2c3");
        let bombs = || {
            AsyncList::keyed([
                (Bomb, Typed::<u8>::failed("no".into())),
                (Bomb, Typed::deferred().1),
            ])
        };
        assert!(is_error(bombs().race().get(PATIENCE).map(drop), "no"));
        bombs().any().cancel();
        bombs().race().cancel();
    });
}

#[test]
fn it_can_be_asked_and_waited_for() {
    watched(|| {
        let (mut deferreds, mut list) = pending();
        assert!(!list.is_set() && !list.is_error() && !list.wait(Duration::ZERO));
        deferreds.remove(1).reject("no".to_owned());
        assert!(list.is_set() && list.is_error() && list.wait(PATIENCE));
        let (deferreds, mut list) = pending();
        deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
        assert!(list.is_set() && !list.is_error() && list.wait(None));
        assert_eq!(list.get(None).unwrap().len(), 3);
    });
}

#[test]
fn some_gives_the_first_keys_in_the_order_of_time_and_drops_the_others() {
    watched(|| {
        let drops = DropCounter::default();
        let (mut deferreds, promises): (Vec<_>, Vec<_>) =
            (0..3).map(|_| Typed::<u8>::deferred()).unzip();
        let keys = ["a", "b", "c"].map(|key| (key, drops.token()));
        let list: KeyedList<_, u8, String> = keys.into_iter().zip(promises).collect();
        let mut some = list.some(2);
        deferreds.remove(2).resolve(3);
        deferreds.remove(0).resolve(1);
        let some = some.get(PATIENCE).unwrap();
        assert!(some.iter().map(|((key, _), n)| (*key, *n)).eq([("c", 3), ("a", 1)]));
        assert!(deferreds[0].is_cancelled());
        assert_eq!(drops.dropped(), 1);
        drop(some);
        assert_eq!(drops.dropped(), 3);
        let (mut deferreds, list) = pending();
        let mut some = list.some(3);
        deferreds.remove(1).reject("no".to_owned());
        let Err(Failure::Error(why)) = some.get(PATIENCE) else { unreachable!() };
        assert_eq!(why.indices(), [1]);
    });
}

#[test]
fn join_all_waits_for_all_and_has_keys_or_indices() {
    watched(|| {
        let (deferreds, list) = pending();
        let mut all = list.join_all();
        for (deferred, n) in deferreds.into_iter().zip(1..) {
            assert!(!all.is_set());
            deferred.resolve(n);
        }
        assert_eq!(all.get(PATIENCE).unwrap(), [("a", 1), ("b", 2), ("c", 3)]);
        let (mut deferreds, list) = pending();
        let mut all = list.join_all();
        deferreds.remove(2).reject("c".to_owned());
        deferreds.remove(0).reject("a".to_owned());
        assert!(!all.is_set() && !deferreds[0].is_cancelled());
        deferreds.remove(0).resolve(2);
        let Err(Failure::Error(why)) = all.get(PATIENCE) else { unreachable!() };
        assert_eq!(why.indices(), [0, 2]);
        assert_eq!(format!("{why:?}"), "2 of 3 promises failed: {0: a, 2: c}");
    });
}

#[test]
fn reduce_unordered_gets_each_key_with_its_value() {
    watched(|| {
        let (deferreds, list) = pending();
        let folded =
            list.reduce_unordered(String::new(), |text, key, n| Ok(format!("{text}{key}{n}")));
        for (deferred, n) in deferreds.into_iter().zip(1..).collect::<Vec<_>>().into_iter().rev() {
            deferred.resolve(n);
        }
        assert_eq!({ folded }.get(PATIENCE).unwrap(), "c3b2a1");
        let (mut deferreds, list) = pending();
        let folded = list.reduce_unordered(0, |sum, _, n| Ok(sum + n));
        deferreds.remove(1).reject("no".to_owned());
        assert!(is_error({ folded }.get(PATIENCE), "no"));
        assert!(deferreds.iter().all(Deferred::is_cancelled));
    });
}

#[test]
fn what_goes_on_from_it_gets_keys_and_values() {
    watched(|| {
        let list = || List::from_iter([("a", Typed::ready(1)), ("b", Typed::ready(2))]);
        let both = [("a", 1), ("b", 2)];
        let count = |all: Vec<_>| all.len();
        assert_eq!(list().map(count).get(PATIENCE).unwrap(), 2);
        assert_eq!(list().then(move |all| Ok(count(all))).get(PATIENCE).unwrap(), 2);
        assert_eq!(list().chain(move |all| Ok(count(all))).get(PATIENCE).unwrap(), 2);
        assert_eq!(list().share().get(PATIENCE).unwrap(), &both);
        assert_eq!(list().into_promise().get(PATIENCE).unwrap(), both);
        assert_eq!(Typed::ready(()).then(move |()| list()).get(PATIENCE).unwrap(), both);
        assert_eq!(block_on(list().into_future()).unwrap(), both);
    });
}

#[test]
fn keys_whose_drops_panic_do_no_harm() {
    watched(|| {
        let bombs = || -> KeyedList<Bomb, u8, String> {
            let items = [Promise::ready(1), Promise::failed("no".into()), Typed::deferred().1];
            items.into_iter().map(|promise| (Bomb, promise)).collect()
        };
        assert!({ bombs().some(2) }.get(PATIENCE).is_err());
        bombs().some(3).cancel();
        bombs().join_all().cancel();
        bombs().reduce_unordered(0, |sum, _, n| Ok(sum + n)).cancel();
        bombs().map(|all| all.len()).cancel();
    });
}
