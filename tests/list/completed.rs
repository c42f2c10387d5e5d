//! `AsyncList::as_completed`, and its stream (conformance E20).

use crate::common::wakers::CountingWaker;
use crate::common::{
    DropCounter, Gate, LONG, MOMENT, PATIENCE, Token, eventually, flush, named_thread, one_worker,
    verdict, watched, watched_long,
};
use asynckit::{AsyncList, Deferred, Failure, Pool, Promise, TimedOut};
use futures_core::stream::{FusedStream, Stream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type List<T> = AsyncList<T, String>;
type Typed<T> = Promise<T, String>;

fn pending(n: usize) -> (Vec<Option<Deferred<usize, String>>>, List<usize>) {
    let (deferreds, list) = crate::common::pending(n);
    (deferreds.into_iter().map(Some).collect(), list)
}

/// E20: each once, in the order of completion, failures among them.
#[test]
fn items_come_in_the_order_of_completion() {
    watched(|| {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let (mut deferreds, list) = pending(4);
            let mut completed = list.as_completed();
            for (nth, index) in order.into_iter().enumerate() {
                assert_eq!(completed.size_hint(), (4 - nth, Some(4 - nth)));
                let deferred = deferreds[index].take().unwrap();
                if index == 2 {
                    deferred.reject("two".to_owned())
                } else {
                    deferred.resolve(index)
                }
                let next = completed.next().unwrap();
                assert_eq!(next.index, index);
                assert_eq!(next.trace().is_some(), index == 2);
                match next.outcome {
                    Ok(value) => assert_eq!(value, index),
                    Err(failure) => assert!(index == 2 && failure.is_error()),
                }
            }
            assert!(completed.next().is_none() && completed.next().is_none());
            assert!(completed.next_timeout(None).unwrap().is_none());
        }
    });
}

