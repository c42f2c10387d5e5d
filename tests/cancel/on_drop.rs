//! Promises that are cancelled where they are dropped: `Pool::deferred_cancel_on_drop`.

use crate::common::{
    DropCounter, SMALL_STACK, eventually, run_on_small_stack, watched, watched_long,
};
use asynckit::{AsyncList, Deferred, Pool, Promise};
use std::sync::mpsc;

fn fragile() -> (Deferred<u8, String>, Promise<u8, String>) {
    Pool::global().deferred_cancel_on_drop()
}

#[test]
fn dropping_it_cancels_it_and_calls_its_handlers_once() {
    watched(|| {
        let (mut deferred, promise) = fragile();
        let (told, tells) = mpsc::channel();
        deferred.on_cancel(move || told.send(()).expect("the test waits"));
        drop(promise);
        assert!(deferred.is_cancelled());
        assert_eq!(tells.iter().count(), 1);
        deferred.resolve(1);
    });
}

#[test]
fn dropping_what_was_derived_from_it_cancels_it_and_runs_no_callback() {
    watched(|| {
        let (deferred, promise) = fragile();
        let drops = DropCounter::default();
        let token = drops.token();
        let derived = promise.map(move |n| (n, token).0).then(|n| Ok(u32::from(n)));
        drop(derived);
        assert!(deferred.is_cancelled());
        deferred.resolve(1);
        assert_eq!(drops.dropped(), 1);
    });
}

#[test]
fn a_promise_that_was_adopted_is_cancelled_with_the_one_that_adopted_it() {
    watched(|| {
        let (first, promise) = fragile();
        let (second, inner) = fragile();
        let (adopt, adopted) = mpsc::channel();
        let outer = promise.then(move |_| {
            adopt.send(()).expect("the test waits");
            inner
        });
        first.resolve(1);
        adopted.recv().expect("the callback");
        drop(outer);
        // The callback has returned a moment after it has told.
        eventually("the inner promise is cancelled", || second.is_cancelled());
    });
}

#[test]
fn dropping_a_list_of_them_cancels_each() {
    watched(|| {
        let (deferreds, promises): (Vec<_>, Vec<_>) = (0..3).map(|_| fragile()).unzip();
        drop(AsyncList::from_iter(promises));
        assert!(deferreds.iter().all(Deferred::is_cancelled));
    });
}

#[test]
fn detached_it_goes_on() {
    watched(|| {
        let (deferred, promise) = fragile();
        let (tell, told) = mpsc::channel();
        promise.map(move |n| tell.send(n)).detach();
        assert!(!deferred.is_cancelled());
        deferred.resolve(7);
        assert_eq!(told.recv(), Ok(7));
    });
}

#[test]
fn what_has_settled_is_dropped_as_always() {
    watched(|| {
        let drops = DropCounter::default();
        let (deferred, promise) = Pool::global().deferred_cancel_on_drop::<_, String>();
        deferred.resolve(drops.token());
        assert!(promise.is_set());
        drop(promise);
        assert_eq!(drops.dropped(), 1);
        let (deferred, mut promise) = fragile();
        deferred.resolve(3);
        assert_eq!(promise.get(None).expect("the value"), 3);
        promise.detach();
    });
}

/// Each is owned by a callback of the one before, so that dropping the first drops and cancels all of them.
#[test]
fn any_depth_of_them_is_dropped_on_a_small_stack() {
    watched_long(|| {
        run_on_small_stack(SMALL_STACK, || {
            let (mut last, mut promise) = fragile();
            let (told, tells) = mpsc::channel();
            last.on_cancel(move || told.send(()).expect("the test waits"));
            let mut deferreds = vec![last];
            for _ in 0..20_000 {
                let (deferred, next) = fragile();
                let inner = std::mem::replace(&mut promise, next);
                promise = promise.map(move |n| {
                    drop(inner);
                    n
                });
                deferreds.push(deferred);
            }
            drop(promise);
            assert_eq!(tells.iter().count(), 1);
            assert!(deferreds.iter().all(Deferred::is_cancelled));
        });
    });
}
