//! `join` of tuples and arrays (conformance E1 to E3, E5, E7, E10, E13).

use crate::common::{
    DropCounter, LONG, Log, PATIENCE, is_error, named_pool, named_thread, one_worker,
    panic_message, verdict, watchdog, watched,
};
use asynckit::{AsyncList, AsyncValue, Deferred, Failure, Pool, Promise, join};
use std::sync::{Arc, Barrier, mpsc};

type Typed<T> = Promise<T, String>;

/// E7: each of its own type, in its place, whatever the order of settling.
#[test]
fn types_are_kept() {
    #[derive(Debug, PartialEq)]
    struct NoDefault(u8);
    watched(|| {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let (a, first) = Typed::<NoDefault>::deferred();
            let (b, second) = Typed::<&str>::deferred();
            let (c, third) = Typed::<Vec<u8>>::deferred();
            let mut joined = join((first, second, third));
            let (mut a, mut b, mut c) = (Some(a), Some(b), Some(c));
            for which in order {
                assert!(!joined.is_set());
                match which {
                    0 => a.take().unwrap().resolve(NoDefault(1)),
                    1 => b.take().unwrap().resolve("two"),
                    _ => c.take().unwrap().resolve(vec![3]),
                }
            }
            assert!(joined.is_set(), "joining needs no worker");
            assert_eq!(joined.get(None).unwrap(), (NoDefault(1), "two", vec![3]));
        }
    });
}

/// E7: two to twelve.
#[test]
fn two_to_twelve_can_be_joined() {
    fn p<T: Send + 'static>(value: T) -> Typed<T> {
        Promise::ready(value)
    }
    watched(|| {
        assert_eq!(join((p(1), p("b"))).get(None).unwrap(), (1, "b"));
        let mut six = join((p(1), p("b"), p('c'), p(4_u8), p(()), p(6.0)));
        assert_eq!(six.get(None).unwrap(), (1, "b", 'c', 4, (), 6.0));
        let mut twelve = join((
            p(1),
            p("b"),
            p('c'),
            p(4_u8),
            p(()),
            p(6.0),
            p(7_i64),
            p(vec![8]),
            p(Some(9)),
            p([10]),
            p((11, 11)),
            p("twelve".to_owned()),
        ));
        let values = twelve.get(None).unwrap();
        assert_eq!((values.0, values.5, values.10), (1, 6.0, (11, 11)));
        assert_eq!(values.11, "twelve");
    });
}

/// E1, E2: arrays keep their type; that of nothing is there at once.
#[test]
fn arrays_are_joined_too() {
    watched(|| {
        let (a, first) = Typed::<u8>::deferred();
        let (b, second) = Typed::deferred();
        let mut joined = join([first, second]);
        b.resolve(2);
        assert!(!joined.is_set());
        a.resolve(1);
        let values: [u8; 2] = joined.get(None).unwrap();
        assert_eq!(values, [1, 2]);
        assert_eq!(join([(); 0].map(Typed::ready)).get(None).unwrap(), [(); 0]);
        let mut failing = join([Typed::ready(1), Promise::failed("no".to_owned())]);
        assert!(is_error(failing.get(None), "no"));
    });
}

/// E3, E7: the first failure in time fails it at once, and cancels the rest.
#[test]
fn the_first_failure_ends_it() {
    watched(|| {
        let (a, first) = Typed::<u8>::deferred();
        let (b, second) = Typed::<&str>::deferred();
        let (c, third) = Typed::<()>::deferred();
        let mut joined = join((first, second, third));
        a.resolve(1);
        assert!(!joined.is_set());
        c.reject("three".to_owned());
        assert!(joined.is_set());
        assert!(b.is_cancelled());
        b.reject("two".to_owned());
        assert!(is_error(joined.get(None), "three"));
        let steps: Vec<_> = joined.trace().steps().map(|step| (step.kind(), step.item())).collect();
        assert_eq!(steps, [("deferred", None), ("join", Some(2))]);
    });
}

