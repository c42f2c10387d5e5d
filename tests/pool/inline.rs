//! Callbacks inside the call that settles: `Inline`, and executors that run a job at once. Nothing
//! nests, and depth costs no stack.

use crate::common::wakers::block_on;
use crate::common::{Log, PATIENCE, SMALL_STACK, run_on_small_stack, watchdog, watched};
use asynckit::{Executor, ExecutorRef, Inline, Job, Pool, Promise};
use futures_core::Stream;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const LINKS: usize = if cfg!(miri) { 1_000 } else { 1_000_000 };
const ROUNDS: usize = 100_000;

type Link = Promise<usize, String>;

/// An executor like `Inline`, by its own.
fn at_once() -> ExecutorRef {
    ExecutorRef::from(Job::run as fn(Job))
}

/// Both, and both in turn.
fn inline(kind: usize, n: usize) -> ExecutorRef {
    if kind == 0 || (kind == 2 && n % 2 == 0) { Inline.into() } else { at_once() }
}

#[track_caller]
fn deep(body: impl FnOnce() + Send + 'static) {
    let place = std::panic::Location::caller();
    watchdog(&format!("executor_inline.rs:{}", place.line()), crate::common::LONG, || {
        run_on_small_stack(SMALL_STACK, body);
    });
}

#[test]
fn inline_callbacks_run_inside_the_call_that_settles_or_attaches() {
    watched(|| {
        for kind in [0, 1] {
            let here = thread::current().id();
            let is_here = move |_| thread::current().id() == here;
            let (deferred, promise) = Link::deferred();
            let mut before = promise.via(inline(kind, 0)).map(is_here).chain(Ok);
            assert!(!before.is_set());
            deferred.resolve(0);
            assert!(before.try_get().expect("settled inside of the call").unwrap());
            let mut after = Link::ready(0).via(inline(kind, 0)).map(is_here);
            assert!(after.try_get().expect("settled inside of the call").unwrap());
        }
    });
}

#[test]
fn nested_callbacks_wait_for_the_outer_one() {
    watched(|| {
        for (outer, inner) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let log = Log::new();
            let (first, second, third) = (log.clone(), log.clone(), log.clone());
            let run = Link::ready(0).via(inline(outer, 0)).map(move |_| {
                first.add("outer begins");
                let (deferred, promise) = Link::deferred();
                drop(promise.via(inline(inner, 0)).map(move |_| {
                    second.add("inner begins");
                    drop(Link::ready(0).via(inline(outer, 0)).map(move |_| third.add("innermost")));
                    second.add("inner ends");
                }));
                deferred.resolve(0);
                first.add("outer ends");
            });
            assert!(run.is_set());
            let expected =
                ["outer begins", "outer ends", "inner begins", "inner ends", "innermost"];
            assert_eq!(log.entries(), expected, "{outer} {inner}");
        }
    });
}

/// What is nested comes a second time to its own executor, so that it runs in its surroundings.
#[test]
fn each_job_runs_in_the_surroundings_of_its_executor() {
    thread_local! { static WITHIN: Cell<u32> = const { Cell::new(0) } }
    fn within(n: u32) -> ExecutorRef {
        ExecutorRef::from(move |job: Job| {
            let outer = WITHIN.replace(n);
            job.run();
            WITHIN.set(outer);
        })
    }
    watched(|| {
        let log = Log::new();
        let (first, second) = (log.clone(), log.clone());
        drop(Link::ready(0).via(within(1)).map(move |_| {
            drop(Link::ready(0).via(within(2)).map(move |_| second.add(WITHIN.get())));
            first.add(WITHIN.get());
        }));
        assert_eq!(log.entries(), [1, 2]);
    });
}

/// A `get`, and an `await`, inside a callback run what waits for the end of that callback.
#[test]
fn waiting_inside_a_callback_runs_what_it_waits_for() {
    watched(|| {
        for kind in [0, 1] {
            let mut run = Link::ready(1).via(inline(kind, 0)).map(move |n| {
                let mut nested = Link::ready(n).via(inline(kind, 0)).map(|n| n + 1);
                assert!(!nested.is_set(), "it waits");
                nested.get(PATIENCE).unwrap()
            });
            assert_eq!(run.try_get().unwrap().unwrap(), 2);
            let mut run = Link::ready(1).via(inline(kind, 0)).map(move |n| {
                block_on(Link::ready(n).via(inline(kind, 0)).map(|n| n + 1)).unwrap()
            });
            assert_eq!(run.try_get().unwrap().unwrap(), 2);
            let mut run = Link::ready(1).via(inline(kind, 0)).map(move |n| {
                let nested = || Link::ready(n).via(inline(kind, 0)).map(|n| n + 1);
                let list = [nested()].into_iter().collect::<asynckit::AsyncList<_, String>>();
                let mut stream = pin!(list.as_completed().stream());
                let first = block_on(poll_fn(|context| stream.as_mut().poll_next(context)));
                first.unwrap().outcome.unwrap() + block_on(nested().share()).unwrap()
            });
            assert_eq!(run.try_get().unwrap().unwrap(), 4);
        }
    });
}

