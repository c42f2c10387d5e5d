//! Depth: a million links cost no stack, however they end (conformance, section D).
//!
//! Both the thread that builds, settles and drops and the worker that runs the callbacks have 64 KiB of stack.

use crate::common::{
    Bomb, DropCounter, PATIENCE, SMALL_STACK, deferred_on, one_small_worker, run_on_small_stack,
    watchdog,
};
use asynckit::{AsyncList, AsyncValue, Deferred, Pool, Promise, join};
use std::time::Duration;

const LINKS: usize = if cfg!(miri) { 1_000 } else { 1_000_000 };
const ROUNDS: usize = 100_000;

type Link = Promise<usize, String>;

/// The body of a test, on a small stack, with a pool that runs on one too.
#[track_caller]
fn deep(body: impl FnOnce(&Pool) + Send + 'static) {
    let place = std::panic::Location::caller();
    watchdog(&format!("depth.rs:{}", place.line()), crate::common::LONG, || {
        run_on_small_stack(SMALL_STACK, || body(&one_small_worker()));
    });
}

fn links(source: Link) -> Link {
    (0..LINKS).fold(source, |chain, _| chain.map(|n| n + 1))
}

fn long_chain(pool: &Pool) -> (Deferred<usize, String>, Link) {
    let (deferred, promise) = deferred_on(pool);
    (deferred, links(promise))
}

/// D1
#[test]
fn a_million_links_complete() {
    deep(|pool| {
        let (deferred, mut chain) = long_chain(pool);
        deferred.resolve(0);
        assert_eq!(chain.get(None).unwrap(), LINKS);
    });
}

/// D1, settled before the links were attached
#[test]
fn a_million_links_on_a_settled_promise_complete() {
    deep(|pool| {
        let settled = pool.spawn(|| Ok(0));
        crate::common::flush(pool);
        assert_eq!(links(settled).get(None).unwrap(), LINKS);
    });
}

/// D1, on the global pool, whose workers have an ordinary stack
#[test]
fn a_million_links_on_a_constructed_promise_complete() {
    deep(|_| assert_eq!(links(Promise::ready(0)).get(None).unwrap(), LINKS));
}

#[test]
fn a_million_links_fail() {
    deep(|pool| {
        let (deferred, mut chain) = long_chain(pool);
        deferred.reject("from the top".to_owned());
        let failure = chain.get(None).unwrap_err();
        assert!(matches!(failure, asynckit::Failure::Error(e) if e == "from the top"));
    });
}

#[test]
fn a_million_links_are_abandoned() {
    deep(|pool| {
        let (deferred, mut chain) = long_chain(pool);
        drop(deferred);
        assert!(chain.get(None).unwrap_err().is_abandoned());
    });
}

/// D3: the last callback of a hundred has no more stack below it than the only one.
#[test]
fn the_stack_is_as_deep_in_the_last_callback_as_in_the_first() {
    deep(|pool| {
        let place = |links: usize| {
            let (deferred, promise) = deferred_on::<usize, String>(pool);
            let chain = (0..links).fold(promise, |chain, _| chain.map(|n| n + 1));
            let mut place = chain.map(|n| {
                let here = n;
                std::ptr::from_ref(&here).addr()
            });
            deferred.resolve(0);
            place.get(PATIENCE).unwrap()
        };
        let (one, hundred) = (place(0), place(100));
        assert!(one.abs_diff(hundred) < 1_000, "{} bytes", one.abs_diff(hundred));
    });
}

/// D2: the promise goes first, then the value comes.
#[test]
fn a_million_links_complete_after_their_tail_was_dropped() {
    deep(|pool| {
        let (deferred, promise) = deferred_on::<usize, String>(pool);
        let (done, end) = std::sync::mpsc::channel();
        drop(links(promise).map(move |n| done.send(n)));
        deferred.resolve(0);
        assert_eq!(end.recv_timeout(crate::common::LONG).unwrap(), LINKS);
    });
}

/// D2: the tail is dropped, then the source fails: every closure is dropped.
#[test]
fn a_million_closures_are_dropped_when_nobody_is_left() {
    deep(|pool| {
        let counter = DropCounter::default();
        let (deferred, promise) = deferred_on::<usize, String>(pool);
        let token = || counter.token();
        drop((0..LINKS).fold(promise, |chain, _| {
            let token = token();
            chain.map(move |n| {
                _ = &token;
                n
            })
        }));
        drop(deferred);
        crate::common::eventually("every closure is dropped", || counter.dropped() == LINKS);
    });
}

/// D2, with captures whose drop panics (fewer: each panic costs a trace)
#[test]
fn links_with_captures_that_panic_when_dropped_fail_one_by_one() {
    const BOMBS: usize = 1_000;
    deep(|pool| {
        let (deferred, promise) = deferred_on::<usize, String>(pool);
        let mut chain = (0..BOMBS).fold(promise, |chain, _| {
            let bomb = Bomb;
            chain.map(move |n| {
                _ = &bomb;
                n
            })
        });
        deferred.reject("from the top".to_owned());
        assert!(chain.get(PATIENCE).unwrap_err().is_error());
        crate::common::flush(pool);
    });
}

