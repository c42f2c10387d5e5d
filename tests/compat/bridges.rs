//! From and to the neighbours: tokio's tasks, channels and runtimes, rayon, `futures`, threads,
//! callbacks.
use crate::common::tasks::threads_named;
use crate::common::{
    DropCounter, Gate, MOMENT, PATIENCE, eventually, is_error, named_thread, watched,
};
use asynckit::{ExecutorRef, Failure, Inline, Promise};
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

type Typed<T> = Promise<T, String>;

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).thread_name("test-tokio").enable_all().build().unwrap()
}

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

// ── asynckit::tokio::spawn ───────────────────────────────────────────────────────────────────────

/// Timers and sockets work in a plain thread: a runtime starts by itself, once.
#[test]
fn a_future_that_needs_tokio_runs_in_a_plain_thread() {
    watched(|| {
        let mut name = asynckit::tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let (client, server) =
                tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
            let (_, _) = (client?, server?);
            Ok::<_, std::io::Error>(thread_name())
        });
        assert!(name.get(PATIENCE).unwrap().starts_with("asynckit-tokio"));
        let many: Vec<_> =
            (0..100).map(|n| asynckit::tokio::spawn(async move { Ok::<_, String>(n) })).collect();
        for (n, mut one) in many.into_iter().enumerate() {
            assert_eq!(one.get(PATIENCE).unwrap(), n);
        }
        assert!(threads_named("asynckit-tokio") <= 2, "one runtime for all");
    });
}

#[test]
fn the_current_runtime_is_used_where_there_is_one() {
    watched(|| {
        let runtime = runtime();
        let name = runtime.block_on(async {
            let inner = async { Ok::<_, String>(thread_name()) };
            asynckit::tokio::spawn(inner).await
        });
        assert_eq!(name.unwrap(), "test-tokio");
    });
}

#[test]
fn cancelling_the_promise_aborts_the_task() {
    watched(|| {
        let drops = DropCounter::default();
        let waits = |token| async move {
            let _token = token;
            pending::<Result<u8, String>>().await
        };
        let mut promise = asynckit::tokio::spawn(waits(drops.token())).map(|n| n + 1);
        promise.cancel();
        assert!(promise.get(None).unwrap_err().is_cancelled());
        eventually("the task is dropped", || drops.dropped() == 1);
        let mut slow = asynckit::tokio::spawn(waits(drops.token())).timeout(MOMENT);
        assert!(slow.get(PATIENCE).unwrap_err().is_timed_out());
        eventually("the task is dropped", || drops.dropped() == 2);
        drop(asynckit::tokio::spawn(waits(drops.token())));
        thread::sleep(MOMENT);
        assert_eq!(drops.dropped(), 2, "dropping the promise detaches");
    });
}

/// What the future holds is dropped before its promise settles.
#[test]
fn panics_errors_and_ends_of_a_spawned_future() {
    watched(|| {
        let mut panics = asynckit::tokio::spawn(async { panic!("in tokio") }).map(|n: u8| n);
        assert_eq!(crate::common::panic_message(panics.get(PATIENCE)), "in tokio");
        let failed = asynckit::tokio::spawn(async { Err::<u8, _>("no".to_owned()) }).get(PATIENCE);
        assert!(is_error(failed, "no"));
        let drops = DropCounter::default();
        let (token, seen) = (drops.token(), drops.clone());
        let mut end = asynckit::tokio::spawn(async move {
            let _token = token;
            Ok::<_, String>(1)
        })
        .via(asynckit::Inline)
        .map(move |_| seen.dropped());
        assert_eq!(end.get(PATIENCE).unwrap(), 1);
    });
}

#[test]
fn a_runtime_that_is_shut_down_abandons_its_futures() {
    watched(|| {
        let runtime = runtime();
        let mut promise = {
            let _context = runtime.enter();
            asynckit::tokio::spawn(pending::<Result<u8, String>>())
        };
        runtime.shutdown_timeout(PATIENCE);
        assert!(promise.get(PATIENCE).unwrap_err().is_abandoned());
    });
}

