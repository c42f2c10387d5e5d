//! A worker thread never dies of user code: after each panic the same thread runs the next job.

use crate::common::wakers::CountingWaker;
use crate::common::{Bomb, Gate, PATIENCE, deferred_on, flush, held, survives, verdict, watched};
use asynckit::{AnyError, Deferred, Failure, Inline, Pool, Promise, map_concurrent, retry};
use std::panic::panic_any;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

type Typed<T> = Promise<T, String>;
type Attach = fn(Typed<u8>) -> Typed<u8>;

/// J6
#[test]
fn jobs_that_panic_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            assert_eq!(verdict(&pool.run(|| -> u8 { panic!("text") }).get(PATIENCE)), "Panicked");
            assert_eq!(
                verdict(&pool.run(|| -> u8 { panic!("{} text", "formatted") }).get(PATIENCE)),
                "Panicked"
            );
            assert_eq!(
                verdict(&pool.run(|| -> u8 { panic_any(vec![1_u8]) }).get(PATIENCE)),
                "Panicked"
            );
            let mut typed: Typed<u8> = pool.spawn(|| -> Result<u8, String> { panic_any(()) });
            assert_eq!(verdict(&typed.get(PATIENCE)), "Panicked");
            for _ in 0..100 {
                drop(pool.run(|| -> u8 { panic!("and nobody looks") }));
            }
        })
    });
}

/// B5: in every kind of callback that sees a value, attached early and late
#[test]
fn callbacks_on_values_that_panic_leave_the_worker_alive() {
    let attaches: [(&str, Attach); 7] = [
        ("map", |p| p.map(|_| panic!("in map"))),
        ("then", |p| p.then(|_| -> Result<u8, String> { panic!("in then") })),
        ("then, adopting", |p| p.then(|_| -> Typed<u8> { panic!("in then") })),
        ("chain", |p| p.chain(|_| -> Result<u8, String> { panic!("in chain") })),
        ("handle", |p| p.handle(|_| -> Result<u8, String> { panic!("in handle") })),
        ("finally", |p| p.finally(|| panic!("in finally"))),
        ("inspect", |p| p.inspect(|_| panic!("in inspect"))),
    ];
    watched(move || {
        for (name, attach) in attaches {
            survives(|pool| {
                let gate = Gate::new();
                let mut early = attach(held(pool, &gate, || Ok(1)));
                gate.open();
                assert_eq!(verdict(&early.get(PATIENCE)), "Panicked", "{name}");
                let settled: Typed<u8> = pool.spawn(|| Ok(1));
                flush(pool);
                assert_eq!(verdict(&attach(settled).get(PATIENCE)), "Panicked", "{name}, late");
            });
        }
    });
}

/// B5: and in every kind that sees a failure
#[test]
fn callbacks_on_failures_that_panic_leave_the_worker_alive() {
    let attaches: [(&str, Attach, &str); 6] = [
        ("catch", |p| p.catch(|_| -> Result<u8, String> { panic!("in catch") }), "Panicked"),
        ("or_else", |p| p.or_else(|_| -> Result<u8, String> { panic!("in or_else") }), "Panicked"),
        ("catch_if", |p| p.catch_if(|_| panic!("in the test"), |_| Ok(1)), "Panicked"),
        ("map_err", |p| p.map_err(|_| panic!("in map_err")), "Panicked"),
        ("finally", |p| p.finally(|| panic!("in finally")), "Error"),
        ("inspect", |p| p.inspect(|_| panic!("in inspect")), "Error"),
    ];
    watched(move || {
        for (name, attach, expected) in attaches {
            survives(|pool| {
                let gate = Gate::new();
                let mut early = attach(held(pool, &gate, || Err("e".to_owned())));
                gate.open();
                assert_eq!(verdict(&early.get(PATIENCE)), expected, "{name}");
            });
        }
    });
}

