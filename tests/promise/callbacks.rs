//! Callbacks: that each runs once, with what, and what becomes of what it returns (conformance, section B).
//!
//! Where and when they run is in `callback_order.rs`. B14, B15 and B17 (many handlers on one value) are in `value/`.

use crate::common::{
    DropCounter, Log, MOMENT, PATIENCE, Token, every_failure, is_error, kind, one_worker,
    panic_message, three_cases, watched,
};
use asynckit::{Failure, Promise};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

fn failed() -> Typed<u8> {
    Promise::failed("the source".to_owned())
}

/// B1
#[test]
fn each_kind_of_continuation_runs_once_with_the_value() {
    watched(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = || {
            let calls = calls.clone();
            move |n: u8| {
                calls.fetch_add(1, SeqCst);
                n + 1
            }
        };
        let check = |mut promise: Typed<u8>| {
            assert_eq!(promise.get(PATIENCE).unwrap(), 42);
            assert_eq!(calls.swap(0, SeqCst), 1);
        };
        three_cases(|| Ok(41), |p| p.map(count()), check);
        three_cases(
            || Ok(41),
            |p| {
                let f = count();
                p.then(move |n| Ok(f(n)))
            },
            check,
        );
        three_cases(
            || Ok(41),
            |p| {
                let f = count();
                p.then(move |n| Promise::ready(f(n)))
            },
            check,
        );
        three_cases(
            || Ok(41),
            |p| {
                let f = count();
                p.chain(move |n| Ok(f(n)))
            },
            check,
        );
        three_cases(
            || Ok(41),
            |p| {
                let f = count();
                p.chain_on(&one_worker_for_ever(), move |n| Ok(f(n)))
            },
            check,
        );
        three_cases(
            || Ok(41),
            |p| {
                let f = count();
                p.handle(move |n| Ok(f(n.unwrap())))
            },
            check,
        );
    });
}

/// A pool that outlives its jobs here: the last handle of one that is dropped would refuse them.
fn one_worker_for_ever() -> asynckit::Pool {
    static POOL: std::sync::OnceLock<asynckit::Pool> = std::sync::OnceLock::new();
    POOL.get_or_init(one_worker).clone()
}

/// B1: never before it is settled, never if it never is.
#[test]
fn nothing_runs_before_the_source_settles() {
    watched(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let (deferred, promise) = Typed::<u8>::deferred();
        let (counted, counted_too) = (calls.clone(), calls.clone());
        let mut derived = promise
            .map(move |n| {
                counted.fetch_add(1, SeqCst);
                n
            })
            .finally(move || {
                counted_too.fetch_add(1, SeqCst);
            });
        assert!(derived.get(MOMENT).unwrap_err().is_timed_out());
        assert_eq!(calls.load(SeqCst), 0);
        deferred.resolve(1);
        assert_eq!(derived.get(PATIENCE).unwrap(), 1);
        assert_eq!(calls.load(SeqCst), 2);
    });
}

/// B3, D17: no closure runs on the way of a failure, of any kind, and it arrives as it was.
#[test]
fn a_failure_passes_every_continuation_unchanged() {
    watched(|| {
        for (name, failure) in every_failure() {
            let log = Log::new();
            let (a, b, c, d) = (log.clone(), log.clone(), log.clone(), log.clone());
            let mut end = Typed::<u8>::settled(Err(failure))
                .map(move |n| {
                    a.add("map");
                    n
                })
                .then(move |n| {
                    b.add("then");
                    Ok(n)
                })
                .chain(move |n| {
                    c.add("chain");
                    Ok(n)
                })
                .chain_on(&one_worker_for_ever(), move |n| {
                    d.add("chain_on");
                    Ok(n)
                });
            assert_eq!(kind(&end.get(PATIENCE).unwrap_err()), name);
            assert_eq!(log.entries(), [""; 0]);
        }
    });
}

/// B3, for a panic: its payload passes on too.
#[test]
fn a_panic_passes_every_continuation_with_its_payload() {
    watched(|| {
        let mut end: Typed<u8> = Promise::ready(1)
            .map(|n: u8| if n == 1 { std::panic::panic_any(99_i32) } else { n })
            .then(|n| Ok(n + 1))
            .chain(|n| Ok(n + 1))
            .finally(|| ());
        let Err(Failure::Panicked(panic)) = end.get(PATIENCE) else { panic!("not a panic") };
        assert_eq!(*panic.into_payload().unwrap().downcast::<i32>().unwrap(), 99);
    });
}

