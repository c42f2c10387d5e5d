//! Cancelling lists and what was made of them (conformance E17).

use crate::common::{DropCounter, Gate, Log, MOMENT, PATIENCE, pending, watched};
use asynckit::{AsyncList, Deferred, Pool, Promise, join};
use std::sync::{Arc, OnceLock};

type List<T> = AsyncList<T, String>;
type Typed<T> = Promise<T, String>;

/// What can be made of a list, as a promise of nothing in particular.
type Make = fn(List<usize>) -> Typed<()>;

fn error(_: impl std::fmt::Debug) -> String {
    String::new()
}

const MAKES: [(&str, Make); 6] = [
    ("join", |list| list.join().map(drop)),
    ("settled", |list| list.settled().map(drop)),
    ("race", |list| list.race().map(drop)),
    ("any", |list| list.any().map_err(error).map(drop)),
    ("some", |list| list.some(2).map_err(error).map(drop)),
    ("keyed", |list| {
        let mut keyed = AsyncList::keyed([("list", list.join())]);
        keyed.push("nothing", Promise::ready(vec![]));
        keyed.join().map(drop)
    }),
];

/// E17: cancelling the result cancels every item, though one handler panics; afterwards it is no more.
#[test]
fn cancelling_the_result_cancels_every_item() {
    watched(|| {
        for (name, make) in MAKES {
            let calls = Log::new();
            let (mut deferreds, list) = pending(4);
            for (n, deferred) in deferreds.iter_mut().enumerate() {
                let calls = calls.clone();
                deferred.on_cancel(move || {
                    calls.add(n);
                    assert!(n != 1, "a handler that panics");
                });
            }
            let mut result = make(list);
            result.cancel();
            assert_eq!(calls.entries(), [0, 1, 2, 3], "{name}");
            assert!(deferreds.iter().all(Deferred::is_cancelled), "{name}");
            assert!(result.get(None).unwrap_err().is_cancelled(), "{name}");
            result.cancel();
            drop(deferreds);
            assert_eq!(calls.entries().len(), 4, "{name}: once");
        }
    });
}

/// E17: after the end a cancellation changes nothing.
#[test]
fn cancelling_after_the_end_is_nothing() {
    watched(|| {
        for (name, make) in MAKES {
            let list: List<usize> = (0..4).map(Promise::ready).collect();
            let mut result = make(list);
            assert!(result.wait(None));
            result.cancel();
            assert!(result.get(None).is_ok(), "{name}");
        }
    });
}

/// A dropped result detaches; the items go on.
#[test]
fn dropping_the_result_cancels_nothing() {
    watched(|| {
        for (name, make) in MAKES {
            let (deferreds, list) = pending(3);
            drop(make(list));
            assert!(!deferreds.iter().any(Deferred::is_cancelled), "{name}");
        }
        let (deferreds, list) = pending(3);
        drop(list);
        assert!(!deferreds.iter().any(Deferred::is_cancelled));
        let (deferreds, list) = pending(3);
        drop(list.as_completed());
        assert!(!deferreds.iter().any(Deferred::is_cancelled));
    });
}

/// What has come is let go of when nobody can want it any more, not when the last item is through.
#[test]
fn values_go_when_the_join_has_failed_or_was_cancelled() {
    watched(|| {
        let counter = DropCounter::default();
        let list = || {
            let (deferred, promise) = Typed::<crate::common::Token>::deferred();
            let (held, running) = Typed::deferred();
            let running = running.handle(|outcome| outcome.map_err(|_| String::new()));
            let items = [Promise::ready(counter.token()), promise, running];
            (deferred, held, AsyncList::from_iter(items))
        };
        let (deferred, _held, items) = list();
        let joined = items.join();
        deferred.reject("e".to_owned());
        assert_eq!(counter.dropped(), 1);
        drop(joined);
        for make in [
            |list: AsyncList<crate::common::Token, String>| list.join().map(drop),
            |list: AsyncList<crate::common::Token, String>| list.settled().map(drop),
        ] {
            let before = counter.dropped();
            let (_deferred, _held, items) = list();
            let result = make(items);
            result.cancel();
            assert_eq!(counter.dropped(), before + 1);
        }
    });
}

/// `AsyncList::cancel` holds no lock while handlers run: they may look at the list.
#[test]
fn a_handler_may_look_at_the_list_that_is_cancelled() {
    watched(|| {
        let (mut deferreds, list) = pending(3);
        let shared = Arc::new(OnceLock::<List<usize>>::new());
        let seen = Log::new();
        for deferred in &mut deferreds {
            let (shared, seen) = (shared.clone(), seen.clone());
            deferred.on_cancel(move || {
                let list = shared.get().expect("it is there");
                seen.add((list.len(), list.is_set()));
                list.cancel();
            });
        }
        let list = shared.get_or_init(|| list);
        list.cancel();
        assert_eq!(seen.entries().len(), 3);
        assert!(list.is_set() && list.is_error());
        assert!(deferreds.iter().all(Deferred::is_cancelled));
    });
}

/// `cancel` on the list itself, then whatever is made of it.
#[test]
fn a_cancelled_list_fails() {
    watched(|| {
        for (name, make) in MAKES.iter().filter(|(name, _)| *name != "settled") {
            let (_deferreds, list) = pending(3);
            list.cancel();
            let mut result = make(list);
            assert!(result.wait(PATIENCE) && result.is_error(), "{name}");
        }
        let (_deferreds, mut list) = pending(3);
        list.cancel();
        assert!(list.get(MOMENT).unwrap_err().is_cancelled());
    });
}

/// A cancelled list waits for nothing, whatever is made of it: items that run count as cancelled.
#[test]
fn a_cancelled_list_does_not_wait_for_items_that_run() {
    watched(|| {
        let pool = Pool::new(1);
        let running = |gate: &Gate| -> List<usize> {
            let key = gate.key();
            let running = pool.spawn(move || {
                key.wait();
                Err("too late".to_owned())
            });
            gate.await_arrival(1);
            let list: List<usize> = [Promise::ready(1), running].into_iter().collect();
            list.cancel();
            assert!(list.is_set() && list.is_error());
            list
        };
        for (name, make) in MAKES {
            let gate = Gate::new();
            let mut result = make(running(&gate));
            assert!(result.wait(PATIENCE), "{name}");
            let wins = ["settled", "race", "any"].contains(&name);
            assert_eq!(result.is_error(), !wins, "{name}");
        }
        let gate = Gate::new();
        let completed = running(&gate).as_completed();
        let verdicts: Vec<_> =
            completed.map(|done| (done.index, crate::common::verdict(&done.outcome))).collect();
        assert_eq!(verdicts, [(0, "Ok"), (1, "Cancelled")]);
    });
}

/// E17 for tuples, arrays and nested joins.
#[test]
fn cancelling_a_joined_tuple_cancels_every_input() {
    watched(|| {
        let (a, first) = Typed::<u8>::deferred();
        let (b, second) = Typed::<&str>::deferred();
        let (c, third) = Typed::<()>::deferred();
        let (mut list, items) = pending(2);
        list[0].on_cancel(|| panic!("a handler that panics"));
        let joined = join((join((first, second)), join([third]), items));
        joined.cancel();
        assert!(a.is_cancelled() && b.is_cancelled() && c.is_cancelled());
        assert!(list.iter().all(Deferred::is_cancelled));
        assert!(joined.is_error());
    });
}
