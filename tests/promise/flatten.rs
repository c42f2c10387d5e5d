//! Adoption: a continuation that returns a promise, a shared value or a list (conformance, section C).
//!
//! C6 (later settles of a promise that follows are ignored) cannot be asked here: following consumes the `Deferred`.

use crate::common::{
    DropCounter, MOMENT, PATIENCE, deferred_on, every_failure, flush, kind, named_thread,
    one_worker, verdict, watched,
};
use asynckit::{AsyncList, AsyncValue, Deferred, Failure, Outcome, Promise};
use std::sync::mpsc;

type Typed<T> = Promise<T, String>;
type Pair<T> = (Deferred<T, String>, Promise<T, String>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    SettleSource,
    SettleInner,
    Attach,
}

const SIX_ORDERS: [[Step; 3]; 6] = {
    use Step::{Attach as A, SettleInner as I, SettleSource as S};
    [[S, I, A], [S, A, I], [I, S, A], [I, A, S], [A, S, I], [A, I, S]]
};

/// Runs `source.then(|_| inner)` with the three events in the given order.
fn adopt_in_order(order: [Step; 3], outcome: &Outcome<u8, String>) -> Outcome<u8, String> {
    let (source, promise) = Typed::<u8>::deferred();
    let (settle_inner, inner) = Typed::<u8>::deferred();
    let (mut source, mut promise) = (Some(source), Some(promise));
    let (mut settle_inner, mut inner) = (Some(settle_inner), Some(inner));
    let mut outer = None;
    for step in order {
        match step {
            Step::SettleSource => source.take().unwrap().resolve(1),
            Step::SettleInner => settle_inner.take().unwrap().settle(outcome.clone()),
            Step::Attach => {
                let inner = inner.take().unwrap();
                outer = Some(promise.take().unwrap().then(|_| inner));
            }
        }
    }
    outer.unwrap().get(PATIENCE)
}

/// C1
#[test]
fn all_six_orders_give_the_inner_outcome() {
    watched(|| {
        for order in SIX_ORDERS {
            assert_eq!(adopt_in_order(order, &Ok(42)).unwrap(), 42, "{order:?}");
            for (name, failure) in every_failure() {
                assert_eq!(verdict(&adopt_in_order(order, &Err(failure))), name, "{order:?}");
            }
        }
    });
}

/// C1, for the handlers of failures
#[test]
fn handlers_adopt_too() {
    watched(|| {
        let recover = |inner: Typed<u8>, with: fn(Typed<u8>, Typed<u8>) -> Typed<u8>| {
            let (deferred, source) = Typed::<u8>::deferred();
            let mut outer = with(source, inner);
            deferred.reject("source".to_owned());
            outer.get(PATIENCE)
        };
        for with in [
            (|source, inner| source.catch(|_| inner)) as fn(Typed<u8>, Typed<u8>) -> Typed<u8>,
            |source, inner| source.or_else(|_| inner),
            |source, inner| source.catch_if(|_| true, |_| inner),
            |source, inner| source.handle(|_| inner),
        ] {
            assert_eq!(recover(Promise::ready(1), with).unwrap(), 1);
            let failed = recover(Promise::failed("inner".to_owned()), with);
            assert!(matches!(failed, Err(Failure::Error(e)) if e == "inner"));
        }
    });
}

/// C2
#[test]
fn the_outer_promise_waits_for_the_inner_one() {
    watched(|| {
        let (deferred, inner) = Typed::<u8>::deferred();
        let mut outer = Typed::ready(1).then(|_: u8| inner);
        assert!(outer.get(MOMENT).unwrap_err().is_timed_out());
        assert!(!outer.is_set());
        named_thread("settler", move || deferred.resolve(2)).join().unwrap();
        assert_eq!(outer.get(PATIENCE).unwrap(), 2);
    });
}

/// C3
#[test]
fn three_levels_flatten_from_the_inside() {
    watched(|| {
        let (c, inner) = Typed::<u8>::deferred();
        let (b, middle) = Typed::<u8>::deferred();
        let (a, source) = Typed::<u8>::deferred();
        let mut outer = source.then(move |_| middle.then(move |_| inner));
        a.resolve(1);
        b.resolve(2);
        assert!(outer.get(MOMENT).unwrap_err().is_timed_out());
        c.resolve(3);
        assert_eq!(outer.get(PATIENCE).unwrap(), 3);
    });
}

