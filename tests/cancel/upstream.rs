//! Cancelling what is upstream of a promise: what it has adopted, and the items of a list (conformance G5).

use crate::common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, eventually, flush, held, named_thread, one_worker,
    verdict, watched, watched_long,
};
use asynckit::{AsyncList, Deferred, Failure, Pool, Promise};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

type Typed<T> = Promise<T, String>;
type List = AsyncList<u8, String>;
/// Makes a promise that adopts the one given.
type Adopt = fn(&Pool, Typed<u8>) -> Typed<u8>;

fn is_cancelled<T>(outcome: Result<T, Failure<String>>) -> bool {
    outcome.is_err_and(|failure| failure.is_cancelled())
}

fn pending(n: usize) -> (Vec<Deferred<u8, String>>, Vec<Typed<u8>>) {
    (0..n).map(|_| Promise::deferred()).unzip()
}

// ── Adoption ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// G5: the promise that a callback, a job or a deferred has adopted is cancelled with it.
#[test]
fn an_adopted_promise_is_cancelled() {
    watched(|| {
        let pool = one_worker();
        let adopt: [Adopt; 6] = [
            |pool, inner| pool.spawn(move || inner),
            |pool, inner| pool.spawn(|| Ok(1)).then(move |_: u8| inner),
            |pool, inner| pool.spawn(|| Ok(1)).chain(move |_: u8| inner.map(|n| n)).map(|n| n),
            |pool, inner| pool.spawn(|| Err("no".to_owned())).catch(move |_| inner),
            |pool, inner| pool.spawn(|| Ok(1)).share().then(move |_: &u8| inner),
            |_, inner| {
                let (deferred, promise) = Promise::deferred();
                deferred.follow(inner);
                promise
            },
        ];
        for (n, adopt) in adopt.into_iter().enumerate() {
            let (deferred, inner) = Typed::deferred();
            let mut outer = adopt(&pool, inner);
            flush(&pool);
            flush(&pool);
            outer.cancel();
            assert!(deferred.is_cancelled(), "case {n}");
            assert!(is_cancelled(outer.get(None)));
            deferred.resolve(1);
        }
    });
}

/// G5, E29: several levels, a queued job at the end: it never runs.
#[test]
fn a_cancellation_goes_down_every_level() {
    fn nest(pool: &Pool, inner: Typed<u8>, depth: usize) -> Typed<u8> {
        if depth == 0 {
            return inner;
        }
        let again = pool.clone();
        pool.spawn(|| Ok(1)).then(move |_: u8| nest(&again, inner, depth - 1)).map(|n| n)
    }
    watched(|| {
        let (pool, idle) = (one_worker(), Pool::new(0));
        for depth in [1, 2, 3, 50] {
            let drops = DropCounter::default();
            let token = drops.token();
            let job = idle.spawn(move || -> Result<u8, String> {
                drop(token);
                panic!("it runs")
            });
            let outer = nest(&pool, job.map(|n| n), depth);
            (0..2 * depth).for_each(|_| flush(&pool));
            outer.cancel();
            assert_eq!(drops.dropped(), 1, "depth {depth}");
        }
        idle.set_worker_count(1);
        flush(&idle);
    });
}

/// What is adopted only after the cancellation is cancelled as well: the callback ran already.
#[test]
fn what_is_adopted_after_the_cancellation_is_cancelled() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let (deferred, inner) = Typed::<u8>::deferred();
        let key = gate.key();
        let outer = pool.spawn(move || {
            key.wait();
            inner
        });
        let outer = outer.map(|n| n);
        gate.await_arrival(1);
        outer.cancel();
        assert!(!deferred.is_cancelled());
        gate.open();
        eventually("the inner one is told", || deferred.is_cancelled());
    });
}

/// `cancel` from another thread races the adoption: the inner promise is cancelled, and nothing is lost or dropped twice.
#[test]
fn cancelling_races_adopting() {
    const ROUNDS: usize = 3_000;
    watched_long(|| {
        let (pool, drops) = (Pool::new(2), DropCounter::default());
        for round in 0..ROUNDS {
            let (deferred, inner) = Promise::<_, String>::deferred();
            let (start, token, kept) = (Arc::new(Barrier::new(2)), drops.token(), drops.token());
            let (starts, again) = (start.clone(), pool.clone());
            let deep = round % 2 == 0;
            let outer = pool.spawn(move || {
                starts.wait();
                if deep { again.spawn(|| Ok(1)).then(|_: u8| inner) } else { inner }
            });
            let mut outer = outer.map(move |n: usize| (n, token));
            start.wait();
            (0..round % 16).for_each(|_| thread::yield_now());
            outer.cancel();
            assert!(is_cancelled(outer.get(None).map(drop)));
            drop(outer);
            // Deep, the callback that has the inner promise may never run; then that is dropped, not cancelled.
            if !deep {
                eventually("the inner one is told", || deferred.is_cancelled());
            }
            deferred.resolve(round);
            drop(kept);
        }
        drop(pool);
        assert_eq!(drops.dropped(), 2 * ROUNDS);
    });
}

