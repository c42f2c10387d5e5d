//! What comes after a value whatever its outcome is, and promises of it: `handle`, `catch`, `inspect`, `cloned`,
//! `timeout`, `via`.

use crate::common::{
    Bomb, DropCounter, Gate, Log, PATIENCE, Token, deferred_on, eventually, flush, held, is_error,
    kind, named_pool, one_worker, verdict, watched,
};
use asynckit::{AsyncValue, Deferred, Failure, LocalQueue, Pool, Promise, Shutdown};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;
type Value<T> = AsyncValue<T, String>;

fn value() -> (Deferred<u8, String>, Value<u8>) {
    let (deferred, promise) = Typed::deferred();
    (deferred, promise.share())
}

fn outcomes() -> [Result<u8, Failure<String>>; 4] {
    let error = Failure::Error("no".to_owned());
    [Ok(1), Err(error), Err(Failure::TimedOut), Err(Failure::Cancelled)]
}

#[test]
fn handle_gets_every_outcome_before_and_after_it_is_there() {
    watched(|| {
        for outcome in outcomes() {
            let name = verdict(&outcome);
            let expected = outcome.as_ref().map_or(0, |n| *n);
            let (deferred, value) = value();
            let handle = |value: &Value<u8>| {
                value.handle(|outcome| {
                    let seen = outcome.copied();
                    Ok((verdict(&seen), seen.unwrap_or(0)))
                })
            };
            let early = handle(&value);
            deferred.settle(outcome);
            for mut handled in [early, handle(&value)] {
                assert_eq!(handled.get(PATIENCE).unwrap(), (name, expected));
            }
        }
    });
}

/// What it returns is adopted; its own failure and its panic are the outcome; the value needs no `Clone`.
#[test]
fn what_handle_returns_is_the_outcome() {
    watched(|| {
        let drops = DropCounter::default();
        let value: AsyncValue<Token, String> = Typed::ready(drops.token()).share();
        let mut adopted = value.handle(|_| Typed::ready(7));
        assert_eq!(adopted.get(PATIENCE).unwrap(), 7);
        assert!(is_error(value.handle(|_| Err::<u8, _>("mine".to_owned())).get(PATIENCE), "mine"));
        let mut panics = value.handle(|_| -> Typed<u8> { panic!("on purpose") });
        assert!(panics.get(PATIENCE).unwrap_err().is_panicked());
        assert_eq!(drops.dropped(), 0);
        drop(value);
        assert_eq!(drops.dropped(), 1, "nothing keeps it");
    });
}

#[test]
fn callbacks_run_on_the_executor_of_the_value() {
    watched(|| {
        let pool = named_pool(1, "value-outcome");
        let name = || thread::current().name().unwrap_or("").to_owned();
        let (deferred, promise) = deferred_on::<u8, String>(&pool);
        let value = promise.share();
        let (handled, log) = (value.handle(move |_| Ok(name())), Log::new());
        let own = log.clone();
        value.inspect(move |_| own.add(name()));
        deferred.reject("no".to_owned()); // a failure, too
        assert!({ handled }.get(PATIENCE).unwrap().starts_with("value-outcome"));
        eventually("it looks", || log.entries().len() == 1);
        assert!(log.entries()[0].starts_with("value-outcome"));
        let own = thread::current().id();
        let ui = LocalQueue::new();
        let mut here =
            value.clone().via(&ui).catch(|_| Ok(0)).map(move |_| thread::current().id() == own);
        assert!(ui.get(&mut here, PATIENCE).unwrap());
    });
}

#[test]
fn catch_gets_a_clone_of_the_failure_and_passes_a_value() {
    watched(|| {
        let (deferred, value) = value();
        let mut caught = value.catch(|failure| Ok(if failure.is_error() { 9 } else { 0 }));
        deferred.reject("no".to_owned());
        assert_eq!(caught.get(PATIENCE).unwrap(), 9);
        assert!(is_error(value.get(None).map(drop), "no"), "the others have it as it was");
        let value = Typed::ready(3_u8).share();
        assert_eq!(value.catch(|_| -> Typed<u8> { unreachable!() }).get(PATIENCE).unwrap(), 3);
    });
}

#[test]
fn inspect_looks_once_and_gives_the_value_on() {
    watched(|| {
        for outcome in outcomes() {
            let name = verdict(&outcome);
            let (log, (deferred, value)) = (Log::new(), value());
            let (early, late) = (log.clone(), log.clone());
            let on = value.inspect(move |outcome| {
                early.add(outcome.map_or_else(kind, |_| "Ok"));
            });
            assert!(!on.is_set());
            deferred.settle(outcome);
            assert_eq!(verdict(&on.get(PATIENCE)), name);
            on.inspect(move |outcome| {
                late.add(outcome.map_or_else(kind, |_| "Ok"));
            });
            eventually("both look", || log.entries().len() == 2);
            assert_eq!(log.entries(), [name, name]);
        }
    });
}

