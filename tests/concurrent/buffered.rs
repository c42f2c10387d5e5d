//! `buffered`: outcomes in the order of the inputs, as they come, and no more than n at a time.

use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{Bomb, DropCounter, PATIENCE, one_worker, watched};
use asynckit::{Buffered, Deferred, Outcome, Pool, Promise, Shutdown, TimedOut, buffered};
use futures_core::Stream;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

#[test]
fn outcomes_come_in_order_and_no_more_than_n_are_held() {
    watched(|| {
        let (begun, open) = (Cell::new(0), RefCell::new(Vec::new()));
        let promises = (0..10).map(|n: u32| {
            begun.set(begun.get() + 1);
            let (deferred, promise) = Typed::deferred();
            open.borrow_mut().push(Some((deferred, n)));
            promise
        });
        let settle = |n: usize| {
            let (deferred, value): (Deferred<u32, String>, u32) =
                open.borrow_mut()[n].take().unwrap();
            deferred.resolve(value);
        };
        let mut all = buffered(promises, 3);
        assert_eq!(begun.get(), 3);
        settle(2);
        settle(1);
        assert_eq!(
            all.next_timeout(Duration::ZERO).unwrap_err(),
            TimedOut,
            "the first is not there"
        );
        assert_eq!(begun.get(), 3, "nothing is drawn in a wait");
        settle(0);
        for n in 0..10 {
            if n > 2 {
                settle(n);
            }
            assert_eq!(all.next().unwrap().unwrap() as usize, n);
            assert_eq!(begun.get(), (n + 4).min(10), "three are held");
        }
        assert!(all.next().is_none() && all.next().is_none());
    });
}

#[test]
fn failures_are_outcomes_and_end_nothing() {
    watched(|| {
        let pool = Pool::new(2);
        let jobs = (0..6).map(|n| {
            pool.spawn(move || match n {
                1 => Err("no".to_owned()),
                3 => panic!("a job"),
                n => Ok(n),
            })
        });
        let kinds: Vec<_> =
            buffered(jobs, 2).map(|outcome| crate::common::verdict(&outcome)).collect();
        assert_eq!(kinds, ["Ok", "Error", "Ok", "Panicked", "Ok", "Ok"]);
    });
}

#[test]
fn a_panic_of_the_iterator_is_the_last_outcome() {
    watched(|| {
        let bomb = Bomb;
        let promises = (0..5).map(move |n| {
            _ = &bomb;
            assert!(n < 2, "the iterator");
            Typed::ready(n)
        });
        let kinds: Vec<_> =
            buffered(promises, 9).map(|outcome| crate::common::verdict(&outcome)).collect();
        assert_eq!(kinds, ["Ok", "Ok", "Panicked"]);
        struct Breaks;
        impl IntoIterator for Breaks {
            type Item = Typed<u8>;
            type IntoIter = std::vec::IntoIter<Typed<u8>>;
            fn into_iter(self) -> Self::IntoIter {
                panic!("into_iter")
            }
        }
        assert_eq!(
            buffered(Breaks, 1).map(|outcome| crate::common::verdict(&outcome)).collect::<Vec<_>>(),
            ["Panicked"]
        );
    });
}

#[test]
fn a_dropped_one_lets_what_has_begun_go_on_and_its_rest_can_be_had() {
    watched(|| {
        let (pool, counter) = (Pool::new(0), DropCounter::default());
        let job = |_| {
            let token = counter.token();
            pool.spawn(move || {
                drop(token);
                Ok::<(), String>(())
            })
        };
        drop(buffered((0..).map(job), 3));
        assert_eq!(counter.dropped(), 0);
        let all = buffered((0..).map(job), 2);
        assert_eq!(format!("{all:?}"), "Buffered(2 of 2, and more)");
        assert_eq!(all.size_hint().0, usize::MAX);
        let rest = all.into_rest();
        rest.cancel();
        assert_eq!((rest.len(), counter.dropped()), (2, 2));
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
        assert_eq!(counter.dropped(), 5);
        let after: Vec<_> = buffered((0..3).map(job), 0).collect();
        assert!(after.into_iter().all(|outcome| outcome.unwrap_err().is_abandoned()));
    });
}

#[test]
fn a_promise_that_has_timed_out_is_an_outcome_and_a_wait_is_none() {
    watched(|| {
        let mut both = buffered(
            [Typed::<u8>::settled(Err(asynckit::Failure::TimedOut)), Typed::deferred().1],
            2,
        );
        assert!(both.next_timeout(Duration::ZERO).unwrap().unwrap().unwrap_err().is_timed_out());
        assert!(both.next().unwrap().unwrap_err().is_abandoned());
    });
}

fn next<I>(stream: &mut asynckit::BufferedStream<I, u8, String>) -> Option<Outcome<u8, String>>
where
    I: Iterator<Item = Typed<u8>>,
{
    block_on(poll_fn(|context| Pin::new(&mut *stream).poll_next(context)))
}

#[test]
fn a_stream_gives_the_same() {
    watched(|| {
        let (first, promise) = Typed::deferred();
        let mut stream = buffered([promise, Typed::ready(2)], 2).stream();
        let waker = CountingWaker::new();
        let own = Waker::from(waker.clone());
        let pending = Pin::new(&mut stream).poll_next(&mut Context::from_waker(&own));
        assert!(matches!(pending, Poll::Pending));
        first.resolve(1);
        assert_eq!(waker.woken(), 1);
        assert_eq!(next(&mut stream).unwrap().unwrap(), 1);
        assert_eq!(next(&mut stream).unwrap().unwrap(), 2);
        assert!(next(&mut stream).is_none());
    });
}

/// A job of a pool of one takes from jobs of the same pool: it runs them itself.
#[test]
fn a_worker_may_take() {
    watched(|| {
        let pool = one_worker();
        let again = pool.clone();
        let mut sum = pool.spawn(move || {
            let jobs = (0..100_u32).map(|n| again.spawn(move || Ok::<_, String>(n)));
            buffered(jobs, 8).sum::<Result<u32, _>>().map_err(|failure| failure.to_string())
        });
        assert_eq!(sum.get(PATIENCE).unwrap(), 4950);
    });
}

#[test]
fn it_goes_to_another_thread() {
    fn anywhere<T: Send>() {}
    anywhere::<Buffered<std::vec::IntoIter<Typed<u8>>, u8, String>>();
}
