//! What is left of `as_completed`, had back: `into_rest`.

use crate::common::{Gate, PATIENCE, one_worker, watched};
use asynckit::{AsyncList, Deferred, Promise, map_concurrent};

type Typed<T> = Promise<T, String>;

fn pending(n: usize) -> (Vec<Deferred<u8, String>>, Vec<Typed<u8>>) {
    (0..n).map(|_| Typed::deferred()).unzip()
}

#[test]
fn what_was_not_handed_out_is_a_list_in_input_order() {
    watched(|| {
        let (mut deferreds, promises) = pending(4);
        deferreds.remove(2).resolve(2);
        let mut completed = AsyncList::from_iter(promises).as_completed();
        assert_eq!(completed.next().unwrap().index, 2);
        deferreds.remove(0).resolve(0); // has come, and was not handed out
        let mut rest = completed.into_rest();
        assert_eq!(rest.len(), 3);
        deferreds.remove(1).resolve(3);
        deferreds.remove(0).resolve(1);
        assert_eq!(rest.get(PATIENCE).unwrap(), [0, 1, 3]);
        let mut none = AsyncList::from_iter([Typed::ready(1)]).as_completed();
        assert!(none.next().is_some());
        assert!(none.into_rest().is_empty());
    });
}

#[test]
fn failures_of_the_rest_are_its_own_and_keys_stay() {
    watched(|| {
        let (mut deferreds, promises) = pending(3);
        let list = AsyncList::keyed(["a", "b", "c"].into_iter().zip(promises));
        let mut completed = list.as_completed();
        deferreds.remove(1).resolve(1);
        assert_eq!(completed.next().unwrap().key, "b");
        deferreds.remove(1).reject("no".to_owned());
        let mut rest = completed.into_rest().settled();
        drop(deferreds);
        let rest = rest.get(PATIENCE).unwrap();
        assert_eq!(rest.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["a", "c"]);
        assert!(rest[0].1.as_ref().is_err_and(|failure| failure.is_abandoned()));
        assert!(rest[1].1.as_ref().is_err_and(|failure| failure.is_error()));
    });
}

#[test]
fn what_is_cancelled_is_cancelled_when_nothing_else_is_wanted() {
    watched(|| {
        let (deferreds, promises) = pending(3);
        let rest = AsyncList::from_iter(promises).as_completed().into_rest();
        rest.cancel();
        assert!(deferreds.iter().all(Deferred::is_cancelled));

        let (mut deferreds, promises) = pending(2);
        let mut first = AsyncList::from_iter(promises).as_completed().into_rest().race();
        deferreds.remove(0).resolve(7);
        assert_eq!(first.get(PATIENCE).unwrap(), 7);
        assert!(deferreds[0].is_cancelled(), "the loser of a race");

        let (deferreds, promises) = pending(2);
        drop(AsyncList::from_iter(promises).as_completed().into_rest());
        assert!(deferreds.iter().all(|one| !one.is_cancelled()), "dropped is detached");
    });
}

/// A list that was cancelled while a job ran: that is pending for ever, as far as it is concerned.
#[test]
fn a_list_that_was_cancelled_has_a_rest() {
    watched(|| {
        let (pool, gate) = (one_worker(), Gate::new());
        let key = gate.key();
        let list: AsyncList<u8, String> = [pool.spawn(move || {
            key.wait();
            Ok(1)
        })]
        .into_iter()
        .collect();
        gate.await_arrival(1);
        list.cancel();
        let mut completed = list.as_completed();
        assert!(completed.next().unwrap().outcome.unwrap_err().is_cancelled());
        assert!(completed.into_rest().is_empty());
        gate.open();
    });
}

#[test]
fn of_a_list_that_grows_nothing_more_is_started() {
    watched(|| {
        let mut begun = 0;
        let endless = map_concurrent(0.., 2, move |n: u32| {
            begun += 1;
            assert!(begun < 100);
            Typed::ready(n)
        });
        let mut completed = endless.as_completed();
        assert_eq!(completed.next().unwrap().index, 0);
        let rest = completed.into_rest().settled().get(PATIENCE);
        assert!(rest.is_ok());
    });
}