/// Wakers that panic
#[test]
fn wakers_that_panic_leave_the_worker_alive() {
    struct PanickingWaker;
    impl Wake for PanickingWaker {
        fn wake(self: Arc<Self>) {
            panic!("the waker");
        }
    }
    watched(|| {
        survives(|pool| {
            let gate = Gate::new();
            let mut promise = held(pool, &gate, || Ok(1));
            let waker = Waker::from(Arc::new(PanickingWaker));
            let pinned = std::pin::Pin::new(&mut promise);
            assert!(Future::poll(pinned, &mut Context::from_waker(&waker)).is_pending());
            gate.open();
            flush(pool);
            assert!(CountingWaker::new().poll(&mut promise).is_ready());
        })
    });
}

/// Branches of one value: the one that panics stops neither its siblings nor the worker.
#[test]
fn branches_that_panic_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            let (deferred, promise): (Deferred<u8, String>, _) = deferred_on(pool);
            let shared = promise.share();
            let mut branches: Vec<_> = (0..10)
                .map(|n| {
                    let bomb = (n % 3 == 2).then(|| Bomb);
                    shared.map(move |_| {
                        _ = &bomb;
                        assert!(n % 3 != 1, "branch {n}");
                        n
                    })
                })
                .collect();
            deferred.resolve(1);
            for (n, branch) in branches.iter_mut().enumerate() {
                let outcome = branch.get(PATIENCE);
                match n % 3 {
                    0 => assert_eq!(outcome.unwrap(), n),
                    1 => assert_eq!(verdict(&outcome), "Panicked"),
                    _ => (), // it settled: what a bomb among the captures makes of it is not laid down
                }
            }
            assert_eq!(*shared.get(PATIENCE).unwrap(), 1);
        })
    });
}

#[test]
fn a_panic_tells_its_place_wherever_it_was() {
    const LINE: u32 = line!() + 2;
    fn boom<T>() -> T {
        panic!("boom")
    }
    type Made = Promise<u8>;
    fn place(mut promise: Made) -> String {
        match promise.get(PATIENCE) {
            Err(Failure::Panicked(panic)) => panic.location().unwrap_or("no place").to_owned(),
            other => panic!("not the panic: {other:?}"),
        }
    }
    watched(|| {
        let pool = Pool::new(2);
        let one = || pool.run(|| 1_u8);
        let failed = || pool.attempt(|| Err::<u8, _>(AnyError::msg("no")));
        let again = pool.clone();
        let made: [(&str, Made); 13] = [
            ("run", pool.run(boom)),
            ("spawn", pool.spawn(boom::<Result<u8, AnyError>>)),
            ("spawn_future", pool.spawn_future(async { boom::<Result<u8, AnyError>>() })),
            ("map", one().map(|_| boom())),
            ("then", one().then(|_| boom::<Result<u8, AnyError>>())),
            ("chain", one().chain(|_| boom::<Result<u8, AnyError>>())),
            ("catch", failed().catch(|_| boom::<Result<u8, AnyError>>())),
            ("finally", one().finally(boom)),
            ("inspect", one().inspect(|_| boom())),
            ("inline", one().via(Inline).map(|_| boom())),
            (
                "from_callback",
                Promise::from_callback(|_, _: Box<dyn Fn(AnyError) + Send + Sync>| boom()),
            ),
            ("retry", retry([Duration::ZERO], |_| boom())),
            (
                "map_concurrent",
                map_concurrent(0..2, 1, move |_| again.run(boom)).map(|all: Vec<u8>| all[0]),
            ),
        ];
        let expected = format!("{}:{LINE}:", file!());
        for (name, promise) in made {
            let place = place(promise);
            assert!(place.starts_with(&expected), "{name}: {place}");
        }
    });
}

#[test]
fn a_panic_that_a_job_goes_on_with_keeps_its_place() {
    watched(|| {
        let pool = Pool::new(2);
        let mut inner = pool.run(|| -> u8 { panic!("boom") });
        let Err(Failure::Panicked(first)) = inner.get(PATIENCE) else { panic!("it panics") };
        let place = first.location().map(str::to_owned);
        let mut outer = pool.run(|| -> u8 { first.resume() });
        let Err(Failure::Panicked(second)) = outer.get(PATIENCE) else { panic!("it panics") };
        assert!(place.is_some());
        assert_eq!(second.location(), place.as_deref());
    });
}
