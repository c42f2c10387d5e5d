//! Handlers of failures, and of either: that each runs once, with what, and what becomes of it (conformance B2 to B13).

use crate::common::{
    DropCounter, Log, PATIENCE, every_failure, is_error, kind, panic_message, three_cases, verdict,
    watched,
};
use asynckit::{Failure, Promise};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

type Typed<T> = Promise<T, String>;

fn failed() -> Typed<u8> {
    Promise::failed("the source".to_owned())
}

/// B2
#[test]
fn each_kind_of_handler_runs_once_with_the_error() {
    watched(|| {
        let fail = || Err(Failure::Error("41".to_owned()));
        let check =
            |mut promise: Typed<String>| assert_eq!(promise.get(PATIENCE).unwrap(), "saw 41");
        let saw = |failure: Failure<String>| match failure {
            Failure::Error(text) => Ok(format!("saw {text}")),
            other => Err(kind(&other).to_owned()),
        };
        three_cases(fail, |p: Typed<String>| p.catch(saw), check);
        three_cases(fail, |p: Typed<String>| p.catch_if(|f| f.is_error(), saw), check);
        three_cases(fail, |p: Typed<String>| p.or_else(|text| Ok(format!("saw {text}"))), check);
        three_cases(
            fail,
            |p: Typed<String>| p.handle(move |outcome| saw(outcome.unwrap_err())),
            check,
        );
        let mapped =
            |mut p: Promise<u8, usize>| assert!(matches!(p.get(PATIENCE), Err(Failure::Error(2))));
        let fail = || Err(Failure::Error("41".to_owned()));
        three_cases(fail, |p: Typed<u8>| p.map_err(|text| text.len()), mapped);
    });
}

/// B4
#[test]
fn no_handler_runs_on_a_value() {
    watched(|| {
        let check = |mut promise: Typed<u8>| assert_eq!(promise.get(PATIENCE).unwrap(), 1);
        three_cases(|| Ok(1), |p| p.catch(|_| Ok(0)), check);
        three_cases(|| Ok(1), |p| p.or_else(|_| Ok(0)), check);
        three_cases(|| Ok(1), |p| p.catch_if(|_| true, |_| Ok(0)), check);
        three_cases(|| Ok(1), |p: Promise<u8, u8>| p.map_err(|_| unreachable!("no error")), check);
    });
}

/// B6
#[test]
fn a_handler_recovers_adopts_or_fails_anew() {
    watched(|| {
        assert_eq!(failed().catch(|_| Ok(5)).get(PATIENCE).unwrap(), 5);
        assert_eq!(failed().catch(|_| Promise::ready(6)).get(PATIENCE).unwrap(), 6);
        assert!(is_error(failed().catch(|_| Err("new".to_owned())).get(PATIENCE), "new"));
        assert!(is_error(
            failed().catch(|_| Promise::failed("later".to_owned())).get(PATIENCE),
            "later"
        ));
        let panics =
            failed().catch(|_| -> Result<u8, String> { panic!("in the handler") }).get(PATIENCE);
        assert!(panic_message(panics).contains("in the handler"));
        // given back as it was: a settled promise carries any failure, also one that is no error
        let again = Typed::<u8>::settled(Err(Failure::Cancelled))
            .catch(|f| Promise::settled(Err(f)))
            .get(PATIENCE);
        assert!(again.unwrap_err().is_cancelled());
    });
}

/// B6: `or_else` is for the work's own errors only.
#[test]
fn or_else_lets_other_failures_pass() {
    watched(|| {
        for (name, failure) in every_failure() {
            let outcome = Typed::<u8>::settled(Err(failure)).or_else(|_| Ok(1)).get(PATIENCE);
            assert_eq!(verdict(&outcome), if name == "Error" { "Ok" } else { name });
        }
        let panicked = Typed::<u8>::ready(1)
            .map(|_| -> u8 { panic!("not an error") })
            .or_else(|_| Ok(1))
            .get(PATIENCE);
        assert!(panic_message(panicked).contains("not an error"));
    });
}

/// B6: `map_err` changes the type of an error and lets everything else pass.
#[test]
fn map_err_lets_other_failures_pass() {
    watched(|| {
        for (name, failure) in every_failure() {
            let mut mapped: Promise<u8, usize> =
                Promise::<u8, String>::settled(Err(failure)).map_err(|text| text.len());
            assert_eq!(kind(&mapped.get(PATIENCE).unwrap_err()), name);
        }
    });
}

