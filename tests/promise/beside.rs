//! What runs beside and is waited for: `finally_then`, `inspect_then`.

use crate::common::{Gate, Log, PATIENCE, one_worker, watched};
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

/// As with JavaScript's `finally`.
#[test]
fn a_failure_beside_is_the_outcome() {
    watched(|| {
        let beside = || Typed::<()>::failed("beside".to_owned());
        let text = |mut promise: Typed<u8>| match promise.get(PATIENCE) {
            Err(Failure::Error(text)) => text,
            other => format!("{other:?}"),
        };
        let first = || Typed::<u8>::failed("first".to_owned());
        assert_eq!(text(Typed::ready(1).finally_then(beside)), "beside");
        assert_eq!(text(first().finally_then(beside)), "beside");
        assert_eq!(text(first().inspect_then(move |_| beside())), "beside");
        let panics = || -> Typed<()> { panic!("beside") };
        for promise in [Typed::ready(1), first()] {
            assert!(promise.finally_then(panics).get(PATIENCE).unwrap_err().is_panicked());
        }
        // What was given up has not failed; and what was cancelled stays so.
        let given_up = || Typed::<()>::settled(Err(Failure::Cancelled));
        assert_eq!(text(first().finally_then(given_up)), "first");
        let cancelled = Typed::<u8>::settled(Err(Failure::Cancelled)).finally_then(beside);
        assert!({ cancelled }.get(PATIENCE).unwrap_err().is_cancelled());
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
        crate::common::eventually("it is begun", || !begun.entries().is_empty());
        // While it is waited for.
        let (mut later, work) = Typed::<()>::deferred();
        let told = log.clone();
        later.on_cancel(move || told.add("cancelled later"));
        let through = Typed::ready(1).finally_then(move || work);
        crate::common::eventually("it is waited for", || {
            format!("{through:?}").contains("follows")
        });
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
        assert_eq!(way(failing().finally_then(|| Ok(()))), ["spawn", "finally_then"]);
        assert_eq!(way(failing().inspect_then(|_| Ok(()))), ["spawn", "inspect_then"]);
        let own = pool.clone();
        let beside = move || own.spawn(|| Err::<(), _>("beside".to_owned()));
        assert_eq!(way(failing().finally_then(beside)), ["spawn", "finally_then"]);
    });
}