/// E7: every kind of failure, as it is; a panic too.
#[test]
fn it_fails_with_the_very_failure() {
    watched(|| {
        for (name, failure) in crate::common::every_failure() {
            let failed = Typed::<u8>::settled(Err(failure));
            assert_eq!(verdict(&join((Typed::ready("a"), failed)).get(None)), name);
        }
        let panics = Typed::ready(1).map(|_| panic!("an input"));
        let never_type: Promise<u8, String> = panics;
        assert_eq!(panic_message(join((Typed::ready(()), never_type)).get(PATIENCE)), "an input");
    });
}

/// Of those that had failed before, the first in place counts; what comes after is cancelled.
#[test]
fn ties_go_to_the_first_in_place() {
    watched(|| {
        let failed = |text: &str| Typed::<u8>::failed(text.to_owned());
        let (pending, never) = Typed::<u8>::deferred();
        let (after, also_never) = Typed::<u8>::deferred();
        let mut joined = join((never, failed("second"), failed("third"), also_never));
        assert!(is_error(joined.get(None), "second"));
        assert!(pending.is_cancelled() && after.is_cancelled());
    });
}

/// What a tuple may have besides promises: a list, a shared value, a result, another join.
#[test]
fn whatever_a_job_may_return_can_be_joined() {
    watched(|| {
        let list: AsyncList<u8, String> = (1..=3).map(Promise::ready).collect();
        let event = AsyncValue::<&str, String>::new();
        let plain: Result<u8, String> = Ok(4);
        let nested =
            join((Typed::ready(5), [6].map(Typed::ready).into_iter().collect::<AsyncList<_, _>>()));
        let mut joined = join((list, event.clone(), plain, nested));
        assert!(!joined.is_set());
        event.set("two").unwrap();
        assert_eq!(joined.get(None).unwrap(), (vec![1, 2, 3], "two", 4, (5, vec![6])));
    });
}

/// The promise of the whole infers in a chain, with dynamic and with typed errors.
#[test]
fn a_joined_tuple_chains() {
    watched(|| {
        let pool = Pool::new(2);
        let mut total = join((pool.run(|| 40), pool.run(|| 2))).chain(|(a, b)| Ok(a + b));
        assert_eq!(total.get(PATIENCE).unwrap(), 42);
        let (a, b) = (pool.spawn(|| "6".parse::<u8>()), pool.spawn(|| "7".parse::<u8>()));
        let product = join((a, b)).map(|(a, b)| a * b).share();
        assert_eq!(*product.get(PATIENCE).unwrap(), 42);
        let mut adopted = pool.spawn(|| join((Typed::ready(1), Typed::ready(2))));
        assert_eq!(adopted.get(PATIENCE).unwrap(), (1, 2));
    });
}

/// Callbacks run on the executor of the first input.
#[test]
fn the_executor_is_that_of_the_first() {
    watched(|| {
        let (first, second) = (named_pool(1, "join-first"), one_worker());
        let joined = join((first.run(|| 1), second.run(|| 2)));
        let name = joined.map(|_| std::thread::current().name().map(str::to_owned)).share();
        assert!(name.get(PATIENCE).unwrap().as_ref().unwrap().starts_with("join-first"));
    });
}

/// Every value is dropped once, and at once when it is of no use any more.
#[test]
fn every_value_is_dropped_once() {
    watched(|| {
        let counter = DropCounter::default();
        let token = || Typed::ready(counter.token());
        drop(join((token(), token())));
        assert_eq!(counter.dropped(), 2);
        drop(join((token(), token())).get(None).unwrap());
        assert_eq!(counter.dropped(), 4);
        let (deferred, promise) = Typed::<()>::deferred();
        let joined = join((token(), promise, token()));
        deferred.reject("no".to_owned());
        assert_eq!(counter.dropped(), 6);
        drop(joined);
        let (deferred, promise) = Typed::deferred();
        let failed = join((Typed::<()>::failed("no".to_owned()), promise));
        deferred.resolve(counter.token());
        assert_eq!(counter.dropped(), 7, "a value that came too late");
        drop(failed);
        let (_never, promise) = Typed::<()>::deferred();
        join((token(), promise)).cancel();
        assert_eq!(counter.dropped(), 8);
        let bomb = join((Typed::ready(crate::common::Bomb), Typed::<()>::failed("no".to_owned())));
        assert!(bomb.is_error(), "a value that panics when it is dropped");
    });
}