/// The inner promise settles while the outer one is cancelled.
#[test]
fn cancelling_races_the_adopted_outcome() {
    const ROUNDS: usize = 3_000;
    watched_long(|| {
        let drops = DropCounter::default();
        let (hand, over) = channel::<(Arc<Barrier>, Vec<Deferred<crate::common::Token, String>>)>();
        let settler = named_thread("settler", move || {
            for (start, deferreds) in over {
                start.wait();
                for deferred in deferreds {
                    drop(deferred);
                }
            }
        });
        let mut made = 0;
        for round in 0..ROUNDS {
            let start = Arc::new(Barrier::new(2));
            let (inner, promise) = Promise::<_, String>::deferred();
            let (outer, mut tail) = Promise::deferred();
            outer.follow(promise.map(|token| token));
            let (token, kept) = (drops.token(), drops.token());
            made += 2;
            let extra =
                Promise::ready(token).map(move |token: crate::common::Token| drop((token, kept)));
            drop::<Promise<(), String>>(extra);
            hand.send((start.clone(), vec![inner])).unwrap();
            start.wait();
            if round % 2 == 0 {
                thread::yield_now();
            }
            tail.cancel();
            let end = verdict(&tail.get(None));
            assert!(end == "Cancelled" || end == "Abandoned", "{end}");
        }
        drop(hand);
        settler.join().unwrap();
        eventually("all tokens are dropped", || drops.dropped() == made);
    });
}

// ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Who cancels a join, or what is made of it, cancels its items: before `cancel` returns.
#[test]
fn a_cancelled_join_cancels_its_items() {
    watched(|| {
        let make: [fn(List) -> Typed<u8>; 4] = [
            |list| list.join().map(|all| all[0]),
            |list| list.settled().map(|all| all.len() as u8),
            |list| list.chain(|all| Ok(all[0])),
            |list| [list.join()].into_iter().collect::<AsyncList<_, _>>().map(|all| all[0][0]),
        ];
        for make in make {
            let (deferreds, promises) = pending(20);
            let mut tail = make(promises.into_iter().collect());
            tail.cancel();
            assert!(deferreds.iter().all(Deferred::is_cancelled));
            assert!(is_cancelled(tail.get(None)));
        }
        let pool = Pool::new(0);
        let drops = DropCounter::default();
        let list: List = (0..100)
            .map(|_| {
                let token = drops.token();
                pool.spawn(move || {
                    drop(token);
                    Ok(1)
                })
            })
            .collect();
        list.join().cancel();
        assert_eq!(drops.dropped(), 100);
        pool.set_worker_count(1);
        flush(&pool);
    });
}

/// A join that fails cancels the others, however it fails; what has settled stays as it is.
#[test]
fn a_failed_join_cancels_the_others() {
    watched(|| {
        let (mut deferreds, promises) = pending(5);
        let list: List = promises.into_iter().collect();
        let mut join = list.join();
        deferreds.remove(0).resolve(1);
        deferreds.remove(2).reject("no".to_owned());
        assert!(crate::common::is_error(join.get(None), "no"));
        assert_eq!(deferreds.len(), 3);
        assert!(deferreds.iter().all(Deferred::is_cancelled));
    });
}

/// `get` that fails leaves the rest running, `settled` never cancels by itself, nor does dropping either.
#[test]
fn get_and_settled_and_drop_cancel_nothing() {
    watched(|| {
        let (deferreds, promises) = pending(3);
        let failed = || Typed::<u8>::failed("no".to_owned());
        let mut list: List = promises.into_iter().chain([failed()]).collect();
        assert!(crate::common::is_error(list.get(PATIENCE), "no"));
        assert!(!deferreds.iter().any(Deferred::is_cancelled), "get");
        drop(list);
        assert!(!deferreds.iter().any(Deferred::is_cancelled), "drop of a list");
        let (mut deferreds, promises) = pending(3);
        let mut settled = promises.into_iter().chain([failed()]).collect::<List>().settled();
        deferreds.remove(0).reject("no".to_owned());
        assert!(!settled.wait(MOMENT));
        assert!(!deferreds.iter().any(Deferred::is_cancelled), "settled");
        drop(settled);
        assert!(!deferreds.iter().any(Deferred::is_cancelled), "drop of settled");
        let (deferreds, promises) = pending(3);
        drop(promises.into_iter().collect::<List>().join().map(|all| all.len()));
        assert!(!deferreds.iter().any(Deferred::is_cancelled), "drop of a join");
    });
}