/// C3: a job that returns a promise of a promise's `then`, and so on: flat at once.
#[test]
fn a_job_may_return_any_of_the_four() {
    watched(|| {
        let pool = one_worker();
        let mut result: Typed<u8> = pool.spawn(|| Ok(1));
        let again = pool.clone();
        let mut promise: Typed<u8> =
            pool.spawn(move || again.spawn(|| Ok(2)).then(|n: u8| Typed::ready(n)));
        let mut value: Typed<u8> = pool.spawn(|| Typed::ready(3).share());
        let mut list: Typed<Vec<u8>> =
            pool.spawn(|| [4, 5].map(Typed::ready).into_iter().collect::<AsyncList<_, _>>());
        assert_eq!(result.get(PATIENCE).unwrap(), 1);
        assert_eq!(promise.get(PATIENCE).unwrap(), 2);
        assert_eq!(value.get(PATIENCE).unwrap(), 3);
        assert_eq!(list.get(PATIENCE).unwrap(), [4, 5]);
    });
}

/// C3
#[test]
fn a_continuation_may_return_any_of_the_four() {
    watched(|| {
        let source = || Typed::<u8>::ready(1);
        assert_eq!(source().then(|n| Ok(n + 1)).get(PATIENCE).unwrap(), 2);
        assert_eq!(source().then(|n| Promise::ready(n + 2)).get(PATIENCE).unwrap(), 3);
        let event = AsyncValue::<u8, String>::new();
        let adopted = event.clone();
        let mut shared = source().then(move |_| adopted);
        let list = |n| [n, n + 1].map(Typed::ready).into_iter().collect::<AsyncList<_, _>>();
        assert_eq!(source().then(list).get(PATIENCE).unwrap(), [1, 2]);
        assert_eq!(source().chain(list).get(PATIENCE).unwrap(), [1, 2]);
        assert!(shared.get(MOMENT).unwrap_err().is_timed_out());
        event.set(9).unwrap();
        assert_eq!(shared.get(PATIENCE).unwrap(), 9);
    });
}

/// C5: a promise that follows what comes of itself is refused where the link is made, and nothing is left over.
#[test]
fn following_oneself_fails_with_would_deadlock() {
    watched(|| {
        let counter = DropCounter::default();
        let (deferred, promise) = Typed::<u8>::deferred();
        let (send, receive) = mpsc::channel();
        let token = counter.token();
        deferred.follow(promise.handle(move |outcome| {
            _ = &token;
            send.send(verdict(&outcome)).unwrap();
            Ok(1)
        }));
        assert_eq!(receive.recv_timeout(PATIENCE).unwrap(), "WouldDeadlock");
        crate::common::eventually("the closure is dropped", || counter.dropped() == 1);
    });
}

/// C5, through a shared value, where somebody can see it
#[test]
fn a_shared_value_that_follows_itself_fails_with_would_deadlock() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let shared = promise.share();
        deferred.follow(shared.clone());
        assert!(shared.get(PATIENCE).unwrap_err().is_would_deadlock());
    });
}

/// C5, a cycle of two
#[test]
fn two_promises_that_follow_each_other_fail_with_would_deadlock() {
    watched(|| {
        let (first, promise) = Typed::<u8>::deferred();
        let (second, other) = Typed::<u8>::deferred();
        let (one, two) = (promise.share(), other.share());
        first.follow(two.clone());
        assert!(!one.is_set());
        second.follow(one.clone());
        assert!(one.get(PATIENCE).unwrap_err().is_would_deadlock());
        assert!(two.get(PATIENCE).unwrap_err().is_would_deadlock());
    });
}

