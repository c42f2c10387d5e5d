//! A keyed list can do what a list can: `get`, `any`, `race`, `reduce`.

use crate::common::{Bomb, PATIENCE, is_error, watched};
use asynckit::{AsyncList, Deferred, Failure, KeyedList, Promise};
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
