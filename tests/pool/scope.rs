//! Scopes: promises of work that borrows (conformance G18 to G24 as far as they apply).
//! What makes them sound, and scopes on a pool's only worker, are in `scope_sound.rs`.

use crate::common::{Gate, MOMENT, PATIENCE, eventually, flush, one_worker, verdict, watched};
use asynckit::{AnyError, AsyncList, Failure, Outcome, Pool, Promise, Shutdown};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

type Typed<T> = Promise<T, String>;

fn verdicts<T: Send + 'static>(promises: Vec<Typed<T>>) -> Vec<&'static str> {
    promises.into_iter().map(|mut promise| verdict(&promise.get(PATIENCE))).collect()
}

/// Jobs borrow what outlives the scope: shared, and each a part of it mutably.
#[test]
fn jobs_borrow_what_outlives_the_scope() {
    watched(|| {
        let pool = Pool::new(4);
        let words = ["one".to_owned(), "three".to_owned(), "eleven".to_owned()];
        let mut lengths = vec![0; 3];
        let total: usize = pool.scope(|scope| {
            for (word, length) in words.iter().zip(&mut lengths) {
                drop(scope.spawn(move || {
                    *length = word.len();
                    Ok::<_, String>(())
                }));
            }
            let each: AsyncList<usize> =
                words.iter().map(|word| scope.spawn(|| Ok(word.len()))).collect();
            each.map(|all| all.iter().sum()).get(PATIENCE).unwrap()
        });
        assert_eq!((lengths, total), (vec![3, 5, 6], 14));
    });
}

/// What a job gives may be a promise, which is adopted, as with `Pool::spawn`.
#[test]
fn a_job_of_a_scope_gives_whatever_a_job_may() {
    watched(|| {
        let pool = one_worker();
        let number = 20;
        let outcomes: [Outcome<u8, String>; 4] = pool.scope(|scope| {
            [
                scope.spawn(|| Ok(number + 1)),
                scope.spawn(|| Promise::ready(number + 1)),
                scope.spawn(|| Promise::ready(number).share().map(|n| n + 1)),
                scope.spawn(|| pool.spawn(|| Ok(20)).map(|n: u8| n + 1)),
            ]
            .map(|mut promise: Typed<u8>| promise.get(PATIENCE))
        });
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(21))));
    });
}

/// A scope waits for all, also where their promises were dropped; and gives what its body gives.
#[test]
fn a_scope_waits_for_all_its_jobs() {
    watched(|| {
        for workers in [1, 3] {
            let pool = Pool::new(workers);
            let done = AtomicUsize::new(0);
            let value = pool.scope(|scope| {
                for _ in 0..50 {
                    drop(scope.spawn(|| {
                        thread::yield_now();
                        done.fetch_add(1, SeqCst);
                        Ok::<_, String>(())
                    }));
                }
                "the value"
            });
            assert_eq!((done.load(SeqCst), value), (50, "the value"));
            assert_eq!(pool.scope(|_| 7), 7);
        }
    });
}

/// It does wait: it returns only after a gate was opened by another thread.
#[test]
fn a_scope_does_not_return_early() {
    watched(|| {
        let pool = one_worker();
        let (gate, opened) = (Gate::new(), AtomicUsize::new(0));
        let key = gate.key();
        thread::scope(|threads| {
            threads.spawn(|| {
                gate.await_arrival(1);
                thread::sleep(MOMENT);
                opened.store(1, SeqCst);
                gate.open();
            });
            pool.scope(|scope| {
                drop(scope.spawn(|| {
                    key.wait();
                    Ok::<_, String>(())
                }));
            });
            assert_eq!(opened.load(SeqCst), 1);
        });
    });
}

