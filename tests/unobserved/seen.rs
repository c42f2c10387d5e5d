//! What counts as seen, and what does not.

use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{Gate, MOMENT, PATIENCE, every_failure, flush, held, is_error};
use crate::{Typed, alone_with_the_hook, failed, no, seen, texts, unseen};
use asynckit::{AsyncList, AsyncValue, Failure, IntoPromise, Pool, Promise};
use std::panic::resume_unwind;

/// Not seen: what does not look at the failure.
#[test]
fn these_do_not_look() {
    alone_with_the_hook(|| {
        unseen("nothing", |pool| drop(pool.spawn(no)));
        unseen("wait", |pool| assert!(pool.spawn(no).wait(PATIENCE)));
        unseen("is_error, is_set, Debug, trace", |pool| {
            let mut promise = pool.spawn(no);
            assert!(promise.wait(PATIENCE) && promise.is_error() && promise.is_set());
            assert_eq!(format!("{promise:?}"), "Promise(failed)");
            assert_eq!(promise.trace().steps().count(), 1);
        });
        unseen("links that skip it", |pool| drop(pool.spawn(no).map(|n| n).then(Ok).chain(Ok)));
        unseen("finally", |pool| drop(pool.spawn(no).finally(|| ())));
        unseen("a catch_if that says no", |pool| {
            drop(pool.spawn(no).catch_if(|_| false, |_| Ok(1)));
        });
        unseen("map_err", |pool| {
            drop(pool.spawn(|| Err::<u8, _>(1)).map_err(|_: i32| "no".to_owned()));
        });
        unseen("a get that timed out", |pool| {
            let gate = Gate::new();
            let mut promise = held(pool, &gate, no);
            assert!(promise.get(MOMENT).unwrap_err().is_timed_out());
        });
        // C7: who has adopted it, or follows it, tells of it; the other does not.
        unseen("adoption", |pool| drop(pool.spawn(|| Ok(1)).then(|_: u8| failed())));
        unseen("follow", |_| {
            let (deferred, promise) = Typed::<u8>::deferred();
            deferred.follow(failed());
            drop(promise);
        });
        unseen("a future that was polled before", |pool| {
            let gate = Gate::new();
            let mut promise = held(pool, &gate, no);
            assert!(CountingWaker::new().poll(&mut promise).is_pending());
            gate.open();
            assert!(promise.wait(PATIENCE));
        });
        unseen("work with a token", |pool| drop(pool.spawn_cancellable(|_| no())));
        unseen("a job that borrows", |pool| pool.scope(|scope| drop(scope.spawn(no))));
    });
}

/// I2: seen by whoever takes it, or is given it.
#[test]
fn these_look() {
    alone_with_the_hook(|| {
        seen("get", |pool| drop(pool.spawn(no).get(PATIENCE)));
        seen("try_get", |_| drop(failed().try_get()));
        seen("await", |pool| drop(block_on(pool.spawn(no))));
        seen("catch", |pool| drop(pool.spawn(no).catch(|_| Ok(1))));
        seen("or_else", |pool| drop(pool.spawn(no).or_else(|_| Ok(1))));
        seen("catch_if that says yes", |pool| drop(pool.spawn(no).catch_if(|_| true, |_| Ok(1))));
        seen("handle", |pool| drop(pool.spawn(no).handle(|_| Ok(1))));
        seen("get, taken twice", |pool| {
            let mut promise = pool.spawn(no);
            assert!(promise.get(PATIENCE).unwrap_err().is_error());
            assert!(promise.get(PATIENCE).unwrap_err().is_taken());
        });
        seen("a value", |pool| drop(pool.spawn(|| Ok::<u8, String>(1))));
    });
}

