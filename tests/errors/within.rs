//! A job or a callback calls a function that returns one of these, and writes `?` behind it.

use crate::*;
use asynckit::{AnyError, AsyncList, Pool, Promise, map_concurrent, retry};

fn said(mut promise: Promise<u32>) -> Vec<String> {
    told(&promise.get(PATIENCE).unwrap_err())
}

/// Runs a function, with `?` behind its call, wherever the user's code runs.
macro_rules! everywhere {
    ($name:ident, $call:expr, $told:expr) => {
        #[test]
        fn $name() {
            let pool = Pool::new(2);
            let told: &[&str] = &$told;
            let spawned: Promise<u32> = pool.spawn(|| {
                let number = $call?;
                Ok(number + 1)
            });
            assert_eq!(said(spawned), told);
            assert_eq!(said(pool.attempt(|| Ok($call?))), told);
            assert_eq!(said(pool.run(|| 1).then(|n| Ok($call? + n))), told);
            assert_eq!(said(pool.run(|| 1).chain(|n| Ok($call? + n))), told);
            assert_eq!(said(pool.run(|| 1).handle(|n| Ok($call? + n?))), told);
            let failed = || pool.attempt(|| Err(AnyError::msg("first")));
            assert_eq!(said(failed().catch(|_| Ok($call?))), told);
            assert_eq!(said(failed().or_else(|_| Ok($call?))), told);
            assert_eq!(said(pool.spawn_future(async { Ok($call?) })), told);
            assert_eq!(said(pool.spawn_cancellable(|_| Ok($call?))), told);
            let list: AsyncList<u32> = (0..2).map(|_| pool.spawn(|| Ok($call?))).collect();
            assert_eq!(said(list.map(|all| all[0])), told);
            let joined = asynckit::join((pool.attempt(|| Ok($call?)), pool.run(|| 1)));
            assert_eq!(said(joined.map(|(one, other)| one + other)), told);
            let again = pool.clone();
            assert_eq!(said(retry([Duration::ZERO], move |_| again.attempt(|| Ok($call?)))), told);
            let again = pool.clone();
            let mapped = map_concurrent(0..2, 1, move |_| again.attempt(|| Ok($call?)));
            assert_eq!(said(mapped.map(|all| all[0])), told);
        }
    };
}

everywhere!(anyhow_in_a_job, in_anyhow(), ["no page", "cable cut"]);
everywhere!(eyre_in_a_job, in_eyre(), ["no page", "cable cut"]);
everywhere!(a_box_in_a_job, in_box(), ["no page"]);
everywhere!(a_string_in_a_job, in_string(), ["no page"]);
everywhere!(a_str_in_a_job, in_str(), ["no page"]);
everywhere!(an_io_error_in_a_job, in_io(), ["cable cut"]);
everywhere!(
    an_error_of_the_application_in_a_job,
    in_app(),
    ["cannot read the settings", "cable cut"]
);
everywhere!(any_error_in_a_job, in_any(), ["no page"]);
// Not `Send`, so the language forbids the bare `?`: the one documented method.
everywhere!(a_local_box_in_a_job, in_local_box().map_err(AnyError::from_local), ["no page"]);

#[test]
fn what_went_through_anyhow_is_found_as_a_cause() {
    let failure = Pool::global().attempt(|| Ok(in_anyhow()?)).get(PATIENCE).unwrap_err();
    let cause = std::error::Error::source(&failure).expect("the context has a cause");
    assert!(cause.is::<io::Error>());
}

#[test]
fn a_failure_that_goes_through_a_job_stays_what_it_is() {
    let (_deferred, mut inner) = Promise::<u32>::deferred();
    inner.cancel();
    let mut outer = Pool::global().attempt(move || Ok(inner.get(None)?));
    assert!(outer.get(PATIENCE).unwrap_err().is_cancelled());
}