/// As `std::thread::scope`: a failure, an error or a panic, cancels nobody, and is what its promise says.
#[test]
fn a_failure_cancels_no_sibling() {
    type Work = fn() -> Result<u8, String>;
    let fail: [(Work, &str); 2] =
        [(|| Err("no".to_owned()), "Error"), (|| panic!("on purpose"), "Panicked")];
    watched(move || {
        for (fail, kind) in fail {
            let (pool, ran) = (one_worker(), AtomicUsize::new(0));
            let promises = pool.scope(|scope| {
                let mut all: Vec<Typed<u8>> = vec![scope.spawn(fail)];
                assert!(all[0].wait(PATIENCE));
                all.extend((0..5).map(|_| {
                    scope.spawn(|| {
                        ran.fetch_add(1, SeqCst);
                        Ok(1)
                    })
                }));
                all
            });
            assert_eq!(ran.load(SeqCst), 5);
            assert_eq!(verdicts(promises), [&[kind][..], &["Ok"; 5]].concat());
            flush(&pool);
        }
    });
}

/// A join that is made after the failure has that failure: nothing else wins over it.
#[test]
fn a_join_made_after_the_failure_fails_with_it() {
    watched(|| {
        let pool = Pool::new(2);
        for _ in 0..100 {
            let gate = Gate::new();
            let key = gate.key();
            let mut join = pool.scope(|scope| {
                let mut failing: Typed<u8> = scope.spawn(|| Err("no".to_owned()));
                let longer: Typed<u8> = scope.spawn(move || {
                    key.wait();
                    Ok(1)
                });
                assert!(failing.wait(PATIENCE));
                let join = [longer, failing].into_iter().collect::<AsyncList<u8, String>>().join();
                gate.open();
                join
            });
            assert!(crate::common::is_error(join.get(PATIENCE), "no"));
        }
    });
}

/// G22: one that is cancelled by hand is no failure: the others go on.
#[test]
fn a_job_cancelled_by_hand_cancels_no_sibling() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let promises = pool.scope(|scope| {
            let key = gate.key();
            let held = scope.spawn(move || {
                key.wait();
                Ok(1)
            });
            let by_hand = scope.spawn(|| -> Result<u8, String> { panic!("it runs") });
            let other = scope.spawn(|| Ok(2));
            by_hand.cancel();
            gate.open();
            vec![held, by_hand, other]
        });
        assert_eq!(verdicts(promises), ["Ok", "Cancelled", "Ok"]);
    });
}

/// G22: jobs may be added while others run, by other threads and by jobs.
#[test]
fn jobs_are_added_while_others_run() {
    watched(|| {
        let pool = Pool::new(2);
        let sum = AtomicUsize::new(0);
        pool.scope(|scope| {
            thread::scope(|threads| {
                for _ in 0..4 {
                    threads.spawn(|| {
                        for _ in 0..50 {
                            drop(scope.spawn(|| {
                                drop(scope.spawn(|| {
                                    sum.fetch_add(1, SeqCst);
                                    Ok::<_, String>(())
                                }));
                                Ok::<_, String>(())
                            }));
                        }
                    });
                }
            });
        });
        assert_eq!(sum.load(SeqCst), 200);
    });
}

/// G20: if the body panics, the scope unwinds with that, after all jobs are through, as `std::thread::scope` does.
#[test]
fn a_scope_whose_body_panics_waits_too() {
    watched(|| {
        let pool = one_worker();
        let (gate, finished) = (Gate::new(), AtomicUsize::new(0));
        let key = gate.key();
        let mut queued = None;
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            pool.scope(|scope| {
                drop(scope.spawn(|| {
                    key.wait();
                    finished.fetch_add(1, SeqCst);
                    Ok::<_, String>(())
                }));
                gate.await_arrival(1);
                queued = Some(scope.spawn(|| Ok::<_, String>(finished.fetch_add(1, SeqCst) as u8)));
                let _opens = gate;
                std::panic::panic_any("the body");
            })
        }));
        let payload = unwound.expect_err("it unwinds");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"the body"));
        assert_eq!(finished.load(SeqCst), 2);
        assert_eq!(verdicts(queued.into_iter().collect()), ["Ok"]);
    });
}