/// B7
#[test]
fn the_first_handler_that_matches_runs() {
    watched(|| {
        let log = Log::new();
        let (a, b, c, d) = (log.clone(), log.clone(), log.clone(), log.clone());
        let mut end = failed()
            .catch_if(
                |f| f.is_cancelled(),
                move |_| {
                    a.add("cancelled");
                    Ok(1)
                },
            )
            .catch_if(
                |f| f.is_error(),
                move |_| {
                    b.add("first match");
                    Err("second error".to_owned())
                },
            )
            .catch_if(
                move |f| matches!(f, Failure::Error(e) if e == "the source"),
                move |_| {
                    c.add("source");
                    Ok(2)
                },
            )
            .catch_if(
                |f| matches!(f, Failure::Error(e) if e == "second error"),
                move |_| {
                    d.add("second match");
                    Ok(3)
                },
            );
        assert_eq!(end.get(PATIENCE).unwrap(), 3);
        assert_eq!(log.entries(), ["first match", "second match"]);
    });
}

/// B8
#[test]
fn a_predicate_that_panics_fails_the_promise() {
    watched(|| {
        let called = DropCounter::default();
        let token = called.token();
        let outcome = failed().catch_if(
            |_| panic!("the predicate"),
            move |_| {
                std::mem::forget(token);
                Ok(1)
            },
        );
        assert!(panic_message({ outcome }.get(PATIENCE)).contains("the predicate"));
        assert_eq!(called.dropped(), 1, "the handler was dropped, not called");
    });
}

/// B9
#[test]
fn handle_sees_either_and_decides() {
    watched(|| {
        let ok = |outcome: Result<u8, Failure<String>>| Ok(verdict(&outcome));
        assert_eq!(Typed::ready(1).handle(ok).get(PATIENCE).unwrap(), "Ok");
        for (name, failure) in every_failure() {
            assert_eq!(Typed::settled(Err(failure)).handle(ok).get(PATIENCE).unwrap(), name);
        }
        assert!(is_error(failed().handle(|_| Err::<u8, _>("own".to_owned())).get(PATIENCE), "own"));
        assert_eq!(
            failed().handle(|_| Promise::ready("adopted")).get(PATIENCE).unwrap(),
            "adopted"
        );
    });
}

/// B10, B11
#[test]
fn an_observer_that_panics_fails_a_value_and_leaves_a_failure() {
    watched(|| {
        let value = Typed::ready(1).inspect(|_| panic!("the observer")).get(PATIENCE);
        assert!(panic_message(value).contains("the observer"));
        let value = Typed::ready(1).finally(|| panic!("the observer")).get(PATIENCE);
        assert!(panic_message(value).contains("the observer"));
        assert!(is_error(failed().inspect(|_| panic!("the observer")).get(PATIENCE), "the source"));
        assert!(is_error(failed().finally(|| panic!("the observer")).get(PATIENCE), "the source"));
    });
}

/// B12
#[test]
fn finally_runs_once_whatever_happened() {
    watched(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let run = |promise: Typed<u8>| {
            let calls = calls.clone();
            let outcome = promise
                .finally(move || {
                    calls.fetch_add(1, SeqCst);
                })
                .get(PATIENCE);
            verdict(&outcome)
        };
        assert_eq!(run(Promise::ready(1)), "Ok");
        for (name, failure) in every_failure() {
            assert_eq!(run(Promise::settled(Err(failure))), name);
        }
        assert_eq!(run(Typed::ready(1).map(|_| panic!("no value"))), "Panicked");
        assert_eq!(run(crate::common::abandoned()), "Abandoned");
        assert_eq!(calls.load(SeqCst), 3 + every_failure().len());
    });
}

/// B13
#[test]
fn inspect_sees_the_outcome_and_leaves_it() {
    watched(|| {
        let seen = Log::new();
        let run = |promise: Typed<u8>| {
            let seen = seen.clone();
            verdict(&promise.inspect(move |outcome| seen.add(verdict(outcome))).get(PATIENCE))
        };
        assert_eq!(run(Promise::ready(1)), "Ok");
        assert_eq!(run(failed()), "Error");
        assert_eq!(run(Promise::settled(Err(Failure::Abandoned))), "Abandoned");
        assert_eq!(seen.entries(), ["Ok", "Error", "Abandoned"]);
    });
}
