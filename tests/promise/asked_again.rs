//! What a promise says that is asked again: a failure with nothing of the user's in it is given each time.

use crate::common::wakers::block_on;
use crate::common::{MOMENT, every_failure, verdict, watched};
use asynckit::{AsyncList, Failure, Promise};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

type Typed<T> = Promise<T, String>;

/// What it says first, and what from then on.
fn all() -> Vec<(Failure<String>, &'static str, &'static str)> {
    let again = |name: &'static str| if name == "Error" { "Taken" } else { name };
    every_failure().into_iter().map(|(name, failure)| (failure, name, again(name))).collect()
}

fn polled(promise: &mut Typed<u8>) -> &'static str {
    match Pin::new(promise).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => verdict(&outcome),
        Poll::Pending => "pending",
    }
}

#[test]
fn a_failure_without_anything_of_the_users_is_given_again() {
    watched(|| {
        for (failure, first, again) in all() {
            let settled = || Typed::<u8>::settled(Err(failure.clone()));
            let mut promise = settled();
            assert_eq!(verdict(&promise.get(None)), first);
            for _ in 0..3 {
                assert_eq!(verdict(&promise.get(None)), again);
                assert_eq!(verdict(&promise.get(MOMENT)), again);
                assert_eq!(verdict(&promise.try_get().unwrap()), again);
                assert_eq!(polled(&mut promise), again);
                assert!(promise.is_set() && promise.is_error());
                assert_eq!(promise.trace().steps().count(), 1, "{first}");
            }
            assert_eq!(verdict(&block_on(&mut promise)), again);
            assert_eq!(verdict(&promise.map(|n| n).get(None)), again, "{first}, passed on");
            let mut listed: AsyncList<u8, String> = [settled()].into_iter().collect();
            assert_eq!(verdict(&listed.get(None)), first);
            assert_eq!(verdict(&listed.get(None)), again);
            assert!(listed.is_set() && listed.is_error());
            assert_eq!(
                verdict(&listed.settled().get(None).unwrap()[0]),
                again,
                "{first}, of a list"
            );
        }
    });
}

/// The same behind links, and where it was cancelled in place.
#[test]
fn a_cancelled_promise_says_so_each_time() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut promise = promise.map(|n| n).then(Ok);
        promise.cancel();
        for _ in 0..3 {
            assert_eq!(verdict(&promise.get(None)), "Cancelled");
            assert_eq!(polled(&mut promise), "Cancelled");
            assert_eq!(format!("{promise:?}"), "Promise(cancelled)");
        }
        assert!(deferred.is_cancelled());
        let mut list: AsyncList<u8, String> = [promise, Typed::ready(1)].into_iter().collect();
        assert_eq!(verdict(&list.get(None)), "Cancelled");
        let verdicts: Vec<_> = list.settled().get(None).unwrap().iter().map(verdict).collect();
        assert_eq!(verdicts, ["Cancelled", "Ok"]);
    });
}

/// A value, an error or a panic is there once.
#[test]
fn what_is_of_the_users_is_taken_once() {
    watched(|| {
        for mut promise in [Typed::ready(1), Typed::failed("no".to_owned())] {
            let first = promise.try_get().map(|outcome| verdict(&outcome));
            assert!(first == Some("Ok") || first == Some("Error"));
            assert_eq!(verdict(&promise.get(None)), "Taken");
        }
        let mut panicked = Typed::<u8>::ready(1).map(|_| -> u8 { panic!("boom") });
        assert_eq!(verdict(&panicked.get(None)), "Panicked");
        assert_eq!(verdict(&panicked.get(None)), "Taken");
        assert_eq!(verdict(&panicked.get(None)), "Taken");
    });
}
