//! What panics when it is dropped: values, errors, captures, payloads. No worker dies of it.

use crate::common::{Bomb, Gate, PATIENCE, held, one_worker, survives, verdict, watched};
use asynckit::{AsyncList, Pool, Promise, join};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::mpsc;

type Typed<T> = Promise<T, String>;

/// Values that panic when they are dropped: of a promise that nobody holds, of a link that is skipped, in a list that fails
#[test]
fn values_that_panic_when_dropped_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            let gate = Gate::new();
            let key = gate.key();
            drop(pool.run(move || {
                key.wait();
                Bomb
            }));
            let key = gate.key();
            let mut link = pool
                .run(move || {
                    key.wait();
                    Bomb
                })
                .map(std::mem::forget);
            let key = gate.key();
            drop(
                pool.run(move || {
                    key.wait();
                    Bomb
                })
                .finally(|| ())
                .inspect(|_| ()),
            );
            gate.open();
            link.get(PATIENCE).unwrap();
            // dropped by the callback itself: that is a panic in the callback
            assert_eq!(verdict(&pool.run(|| Bomb).map(drop).get(PATIENCE)), "Panicked");
            // a value that the observer's panic drops
            let gone = pool.run(|| Bomb).inspect(|_| panic!("the observer")).get(PATIENCE);
            assert_eq!(verdict(&gone), "Panicked");
        })
    });
}

#[test]
fn values_in_a_failed_list_that_panic_when_dropped_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            let gate = Gate::new();
            let key = gate.key();
            let late: Promise<Bomb, String> = pool.spawn(move || {
                key.wait();
                Ok(Bomb)
            });
            let mut joined = [late, Promise::failed("e".to_owned())]
                .into_iter()
                .collect::<AsyncList<_, _>>()
                .join();
            assert_eq!(verdict(&joined.get(PATIENCE)), "Error");
            drop(joined);
            gate.open();
        })
    });
}

/// A join settles on the worker that has its last input, and what is behind it goes on there at once.
#[test]
fn values_of_a_join_that_panic_when_dropped_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            let gate = Gate::new();
            let bomb = || {
                let key = gate.key();
                pool.spawn(move || -> Result<Bomb, String> {
                    key.wait();
                    Ok(Bomb)
                })
            };
            drop(join((bomb(), Typed::ready(1))));
            drop(join((Typed::ready(1), bomb())).inspect(|_| ()));
            let mut mapped = join((bomb(), bomb())).map(|(one, other)| {
                std::mem::forget(one);
                drop(other);
            });
            let failing = held(pool, &gate, || Err::<u8, _>("e".to_owned()));
            let mut failed = join((join((bomb(), Typed::ready(1))), failing));
            let mut nested =
                join([join((bomb(), Typed::ready(1))), join((bomb(), Typed::ready(2)))])
                    .map(|[one, _]| std::mem::forget(one));
            gate.open();
            assert_eq!(verdict(&mapped.get(PATIENCE)), "Panicked");
            assert_eq!(verdict(&failed.get(PATIENCE)), "Error");
            assert_eq!(verdict(&nested.get(PATIENCE)), "Panicked");
        })
    });
}

/// The same for a value that waits for its own pool when it is dropped.
#[test]
fn values_of_a_join_that_use_the_pool_when_dropped_do_not_stop_it() {
    struct UsesIt(Pool, mpsc::Sender<u8>);
    impl Drop for UsesIt {
        fn drop(&mut self) {
            let answer = self.0.run(|| 20).map(|n| n + 22).get(None);
            self.1.send(answer.unwrap()).unwrap();
        }
    }
    watched(|| {
        survives(|pool| {
            let (gate, (send, answers)) = (Gate::new(), mpsc::channel());
            let value = || {
                let (key, value) = (gate.key(), UsesIt(pool.clone(), send.clone()));
                pool.run(move || {
                    key.wait();
                    value
                })
            };
            drop(join((value(), Promise::ready(1))));
            let mut mapped = join([value(), value()]).map(drop);
            gate.open();
            assert!(mapped.get(PATIENCE).is_ok());
            for _ in 0..3 {
                assert_eq!(answers.recv_timeout(PATIENCE), Ok(42));
            }
        })
    });
}

/// Errors that panic when they are dropped
#[test]
fn errors_that_panic_when_dropped_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            let gate = Gate::new();
            let key = gate.key();
            drop(pool.spawn(move || {
                key.wait();
                Err::<u8, Bomb>(Bomb)
            }));
            let key = gate.key();
            drop(
                pool.spawn(move || {
                    key.wait();
                    Err::<u8, Bomb>(Bomb)
                })
                .map(|n| n + 1)
                .finally(|| ()),
            );
            gate.open();
            let mut caught = pool.spawn(|| Err::<u8, Bomb>(Bomb)).catch(|failure| {
                drop(failure);
                Ok(1)
            });
            assert_eq!(verdict(&caught.get(PATIENCE)), "Panicked");
            let mut mapped = pool.spawn(|| Err::<u8, Bomb>(Bomb)).map_err(|bomb| {
                drop(bomb);
                "no bomb"
            });
            assert_eq!(verdict(&mapped.get(PATIENCE)), "Panicked");
        })
    });
}