/// Values that nobody took: a chain that has completed is dropped.
#[test]
fn a_million_settled_links_are_dropped() {
    deep(|pool| {
        let (deferred, mut chain) = long_chain(pool);
        deferred.resolve(0);
        assert!(chain.wait(None));
        drop(chain);
    });
}

/// D2: each link's closure holds the `Deferred` of the next; the first is dropped, and so all go, one after the other.
#[test]
fn a_million_nested_abandonments() {
    deep(|pool| {
        let (mut last, end) = deferred_on::<(), String>(pool);
        for _ in 0..LINKS {
            let (deferred, promise) = Promise::deferred();
            drop(promise.map(move |()| last.resolve(())));
            last = deferred;
        }
        drop(last);
        assert!({ end }.get(None).unwrap_err().is_abandoned());
    });
}

/// The same, settled: each callback resolves the next promise.
#[test]
fn a_million_nested_resolutions() {
    deep(|pool| {
        let (mut last, end) = deferred_on::<(), String>(pool);
        for _ in 0..LINKS {
            let (deferred, promise) = Promise::deferred();
            drop(promise.map(move |()| last.resolve(())));
            last = deferred;
        }
        last.resolve(());
        { end }.get(None).unwrap();
    });
}

/// C9: tail calls in `then`, on a pool and on constructed promises: constant stack, and not a forwarder for each round.
#[test]
fn a_tail_call_loop_of_promises_ends() {
    fn on_pool(pool: &Pool, n: usize) -> Link {
        let again = pool.clone();
        pool.spawn(move || Ok(n)).then(move |n: usize| {
            if n == ROUNDS { Promise::ready(n) } else { on_pool(&again, n + 1) }
        })
    }
    fn constructed(n: usize) -> Link {
        Promise::ready(n).then(
            |n: usize| {
                if n == ROUNDS { Promise::ready(n) } else { constructed(n + 1) }
            },
        )
    }
    fn eager(n: usize) -> Link {
        Promise::ready(n)
            .then(|n: usize| if n == ROUNDS { Ok(n) } else { Err(n.to_string()) })
            .or_else(|n| eager(n.parse::<usize>().unwrap() + 1))
    }
    deep(|pool| {
        assert_eq!(on_pool(pool, 0).get(None).unwrap(), ROUNDS);
        assert_eq!(constructed(0).get(None).unwrap(), ROUNDS);
        assert_eq!(eager(0).get(None).unwrap(), ROUNDS);
    });
}

/// C9, E29: a loop that ends in a failure, and one that never ends because its source is dropped
#[test]
fn a_tail_call_loop_that_fails_ends() {
    fn failing(n: usize) -> Link {
        Promise::ready(n).then(|n: usize| {
            if n == ROUNDS { Promise::failed("end".to_owned()) } else { failing(n + 1) }
        })
    }
    deep(|_| assert!(failing(0).get(None).unwrap_err().is_error()));
}

/// Non-tail recursion: each round adopts a promise and adds a link, so a million links hang below one another.
#[test]
fn a_recursion_that_is_no_tail_call_ends() {
    fn sum(n: usize) -> Link {
        Promise::ready(n).then(|n: usize| {
            if n == 0 {
                Promise::ready(0)
            } else {
                sum(n - 1).map(move |rest| rest.wrapping_add(n))
            }
        })
    }
    // It wraps around where a `usize` has 32 bits.
    let expected = (1..=ROUNDS).fold(0, usize::wrapping_add);
    deep(move |_| assert_eq!(sum(ROUNDS).get(None).unwrap(), expected));
}

/// Followers of followers: the last one settled settles all, from either end.
#[test]
fn a_long_line_of_followers_settles() {
    deep(|_| {
        let (first, mut end) = Link::deferred();
        let head = (0..ROUNDS).fold(first, |follower, _| {
            let (deferred, promise) = Link::deferred();
            follower.follow(promise);
            deferred
        });
        head.resolve(7);
        assert_eq!(end.get(None).unwrap(), 7);

        let (head, mut end) = Link::deferred();
        for _ in 0..ROUNDS {
            let (deferred, promise) = Link::deferred();
            deferred.follow(end);
            end = promise;
        }
        drop(head);
        assert!(end.get(None).unwrap_err().is_abandoned());
    });
}

/// D2: lists of lists, and values shared from values.
#[test]
fn deep_lists_and_shared_values_settle_and_drop() {
    deep(|_| {
        let (deferred, mut end) = Link::deferred();
        for _ in 0..ROUNDS {
            end = [end].into_iter().collect::<AsyncList<_, _>>().map(|mut one| one.remove(0));
        }
        deferred.resolve(1);
        assert_eq!(end.get(None).unwrap(), 1);

        let (deferred, promise) = Link::deferred();
        let mut value: AsyncValue<usize, String> = promise.share();
        for _ in 0..ROUNDS {
            value = value.map(|n| n + 1).share();
        }
        deferred.resolve(0);
        assert_eq!(*value.get(None).unwrap(), ROUNDS);
        drop(value);

        let (deferred, promise) = Link::deferred();
        let mut value: AsyncValue<usize, String> = promise.share();
        for _ in 0..ROUNDS {
            value = value.map(|n| n + 1).share();
        }
        drop(deferred);
        assert!(value.get(None).unwrap_err().is_abandoned());
    });
}