/// E10, E13: the inputs settle at once on several threads, well and badly.
#[test]
fn inputs_that_settle_at_once_settle_it_once() {
    const THREADS: usize = 3;
    watchdog("join_tuples.rs: E10", LONG, || {
        let start = Arc::new(Barrier::new(THREADS + 1));
        let (sends, settlers): (Vec<_>, Vec<_>) = (0..THREADS)
            .map(|_| {
                let (send, receive) =
                    std::sync::mpsc::channel::<(Deferred<usize, String>, Result<usize, String>)>();
                let start = start.clone();
                let settler = named_thread("settler", move || {
                    for (deferred, outcome) in receive {
                        start.wait();
                        deferred.settle(outcome.map_err(Failure::Error));
                    }
                });
                (send, settler)
            })
            .unzip();
        for round in 0..1_000 {
            let ([a, b, c], [first, second, third]) = {
                let pairs = [(); THREADS].map(|()| Typed::<usize>::deferred());
                let [(a, x), (b, y), (c, z)] = pairs;
                ([a, b, c], [x, y, z])
            };
            let calls = Log::new();
            let log = calls.clone();
            for (n, deferred) in [a, b, c].into_iter().enumerate() {
                let fails = round % 3 == 1 && n == round % THREADS || round % 3 == 2;
                let outcome = if fails { Err("e".to_owned()) } else { Ok(n) };
                sends[n].send((deferred, outcome)).unwrap();
            }
            // Half of the rounds race the making of the join, too.
            if round % 2 == 0 {
                start.wait();
            }
            let mut joined = join((first, second, third)).inspect(move |_| log.add(()));
            if round % 2 == 1 {
                start.wait();
            }
            let outcome = joined.get(PATIENCE);
            if round % 3 == 0 {
                assert_eq!(outcome.unwrap(), (0, 1, 2));
            } else {
                assert!(is_error(outcome, "e"));
            }
            assert_eq!(calls.entries().len(), 1);
        }
        drop(sends);
        settlers.into_iter().for_each(|settler| settler.join().unwrap());
    });
}

/// E10, E17: the result is cancelled, or dropped, while the inputs settle; each value is dropped once.
#[test]
fn inputs_that_settle_while_it_is_cancelled_go() {
    const ROUNDS: usize = 1_000;
    watchdog("join_tuples.rs: cancelled at once", LONG, || {
        let (start, end) = (Arc::new(Barrier::new(3)), Arc::new(Barrier::new(3)));
        let counter = DropCounter::default();
        let (sends, settlers): (Vec<_>, Vec<_>) = (0..2)
            .map(|_| {
                let (send, receive) = std::sync::mpsc::channel::<Deferred<_, _>>();
                let (start, end, counter) = (start.clone(), end.clone(), counter.clone());
                let settler = named_thread("settler", move || {
                    for (round, deferred) in receive.into_iter().enumerate() {
                        let token = counter.token();
                        let outcome =
                            if round % 10 == 0 { Err(Failure::Error(token)) } else { Ok(token) };
                        start.wait();
                        deferred.settle(outcome);
                        end.wait();
                    }
                });
                (send, settler)
            })
            .unzip();
        for round in 0..ROUNDS {
            let [(a, first), (b, second)] = [(); 2].map(|()| Promise::deferred());
            sends[0].send(a).unwrap();
            sends[1].send(b).unwrap();
            let ready = Promise::ready(counter.token());
            if round % 2 == 0 {
                let joined = join((first, second, ready));
                start.wait();
                joined.cancel();
                assert!(joined.is_set());
                end.wait();
            } else {
                let joined = join([first, second, ready]);
                start.wait();
                drop(joined);
                end.wait();
            }
            assert_eq!(counter.dropped(), 3 * (round + 1));
        }
        drop(sends);
        settlers.into_iter().for_each(|settler| settler.join().unwrap());
    });
}

