//! What the calls of every day ask of the allocator: sources of cancellation, live sets, loops.

use crate::common::alloc::Counter;
use crate::common::watched;
use asynckit::{CancelSource, Promise};

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
