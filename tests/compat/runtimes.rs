//! One body of tests on every runtime: tokio's two kinds, smol, `futures`, pollster. And what awaiting
//! costs: no waker is leaked, no thread added, nothing polled in vain.
use crate::common::tasks::{sleeps, threads_named};
use crate::common::wakers::CountingWaker;
use crate::common::{
    MOMENT, PATIENCE, eventually, named_pool, named_thread, watched, watched_long,
};
use asynckit::{
    AnyError, AsyncList, AsyncValue, Deferred, Failure, Inline, LocalQueue, Pool, Promise,
};
use futures_util::stream::{FusedStream, StreamExt};
use futures_util::{future, select};
use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// What every runtime is driven by: it runs one future to its end, on this thread.
type BlockOn = fn(Pin<Box<dyn Future<Output = ()> + Send>>);

/// The runtimes.
const RUNTIMES: [(&str, BlockOn); 5] = [
    ("tokio, current thread", |body| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body);
    }),
    ("tokio, multi-thread, as a task", |body| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(runtime.spawn(body)).unwrap();
    }),
    ("smol", |body| smol::block_on(smol::spawn(body))),
    ("futures", |body| futures_executor::block_on(body)),
    ("pollster", |body| pollster::block_on(body)),
];

/// Runs a body on each of them.
#[track_caller]
fn everywhere<B>(body: impl Fn() -> B + Send + 'static)
where
    B: Future<Output = ()> + Send + 'static,
{
    watched(move || {
        for (name, block_on) in RUNTIMES {
            println!("on {name}");
            block_on(Box::pin(body()));
        }
    });
}

/// Settles a deferred from another thread, after this one has gone on.
fn later<T: Send + 'static>(deferred: Deferred<T, String>, value: T) {
    drop(named_thread("later", move || {
        std::thread::yield_now();
        deferred.resolve(value);
    }));
}

#[test]
fn promises_are_awaited() {
    everywhere(|| async {
        let pool = Pool::new(2);
        assert_eq!(pool.run(|| 1).map(|n| n + 1).await.unwrap(), 2);
        let failed: Typed<u8> = pool.spawn(|| Err("no".to_owned()));
        assert!(failed.await.unwrap_err().is_error());
        assert!(pool.run(|| panic!("in a job")).map(|n: u8| n).await.unwrap_err().is_panicked());
        assert!(crate::common::abandoned::<u8>().await.unwrap_err().is_abandoned());
        for n in 0..200 {
            let (deferred, promise) = Typed::deferred();
            later(deferred, n);
            assert_eq!(promise.await.unwrap(), n);
        }
    });
}

#[test]
fn question_marks_pass_failures_on() {
    async fn sum(pool: &Pool) -> Result<usize, AnyError> {
        let text = pool.run(|| "12").await?;
        let number: usize = text.parse()?;
        let list: AsyncList<usize> = (0..10).map(|n| pool.run(move || n)).collect();
        Ok(number + list.await?.into_iter().sum::<usize>())
    }
    everywhere(|| async {
        let pool = Pool::new(2);
        assert_eq!(sum(&pool).await.unwrap(), 57);
    });
}

#[test]
fn values_are_awaited_by_many() {
    everywhere(|| async {
        let event = AsyncValue::<String, String>::new();
        let waiters: Vec<_> = (0..10).map(|_| event.clone().into_future()).collect();
        let setter = event.clone();
        drop(named_thread("setter", move || setter.set("value".to_owned())));
        for outcome in future::join_all(waiters).await {
            assert_eq!(outcome.unwrap(), "value");
        }
        assert_eq!(event.await.unwrap(), "value", "once more");
    });
}

#[test]
fn lists_are_awaited_and_streamed() {
    everywhere(|| async {
        let pool = Pool::new(2);
        let list = || (0..50).map(|n| pool.run(move || n)).collect::<AsyncList<i32>>();
        assert_eq!(list().await.unwrap(), (0..50).collect::<Vec<_>>());
        assert_eq!(list().settled().await.unwrap().len(), 50);
        let mut stream = list().as_completed().stream();
        let mut seen = Vec::new();
        while let Some(completed) = stream.next().await {
            assert_eq!(completed.outcome.unwrap(), completed.index as i32);
            seen.push(completed.index);
        }
        assert!(stream.is_terminated());
        assert!(stream.next().await.is_none(), "it stays at its end");
        seen.sort_unstable();
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    });
}