/// Closures whose captures panic when they are dropped: run, skipped, and of promises that nobody holds
#[test]
fn captures_that_panic_when_dropped_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            let bomb = Bomb;
            assert!(
                pool.run(move || {
                    _ = &bomb;
                })
                .wait(PATIENCE)
            );

            let gate = Gate::new();
            let (good, bad) = (|| Ok(1), || Err("e".to_owned()));
            let with_bomb = |source: Typed<u8>| {
                let bomb = Bomb;
                source.map(move |n| {
                    _ = &bomb;
                    n
                })
            };
            let mut ran = with_bomb(held(pool, &gate, good));
            let mut skipped = with_bomb(held(pool, &gate, bad));
            drop(with_bomb(held(pool, &gate, good)));
            drop(with_bomb(held(pool, &gate, bad)));
            let bomb = Bomb;
            let mut handler = held(pool, &gate, good).catch(move |_| {
                _ = &bomb;
                Ok(2)
            });
            gate.open();
            assert!(ran.wait(PATIENCE));
            assert_eq!(verdict(&skipped.get(PATIENCE)), "Error", "its failure passes on unchanged");
            assert!(handler.wait(PATIENCE));
        })
    });
}

/// Payloads that panic when they are dropped
#[test]
fn payloads_that_panic_when_dropped_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            let gate = Gate::new();
            let key = gate.key();
            drop(pool.run(move || -> u8 {
                key.wait();
                panic_any(Bomb)
            }));
            let key = gate.key();
            let mut caught = pool
                .run(move || -> u8 {
                    key.wait();
                    panic_any(Bomb)
                })
                .catch(|failure| {
                    drop(failure);
                    Ok(1)
                });
            gate.open();
            assert!(caught.wait(PATIENCE));
            let dropped_outside = pool.run(|| -> u8 { panic_any(Bomb) }).get(PATIENCE);
            assert_eq!(verdict(&dropped_outside), "Panicked");
            // Whoever holds a failure drops it on a thread of their own, and may see the panic.
            _ = catch_unwind(AssertUnwindSafe(|| drop(dropped_outside)));
        })
    });
}

/// Settling from outside: neither a value that nobody wants nor a skipped closure is the settler's trouble.
#[test]
fn settling_does_not_panic_for_what_it_drops() {
    watched(|| {
        let (deferred, promise) = Promise::<Bomb, String>::deferred();
        drop(promise);
        assert!(catch_unwind(AssertUnwindSafe(|| deferred.resolve(Bomb))).is_ok());
        let (deferred, promise) = Typed::<u8>::deferred();
        let bomb = Bomb;
        let mut derived = promise.map(move |n| {
            _ = &bomb;
            n
        });
        assert!(catch_unwind(AssertUnwindSafe(|| deferred.reject("e".to_owned()))).is_ok());
        assert_eq!(verdict(&derived.get(PATIENCE)), "Error");
    });
}

/// A job dropped unrun because its pool goes away
#[test]
fn queued_jobs_with_bombs_can_be_cancelled() {
    watched(|| {
        let pool = one_worker();
        pool.set_worker_count(0);
        let bombs: Vec<_> = (0..10)
            .map(|_| {
                let bomb = Bomb;
                pool.run(move || {
                    _ = &bomb;
                })
            })
            .collect();
        let report = pool.shutdown(asynckit::Shutdown::CancelQueued, PATIENCE);
        assert_eq!(report.abandoned, 10);
        for mut job in bombs {
            assert_eq!(verdict(&job.get(PATIENCE)), "Abandoned");
        }
    });
}

/// A job that was cancelled while it ran gives a value that panics when it is dropped: through each kind of relay.
#[test]
fn late_values_that_panic_when_dropped_leave_the_worker_alive() {
    watched(|| {
        survives(|pool| {
            let gate = Gate::new();
            let late = |key: crate::common::GateKey| {
                move || -> Result<Bomb, String> {
                    key.wait();
                    Ok(Bomb)
                }
            };
            let work = late(gate.key());
            let told = pool.spawn_cancellable(move |_| work());
            gate.await_arrival(1);
            told.cancel();
            gate.open();
            crate::common::flush(pool);

            let relays: [fn(Typed<Bomb>) -> Typed<Bomb>; 4] = [
                |p| p.timeout(PATIENCE),
                |p| p.cancellable().0,
                |p| p.shield(),
                |p| p.delay_value(PATIENCE),
            ];
            for relay in relays {
                let gate = Gate::new();
                let relayed = relay(pool.spawn(late(gate.key())));
                gate.await_arrival(1);
                relayed.cancel();
                gate.open();
                crate::common::flush(pool);
            }

            let gate = Gate::new();
            pool.scope(|scope| {
                let in_scope = scope.spawn(late(gate.key()));
                gate.await_arrival(1);
                in_scope.cancel();
                gate.open();
            });
            crate::common::flush(pool);
        })
    });
}
