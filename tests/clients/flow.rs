//! Pages: in order, as they come, some of them ahead.

use crate::common::*;
use asynckit::{Flow, Pool, Promise, pages};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use futures_core::Stream;

/// So many pages, each the number of its request; counts the requests.
pub(crate) fn counted(pool: &Pool, last: usize) -> (Arc<AtomicUsize>, Flow<usize, String>) {
    let (pool, requests) = (pool.clone(), Arc::new(AtomicUsize::new(0)));
    let count = requests.clone();
    let flow = pages(1, move |number: usize| {
        count.fetch_add(1, Ordering::SeqCst);
        pool.spawn(move || Ok((number, (number < last).then_some(number + 1))))
    });
    (requests, flow)
}

/// So many requests are made, and no more, when the worker has done all that there is to do.
#[track_caller]
pub(crate) fn settles_at(pool: &Pool, requests: &AtomicUsize, count: usize) {
    eventually("so many requests are made", || requests.load(Ordering::SeqCst) >= count);
    for _ in 0..5 {
        flush(pool);
    }
    assert_eq!(requests.load(Ordering::SeqCst), count);
}

#[test]
fn pages_come_in_order_until_one_has_no_next() {
    watched(|| {
        let (requests, flow) = counted(&one_worker(), 5);
        assert_eq!(flow.map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(requests.load(Ordering::SeqCst), 5);
    });
}

#[test]
fn as_many_pages_are_ahead_as_was_said_and_no_more() {
    watched(|| {
        for ahead in [1, 2, 7] {
            let pool = one_worker();
            let (requests, flow) = counted(&pool, 100);
            let mut flow = flow.read_ahead(ahead);
            settles_at(&pool, &requests, ahead);
            for taken in 1..10 {
                assert_eq!(flow.next().unwrap().unwrap(), taken);
                settles_at(&pool, &requests, ahead + taken);
            }
        }
    });
}

#[test]
fn with_nothing_ahead_a_page_is_requested_when_it_is_asked_for() {
    watched(|| {
        let pool = one_worker();
        let (requests, flow) = counted(&pool, 100);
        let mut flow = flow.read_ahead(0); // the first one is under way
        for taken in 1..5 {
            settles_at(&pool, &requests, taken);
            assert_eq!(flow.next().unwrap().unwrap(), taken);
            if taken > 1 {
                settles_at(&pool, &requests, taken);
            }
            if taken == 1 {
                settles_at(&pool, &requests, 1);
                assert_eq!(flow.next().unwrap().unwrap(), 2);
                break;
            }
        }
    });
}

#[test]
fn the_next_page_is_fetched_while_one_is_worked_at() {
    watched(|| {
        let (begun, begins) = channel();
        let pool = one_worker();
        let flow = pages(1, move |number: u32| {
            begun.send(number).unwrap();
            pool.run(move || (number, (number < 4).then_some(number + 1)))
        });
        for (page, next) in flow.zip(2..) {
            assert_eq!(page.unwrap(), next - 1);
            if next <= 4 {
                // Here is the caller, working at the page.
                let begins = begins.iter().find(|number| *number == next);
                assert_eq!(begins, Some(next));
            }
        }
    });
}

#[test]
fn all_pages_are_collected_in_order() {
    watched(|| {
        let (_, flow) = counted(&one_worker(), 50);
        assert_eq!(flow.join().get(PATIENCE).unwrap(), (1..=50).collect::<Vec<_>>());
    });
}

#[test]
fn pages_are_a_stream() {
    watched(|| {
        let pool = one_worker();
        let (_, flow) = counted(&pool, 5);
        let mut stream = flow.stream();
        let all = async move {
            let mut all = Vec::new();
            while let Some(page) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await
            {
                all.push(page.map_err(|failure| failure.to_string())?);
            }
            Ok::<_, String>(all)
        };
        assert_eq!(pool.spawn_future(all).get(PATIENCE).unwrap(), [1, 2, 3, 4, 5]);
    });
}

#[test]
fn a_wait_that_is_given_up_loses_no_page() {
    watched(|| {
        let (deferred, promise) = Promise::<(u8, Option<()>), String>::deferred();
        let mut promise = Some(promise);
        let mut flow = pages((), move |()| promise.take().unwrap());
        for _ in 0..3 {
            assert!(flow.next_timeout(Duration::from_millis(1)).is_err());
        }
        deferred.resolve((7, None));
        assert_eq!(flow.next_timeout(PATIENCE).unwrap().unwrap().unwrap(), 7);
        assert!(flow.next_timeout(PATIENCE).unwrap().is_none());
    });
}

#[test]
fn a_hundred_thousand_pages_take_no_stack_and_no_memory() {
    watched_long(|| {
        const PAGES: usize = 100_000;
        let pool = one_small_worker();
        let living = Arc::new(());
        let seen = living.clone();
        let flow = pages(1, move |n: usize| {
            Ok::<_, String>((living.clone(), (n < PAGES).then_some(n + 1)))
        })
        .stage({
            let pool = pool.clone();
            move |page| pool.spawn(move || Ok(page))
        });
        let counted = run_on_small_stack(SMALL_STACK, move || {
            let most = |so_far: usize, page: Result<Arc<()>, _>| {
                drop(page.expect("no failure"));
                so_far.max(Arc::strong_count(&seen))
            };
            flow.fold(0, most)
        });
        assert!(counted < 10, "{counted} pages were alive at once");
    });
}

#[test]
fn a_hundred_thousand_pages_are_collected_on_a_small_stack() {
    watched_long(|| {
        const PAGES: u32 = 100_000;
        let pool = one_small_worker();
        let root = pool.clone();
        let mut all = pool.spawn(move || {
            let fetch = move |n: u32| match n % 1000 {
                0 => root.spawn(move || Ok(((), (n < PAGES).then_some(n + 1)))),
                _ => Promise::<_, String>::ready(((), Some(n + 1))),
            };
            pages(1, fetch).join()
        });
        assert_eq!(all.get(LONG).unwrap().len(), PAGES as usize);
    });
}

#[test]
fn what_does_not_depend_on_each_other_is_made_at_once_and_comes_in_order() {
    watched(|| {
        let (calls, mut flow) = {
            let calls = Calls::default();
            let call = calls.in_order();
            (calls, Flow::at_once(0.., 3, call))
        };
        assert_eq!(calls.made(), [0, 1, 2]);
        calls.end(2);
        calls.end(1); // the later ones are there first
        assert!(flow.next_timeout(Duration::from_millis(1)).is_err());
        calls.end(0);
        let taken: Vec<_> = flow.by_ref().take(3).map(Result::unwrap).collect();
        assert_eq!(taken, [0, 10, 20]);
        assert!(calls.count() <= 6, "{} calls", calls.count());
    });
}

#[test]
fn a_limit_of_nothing_at_once_counts_as_one() {
    watched(|| {
        let flow: Flow<u8, String> = Flow::at_once(1..=3, 0, Ok);
        assert_eq!(flow.join().get(PATIENCE).unwrap(), [1, 2, 3]);
        assert!(Flow::<u8, String>::at_once(0..0, 4, Ok).next().is_none());
    });
}

#[test]
fn pages_are_iterated_in_a_job_of_the_only_worker() {
    watched(|| {
        let sum = on_the_only_worker("pages in a job", |pool| {
            let (_, flow) = counted(pool, 20);
            flow.map(Result::unwrap).sum::<usize>()
        });
        assert_eq!(sum, 210);
    });
}

#[test]
fn a_consumer_on_another_thread_races_with_steps_and_misses_nothing() {
    watched(|| {
        for round in 0..200_usize {
            let pool = Pool::new(2);
            let (_, flow) = counted(&pool, 50);
            let flow = flow.read_ahead(round % 4);
            let taker = thread::spawn(move || flow.map(Result::unwrap).sum::<usize>());
            assert_eq!(taker.join().unwrap(), 50 * 51 / 2);
        }
    });
}

#[test]
fn a_flow_goes_to_any_thread() {
    fn sent<X: Send + 'static>(_: &X) {}
    let flow: Flow<u8, String> = Flow::at_once(0..1, 1, Ok);
    sent(&flow);
    sent(&flow.stream());
}

/// It is the flow's, whether the page was quick or not.
#[test]
fn what_is_behind_pages_runs_on_the_pool_of_the_first_one() {
    watched(|| {
        let pool = named_pool(1, "first-page");
        let mut first = pool.run(|| (1, Some(2)));
        assert!(first.wait(PATIENCE));
        let mut first = Some(first.map_err(|never: asynckit::AnyError| never.to_string()));
        let threads = Log::new();
        let seen = threads.clone();
        let flow = pages(1, move |n: u32| match first.take() {
            Some(first) => first,
            None => Promise::ready((n, (n < 5).then_some(n + 1))),
        });
        let numbers: Vec<_> = flow
            .stage(move |n| {
                seen.add(thread::current().name().unwrap_or_default().starts_with("first-page"));
                Ok(n)
            })
            .map(|page| page.unwrap())
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert_eq!(threads.entries(), [true; 5]);
    });
}