/// Neither what looks nor what it was given keeps the value wanted; it is told of the cancellation.
#[test]
fn an_inspected_value_is_cancelled_by_its_other_owners() {
    watched(|| {
        let (log, (deferred, value)) = (Log::new(), value());
        let own = log.clone();
        drop(value.inspect(move |outcome| own.add(outcome.is_err_and(Failure::is_cancelled))));
        value.cancel();
        assert!(deferred.is_cancelled() && value.is_set());
        eventually("it looks", || log.entries() == [true]);
        // An event whose last handle goes.
        let (event, log) = (Value::<u8>::new(), Log::new());
        let own = log.clone();
        event.inspect(move |outcome| own.add(outcome.is_err_and(Failure::is_abandoned)));
        let handled =
            event.handle(|outcome| Ok(outcome.is_err_and(|failure| failure.is_abandoned())));
        drop(event);
        assert!({ handled }.get(PATIENCE).unwrap());
        eventually("it looks", || log.entries() == [true]);
    });
}

/// The last that wants it is a callback.
#[test]
fn what_handles_a_value_wants_it_until_it_is_cancelled() {
    watched(|| {
        let drops = DropCounter::default();
        type Branch = fn(&Value<u8>, Token) -> Typed<u8>;
        let branches: [Branch; 4] = [
            |value, token| {
                value.handle(move |_| {
                    drop(token);
                    Ok(1)
                })
            },
            |value, token| {
                value.catch(move |_| {
                    drop(token);
                    Ok(1)
                })
            },
            |value, token| value.cloned().finally(move || drop(token)),
            |value, token| value.timeout(PATIENCE).finally(move || drop(token)),
        ];
        for (count, branch) in (1..).zip(branches) {
            let (deferred, value) = value();
            let promise = branch(&value, drops.token());
            value.cancel();
            drop(value);
            assert!(!deferred.is_cancelled(), "it is wanted");
            promise.cancel();
            assert!(deferred.is_cancelled());
            drop(promise);
            eventually("what was carried goes", || drops.dropped() == count);
        }
    });
}

#[test]
fn a_timeout_of_a_value_lets_the_others_wait() {
    watched(|| {
        let (deferred, value) = value();
        let mut late = value.timeout(Duration::ZERO);
        assert!(late.get(PATIENCE).unwrap_err().is_timed_out());
        assert!(!deferred.is_cancelled());
        let mut in_time = value.timeout(PATIENCE);
        deferred.resolve(1);
        assert_eq!((in_time.get(PATIENCE).unwrap(), value.get(None).unwrap()), (1, &1));
        // Nobody else wants it.
        let (deferred, value) = crate::outcome::value();
        let mut late = value.timeout(Duration::from_millis(5));
        drop(value);
        assert!(late.get(PATIENCE).unwrap_err().is_timed_out());
        eventually("it is cancelled", || deferred.is_cancelled());
    });
}

#[test]
fn panics_are_contained_also_those_of_drops() {
    watched(|| {
        let pool = one_worker();
        let (gate, bomb) = (Gate::new(), Bomb);
        let value = held(&pool, &gate, || Ok(1)).share();
        value.inspect(|_| panic!("on purpose"));
        let mut handled = value.handle(move |_| {
            let _bomb = bomb;
            Ok(1)
        });
        value.handle(|_| Ok(Bomb)).detach();
        gate.open();
        assert!(handled.get(PATIENCE).unwrap_err().is_panicked());
        flush(&pool);
        assert_eq!(value.get(PATIENCE).unwrap(), &1);
    });
}

/// Also that of a failure, which a callback was shown that panics itself.
#[test]
fn a_failure_may_panic_where_it_is_dropped() {
    #[derive(Clone)]
    struct Armed;
    impl Drop for Armed {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    watched(|| {
        let (deferred, promise) = Promise::<u8, Armed>::deferred();
        let (value, log) = (promise.share(), Log::new());
        let own = log.clone();
        value.inspect(move |outcome| {
            own.add(outcome.is_err());
            panic!("on purpose");
        });
        deferred.reject(Armed);
        eventually("it looks", || log.entries() == [true]);
        flush(Pool::global());
    });
}

/// A worker that waits runs the job that the value comes of, also where no thread can take its place; what handles the
/// value is a callback of its own, for which one does.
#[test]
fn a_worker_that_waits_runs_what_the_value_comes_of() {
    watched(|| {
        let value = |pool: &Pool| pool.run(|| 20).map_err(|_| String::new()).share();
        for spares in [0, 1] {
            let pool = Pool::builder().workers(1).max_spare_workers(spares).build().unwrap();
            let own = pool.clone();
            let mut waits = pool.spawn(move || {
                let copied = value(&own).cloned().get(None)?;
                let handle = |outcome: Result<&i32, _>| Ok(outcome.map_or(0, |n| n + 1));
                let handled = if spares > 0 { value(&own).handle(handle).get(None)? } else { 21 };
                Ok::<_, Failure<String>>(copied + handled)
            });
            assert_eq!(waits.get(PATIENCE).unwrap(), 41);
        }
    });
}

/// Where the value's pool was shut down they run on the global one.
#[test]
fn a_shut_down_pool_leaves_them_to_the_global_one() {
    watched(|| {
        let pool = one_worker();
        let (deferred, promise) = deferred_on::<u8, String>(&pool);
        let value = promise.share();
        flush(&pool);
        let (handled, log) = (value.handle(|outcome| Ok(outcome.is_ok())), Log::new());
        let own = log.clone();
        value.inspect(move |_| own.add(()));
        pool.shutdown(Shutdown::Drain, None);
        deferred.resolve(1);
        assert!({ handled }.get(PATIENCE).unwrap());
        eventually("it looks", || log.entries().len() == 1);
    });
}
