//! Tokens, sources and handlers in long lines, and on many threads at once.

use crate::common::{PATIENCE, SMALL_STACK, run_on_small_stack, watched};
use asynckit::{CancelReason, CancelSource, Promise};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

type Typed<T> = Promise<T, String>;

const WHY: &str = "the user has left";
const DEPTH: usize = 20_000;

#[test]
fn lines_of_tokens_take_no_stack() {
    watched(|| {
        run_on_small_stack(SMALL_STACK, || {
            let (root, mut line) = (CancelSource::new(), Vec::new());
            let mut last = root.clone();
            for n in 0..DEPTH {
                last = last.token().child();
                if n < 50 {
                    line.push(last.clone()); // each is known in all that are above it
                }
            }
            drop(line);
            root.cancel_for(WHY); // from parent to child
            assert_eq!(last.token().reason(), Some(CancelReason::from(WHY)));

            let mut last = CancelSource::new();
            (0..DEPTH).for_each(|_| last = last.token().child());
            drop(last); // the last handle on all of them

            let sources: Vec<_> = (0..DEPTH).map(|_| CancelSource::new()).collect();
            for pair in sources.windows(2) {
                let next = pair[1].clone();
                pair[0].token().on_cancel(move || next.cancel_for(WHY)); // by hand
            }
            sources[0].cancel();
            assert!(sources.iter().all(CancelSource::is_cancelled));

            let mut next = CancelSource::new();
            for _ in 0..DEPTH {
                let above = CancelSource::new();
                above.token().on_cancel(move || drop(next)); // each owns the next one
                next = above;
            }
            drop(next);
        });
    });
}

/// Several threads cancel, attach and settle: each promise settles, each handler runs once.
#[test]
fn threads_that_cancel_and_attach_at_once_lose_nothing() {
    const ROUNDS: usize = 300;
    watched(|| {
        for round in 0..ROUNDS {
            let source = CancelSource::new();
            let called = Arc::new(AtomicUsize::new(0));
            let start = Arc::new(std::sync::Barrier::new(3));
            let cancellers: Vec<_> = (0..2)
                .map(|_| {
                    let (source, start) = (source.clone(), start.clone());
                    thread::spawn(move || {
                        start.wait();
                        source.cancel_for(WHY);
                    })
                })
                .collect();
            let token = source.token();
            drop(source);
            start.wait();
            let (count, child) = (called.clone(), token.child());
            child.token().on_cancel(move || _ = count.fetch_add(1, SeqCst));
            let (deferred, promise) = Typed::<u8>::deferred();
            let mut promise = promise.cancel_by(&child.token());
            if round % 2 == 0 {
                deferred.resolve(7);
            }
            cancellers.into_iter().for_each(|canceller| canceller.join().unwrap());
            assert_eq!(called.load(SeqCst), 1);
            let outcome = promise.get(PATIENCE);
            assert!(outcome.map_or_else(|failure| failure.is_cancelled(), |n| n == 7));
        }
    });
}