/// A promise that loses in a `select!` is as it was, and wakes whoever polls it next.
#[test]
fn a_promise_that_loses_a_select_loses_nothing() {
    everywhere(|| async {
        let pool = Pool::new(1);
        for _ in 0..50 {
            let (deferred, mut slow) = Typed::<u8>::deferred();
            let mut quick = pool.run(|| 1);
            select! {
                _ = future::FutureExt::fuse(&mut slow) => panic!("nobody has settled it"),
                outcome = future::FutureExt::fuse(&mut quick) => assert_eq!(outcome.unwrap(), 1),
            }
            assert!(!slow.is_set());
            later(deferred, 2);
            assert_eq!(slow.await.unwrap(), 2);
        }
    });
}

/// Nor does a stream: no item is lost with the `next()` that is dropped.
#[test]
fn a_stream_that_loses_a_select_loses_no_item() {
    everywhere(|| async {
        let pool = Pool::new(2);
        let list: AsyncList<usize> = (0..100).map(|n| pool.run(move || n)).collect();
        let mut stream = list.as_completed().stream();
        let mut seen = vec![0; 100];
        while !stream.is_terminated() {
            let mut other = pool.run(|| ());
            select! {
                completed = stream.next() => {
                    if let Some(completed) = completed {
                        seen[completed.index] += 1;
                    }
                }
                _ = future::FutureExt::fuse(&mut other) => {}
            }
        }
        assert!(seen.iter().all(|times| *times == 1));
    });
}

/// Cancelling, giving up and dropping while somebody awaits.
#[test]
fn what_is_cancelled_wakes_its_task() {
    everywhere(|| async {
        let (deferred, promise) = Typed::<u8>::deferred();
        let (promise, canceller) = promise.cancellable();
        drop(named_thread("canceller", move || canceller.cancel()));
        assert!(promise.await.unwrap_err().is_cancelled());
        assert!(deferred.is_cancelled());
        let (_deferred, promise) = Typed::<u8>::deferred();
        let outcome = promise.timeout(Duration::from_millis(1)).await;
        assert!(matches!(outcome, Err(Failure::TimedOut)));
        let pool = Pool::new(0);
        let queued = pool.run(|| 1);
        pool.shutdown(asynckit::Shutdown::CancelQueued, Duration::ZERO);
        assert!(queued.await.unwrap_err().is_abandoned());
    });
}

/// Futures on a pool of ours, awaited on any runtime, awaiting promises and other futures themselves.
#[test]
fn futures_on_our_pool_are_awaited() {
    everywhere(|| async {
        let pool = Pool::new(2);
        let (deferred, inner) = Typed::<u8>::deferred();
        let outer = pool.spawn_future(async move { inner.await.map_err(|f| f.to_string()) });
        later(deferred, 3);
        assert_eq!(outer.via(Inline).map(|n| n + 1).await.unwrap(), 4);
        let yields = pool.spawn_future(async {
            smol::future::yield_now().await;
            Ok::<_, String>(5)
        });
        assert_eq!(yields.await.unwrap(), 5);
        let (a, b) = (pool.run(|| 1), pool.run(|| 2));
        let (a, b) = future::join(a, b).await;
        assert_eq!(a.unwrap() + b.unwrap(), 3);
    });
}

/// Callbacks on the runtime itself, through a queue that its task drains.
#[test]
fn callbacks_run_in_a_task_that_drains_its_queue() {
    everywhere(|| async {
        let (wake, woken) = smol::channel::unbounded();
        let queue = LocalQueue::with_notify(move || _ = wake.try_send(()));
        let pool = Pool::new(1);
        let shown = pool.run(|| 1).via(&queue).map(|n| n + 1);
        woken.recv().await.unwrap();
        assert_eq!(queue.run_pending(), 1);
        assert_eq!(shown.await.unwrap(), 2);
    });
}

