//! `Promise::try_now`: work that is done now, and whose outcome is a promise.

use crate::common::{PATIENCE, one_worker, watched, worker_id};
use asynckit::{Failure, Promise};
use std::rc::Rc;
use std::thread;

type Typed<T> = Promise<T, String>;

#[test]
fn it_is_called_at_once_on_this_thread() {
    let (here, local) = (thread::current().id(), Rc::new(7));
    let mut promise = Typed::try_now(|| Ok((thread::current().id(), *local)));
    assert!(promise.is_set());
    assert_eq!(promise.get(None).unwrap(), (here, 7));
}

#[test]
fn errors_and_panics_are_its_failure() {
    let mut failed = Typed::<u8>::try_now(|| Err("no".to_owned()));
    assert!(matches!(failed.get(None), Err(Failure::Error(error)) if error == "no"));
    let mut bad = Typed::<u8>::try_now(|| -> Result<u8, String> { panic!("on purpose") });
    let failure = bad.get(None).unwrap_err();
    assert!(matches!(&failure, Failure::Panicked(panic) if panic.message() == "on purpose"));
}

#[test]
fn a_promise_is_passed_on_with_its_executor() {
    watched(|| {
        let pool = one_worker();
        let worker = worker_id(&pool);
        let (deferred, promise) = pool.deferred::<u8, String>();
        let passed = Promise::try_now(|| promise);
        assert!(!passed.is_set());
        let mut ran_on = passed.map(|_| thread::current().id());
        deferred.resolve(1);
        assert_eq!(ran_on.get(PATIENCE).unwrap(), worker);
        let (deferred, promise) = Typed::<u8>::deferred();
        Promise::try_now(|| promise).cancel();
        assert!(deferred.is_cancelled());
    });
}

/// The place is the caller's, not one in here.
#[test]
fn a_failure_comes_from_where_it_was_called() {
    let here = line!() + 1;
    let failed = Typed::<u8>::try_now(|| Err("no".to_owned()));
    let trace = failed.trace();
    let lines: Vec<_> = trace.steps().map(|step| (step.file(), step.line())).collect();
    assert_eq!(lines, [(file!(), here)]);
}