/// C11
#[test]
fn the_monad_laws_hold_by_outcome() {
    fn triple(n: u32) -> Typed<u32> {
        Promise::ready(n * 3)
    }
    fn plus_one(n: u32) -> Typed<u32> {
        if n < 1000 { Promise::ready(n + 1) } else { Promise::failed(format!("{n} is too much")) }
    }
    let show = |mut p: Typed<u32>| match p.get(PATIENCE) {
        Ok(n) => format!("value {n}"),
        Err(Failure::Error(e)) => format!("error {e}"),
        Err(other) => kind(&other).to_owned(),
    };
    watched(move || {
        let sources: [fn() -> Typed<u32>; 4] = [
            || Promise::ready(1),
            || Promise::ready(999),
            || Promise::failed("e".to_owned()),
            || Promise::settled(Err(Failure::Cancelled)),
        ];
        assert_eq!(show(Promise::ready(5).then(triple)), show(triple(5)));
        for source in sources {
            assert_eq!(show(source().then(Promise::ready)), show(source()));
            let left = source().then(triple).then(plus_one);
            let right = source().then(|n| triple(n).then(plus_one));
            assert_eq!(show(left), show(right));
            let zero = source().then(|_| Typed::<u32>::failed("zero".to_owned())).then(triple);
            let expected = source().then(|_| Err::<u32, _>("zero".to_owned()));
            assert_eq!(show(zero), show(expected));
        }
        assert_eq!(show(Typed::failed("a".to_owned()).or_else(Promise::failed)), "error a");
    });
}

/// An adopted promise that is abandoned, panics or was taken fails the outer one with that.
#[test]
fn any_end_of_the_inner_promise_is_the_outer_ones() {
    watched(|| {
        let outer = |inner: Typed<u8>| Typed::ready(0).then(move |_: u8| inner).get(PATIENCE);
        assert_eq!(verdict(&outer(crate::common::abandoned())), "Abandoned");
        assert_eq!(verdict(&outer(Typed::ready(1).map(|_| panic!("inner")))), "Panicked");
        let mut taken = Typed::ready(1);
        taken.get(None).unwrap();
        assert_eq!(verdict(&outer(taken)), "Taken");
    });
}

/// Adopting needs no worker: an inner promise that settles elsewhere settles the outer one there.
#[test]
fn adoption_completes_while_the_worker_is_blocked() {
    watched(|| {
        let pool = one_worker();
        let gate = crate::common::Gate::new();
        let (settle, inner) = Typed::<u8>::deferred();
        let (source, promise) = deferred_on::<u8, String>(&pool);
        let mut outer = promise.then(|_| inner);
        flush(&pool);
        source.resolve(1);
        flush(&pool);
        let key = gate.key();
        let _busy = pool.run(move || key.wait());
        gate.await_arrival(1);
        settle.resolve(2);
        assert!(outer.is_set());
        assert_eq!(outer.get(None).unwrap(), 2);
    });
}

/// `follow` takes over whatever it is given: a result, a promise (settled or not), a shared value, a list.
#[test]
fn a_deferred_follows_any_source() {
    watched(|| {
        let followed = |follow: fn(Deferred<Vec<u8>, String>)| {
            let (deferred, mut promise): Pair<Vec<u8>> = Promise::deferred();
            follow(deferred);
            promise.get(PATIENCE)
        };
        assert_eq!(followed(|d| d.follow(Ok(vec![1]))).unwrap(), [1]);
        assert_eq!(verdict(&followed(|d| d.follow(Err("e".to_owned())))), "Error");
        assert_eq!(followed(|d| d.follow(Promise::ready(vec![2]))).unwrap(), [2]);
        assert_eq!(verdict(&followed(|d| d.follow(Promise::failed("e".to_owned())))), "Error");
        assert_eq!(followed(|d| d.follow(Promise::ready(vec![3]).share())).unwrap(), [3]);
        let list = |d: Deferred<Vec<u8>, String>| {
            d.follow([4, 5].map(Promise::ready).into_iter().collect::<AsyncList<u8, String>>());
        };
        assert_eq!(followed(list).unwrap(), [4, 5]);
        assert_eq!(
            verdict(&followed(|d| d.follow(Promise::settled(Err(Failure::Cancelled))))),
            "Cancelled"
        );
    });
}

/// C6: until its source settles, a promise that follows it is pending.
#[test]
fn a_follower_settles_with_its_source() {
    watched(|| {
        let (source, inner): Pair<u8> = Promise::deferred();
        let (outer, mut promise): Pair<u8> = Promise::deferred();
        outer.follow(inner);
        assert!(promise.get(MOMENT).unwrap_err().is_timed_out());
        source.resolve(9);
        assert!(promise.is_set(), "following needs no worker: it happens on the settling thread");
        assert_eq!(promise.get(None).unwrap(), 9);
    });
}