// ── Tokio's tasks, channels, runtimes ────────────────────────────────────────────────────────────

#[test]
fn a_task_of_tokio_is_a_promise() {
    watched(|| {
        let runtime = runtime();
        let mut done: Typed<u8> = runtime.spawn(async { 1 }).into();
        assert_eq!(done.get(PATIENCE).unwrap(), 1);
        let mut panics: Typed<u8> = runtime.spawn(async { panic!("in a task") }).into();
        assert_eq!(crate::common::panic_message(panics.get(PATIENCE)), "in a task");
        let task = runtime.spawn(pending::<u8>());
        let abort = task.abort_handle();
        let mut aborted: Typed<u8> = task.into();
        abort.abort();
        assert!(aborted.get(PATIENCE).unwrap_err().is_cancelled());

        let drops = DropCounter::default();
        let waits = |token| async move {
            let _token = token;
            pending::<u8>().await
        };
        let promise: Typed<u8> = runtime.spawn(waits(drops.token())).into();
        promise.cancel();
        eventually("the task is aborted", || drops.dropped() == 1);
        drop(Typed::<u8>::from(runtime.spawn(waits(drops.token()))));
        thread::sleep(MOMENT);
        assert_eq!(drops.dropped(), 1, "dropping the promise detaches");
    });
}

#[test]
fn one_shot_channels_are_promises() {
    watched(|| {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let mut promise: Typed<u8> = receiver.into();
        assert!(!promise.wait(MOMENT));
        sender.send(1).unwrap();
        assert_eq!(promise.get(PATIENCE).unwrap(), 1);
        let (sender, receiver) = tokio::sync::oneshot::channel::<u8>();
        let mut promise: Typed<u8> = receiver.into();
        drop(sender);
        assert!(promise.get(PATIENCE).unwrap_err().is_abandoned());
        let (sender, receiver) = tokio::sync::oneshot::channel::<u8>();
        Typed::<u8>::from(receiver).cancel();
        eventually("the sender is told", || sender.is_closed());

        let (sender, receiver) = futures_channel::oneshot::channel();
        let mut promise: Typed<u8> = receiver.into();
        sender.send(2).unwrap();
        assert_eq!(promise.get(PATIENCE).unwrap(), 2);
        let (sender, receiver) = futures_channel::oneshot::channel::<u8>();
        let mut promise: Typed<u8> = receiver.into();
        drop(sender);
        assert!(promise.get(PATIENCE).unwrap_err().is_abandoned());
        let (sender, receiver) = futures_channel::oneshot::channel::<u8>();
        Typed::<u8>::from(receiver).cancel();
        eventually("the sender is told", || sender.is_canceled());
    });
}

/// Callbacks run on the runtime's threads, and one that is gone refuses them.
#[test]
fn a_runtime_of_tokio_is_an_executor() {
    watched(|| {
        let runtime = runtime();
        let executors: [ExecutorRef; 2] =
            [runtime.handle().into(), runtime.handle().clone().into()];
        for executor in executors.clone() {
            let mut name = Typed::ready(()).via(executor).map(|()| thread_name());
            assert_eq!(name.get(PATIENCE).unwrap(), "test-tokio");
        }
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut late = promise.via(runtime.handle()).map(|n| n + 1);
        runtime.shutdown_timeout(PATIENCE);
        deferred.resolve(1);
        assert!(late.get(PATIENCE).unwrap_err().is_abandoned());
        let [first, _] = executors;
        assert!(Typed::ready(1).via(first).map(|n| n).get(PATIENCE).unwrap_err().is_abandoned());
    });
}

/// A current-thread runtime runs them when it is driven.
#[test]
fn a_current_thread_runtime_is_an_executor() {
    watched(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        let here = thread::current().id();
        let promise = Typed::ready(()).via(runtime.handle()).map(move |()| thread::current().id());
        assert_eq!(runtime.block_on(promise).unwrap(), here);
    });
}