/// I2: and by `inspect`, though the failure goes on.
#[test]
fn inspect_looks() {
    alone_with_the_hook(|| {
        seen("inspect", |pool| drop(pool.spawn(no).inspect(|_| ())));
        seen("inspect, and links after it", |pool| {
            drop(pool.spawn(no).inspect(|_| ()).map(|n| n).finally(|| ()));
            drop(pool.spawn(no).inspect(|_| ()).catch_if(|_| false, |_| Ok(1)).map_err(|e| e));
        });
        seen("inspect, waited for", |pool| {
            assert!(pool.spawn(no).inspect(|_| ()).wait(PATIENCE));
        });
    });
}

/// A handler behind it that fails anew: that failure is another one, which `inspect` has not seen.
#[test]
fn inspect_has_not_seen_what_handlers_behind_it_fail_with() {
    fn inspected(pool: &Pool) -> Typed<u8> {
        pool.spawn(|| Err("another".to_owned())).inspect(|_| ())
    }
    alone_with_the_hook(|| {
        unseen("catch", |pool| drop(inspected(pool).catch(|_| no())));
        unseen("or_else", |pool| drop(inspected(pool).or_else(|_| no())));
        unseen("catch_if", |pool| drop(inspected(pool).catch_if(|_| true, |_| no())));
        unseen("handle", |pool| drop(inspected(pool).handle(|_| no())));
        unseen("and links behind it", |pool| {
            drop(inspected(pool).map(|n| n).catch(|_| no()).then(Ok).finally(|| ()));
        });
        seen("it panics", |pool| {
            let mut promise = inspected(pool).catch(|_| -> Result<u8, String> { panic!("no") });
            assert!(promise.get(PATIENCE).unwrap_err().is_panicked());
        });
    });
}

/// The same where something passes the failure on as an outcome of its own: it is the one that was seen.
#[test]
fn what_inspect_has_seen_stays_seen() {
    fn inspected(pool: &Pool) -> Typed<u8> {
        pool.spawn(no).inspect(|_| ())
    }
    fn list(pool: &Pool) -> AsyncList<u8, String> {
        [inspected(pool)].into_iter().collect()
    }
    alone_with_the_hook(|| {
        seen("timeout", |pool| drop(inspected(pool).timeout(PATIENCE)));
        seen("cancellable", |pool| drop(inspected(pool).cancellable()));
        seen("shield", |pool| drop(inspected(pool).shield()));
        seen("delay_value", |pool| drop(inspected(pool).delay_value(MOMENT)));
        seen("work with a token", |pool| {
            let inner = inspected(pool);
            drop(pool.spawn_cancellable(move |_| inner));
        });
        seen("join", |pool| drop(list(pool).join()));
        seen("race", |pool| drop(list(pool).race()));
        seen("a branch", |pool| drop(inspected(pool).share().map(|n| *n)));
        seen("a clone as a promise", |pool| drop(inspected(pool).share().into_promise()));
    });
}

/// I4: neither Cancelled nor the other failures that no user's code has made are reported.
#[test]
fn only_errors_and_panics_are_reported() {
    alone_with_the_hook(|| {
        seen("every other failure", |_| {
            for (name, failure) in every_failure() {
                if name != "Error" {
                    drop(Typed::<u8>::settled(Err(failure)));
                }
            }
        });
        seen("a cancelled promise", |pool| pool.deferred::<u8, String>().1.cancel());
        seen("an abandoned promise", |pool| drop(pool.deferred::<u8, String>()));
    });
}

/// What comes after a cancellation is dropped in silence.
#[test]
fn what_comes_after_a_cancellation_is_not_reported() {
    alone_with_the_hook(|| {
        seen("the promise is kept", |pool| {
            let gate = Gate::new();
            let promise = held(pool, &gate, no);
            gate.await_arrival(1);
            promise.cancel();
            gate.open();
            flush(pool);
        });
        seen("a deferred", |_| {
            let (deferred, promise) = Typed::<u8>::deferred();
            promise.cancel();
            deferred.reject("late".to_owned());
            drop(promise);
        });
        seen("links", |pool| {
            let gate = Gate::new();
            let promise = held(pool, &gate, no).map(|n| n).then(Ok);
            gate.await_arrival(1);
            promise.cancel();
            drop(promise);
        });
        seen("the promise is dropped", |pool| {
            let gate = Gate::new();
            let promise = held(pool, &gate, no);
            gate.await_arrival(1);
            promise.cancel();
            drop(promise);
        });
        seen("finally, and the promise is dropped", |pool| {
            let gate = Gate::new();
            let promise = held(pool, &gate, no).finally(|| ());
            gate.await_arrival(1);
            promise.cancel();
            drop(promise);
        });
    });
}

