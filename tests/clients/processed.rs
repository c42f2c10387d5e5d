//! A last step on the caller's thread.

use crate::common::*;
use asynckit::{Failure, Promise};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

#[test]
fn the_step_runs_on_the_thread_that_asks_and_need_not_be_send() {
    watched(|| {
        let (pool, here) = (one_worker(), Rc::new(thread::current().id()));
        let mut answer = pool.spawn(|| Ok::<_, String>(20)).process(|n| {
            assert_eq!(thread::current().id(), *here);
            Ok(n + 1)
        });
        assert_eq!(answer.get(PATIENCE).unwrap(), 21);
        assert_eq!(Rc::strong_count(&here), 1);
    });
}

#[test]
fn raw_and_processed_are_had_from_one_handle_in_any_order() {
    watched(|| {
        let mut asked = 0; // borrowed by the step
        let mut answer = Promise::<_, String>::ready(String::from("7")).process(|text| {
            asked += 1;
            text.parse::<u8>().map_err(|error| error.to_string())
        });
        assert_eq!(answer.raw(None).unwrap(), "7");
        assert_eq!((answer.get(None).unwrap(), answer.get(None).unwrap()), (7, 7));
        assert_eq!(answer.raw(None).unwrap(), "7");
        assert_eq!(answer.into_raw().get(None).unwrap(), "7");
        assert_eq!(asked, 2);
    });
}

#[test]
fn a_step_that_fails_or_panics_leaves_the_raw_value() {
    watched(|| {
        let mut calls = 0;
        let mut answer = Promise::<_, String>::ready(7).process(|n| {
            calls += 1;
            match calls {
                1 => Err("not yet".to_owned()),
                2 => panic!("boom"),
                _ => Ok(*n),
            }
        });
        assert!(is_error(answer.get(None), "not yet"));
        assert_eq!(panic_message(answer.get(None)), "boom");
        assert_eq!(answer.raw(None).unwrap(), &7);
        assert_eq!(answer.get(None).unwrap(), 7);
    });
}

#[test]
fn the_failure_of_the_promise_is_given_and_the_step_not_called() {
    watched(|| {
        for (name, failure) in every_failure() {
            let promise = Promise::<u8, String>::settled(Err(failure));
            let mut answer = promise.process(|_| -> Result<(), String> { unreachable!() });
            assert_eq!(verdict(&answer.get(None)), name);
        }
        let mut answer = Promise::<u8, _>::failed("no".to_owned()).process(|n| Ok(*n));
        assert!(is_error(answer.raw(None), "no"));
        assert!(matches!(answer.get(None), Err(Failure::Taken)));
    });
}

#[test]
fn a_wait_that_is_given_up_may_be_made_again_and_cancelling_reaches_the_root() {
    watched(|| {
        let (deferred, promise) = Promise::<u8, String>::deferred();
        let mut answer = promise.process(|n| Ok(n * 2));
        assert!(answer.get(Duration::from_millis(1)).unwrap_err().is_timed_out());
        assert!(!answer.is_set());
        answer.cancel();
        assert!(deferred.is_cancelled() && answer.is_set());
        assert!(answer.get(None).unwrap_err().is_cancelled());
    });
}

#[test]
fn it_is_awaited_and_the_step_runs_in_the_task() {
    watched(|| {
        let pool = one_worker();
        let text = pool.spawn(|| Ok::<_, String>(String::from("eleven")));
        let length = async move {
            let mut step = text.process(|text| Ok(text.len()));
            let awaited = (&mut step).await.map_err(|failure| failure.to_string())?;
            Ok::<_, String>((awaited, step.into_raw().await.unwrap()))
        };
        assert_eq!(pool.spawn_future(length).get(PATIENCE).unwrap(), (6, "eleven".to_owned()));
    });
}
