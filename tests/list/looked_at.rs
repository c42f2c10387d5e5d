//! Lists that were looked at, waited for or taken from before something else is made of them.

use crate::common::{MOMENT, PATIENCE, is_error, pending, verdict, watched};
use asynckit::{AsyncList, Failure, Outcome, Promise};
use std::time::Duration;

type List<T> = AsyncList<T, String>;

/// Ways of looking at a list.
const LOOKS: [fn(&mut List<usize>); 5] = [
    |list| assert!(list.is_set()),
    |list| assert!(list.is_error()),
    |list| assert!(list.wait(Duration::ZERO)),
    |list| assert!(format!("{list:?}").starts_with("AsyncList(failed, ")),
    |list| list.on_progress(|_| ()),
];

/// The failure that was seen by looking still ends what is made of the list, at once.
#[test]
fn a_failure_that_was_seen_still_counts() {
    watched(|| {
        for look in LOOKS {
            let failing = || {
                let (mut deferreds, mut list) = pending(3);
                deferreds.remove(2).reject("first".to_owned());
                deferreds.remove(1).reject("second".to_owned());
                look(&mut list);
                (deferreds, list)
            };
            let (deferreds, list) = failing();
            assert!(is_error(list.join().get(MOMENT), "first"));
            assert!(deferreds[0].is_cancelled());
            let (deferreds, list) = failing();
            assert!(is_error(list.race().get(MOMENT), "first"));
            assert!(deferreds[0].is_cancelled());
            let (_deferreds, list) = failing();
            assert!(list.some(2).is_error());
            let (_deferreds, list) = failing();
            assert_eq!(list.as_completed().next().unwrap().index, 2);
            let (deferreds, list) = failing();
            let mut any = list.any();
            assert!(!any.is_set());
            deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
            assert_eq!(any.get(None).unwrap(), 1);
        }
    });
}

/// What was taken is gone, whatever is made of the list: its items have failed with `Taken`.
#[test]
fn what_was_taken_is_gone() {
    fn taken<T, E>(outcome: Outcome<T, E>) {
        assert_eq!(verdict(&outcome), "Taken");
    }
    watched(|| {
        let list = || {
            let mut list: List<u8> = (0..3).map(Promise::ready).collect();
            assert_eq!(list.get(None).unwrap(), [0, 1, 2]);
            taken(list.get(None));
            assert!(list.is_set() && !list.is_error());
            list
        };
        taken(list().join().get(None));
        taken(list().race().get(None));
        let outcomes = list().settled().get(None).unwrap();
        assert_eq!(outcomes.len(), 3);
        outcomes.into_iter().for_each(taken);
        let completed: Vec<_> = list().as_completed().collect();
        assert_eq!(completed.len(), 3);
        completed.into_iter().for_each(|done| taken(done.outcome));
        let Err(Failure::Error(all)) = list().any().get(None) else { panic!("all have failed") };
        assert!(all.failures().iter().all(Failure::is_taken) && all.failures().len() == 3);
        let Err(Failure::Error(all)) = list().some(1).get(None) else { panic!("all have failed") };
        assert!(all.failures().iter().all(Failure::is_taken) && all.failures().len() == 3);
    });
}

/// The same for a failure that `get` has taken; the other items are there.
#[test]
fn a_failure_that_was_taken_is_gone() {
    watched(|| {
        let (mut deferreds, mut list) = pending(3);
        deferreds.remove(1).reject("e".to_owned());
        assert!(is_error(list.get(None), "e"));
        assert_eq!(verdict(&list.get(None)), "Taken");
        assert!(list.is_set() && list.is_error());
        deferreds.into_iter().for_each(|deferred| deferred.resolve(7));
        let verdicts: Vec<_> = list.settled().get(None).unwrap().iter().map(verdict).collect();
        assert_eq!(verdicts, ["Ok", "Taken", "Ok"]);
    });
}

/// Items may be added to a list that is complete: it is pending again, until it is taken from.
#[test]
fn a_complete_list_may_grow() {
    watched(|| {
        let mut list: List<usize> = [Promise::ready(1)].into_iter().collect();
        assert!(list.is_set());
        let (deferred, promise) = Promise::deferred();
        list.push(promise);
        assert!(!list.is_set() && !list.wait(Duration::ZERO));
        deferred.resolve(2);
        assert_eq!(list.get(PATIENCE).unwrap(), [1, 2]);
        list.push(Promise::ready(3));
        assert!(list.is_set());
        assert_eq!(verdict(&list.get(None)), "Taken");
    });
}