/// What a combinator drops after its outcome is settled.
#[test]
fn what_a_combinator_drops_is_not_reported() {
    fn two() -> AsyncList<u8, String> {
        [failed(), failed()].into_iter().collect()
    }
    alone_with_the_hook(|| {
        seen("a join that was got", |_| drop(two().join().get(PATIENCE)));
        seen("all outcomes", |_| drop(two().settled()));
        seen("all outcomes, got", |_| drop(two().settled().get(PATIENCE)));
        unseen("a join: one for all", |_| drop(two().join()));
        seen("a join whose items fail later", |_| {
            let (deferred, promise) = Typed::<u8>::deferred();
            let mut join = [failed(), promise].into_iter().collect::<AsyncList<_, _>>().join();
            assert!(join.get(PATIENCE).unwrap_err().is_error());
            drop(join);
            deferred.reject("late".to_owned());
        });
    });
}

/// The same for a list that was got: its outcome is settled by the first failure.
#[test]
fn what_a_list_drops_after_its_failure_was_got_is_not_reported() {
    alone_with_the_hook(|| {
        seen("another one has failed, too", |_| {
            let mut list: AsyncList<u8, String> = [failed(), failed()].into_iter().collect();
            assert!(list.get(PATIENCE).unwrap_err().is_error());
        });
        seen("another one fails later", |_| {
            let (deferred, promise) = Typed::<u8>::deferred();
            let mut list: AsyncList<u8, String> = [failed(), promise].into_iter().collect();
            assert!(list.get(PATIENCE).unwrap_err().is_error());
            drop(list);
            deferred.reject("late".to_owned());
        });
    });
}

/// A list that nobody asked: each of its failures was dropped unseen.
#[test]
fn a_list_dropped_unseen_reports_its_failures() {
    alone_with_the_hook(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut list: AsyncList<u8, String> =
            [Promise::failed("a".to_owned()), promise, Promise::ready(1)].into_iter().collect();
        assert!(list.wait(PATIENCE) && list.is_error());
        drop(list);
        assert_eq!(texts(), ["a"]);
        deferred.reject("b".to_owned());
        assert_eq!(texts(), ["a", "b"]);
    });
}

/// I7: a shared value: one report however many handles; none when one reader got it.
#[test]
fn a_shared_failure_is_reported_once_or_not_at_all() {
    alone_with_the_hook(|| {
        unseen("two handles", |pool| {
            let value = pool.spawn(no).share();
            drop(value.clone());
        });
        seen("one reader got it", |pool| {
            let value = pool.spawn(no).share();
            assert!(value.clone().get(PATIENCE).unwrap_err().is_error());
        });
        seen("try_get", |_| drop(failed().share().try_get()));
        seen("awaited", |_| drop(block_on(failed().share())));
        unseen("waited for", |pool| assert!(pool.spawn(no).share().wait(PATIENCE)));
        unseen("a branch that nobody looks at", |pool| drop(pool.spawn(no).share().map(|n| *n)));
        seen("a branch that was got, and nobody else", |pool| {
            assert!(pool.spawn(no).share().map(|n| *n).get(PATIENCE).unwrap_err().is_error());
        });
        unseen("a clone as a promise", |pool| drop(pool.spawn(no).share().into_promise()));
        unseen("an event", |_| {
            let event = AsyncValue::<u8, String>::new();
            event.fail("no".to_owned()).unwrap();
        });
    });
}