#[test]
fn a_callback_that_panics_leaves_the_next_ones_alone() {
    watched(|| {
        for kind in [0, 1] {
            let log = Log::new();
            let inner = log.clone();
            let mut run = Link::ready(0).via(inline(kind, 0)).map(move |_| {
                drop(Link::ready(0).via(inline(kind, 0)).map(move |_| inner.add("runs")));
                panic!("inside an inline callback");
            });
            let failure = run.try_get().unwrap().unwrap_err();
            assert!(failure.is_panicked());
            assert_eq!(log.entries(), ["runs"]);
        }
    });
}

/// On a worker, too: and the callbacks of the pool stay on it.
#[test]
fn inline_callbacks_of_a_job_run_on_its_worker() {
    watched(|| {
        let pool = Pool::new(1);
        let worker = crate::common::worker_id(&pool);
        let mut ids = pool
            .spawn(|| Ok::<_, String>(vec![thread::current().id()]))
            .via(Inline)
            .map(|ids| [ids, vec![thread::current().id()]].concat())
            .via(&pool)
            .map(|ids| [ids, vec![thread::current().id()]].concat());
        // The inline link is attached in time or not: then it runs here.
        let ids = ids.get(PATIENCE).unwrap();
        assert_eq!((ids[0], ids[2]), (worker, worker));
        assert!(ids[1] == worker || ids[1] == thread::current().id());
    });
}

#[test]
fn a_million_inline_links_need_no_stack() {
    for kind in [0, 1, 2] {
        deep(move || {
            let chain = |start: Link| {
                (0..LINKS).fold(start, |chain, n| chain.via(inline(kind, n)).map(|n| n + 1))
            };
            let (deferred, promise) = Link::deferred();
            let mut end = chain(promise);
            deferred.resolve(0);
            assert_eq!(end.try_get().unwrap().unwrap(), LINKS);
            assert_eq!(chain(Link::ready(0)).try_get().unwrap().unwrap(), LINKS);
        });
    }
}

/// Each callback settles the next promise: a million calls that would nest.
#[test]
fn a_million_nested_calls_need_no_stack() {
    for kind in [0, 1, 2] {
        deep(move || {
            let (first, mut deferred) = (Link::deferred(), None);
            let (head, mut promise) = first;
            deferred.replace(head);
            let count = Arc::new(AtomicUsize::new(0));
            for n in 0..LINKS {
                let (next, following) = Link::deferred();
                let count = count.clone();
                drop(promise.via(inline(kind, n)).map(move |n| {
                    count.fetch_add(1, Ordering::Relaxed);
                    next.resolve(n + 1);
                }));
                promise = following;
            }
            deferred.take().unwrap().resolve(0);
            assert_eq!(count.load(Ordering::Relaxed), LINKS);
            assert_eq!(promise.try_get().unwrap().unwrap(), LINKS);
        });
    }
}

/// C9 for inline callbacks: tail calls, and such as are none.
#[test]
fn inline_recursion_ends() {
    fn count(n: usize, kind: usize) -> Link {
        Link::ready(n)
            .via(inline(kind, n))
            .then(move |n| if n == 0 { Link::ready(0) } else { count(n - 1, kind) })
    }
    fn sum(n: usize, kind: usize) -> Link {
        Link::ready(n).via(inline(kind, n)).then(move |n| {
            if n == 0 {
                Link::ready(0)
            } else {
                sum(n - 1, kind).map(move |rest| rest.wrapping_add(n))
            }
        })
    }
    // It wraps around where a `usize` has 32 bits.
    let expected = (1..=ROUNDS).fold(0, usize::wrapping_add);
    for kind in [0, 1, 2] {
        deep(move || {
            assert_eq!(count(ROUNDS, kind).get(PATIENCE).unwrap(), 0);
            assert_eq!(sum(ROUNDS, kind).get(PATIENCE).unwrap(), expected);
        });
    }
}

/// A million links that are refused, failed, cancelled: no stack either.
#[test]
fn a_million_refused_links_need_no_stack() {
    deep(|| {
        let refuse = ExecutorRef::from(drop as fn(Job));
        let executors = [(refuse, "Abandoned"), (at_once(), "Error"), (Inline.into(), "Error")];
        for (executor, expected) in executors {
            let (deferred, promise) = Link::deferred();
            let mut end = (0..LINKS).fold(promise.via(executor), |chain, _| chain.finally(|| ()));
            deferred.reject("e".to_owned());
            assert_eq!(crate::common::verdict(&end.try_get().unwrap()), expected);
        }
        let refuse = ExecutorRef::from(drop as fn(Job));
        let (deferred, promise) = Link::deferred();
        let mut end = (0..LINKS).fold(promise.via(refuse), |chain, _| {
            chain.handle(|outcome| outcome.map_err(|failure| failure.to_string()))
        });
        deferred.resolve(1);
        assert!(end.try_get().unwrap().unwrap_err().is_abandoned());
    });
}

/// The trait itself may be called.
#[test]
fn inline_executes_jobs_of_others() {
    watched(|| {
        let executor: Arc<dyn Executor> = Arc::new(Inline);
        let mut end = Link::ready(1).via(executor).map(|n| n + 1);
        assert_eq!(end.try_get().unwrap().unwrap(), 2);
    });
}