/// `AsyncList::cancel` cancels all that is pending, and the list can be asked then.
#[test]
fn a_cancelled_list_has_failed() {
    watched(|| {
        let (mut deferreds, promises) = pending(4);
        let mut list: List = promises.into_iter().collect();
        deferreds.remove(0).resolve(1);
        list.cancel();
        assert!(deferreds.iter().all(Deferred::is_cancelled));
        assert!(list.is_set() && list.is_error());
        list.cancel();
        assert!(is_cancelled(list.get(None)));
        let (_deferreds, promises) = pending(2);
        let list: List = promises.into_iter().chain([Promise::ready(3)]).collect();
        list.cancel();
        let outcomes = list.settled().get(None).unwrap();
        let verdicts: Vec<_> = outcomes.iter().map(verdict).collect();
        assert_eq!(verdicts, ["Cancelled", "Cancelled", "Ok"]);
        let empty = List::new();
        empty.cancel();
        assert!({ empty }.get(None).unwrap().is_empty());
    });
}

/// Items that run go on; the list does not wait for them: it is settled before `cancel` returns.
#[test]
fn a_list_cancelled_while_its_items_run_has_failed() {
    watched(|| {
        let (pool, gate) = (one_worker(), Gate::new());
        let mut list: List = [held(&pool, &gate, || Ok(1))].into_iter().collect();
        gate.await_arrival(1);
        list.cancel();
        let at_once = list.is_set();
        gate.open();
        flush(&pool);
        assert!(is_cancelled(list.get(PATIENCE)), "their results are dropped");
        assert!(at_once, "it was settled before `cancel` returned");
    });
}

/// Running items of a cancelled or failed join are told by their tokens; the join is settled at once.
#[test]
fn running_items_are_told_by_their_tokens() {
    watched(|| {
        for fails in [false, true] {
            let pool = Pool::new(2);
            let (begun, begins) = channel();
            let item = || {
                let begun = begun.clone();
                pool.spawn_cancellable(move |token| {
                    begun.send(()).unwrap();
                    while !token.is_cancelled() {
                        thread::yield_now();
                    }
                    Ok(1)
                })
            };
            let (deferred, other) = Typed::deferred();
            let list: List = [item(), other, item()].into_iter().collect();
            let join = list.join();
            (0..2).for_each(|_| begins.recv_timeout(PATIENCE).unwrap());
            if fails {
                deferred.reject("no".to_owned());
            } else {
                join.cancel();
                assert!(deferred.is_cancelled());
            }
            assert!(join.is_set());
            drop(pool); // which waits for both
        }
    });
}

/// `cancel` races the last item, the first failure, and another `cancel`: the join settles once, all is dropped once.
#[test]
fn cancelling_a_join_races_its_items() {
    const ROUNDS: usize = 1_000;
    watched_long(|| {
        let drops = DropCounter::default();
        let (ends, log) = (4, Log::new());
        for round in 0..ROUNDS {
            let (deferreds, promises): (Vec<_>, Vec<_>) =
                (0..4).map(|_| Promise::<crate::common::Token, String>::deferred()).unzip();
            let join = promises.into_iter().collect::<AsyncList<_, _>>().join();
            let start = Arc::new(Barrier::new(3));
            let (canceller, settler) = (start.clone(), start.clone());
            let join = Arc::new(join);
            let cancels = join.clone();
            let tokens: Vec<_> = (0..4).map(|_| drops.token()).collect();
            let threads = [
                named_thread("canceller", move || {
                    canceller.wait();
                    cancels.cancel();
                }),
                named_thread("settler", move || {
                    settler.wait();
                    for (n, (deferred, token)) in deferreds.into_iter().zip(tokens).enumerate() {
                        if round % ends == 1 && n == 2 {
                            deferred.reject("no".to_owned());
                        } else {
                            deferred.resolve(token);
                        }
                    }
                }),
            ];
            start.wait();
            join.cancel();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let mut join = Arc::into_inner(join).expect("the threads have ended");
            log.add(verdict(&join.get(PATIENCE)));
        }
        assert_eq!(drops.dropped(), 4 * ROUNDS);
        assert!(log.entries().iter().all(|end| ["Ok", "Error", "Cancelled"].contains(end)));
    });
}