/// E20: those that were settled before come first, by time, and else by their index.
#[test]
fn what_was_settled_before_comes_first() {
    watched(|| {
        let list: List<u8> = (0..4).map(Promise::ready).collect();
        assert_eq!(list.as_completed().map(|done| done.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let (mut deferreds, list) = pending(4);
        for index in [1, 3, 0] {
            deferreds[index].take().unwrap().resolve(index);
        }
        assert!(!list.is_set()); // looks at them, and loses nothing
        let mut completed = list.as_completed();
        let settled: Vec<_> = completed.by_ref().take(3).map(|done| done.index).collect();
        assert_eq!(settled, [1, 3, 0]);
        assert_eq!(completed.next_timeout(Duration::ZERO).unwrap_err(), TimedOut);
    });
}

/// E20, E21: a timeout loses nothing; a zero timeout gives what is there.
#[test]
fn a_timeout_keeps_what_is_left() {
    watched(|| {
        let (mut deferreds, list) = pending(2);
        let mut completed = list.as_completed();
        assert!(completed.next_timeout(Duration::ZERO).is_err());
        assert!(completed.next_timeout(MOMENT).is_err());
        deferreds[1].take().unwrap().resolve(1);
        assert_eq!(completed.next_timeout(Duration::ZERO).unwrap().unwrap().index, 1);
        assert!(completed.next_timeout(MOMENT).is_err());
        assert_eq!(completed.size_hint(), (1, Some(1)));
        let late = deferreds[0].take().unwrap();
        let settler = named_thread("settler", move || {
            std::thread::sleep(Duration::from_millis(5));
            late.resolve(0);
        });
        assert_eq!(completed.next_timeout(PATIENCE).unwrap().unwrap().index, 0);
        settler.join().unwrap();
        assert!(completed.next_timeout(Duration::ZERO).unwrap().is_none());
    });
}

#[test]
fn nothing_is_completed_at_once() {
    watched(|| {
        let mut completed = List::<u8>::new().as_completed();
        assert_eq!(completed.size_hint(), (0, Some(0)));
        assert!(completed.next().is_none());
        assert!(completed.stream().is_terminated());
    });
}

/// Nothing is kept of an item that was handed out; the rest goes with the iterator.
#[test]
fn nothing_is_kept_of_what_was_handed_out() {
    watched(|| {
        let counter = DropCounter::default();
        let list: AsyncList<Token> = (0..5).map(|_| Promise::ready(counter.token())).collect();
        let mut completed = list.as_completed();
        for n in 1..=3 {
            drop(completed.next());
            assert_eq!(counter.dropped(), n);
        }
        drop(completed);
        assert_eq!(counter.dropped(), 5);
    });
}

/// E19: an early `break` detaches what is left: it goes on.
#[test]
fn an_early_break_detaches_the_rest() {
    watched(|| {
        let pool = one_worker();
        let (gate, done) = (Gate::new(), DropCounter::default());
        let (key, token) = (gate.key(), done.token());
        let slow: Typed<u8> = pool.spawn(move || {
            key.wait();
            drop(token);
            Ok(1)
        });
        let first = AsyncList::from_iter([slow, Promise::ready(2)]).as_completed().next();
        assert_eq!(first.unwrap().index, 1);
        gate.open();
        eventually("it has run to its end", || done.dropped() == 1);
    });
}

/// While a worker iterates another thread takes its place.
#[test]
fn a_worker_may_iterate_over_its_own_jobs() {
    watched(|| {
        let pool = one_worker();
        let again = pool.clone();
        let mut sum: Typed<u32> = pool.spawn(move || {
            let jobs =
                (0..100).map(|n| again.spawn(move || Ok::<_, String>(n)).map(|n: u32| n + 1));
            Ok(jobs.collect::<List<u32>>().as_completed().map(|done| done.outcome.unwrap()).sum())
        });
        assert_eq!(sum.get(PATIENCE).unwrap(), 5050);
    });
}

/// A completion costs the same whatever is there besides: a worker looks for what it could do itself, but not again and again through
/// what has come. (If it did, this would take hours.)
#[test]
fn an_item_that_never_comes_makes_the_others_no_dearer() {
    const ITEMS: usize = 100_000;
    watched_long(|| {
        let pool = one_worker();
        let again = pool.clone();
        let (never, first) = Promise::deferred();
        let mut count: Typed<usize> = pool.spawn(move || {
            let mut list = AsyncList::from_iter([first]);
            list.extend((0..ITEMS).map(|n| again.spawn(move || Ok::<_, String>(n))));
            Ok(list.as_completed().take(ITEMS).filter(|done| done.outcome.is_ok()).count())
        });
        assert_eq!(count.get(LONG).unwrap(), ITEMS);
        drop(never);
    });
}

/// With a limit it does not run them, but a spare worker does.
#[test]
fn a_worker_may_iterate_with_a_limit() {
    watched(|| {
        let pool = one_worker();
        let again = pool.clone();
        let mut sum: Typed<u32> = pool.spawn(move || {
            let jobs = (0..10).map(|n| again.spawn(move || Ok::<_, String>(n)));
            let mut completed = jobs.collect::<List<u32>>().as_completed();
            let mut sum = 0;
            while let Some(done) = completed.next_timeout(PATIENCE).map_err(|e| e.to_string())? {
                sum += done.outcome.map_err(|e| e.to_string())?;
            }
            Ok(sum)
        });
        assert_eq!(sum.get(PATIENCE).unwrap(), 45);
    });
}

/// Each item of a thousand, from four workers.
#[test]
fn many_jobs_come_once_each() {
    watched(|| {
        let pool = Pool::new(4);
        let list: List<usize> = (0..1_000).map(|n| pool.spawn(move || Ok(n))).collect();
        let mut seen = vec![false; 1_000];
        for done in list.as_completed() {
            assert_eq!(done.outcome.unwrap(), done.index);
            assert!(!std::mem::replace(&mut seen[done.index], true));
        }
        assert!(seen.into_iter().all(|seen| seen));
    });
}

// ── The stream ───────────────────────────────────────────────────────────────────────────────────

fn poll<S: Stream + Unpin>(stream: &mut S, waker: &Arc<CountingWaker>) -> Poll<Option<S::Item>> {
    let waker = Waker::from(waker.clone());
    Pin::new(stream).poll_next(&mut Context::from_waker(&waker))
}

#[test]
fn a_stream_wakes_its_task_for_each_item() {
    watched(|| {
        let (mut deferreds, list) = pending(3);
        let mut stream = list.as_completed().stream();
        let (first, second) = (CountingWaker::new(), CountingWaker::new());
        assert!(poll(&mut stream, &first).is_pending());
        assert!(poll(&mut stream, &second).is_pending());
        deferreds[2].take().unwrap().resolve(2);
        assert_eq!((first.woken(), second.woken()), (0, 1), "the last waker counts");
        let Poll::Ready(Some(done)) = poll(&mut stream, &second) else { panic!("it is there") };
        assert_eq!(done.index, 2);
        assert_eq!(stream.size_hint(), (2, Some(2)));
        assert!(!stream.is_terminated());
        drop(deferreds); // both at once
        for _ in 0..2 {
            let Poll::Ready(Some(done)) = poll(&mut stream, &second) else { panic!("it is there") };
            assert_eq!(verdict(&done.outcome), "Abandoned");
        }
        assert!(stream.is_terminated());
        assert!(matches!(poll(&mut stream, &second), Poll::Ready(None)));
        assert_eq!(Arc::strong_count(&first), 1, "no waker is left behind");
        assert_eq!(Arc::strong_count(&second), 1, "no waker is left behind");
    });
}

/// A stream that is dropped half-way leaves no waker behind.
#[test]
fn a_dropped_stream_leaves_nothing_behind() {
    watched(|| {
        let (mut deferreds, list) = pending(2);
        let mut stream = list.as_completed().stream();
        let waker = CountingWaker::new();
        assert!(poll(&mut stream, &waker).is_pending());
        drop(stream);
        assert_eq!(Arc::strong_count(&waker), 1);
        deferreds[0].take().unwrap().resolve(0);
        assert_eq!(waker.woken(), 0);
    });
}

/// As a `for` loop of async code would: on an executor of one future.
#[test]
fn a_stream_runs_to_its_end() {
    watched(|| {
        let pool = Pool::new(2);
        let jobs = (0..100_usize).map(|n| pool.spawn(move || Ok::<_, String>(n)));
        let list: List<usize> = jobs.chain([Promise::failed("e".to_owned())]).collect();
        let mut stream = list.as_completed().stream();
        let mut outcomes = Vec::new();
        crate::common::wakers::block_on(async {
            while let Some(done) =
                std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await
            {
                outcomes.push(done.outcome.unwrap_or_else(|failure: Failure<String>| {
                    assert!(failure.is_error());
                    usize::MAX
                }));
            }
        });
        outcomes.sort_unstable();
        assert_eq!(outcomes.pop(), Some(usize::MAX));
        assert_eq!(outcomes, (0..100).collect::<Vec<_>>());
        flush(&one_worker());
    });
}