/// What is behind a join may do on the worker that has settled it whatever a job may: wait for another one, panic.
#[test]
fn what_is_behind_a_join_may_wait_and_panic() {
    watched(|| {
        let pool = one_worker();
        let settled_later = || {
            let (send, receive) = mpsc::channel();
            let last = pool.spawn(move || receive.recv().map_err(|gone| gone.to_string()));
            (send, join((last, Typed::ready(1))))
        };
        let (send, joined) = settled_later();
        let job = |pool: &Pool, n| pool.spawn(move || Ok::<u8, String>(n)).get(None).unwrap();
        let inner = pool.clone();
        let mut waiting = joined.map(move |(two, one)| two + job(&inner, one));
        send.send(2).unwrap();
        assert_eq!(waiting.get(None).unwrap(), 3);
        let (send, joined) = settled_later();
        let mut panicking = joined.map(|_| -> u8 { panic!("behind it") });
        send.send(2).unwrap();
        assert_eq!(panic_message(panicking.get(None)), "behind it");
        assert_eq!(job(&pool, 4), 4);
    });
}

/// The result's place suits its type.
#[test]
fn values_of_a_large_alignment_can_be_joined() {
    #[repr(align(256))]
    struct Large(u8);
    watched(|| {
        let (deferred, promise) = Typed::<Large>::deferred();
        let mut joined = join((Typed::ready(1), promise));
        deferred.resolve(Large(2));
        let (one, two) = joined.get(None).unwrap();
        assert_eq!((one, two.0), (1, 2));
    });
}

/// Values may do anything when they are dropped: settle other inputs of the same join, wait for it.
#[test]
fn a_value_that_settles_an_input_when_it_is_dropped_does_no_harm() {
    struct Settles(Option<Deferred<u8, String>>);
    impl Drop for Settles {
        fn drop(&mut self) {
            self.0.take().unwrap().resolve(1);
        }
    }
    watched(|| {
        let (inner, first) = Typed::<u8>::deferred();
        let (deferred, third) = Typed::<()>::deferred();
        let mut joined = join((first, Typed::ready(Settles(Some(inner))), third));
        deferred.reject("no".to_owned());
        assert!(is_error(joined.get(None), "no"));
        let (inner, first) = Typed::<u8>::deferred();
        let (_never, third) = Typed::<()>::deferred();
        let joined = join((first, Typed::ready(Settles(Some(inner))), third));
        joined.cancel();
        assert!(joined.is_error());
    });
}

/// What is cancelled, or taken, before it is joined fails the join.
#[test]
fn inputs_without_an_outcome_fail_it() {
    watched(|| {
        let (_deferred, cancelled) = Typed::<u8>::deferred();
        cancelled.cancel();
        assert_eq!(verdict(&join((Typed::ready(1), cancelled)).get(None)), "Cancelled");
        let mut taken = Typed::ready(1);
        taken.get(None).unwrap();
        assert_eq!(verdict(&join([taken, Typed::ready(2)]).get(None)), "Taken");
    });
}

/// An array of very many needs no deep stack.
#[test]
fn a_large_array_can_be_joined() {
    watched(|| {
        let values = join([1_u8; 5_000].map(Typed::ready)).get(None).unwrap();
        assert_eq!(values.iter().map(|&n| usize::from(n)).sum::<usize>(), 5_000);
    });
}