/// `get` in async code blocks the runtime's thread: it says so, or waits, but never calls that a deadlock.
#[test]
fn get_in_async_code_is_a_wait_like_any_other() {
    everywhere(|| async {
        let pool = Pool::new(1);
        assert_eq!(pool.run(|| 1).get(PATIENCE).unwrap(), 1);
        let (_deferred, mut never) = Typed::<u8>::deferred();
        assert!(never.get(Duration::from_millis(1)).unwrap_err().is_timed_out());
    });
}

// ── What it costs ────────────────────────────────────────────────────────────────────────────────

/// A million polls with a million wakers: one is kept.
#[test]
fn a_million_polls_leak_no_waker() {
    const POLLS: usize = if cfg!(miri) { 1_000 } else { 1_000_000 };
    watched_long(|| {
        let (deferred, mut promise) = Typed::<u8>::deferred();
        let event = AsyncValue::<u8, String>::new();
        let mut value = pin!(event.clone().into_future());
        let (inner, item) = Typed::<u8>::deferred();
        let list: AsyncList<u8, String> = [item].into_iter().collect();
        let mut stream = list.as_completed().stream();
        let wakers = [CountingWaker::new(), CountingWaker::new()];
        for n in 0..POLLS {
            let waker = &wakers[n % 2];
            assert!(waker.poll(&mut promise).is_pending());
            assert!(waker.poll(&mut value).is_pending());
            assert!(waker.poll(&mut stream.next()).is_pending());
        }
        let kept: Vec<_> = wakers.iter().map(|waker| Arc::strong_count(waker) - 1).collect();
        assert_eq!(kept, [0, 3], "the last waker only");
        deferred.resolve(1);
        event.set(1).unwrap();
        inner.resolve(1);
        eventually("it is woken", || wakers[1].woken() == 3);
        assert_eq!(wakers[0].woken(), 0);
        assert!(matches!(wakers[1].poll(&mut promise), Poll::Ready(Ok(1))));
        assert!(wakers[1].poll(&mut value).is_ready());
        assert!(wakers[1].poll(&mut stream.next()).is_ready());
        assert_eq!(Arc::strong_count(&wakers[1]), 1);
    });
}

/// Threads and wake-ups, counted: a thousand futures that wait take no thread and no time.
#[test]
fn waiting_futures_take_no_thread_and_no_wake_ups() {
    watched(|| {
        let pool = named_pool(2, "waiting-futures");
        let polls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (deferreds, promises): (Vec<_>, Vec<_>) =
            (0..1_000).map(|_| Typed::<u8>::deferred()).unzip();
        let running: Vec<_> = promises
            .into_iter()
            .map(|mut promise| {
                let polls = polls.clone();
                pool.spawn_future(std::future::poll_fn(move |context| {
                    polls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    Pin::new(&mut promise).poll(context).map_err(|failure| failure.to_string())
                }))
            })
            .collect();
        let count = || polls.load(std::sync::atomic::Ordering::SeqCst);
        eventually("each is polled", || count() == 1_000);
        eventually("the workers sleep", || {
            crate::common::tasks::threads_asleep("waiting-futures")
                == threads_named("waiting-futures")
        });
        let before = sleeps("waiting-futures");
        std::thread::sleep(MOMENT);
        assert_eq!(sleeps("waiting-futures"), before, "no worker wakes up in between");
        assert_eq!(count(), 1_000, "nothing is polled in vain");
        assert!(threads_named("waiting-futures") <= 2);
        deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
        for mut one in running {
            assert_eq!(one.get(PATIENCE).unwrap(), 1);
        }
        assert_eq!(count(), 2_000, "once for each wake-up");
        assert!(threads_named("waiting-futures") <= 2);
    });
}

/// An `await` in a task costs one wake-up of that task, and no thread of ours waits for it.
#[test]
fn an_await_is_one_wake_up() {
    watched(|| {
        let barrier = Arc::new(Barrier::new(2));
        let waker = CountingWaker::new();
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut chain = promise.via(Inline).map(|n| n + 1).map(|n| n + 1);
        assert!(waker.poll(&mut chain).is_pending());
        let other = barrier.clone();
        let settler = named_thread("settler", move || {
            other.wait();
            deferred.resolve(1);
        });
        barrier.wait();
        settler.join().unwrap();
        assert_eq!(waker.woken(), 1);
        assert!(matches!(waker.poll(&mut chain), Poll::Ready(Ok(3))));
    });
}
