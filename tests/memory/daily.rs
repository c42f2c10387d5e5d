//! What the calls of every day ask of the allocator: sources of cancellation, live sets, loops.

use crate::common::alloc::Counter;
use crate::common::watched;
use asynckit::{CancelSource, Promise, TaskSet, buffered};

type Typed<T> = Promise<T, String>;

/// The most that `work` asks for in a round, of a thousand behind a first one.
fn most_of_a_round(work: impl Fn()) -> usize {
    let counter = Counter::leaked();
    counter.count_this_thread();
    work();
    let asked = |_| {
        let before = counter.allocations();
        work();
        counter.allocations() - before
    };
    (0..1000).map(asked).max().expect("a thousand")
}

/// A relay is five (its source's list and policy, its promise, the way up); the reason, the places in tokens, and an
/// entry in a token's table come to that.
#[test]
fn a_promise_that_a_token_cancels_is_a_relay_and_some_words() {
    watched(|| {
        let (source, promise) = (CancelSource::new(), Typed::<u8>::deferred);
        let token = source.token();
        let plain = most_of_a_round(|| drop(promise().1.cancellable()));
        let by_token = most_of_a_round(|| drop(promise().1.cancel_by(&token)));
        assert!(by_token <= plain + 5, "{by_token}, and {plain} without a token");
        let child = most_of_a_round(|| drop(token.child()));
        assert!(child <= 4, "a child: {child}");
        let waits = most_of_a_round(|| drop(token.cancelled()));
        assert!(waits <= 4, "a promise of a cancellation: {waits}");
    });
}

/// What is pushed, what settles it, and what is taken: the list that watches it, its policy, and an entry among those
/// that are pending. A wait that is not in vain asks for one more.
#[test]
fn a_promise_of_a_set_is_three_allocations() {
    watched(|| {
        let set = TaskSet::<u8, String>::new();
        let each = most_of_a_round(|| {
            let (deferred, promise) = Typed::<u8>::deferred();
            set.push(promise);
            deferred.resolve(7);
            assert_eq!(set.next().unwrap().outcome.unwrap(), 7);
        });
        assert!(each <= 1 + 3, "{each}, with the promise itself");
    });
}

/// Outcomes in order: nothing for each, but the queue when it is made.
#[test]
fn an_outcome_in_order_is_no_allocation() {
    watched(|| {
        const EACH: usize = 100;
        let most = most_of_a_round(|| {
            let all = buffered((0..EACH).map(Typed::ready), 8);
            assert_eq!(all.map(Result::unwrap).sum::<usize>(), 4950);
        });
        assert!(most <= EACH + 3, "{most}, with {EACH} promises");
    });
}