/// B5
#[test]
fn a_continuation_that_fails_fails_its_promise() {
    watched(|| {
        let error = |mut p: Typed<u8>| assert!(is_error(p.get(PATIENCE), "own"));
        three_cases(|| Ok(1), |p: Typed<u8>| p.then(|_| Err("own".to_owned())), error);
        three_cases(|| Ok(1), |p: Typed<u8>| p.chain(|_| Err("own".to_owned())), error);
        three_cases(|| Ok(1), |p: Typed<u8>| p.then(|_| Promise::failed("own".to_owned())), error);
        three_cases(|| Ok(1), |p: Typed<u8>| p.handle(|_| Err("own".to_owned())), error);

        let panicked = |mut p: Typed<u8>| assert!(panic_message(p.get(PATIENCE)).contains("own"));
        three_cases(|| Ok(1), |p: Typed<u8>| p.map(|_| panic!("own")), panicked);
        three_cases(
            || Ok(1),
            |p: Typed<u8>| p.then(|_| -> Result<u8, String> { panic!("own") }),
            panicked,
        );
        three_cases(
            || Ok(1),
            |p: Typed<u8>| p.chain(|_| -> Result<u8, String> { panic!("own") }),
            panicked,
        );
        three_cases(
            || Ok(1),
            |p: Typed<u8>| p.handle(|_| -> Result<u8, String> { panic!("own") }),
            panicked,
        );
        let fail = || Err(Failure::Error("source".to_owned()));
        three_cases(fail, |p: Typed<u8>| p.map_err(|_| -> String { panic!("own") }), panicked);
    });
}

/// B25: what slowly goes is gone when `get` returns: after a value, an error, a panic, and where the closure was skipped.
#[test]
fn a_closure_and_its_captures_are_dropped_before_the_promise_settles() {
    struct Slow(Token);
    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(10));
            _ = &self.0;
        }
    }
    type Make = fn(Typed<u8>, Slow) -> Typed<u8>;
    let makers: [(&str, Make); 9] = [
        ("map", |p, slow| {
            p.map(move |n| {
                _ = &slow;
                n
            })
        }),
        ("then", |p, slow| {
            p.then(move |n| {
                _ = &slow;
                Ok(n)
            })
        }),
        ("then, an error", |p, slow| {
            p.then(move |_| {
                _ = &slow;
                Err("e".to_owned())
            })
        }),
        ("then, a panic", |p, slow| {
            p.then(move |_| -> Result<u8, String> {
                _ = &slow;
                panic!("p")
            })
        }),
        ("then, adopted", |p, slow| {
            p.then(move |n| {
                _ = &slow;
                Promise::ready(n)
            })
        }),
        ("chain", |p, slow| {
            p.chain(move |n| {
                _ = &slow;
                Ok(n)
            })
        }),
        ("catch", |p, slow| {
            p.catch(move |_| {
                _ = &slow;
                Ok(1)
            })
        }),
        ("handle", |p, slow| {
            p.handle(move |_| {
                _ = &slow;
                Ok(1)
            })
        }),
        ("finally", |p, slow| {
            p.finally(move || {
                _ = &slow;
            })
        }),
    ];
    watched(move || {
        for (name, make) in makers {
            for source in [|| Typed::<u8>::ready(1), failed] {
                let counter = DropCounter::default();
                assert!(make(source(), Slow(counter.token())).wait(PATIENCE));
                assert_eq!(counter.dropped(), 1, "{name}");
            }
        }
        let counter = DropCounter::default();
        let slow = Slow(counter.token());
        assert!(
            one_worker()
                .run(move || {
                    _ = &slow;
                })
                .wait(PATIENCE)
        );
        assert_eq!(counter.dropped(), 1, "a job");
    });
}

/// B28: nothing needs `Clone`, `Copy` or `Sync`.
#[test]
fn values_errors_and_closures_are_only_moved() {
    struct MoveOnly(mpsc::Receiver<u8>);
    watched(|| {
        let (send, receive) = mpsc::channel();
        send.send(7).unwrap();
        let once = MoveOnly(receive);
        let mut end: Promise<MoveOnly, mpsc::Sender<u8>> = one_worker()
            .spawn(move || Ok(once))
            .map(|v: MoveOnly| MoveOnly(v.0))
            .then(Ok)
            .chain(Promise::ready)
            .handle(|outcome| match outcome {
                Ok(v) => Ok(v),
                Err(f) => Promise::settled(Err(f)).get(None).map_err(|_| send),
            })
            .finally(|| ());
        assert_eq!(end.get(PATIENCE).ok().unwrap().0.recv(), Ok(7));
    });
}

/// B29: a failing path never makes or reads a value.
#[test]
fn a_failing_path_needs_no_value() {
    enum Never {}
    watched(|| {
        let seen = Arc::new(Mutex::new(String::new()));
        let write = seen.clone();
        let mut end = Promise::<Never, String>::failed("only an error".to_owned())
            .map(|never| -> Never { match never {} })
            .then(|never| -> Result<Never, String> { match never {} })
            .map_err(move |error| {
                *write.lock().unwrap() = error.clone();
                error
            });
        assert!(is_error(end.get(PATIENCE), "only an error"));
        assert_eq!(*seen.lock().unwrap(), "only an error");
    });
}