/// G24: the error of a job is not swallowed: who asks gets it, typed, after the scope as well.
#[test]
fn promises_may_leave_the_scope() {
    watched(|| {
        let pool = Pool::new(2);
        let text = "12a".to_owned();
        let (parsed, length) = pool.scope(|scope| {
            let parsed: Promise<u8, std::num::ParseIntError> = scope.spawn(|| text.parse());
            (
                parsed,
                pool.scope(|scope| scope.spawn(|| Ok::<_, AnyError>(text.len()))).map(|n| n + 1),
            )
        });
        drop(text);
        assert!(matches!({ parsed }.get(PATIENCE), Err(Failure::Error(_))));
        assert_eq!({ length }.get(PATIENCE).unwrap(), 4);
    });
}

/// G21: scopes nest; a failure inside is the inner scope's, and the outer one's where it is passed on.
#[test]
fn scopes_nest() {
    watched(|| {
        let pool = Pool::new(2);
        let (log, text) = (Mutex::new(Vec::new()), "text".to_owned());
        let promises = pool.scope(|outer| {
            let survives = outer.spawn(|| {
                let inner = pool.scope(|inner| {
                    let failing: Typed<u8> = inner.spawn(|| Err(format!("inner {text}")));
                    failing
                });
                log.lock().unwrap().push(verdict(&{ inner }.get(PATIENCE)));
                Ok(5)
            });
            let mut first = vec![survives];
            first[0].wait(PATIENCE);
            first.push(
                outer.spawn(|| pool.scope(|inner| inner.spawn(|| Err("passed on".to_owned())))),
            );
            first
        });
        assert_eq!(*log.lock().unwrap(), ["Error"]);
        assert_eq!(verdicts(promises), ["Ok", "Error"]);
    });
}

/// G19: who cancels what is made of a scope's promises cancels the jobs.
#[test]
fn a_cancelled_join_cancels_the_jobs() {
    watched(|| {
        let pool = one_worker();
        let (gate, ran) = (Gate::new(), AtomicUsize::new(0));
        pool.scope(|scope| {
            let key = gate.key();
            let held = scope.spawn(move || {
                key.wait();
                Ok::<_, String>(())
            });
            gate.await_arrival(1);
            let queued = (0..5).map(|_| {
                scope.spawn(|| {
                    ran.fetch_add(1, SeqCst);
                    Ok(())
                })
            });
            let join = queued.collect::<AsyncList<(), String>>().map(|all| all.len());
            join.cancel();
            gate.open();
            drop(held);
        });
        assert_eq!(ran.load(SeqCst), 0);
    });
}

/// The pool is shut down meanwhile: what is queued is abandoned, what comes later too, and the scope returns.
#[test]
fn a_pool_that_is_shut_down_ends_the_scope() {
    watched(|| {
        for how in [Shutdown::Drain, Shutdown::CancelQueued] {
            let pool = one_worker();
            let gate = Gate::new();
            let number = 1;
            let promises: Vec<Typed<u8>> = pool.scope(|scope| {
                let key = gate.key();
                let running = scope.spawn(move || {
                    key.wait();
                    Ok(number)
                });
                gate.await_arrival(1);
                let queued = scope.spawn(|| Ok(number));
                assert_eq!(pool.shutdown(how, MOMENT).still_running, 1);
                let late = scope.spawn(|| Ok(number));
                gate.open();
                vec![running, queued, late]
            });
            let queued = if how == Shutdown::Drain { "Ok" } else { "Abandoned" };
            assert_eq!(verdicts(promises), ["Ok", queued, "Abandoned"], "{how:?}");
        }
    });
}

/// Ten thousand jobs
#[test]
fn a_scope_of_ten_thousand_jobs() {
    watched(|| {
        let pool = Pool::new(2);
        let sum = AtomicUsize::new(0);
        let each: Vec<usize> = (0..10_000).collect();
        let total = pool.scope(|scope| {
            let all: AsyncList<usize, String> = each
                .iter()
                .map(|n| {
                    scope.spawn(|| {
                        sum.fetch_add(*n, SeqCst);
                        Ok(*n)
                    })
                })
                .collect();
            all.join().get(PATIENCE).unwrap().iter().sum::<usize>()
        });
        assert_eq!((total, sum.load(SeqCst)), (49_995_000, 49_995_000));
        eventually("nothing is left over", || pool.live_workers() <= 2);
    });
}
