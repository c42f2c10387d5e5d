//! Awaiting on any runtime: wakers, polling, and what `Debug` says (conformance F13, F14, B31).

use crate::common::wakers::{CountingWaker, block_on};
use crate::common::{Gate, MOMENT, PATIENCE, named_thread, one_worker, watched};
use asynckit::{AsyncList, AsyncValue, Failure, Pool, Promise};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

fn is_ready<T>(poll: Poll<T>) -> bool {
    poll.is_ready()
}

#[test]
fn awaiting_gives_what_get_gives() {
    watched(|| {
        let pool = one_worker();
        assert_eq!(block_on(Typed::ready(1)).unwrap(), 1);
        assert!(block_on(Typed::<u8>::failed("e".to_owned())).unwrap_err().is_error());
        assert!(block_on(crate::common::abandoned::<u8>()).unwrap_err().is_abandoned());
        assert_eq!(block_on(pool.run(|| 2)).unwrap(), 2);
        let typed: Typed<u8> = pool.spawn(|| Ok(3));
        assert_eq!(block_on(typed.map(|n| n + 1).then(|n| Promise::ready(n + 1))).unwrap(), 5);
    });
}

/// `AsyncValue` and `AsyncList` are awaited as they are.
#[test]
fn values_and_lists_are_awaited_too() {
    watched(|| {
        let event = AsyncValue::<String, String>::new();
        let setter = event.clone();
        let awaiting = named_thread("awaiting", move || block_on(event));
        setter.set("value".to_owned()).unwrap();
        assert_eq!(awaiting.join().unwrap().unwrap(), "value");
        assert_eq!(block_on(setter).unwrap(), "value", "once more, and it is still there");
        let list: AsyncList<u8, String> = [1, 2].map(Promise::ready).into_iter().collect();
        assert_eq!(block_on(list).unwrap(), [1, 2]);
        let failed: AsyncList<u8, String> =
            [Promise::ready(1), Promise::failed("e".to_owned())].into_iter().collect();
        assert!(block_on(failed).unwrap_err().is_error());
    });
}

/// Whole async functions, on a thread that really sleeps in between
#[test]
fn an_async_function_awaits_one_promise_after_the_other() {
    async fn sum(pool: &Pool) -> Result<u32, Failure<String>> {
        let mut sum = 0;
        for n in 0..100 {
            let job: Typed<u32> = pool.spawn(move || Ok(n));
            sum += job.map(|n| n * 2).await?;
        }
        Ok(sum)
    }
    watched(|| assert_eq!(block_on(Box::pin(sum(&Pool::new(2)))).unwrap(), 9_900));
}

#[test]
fn a_settled_promise_is_ready_at_the_first_poll() {
    watched(|| {
        let waker = CountingWaker::new();
        assert!(matches!(waker.poll(&mut Typed::ready(1)), Poll::Ready(Ok(1))));
        assert_eq!(waker.woken(), 0);
        assert_eq!(Arc::strong_count(&waker), 1);
    });
}

/// The waker of the last poll is woken, once, and no other.
#[test]
fn only_the_last_waker_is_woken() {
    watched(|| {
        let (first, last) = (CountingWaker::new(), CountingWaker::new());
        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(first.poll(&mut promise).is_pending());
        assert!(first.poll(&mut promise).is_pending());
        assert!(last.poll(&mut promise).is_pending());
        assert_eq!(Arc::strong_count(&first), 1, "a waker that was replaced is dropped");
        deferred.resolve(1);
        assert_eq!((first.woken(), last.woken()), (0, 1));
        assert!(matches!(last.poll(&mut promise), Poll::Ready(Ok(1))));
    });
}

/// Every end wakes.
#[test]
fn every_end_wakes_the_future() {
    type End = fn(asynckit::Deferred<u8, String>);
    watched(|| {
        let ends: [End; 4] =
            [|d| d.resolve(1), |d| d.reject("e".to_owned()), drop, |d| d.follow(Promise::ready(1))];
        for end in ends {
            let waker = CountingWaker::new();
            let (deferred, mut promise) = Typed::<u8>::deferred();
            assert!(waker.poll(&mut promise).is_pending());
            end(deferred);
            assert_eq!(waker.woken(), 1);
            assert!(is_ready(waker.poll(&mut promise)));
            assert_eq!(waker.woken(), 1);
        }
    });
}

/// F14: nobody keeps a waker longer than needed.
#[test]
fn no_waker_is_leaked() {
    watched(|| {
        let waker = CountingWaker::new();
        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(waker.poll(&mut promise).is_pending());
        assert_eq!(Arc::strong_count(&waker), 2, "it is kept while the promise is pending");
        drop(promise);
        assert_eq!(Arc::strong_count(&waker), 1, "dropping the promise drops it");
        deferred.resolve(1);
        assert_eq!(waker.woken(), 0);

        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(waker.poll(&mut promise).is_pending());
        deferred.resolve(1);
        assert_eq!(Arc::strong_count(&waker), 1, "settling uses it up");
        drop(promise);

        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(waker.poll(&mut promise).is_pending());
        let mut mapped = promise.map(|n| n + 1);
        assert_eq!(Arc::strong_count(&waker), 1, "a continuation takes its place");
        deferred.resolve(1);
        assert_eq!(mapped.get(PATIENCE).unwrap(), 2);
    });
}

