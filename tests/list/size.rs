//! Very many items on a very small stack: dropped, cancelled, failed (conformance D2, D4).

use crate::common::{
    Bomb, DropCounter, LONG, SMALL_STACK, Token, is_error, one_small_worker, run_on_small_stack,
    watched_long,
};
use asynckit::{AsyncList, Deferred, Promise, map_concurrent};

type Typed<T> = Promise<T, String>;
type List<T> = AsyncList<T, String>;

/// A million in a release build.
const MANY: usize = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    watched_long(|| run_on_small_stack(SMALL_STACK, body));
}

/// Items with a capture each, which are dropped when the item can never come.
fn with_captures(n: usize, counter: &DropCounter) -> (Vec<Deferred<usize, String>>, List<usize>) {
    let (deferreds, promises): (Vec<_>, Vec<_>) = (0..n).map(|_| Promise::deferred()).unzip();
    let hold = |promise: Typed<usize>, token: Token| promise.map(move |n| (n, token).0);
    let held = promises.into_iter().map(|promise| hold(promise, counter.token()));
    (deferreds, held.collect())
}

/// D2: the join goes first, then all items are abandoned; and the other way round.
#[test]
fn a_join_of_very_many_is_dropped() {
    on_a_small_stack(|| {
        let counter = DropCounter::default();
        let (deferreds, list) = with_captures(MANY, &counter);
        drop(list.join());
        drop(deferreds);
        assert_eq!(counter.dropped(), MANY);

        let (deferreds, list) = with_captures(MANY, &counter);
        let joined = list.join();
        drop(deferreds);
        assert!(joined.is_error());
        assert_eq!(counter.dropped(), 2 * MANY);
    });
}

/// D2: each item is a list of one, and so on: the outermost is cancelled, and all captures go.
#[test]
fn very_many_items_are_cancelled() {
    on_a_small_stack(|| {
        let counter = DropCounter::default();
        let (deferreds, list) = with_captures(MANY, &counter);
        let outer = List::from_iter([list.join()]).join();
        outer.cancel();
        assert_eq!(counter.dropped(), MANY);
        assert!(deferreds.iter().all(Deferred::is_cancelled));
    });
}

/// D2: captures whose drop panics (fewer: each panic costs a trace).
#[test]
fn captures_that_panic_when_they_are_dropped_are_contained() {
    on_a_small_stack(|| {
        let (deferreds, promises): (Vec<_>, Vec<_>) =
            (0..1_000).map(|_| Typed::<usize>::deferred()).unzip();
        let bomb = |promise: Typed<usize>| {
            let bomb = Bomb;
            promise.map(move |n| (n, drop(bomb)).0)
        };
        let joined = promises.into_iter().map(bomb).collect::<List<usize>>().join();
        joined.cancel();
        drop(deferreds);
        assert!(joined.is_error());
    });
}

/// D4: one after the other, each fails, and all are wanted.
#[test]
fn very_many_failing_steps_cost_no_stack() {
    on_a_small_stack(|| {
        let pool = one_small_worker();
        let list: List<u8> =
            map_concurrent(0..5_000, 1, move |n: u32| pool.spawn(move || Err(format!("no {n}"))));
        let outcomes = list.settled().get(LONG).unwrap();
        assert_eq!(outcomes.len(), 5_000);
        for (n, outcome) in outcomes.into_iter().enumerate() {
            assert!(is_error(outcome, &format!("no {n}")));
        }
    });
}
