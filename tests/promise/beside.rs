//! What runs beside and is waited for: `finally_then`, `inspect_then`.

use crate::common::{
    Bomb, DropCounter, Gate, Log, PATIENCE, eventually, is_error, one_worker, watched,
};
use asynckit::{Failure, Promise};

type Typed<T> = Promise<T, String>;

#[test]
fn what_finally_begins_is_waited_for() {
    watched(|| {
        for outcome in [Ok(1), Err(Failure::Error("no".to_owned())), Err(Failure::TimedOut)] {
            let expected = format!("{outcome:?}");
            let (pool, gate) = (one_worker(), Gate::new());
            let key = gate.key();
            let mut through = Typed::<u8>::settled(outcome)
                .finally_then(move || pool.run(move || key.wait()).map_err(|_| String::new()));
            gate.await_arrival(1);
            assert!(!through.is_set());
            gate.open();
            assert_eq!(format!("{:?}", through.get(PATIENCE)), expected);
        }
    });
}

#[test]
fn what_is_shown_the_outcome_is_waited_for() {
    watched(|| {
        let log = Log::new();
        let sees = log.clone();
        let mut through = Typed::<u8>::ready(1).inspect_then(move |outcome| {
            sees.add(outcome.is_ok());
            Ok(())
        });
        assert!(matches!(through.get(PATIENCE), Ok(1)));
        assert_eq!(log.entries(), [true]);
    });
}

/// The first failure is why.
#[test]
fn a_failure_beside_replaces_a_value_and_no_failure() {
    watched(|| {
        let text = |mut promise: Typed<u8>| match promise.get(PATIENCE) {
            Err(Failure::Error(text)) => text,
            other => format!("{other:?}"),
        };
        let first = || Typed::<u8>::failed("first".to_owned());
        let later = || one_worker().spawn(|| Err::<(), _>("beside".to_owned()));
        let at_once = || Err::<(), _>("beside".to_owned());
        assert_eq!(text(Typed::ready(1).finally_then(later)), "beside");
        assert_eq!(text(Typed::ready(1).finally_then(at_once)), "beside");
        assert_eq!(text(first().finally_then(later)), "first");
        assert_eq!(text(first().finally_then(at_once)), "first");
        assert_eq!(text(first().inspect_then(move |_| later())), "first");
        let panics = || -> Typed<()> { panic!("beside") };
        assert!(Typed::ready(1).finally_then(panics).get(PATIENCE).unwrap_err().is_panicked());
        assert_eq!(text(first().finally_then(panics)), "first");
    });
}

/// A cancellation beside is a failure as others are; what was cancelled stays so.
#[test]
fn cancellations_beside_follow_the_same_rule() {
    watched(|| {
        let given_up = || Typed::<()>::settled(Err(Failure::Cancelled));
        let through = Typed::ready(1_u8).finally_then(given_up);
        assert!({ through }.get(PATIENCE).unwrap_err().is_cancelled());
        let through = Typed::<u8>::failed("first".to_owned()).finally_then(given_up);
        assert!(is_error({ through }.get(PATIENCE), "first"));
        let cancelled = || Typed::<u8>::settled(Err(Failure::Cancelled));
        let (_pending, begun) = Typed::<()>::deferred();
        for through in [
            cancelled().finally_then(|| Err("beside".to_owned())),
            cancelled().finally_then(move || begun), // which is not waited for
        ] {
            assert!({ through }.get(PATIENCE).unwrap_err().is_cancelled());
        }
    });
}

/// What is kept meanwhile goes with a cancellation, and does no harm where its drop panics.
#[test]
fn what_is_kept_is_dropped_where_it_is_not_wanted() {
    watched(|| {
        let drops = DropCounter::default();
        let (beside, begun) = Typed::<()>::deferred();
        let through =
            Promise::<_, String>::ready((drops.token(), Bomb)).finally_then(move || begun);
        eventually("it is waited for", || format!("{through:?}").contains("follows"));
        assert_eq!(drops.dropped(), 0);
        through.cancel();
        eventually("it is dropped", || drops.dropped() == 1);
        assert!(!beside.is_cancelled());
        beside.reject("beside".to_owned());
        for at_once in [true, false] {
            let pool = one_worker();
            let value = Promise::<_, String>::ready((drops.token(), Bomb));
            let through = match at_once {
                true => value.finally_then(|| Err("beside".to_owned())),
                false => value.finally_then(move || pool.spawn(|| Err("beside".to_owned()))),
            };
            assert!(is_error({ through }.get(PATIENCE).map(|_| ()), "beside"));
        }
        eventually("they are dropped", || drops.dropped() == 3);
    });
}

#[test]
fn a_cancellation_runs_it_and_leaves_it_alone() {
    watched(|| {
        // Before the outcome is there: it is begun on the way.
        let (begun, log) = (Log::new(), Log::new());
        let (_source, pending) = Typed::<u8>::deferred();
        let (mut beside, work) = Typed::<()>::deferred();
        let (seen, told) = (begun.clone(), log.clone());
        beside.on_cancel(move || told.add("cancelled"));
        let through = pending.finally_then(move || {
            seen.add(());
            work
        });
        through.cancel();
        eventually("it is begun", || !begun.entries().is_empty());
        // While it is waited for.
        let (mut later, work) = Typed::<()>::deferred();
        let told = log.clone();
        later.on_cancel(move || told.add("cancelled later"));
        let through = Typed::ready(1).finally_then(move || work);
        eventually("it is waited for", || format!("{through:?}").contains("follows"));
        through.cancel();
        assert!(!beside.is_cancelled() && !later.is_cancelled());
        assert!(log.entries().is_empty());
    });
}

/// The way of a failure is told as if nothing had been between.
#[test]
fn the_way_of_a_failure_is_kept() {
    watched(|| {
        let pool = one_worker();
        let way = |promise: Typed<u8>| -> Vec<_> {
            let mut promise = promise;
            assert!(promise.wait(PATIENCE));
            let way = promise.trace().steps().map(|step| step.kind()).collect();
            assert!(promise.get(None).is_err());
            way
        };
        let failing = || pool.spawn(|| Err::<u8, _>("no".to_owned()));
        let beside = || {
            let pool = one_worker();
            move || pool.spawn(|| Err::<(), _>("beside".to_owned()))
        };
        assert_eq!(way(failing().finally_then(|| Ok(()))), ["spawn", "finally_then"]);
        assert_eq!(way(failing().inspect_then(|_| Ok(()))), ["spawn", "inspect_then"]);
        assert_eq!(
            way(failing().map(|n| n).finally_then(beside())),
            ["spawn", "map", "finally_then"]
        );
        assert_eq!(way(Typed::ready(1).finally_then(beside())), ["spawn", "finally_then"]);
        assert_eq!(way(Typed::ready(1).finally_then(|| Err("no".to_owned()))), ["finally_then"]);
        let many = failing().finally_then(|| Ok(())).map(|n| n).inspect_then(|_| Ok(()));
        assert_eq!(way(many), ["spawn", "finally_then", "map", "inspect_then"]);
    });
}