/// A promise that was polled can be got, and one that was got can be polled.
#[test]
fn polling_and_getting_mix() {
    watched(|| {
        let waker = CountingWaker::new();
        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(waker.poll(&mut promise).is_pending());
        assert!(promise.get(MOMENT).unwrap_err().is_timed_out());
        assert!(waker.poll(&mut promise).is_pending());
        assert!(!promise.wait(Duration::ZERO));
        assert!(promise.try_get().is_none());
        assert!(waker.poll(&mut promise).is_pending());
        deferred.resolve(1);
        assert_eq!(waker.woken(), 1);
        assert_eq!(promise.get(None).unwrap(), 1);
        assert!(matches!(waker.poll(&mut promise), Poll::Ready(Err(Failure::Taken))));
    });
}

/// A pending shared value wakes every one of its futures.
#[test]
fn every_future_of_a_value_is_woken() {
    watched(|| {
        let event = AsyncValue::<u8, String>::new();
        let wakers: Vec<_> = (0..10).map(|_| CountingWaker::new()).collect();
        let mut futures: Vec<_> = wakers
            .iter()
            .map(|_| std::future::IntoFuture::into_future(event.clone()))
            .map(Box::pin)
            .collect();
        for (waker, future) in wakers.iter().zip(&mut futures) {
            assert!(waker.poll(future).is_pending());
        }
        let dropped = futures.pop();
        drop(dropped);
        event.set(4).unwrap();
        for (waker, future) in wakers.iter().zip(&mut futures) {
            crate::common::eventually("it is woken", || waker.woken() >= 1);
            assert!(matches!(waker.poll(future), Poll::Ready(Ok(4))));
        }
        assert_eq!(Arc::strong_count(&wakers[9]), 1);
    });
}

/// A hand-over between threads: the poll that says pending and the value that comes meanwhile miss each other never.
#[test]
fn no_wake_up_is_lost_between_poll_and_settle() {
    watched(|| {
        let (send, receive) = std::sync::mpsc::sync_channel::<asynckit::Deferred<u32, String>>(0);
        let settler = named_thread("settler", move || {
            for (n, deferred) in (0..).zip(receive) {
                deferred.resolve(n);
            }
        });
        for n in 0..20_000 {
            let (deferred, promise) = Promise::deferred();
            send.send(deferred).unwrap();
            assert_eq!(block_on(promise).unwrap(), n);
        }
        drop(send);
        settler.join().unwrap();
    });
}

/// A future may move between threads and polls: it is `Unpin` and `Send`.
#[test]
fn a_future_moves_between_polls() {
    watched(|| {
        let waker = CountingWaker::new();
        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(waker.poll(&mut promise).is_pending());
        let elsewhere = named_thread("elsewhere", move || block_on(promise));
        deferred.resolve(8);
        assert_eq!(elsewhere.join().unwrap().unwrap(), 8);
        assert_eq!(Arc::strong_count(&waker), 1);
    });
}

/// B31: `Debug` tells the state and asks nothing of the value.
#[test]
fn debug_tells_the_state() {
    struct Opaque;
    watched(|| {
        let (deferred, mut promise) = Promise::<Opaque, Opaque>::deferred();
        assert!(format!("{promise:?}").contains("pending"), "{promise:?}");
        deferred.resolve(Opaque);
        assert!(format!("{promise:?}").contains("set"), "{promise:?}");
        assert!(promise.get(None).is_ok());
        assert!(!format!("{promise:?}").contains("pending"), "{promise:?}");

        let failed = Promise::<Opaque, Opaque>::failed(Opaque);
        assert!(format!("{failed:?}").contains("failed"), "{failed:?}");
        assert!(format!("{failed:#?}").contains("failed"));
        assert!(failed.is_error(), "looking at it takes nothing");

        let pool = one_worker();
        let gate = Gate::new();
        let key = gate.key();
        let running = pool.run(move || key.wait());
        assert!(format!("{running:?}").contains("pending"), "{running:?}");
        gate.open();
        crate::common::flush(&pool);
        assert!(format!("{running:?}").contains("set"), "{running:?}");
    });
}

/// C8: what a promise waits for is told while it waits, and not any more when it is set.
#[test]
fn debug_forgets_what_was_waited_for() {
    watched(|| {
        let (deferred, promise) = Promise::<u8, String>::deferred();
        let mut adopted = Promise::<u8, String>::ready(1).then(move |_| promise);
        crate::common::eventually("it is adopted", || format!("{adopted:?}").contains("follows"));
        deferred.resolve(2);
        assert_eq!(adopted.get(PATIENCE).unwrap(), 2);
        assert_eq!(format!("{adopted:?}"), "Promise(set, taken)");
        let (deferred, promise) = Promise::<u8, String>::deferred();
        let follows = promise.map(|n| n);
        assert!(format!("{follows:?}").contains("waits for"));
        follows.cancel();
        assert_eq!(format!("{follows:?}"), "Promise(cancelled)");
        drop(deferred);
    });
}