/// D2: joins of joins, with a callback between each two, however they end.
#[test]
fn a_deep_nest_of_joins_settles_and_drops() {
    fn nest(innermost: Link) -> Link {
        (0..ROUNDS).fold(innermost, |end, _| join((end, Promise::ready(1))).map(|(n, one)| n + one))
    }
    deep(|pool| {
        let (send, receive) = std::sync::mpsc::channel();
        let mut end = nest(pool.spawn(move || receive.recv().map_err(|gone| gone.to_string())));
        send.send(0).unwrap();
        assert_eq!(end.get(None).unwrap(), ROUNDS, "settled by a worker");

        let (deferred, promise) = deferred_on(pool);
        let mut end = nest(promise);
        deferred.resolve(0);
        assert_eq!(end.get(None).unwrap(), ROUNDS, "settled by another thread");

        let (deferred, promise) = deferred_on(pool);
        let mut end = nest(promise);
        drop(deferred);
        assert!(end.get(None).unwrap_err().is_abandoned());

        let (deferred, promise) = deferred_on(pool);
        let end = nest(promise);
        end.cancel();
        assert!(end.is_error());
        assert!(deferred.is_cancelled());

        let (deferred, promise) = deferred_on(pool);
        drop(nest(promise));
        deferred.resolve(0);
        crate::common::flush(pool);
    });
}

/// D4, D5, wide instead of deep: a million branches on one value.
#[test]
fn a_million_branches_on_one_value_each_run_once() {
    deep(|_| {
        let event = AsyncValue::<usize, String>::new();
        let runs = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        for _ in 0..LINKS {
            let runs = runs.clone();
            drop(event.map(move |n| runs.fetch_add(*n, std::sync::atomic::Ordering::SeqCst)));
        }
        event.set(1).unwrap();
        crate::common::eventually("each branch runs", || {
            runs.load(std::sync::atomic::Ordering::SeqCst) == LINKS
        });
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(runs.load(std::sync::atomic::Ordering::SeqCst), LINKS, "once");
    });
}

/// Cancelling at the end of a line of values that were shared and mapped, from a pool that runs nothing.
#[test]
fn a_long_line_of_shared_values_is_cancelled() {
    deep(|_| {
        let paused = Pool::new(0);
        let line = |source: AsyncValue<usize, String>| {
            (0..ROUNDS).fold(source, |value, _| value.map(|n| n + 1).share())
        };
        let end = line(paused.spawn(|| Ok(1)).share());
        end.cancel();
        assert!(end.get(None).unwrap_err().is_cancelled());
        // The first one is cancelled, and nobody wants it when the last one is dropped.
        let (deferred, promise) = Link::deferred();
        let first = promise.share();
        let end = line(first.map(|n| *n).share());
        first.cancel();
        assert!(!deferred.is_cancelled());
        drop((first, end));
        assert!(deferred.is_cancelled());
        // Its time is over.
        let end = line(paused.spawn(|| Ok(1)).share());
        let mut limited = end.chain(|n| Ok(*n)).timeout(Duration::from_millis(1));
        drop(end);
        assert!(limited.get(None).unwrap_err().is_timed_out());
    });
}

/// What owns a promise that owns another one, and so on: cancelled, dropped, abandoned.
#[test]
fn what_owns_the_next_one_is_dropped_one_after_the_other() {
    type Any = Box<dyn std::any::Any + Send + Sync>;
    type Holder = Promise<Any, String>;
    fn boxed<T: Send + Sync + 'static>(value: T) -> Any {
        Box::new(value)
    }
    let holders: [fn(Holder) -> Holder; 6] = [
        |inner| Promise::ready(boxed(inner)),
        |inner| Promise::ready(boxed(inner.share())),
        |inner| Promise::ready(boxed([inner].into_iter().collect::<AsyncList<Any, String>>())),
        |inner| Promise::ready(boxed(join((inner, Promise::<u8, String>::ready(1))))),
        |inner| Promise::deferred().1.map(move |_: u8| boxed(&inner as *const _ as usize)),
        |inner| {
            [Promise::ready(boxed(inner))].into_iter().collect::<AsyncList<Any, String>>().race()
        },
    ];
    deep(move |pool| {
        for hold in holders {
            drop((0..ROUNDS).fold(Promise::ready(boxed(0)), |inner, _| hold(inner)));
        }
        let paused = Pool::new(0);
        for end in [|line: Link| line.cancel(), |line: Link| drop(line)] {
            end((0..ROUNDS).fold(paused.spawn(|| Ok(1)), |inner: Link, _| {
                let inner = inner.cancel_on_drop();
                paused.spawn(move || {
                    drop(inner);
                    Ok(1)
                })
            }));
        }
        drop(pool.spawn(|| Ok::<_, String>(1)));
    });
}