/// I2: of a shared failure each branch has a clone. When a reader was shown one, no other is reported, whatever the order.
#[test]
fn branches_do_not_report_what_a_reader_was_shown() {
    alone_with_the_hook(|| {
        type Read = fn(&AsyncValue<u8, String>);
        let reads: [(&str, Read); 4] = [
            ("get", |value| assert!(value.get(PATIENCE).is_err())),
            ("try_get", |value| assert!(value.try_get().is_some_and(|outcome| outcome.is_err()))),
            ("await", |value| assert!(block_on(value.clone()).is_err())),
            ("get of a branch", |value| assert!(value.map(|n| *n).get(PATIENCE).is_err())),
        ];
        for (name, read) in reads {
            seen(name, |pool| {
                let value = pool.spawn(no).share();
                let before = [value.then(|n| Ok(*n)), value.map(|n| *n).map(|n| n)];
                assert!(
                    value.wait(PATIENCE)
                        && before.iter().all(|branch| !branch.is_set() || branch.is_error())
                );
                let after = [value.map(|n| *n), value.clone().into_promise()];
                for branch in before.into_iter().chain(after) {
                    let mut branch = branch;
                    assert!(branch.wait(PATIENCE));
                    read(&value);
                    drop(branch);
                }
                read(&value);
            });
        }
        unseen("no reader", |pool| {
            let value = pool.spawn(no).share();
            assert!(value.wait(PATIENCE));
            drop(value.map(|n| *n));
        });
    });
}

/// A value's failure that was shown is seen; one that only a panic of what looks comes of is told.
#[test]
fn what_a_values_callbacks_were_shown_is_seen() {
    alone_with_the_hook(|| {
        seen("handle", |_| drop(failed().share().handle(|outcome| Ok(outcome.is_ok()))));
        seen("catch", |_| drop(failed().share().catch(|_| Ok(1))));
        seen("inspect", |_| drop(failed().share().inspect(|outcome| assert!(outcome.is_err()))));
        unseen("cloned", |_| drop(failed().share().cloned()));
    });
}

/// What takes no failure's place is told of; what passes is as seen as it was.
#[test]
fn a_failure_beside_that_gives_way_is_told_of() {
    alone_with_the_hook(|| {
        let kept = || Typed::<u8>::failed("kept".to_owned());
        let beside = || Typed::<()>::failed("no".to_owned());
        let ends_with = |text: &str, through: Typed<u8>| {
            assert!(is_error({ through }.get(PATIENCE), text));
        };
        unseen("what comes later", |pool| {
            let later = pool.spawn(no).map(drop);
            ends_with("kept", kept().finally_then(move || later));
        });
        unseen("what is there", |_| ends_with("kept", kept().finally_then(beside)));
        unseen("a result", |_| ends_with("kept", kept().finally_then(|| Err("no".to_owned()))));
        unseen("behind inspect_then", |_| {
            ends_with("kept", kept().inspect_then(move |_| beside()))
        });
        unseen("behind a cancellation", |_| {
            let cancelled = Typed::<u8>::settled(Err(Failure::Cancelled));
            drop(cancelled.finally_then(|| Err("no".to_owned())));
        });
        seen("what was given up", |_| {
            ends_with("kept", kept().finally_then(|| Typed::settled(Err(Failure::Cancelled))));
        });
        seen("what was seen before", |_| {
            let looked = beside().inspect(|outcome| assert!(outcome.is_err()));
            ends_with("kept", kept().finally_then(move || looked));
        });
        seen("beside a value", |_| ends_with("no", Typed::ready(1).finally_then(beside)));
        unseen("finally_then that passes it on", |_| drop(failed().finally_then(|| Ok(()))));
        seen("inspect_then that passes it on", |_| drop(failed().inspect_then(|_| Ok(()))));
        seen("inspect, and finally_then", |_| {
            let looked = failed().inspect(|outcome| assert!(outcome.is_err()));
            drop(looked.finally_then(|| Ok(())));
        });
        let panics = || -> Typed<()> { resume_unwind(Box::new("no")) };
        ends_with("kept", kept().finally_then(panics));
        assert_eq!(texts(), ["panicked: no"]);
    });
}