// ── Rayon, threads, callbacks ────────────────────────────────────────────────────────────────────

#[test]
fn a_pool_of_rayon_is_an_executor() {
    watched(|| {
        let builder = rayon_core::ThreadPoolBuilder::new().num_threads(2);
        let rayon = Arc::new(builder.thread_name(|_| "test-rayon".to_owned()).build().unwrap());
        let names: Vec<_> =
            (0..20).map(|_| Typed::ready(()).via(rayon.clone()).map(|()| thread_name())).collect();
        for mut name in names {
            assert_eq!(name.get(PATIENCE).unwrap(), "test-rayon");
        }
        let start = Typed::ready(0_u32).via(rayon);
        let mut sum = (0..10_000).fold(start, |chain, _| chain.map(|n| n + 1));
        assert_eq!(sum.get(PATIENCE).unwrap(), 10_000);
    });
}

#[test]
fn a_thread_is_a_promise() {
    watched(|| {
        let gate = Gate::new();
        let key = gate.key();
        let mut running: Typed<u8> = named_thread("running", move || {
            key.wait();
            1
        })
        .into();
        assert!(!running.is_set());
        gate.open();
        assert_eq!(running.get(PATIENCE).unwrap(), 1);
        let through = named_thread("through", || 2);
        eventually("it is through", || through.is_finished());
        let mut through: Typed<u8> = through.into();
        assert_eq!(through.try_get().expect("no other thread is needed").unwrap(), 2);
        let mut panics: Typed<u8> =
            named_thread("panics", || resume_unwind(Box::new("in a thread"))).into();
        assert_eq!(crate::common::panic_message(panics.get(PATIENCE)), "in a thread");
    });
}

/// Where a thread's promise settles user code may run, `Inline` or a drop: it has a stack as elsewhere.
#[test]
fn what_runs_where_a_thread_is_joined_has_a_stack() {
    watched(|| {
        let gate = Gate::new();
        let key = gate.key();
        let joined: Typed<u8> = thread::spawn(move || {
            key.wait();
            1
        })
        .into();
        let mut filled = joined.via(Inline).map(|n| {
            let large = std::hint::black_box([n; 256 * 1024]);
            (large.iter().map(|&n| usize::from(n)).sum::<usize>(), thread_name())
        });
        gate.open();
        assert_eq!(filled.get(PATIENCE).unwrap(), (256 * 1024, "asynckit-join".to_owned()));
    });
}

#[test]
fn callbacks_become_promises() {
    watched(|| {
        let mut resolved = Typed::from_callback(|resolve, _| resolve(1));
        assert_eq!(resolved.get(None).unwrap(), 1);
        let mut rejected = Typed::<u8>::from_callback(|_, reject| reject("no".to_owned()));
        assert!(is_error(rejected.get(None), "no"));
        let mut dropped = Typed::<u8>::from_callback(|_, _| ());
        assert!(dropped.get(None).unwrap_err().is_abandoned());
        let mut panicked = Typed::<u8>::from_callback(|_, _| panic!("no callback"));
        assert_eq!(crate::common::panic_message(panicked.get(None)), "no callback");
        let mut first = Typed::from_callback(|resolve, reject| {
            resolve(1);
            resolve(2);
            reject("late".to_owned());
            panic!("later still");
        });
        assert_eq!(first.get(None).unwrap(), 1);
        let mut elsewhere = Typed::from_callback(|resolve, _| {
            drop(named_thread("callback", move || resolve(3)));
        });
        assert_eq!(elsewhere.get(PATIENCE).unwrap(), 3);
        let kept = Arc::new(Mutex::new(None));
        let slot = kept.clone();
        let mut cancelled = Typed::<u8>::from_callback(move |resolve, _| {
            *slot.lock().unwrap() = Some(resolve);
        });
        cancelled.cancel();
        kept.lock().unwrap().take().unwrap()(1);
        assert!(matches!(cancelled.get(None), Err(Failure::Cancelled)));
    });
}
