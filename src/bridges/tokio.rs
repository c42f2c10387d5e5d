//! Feature `tokio`: async crates in plain code, and promises from and for tokio.
//!
//! [`spawn`] runs a future on tokio and hands back a promise, so that crates which need tokio (reqwest,
//! sqlx, tonic) serve a program with a plain `fn main`: it starts a runtime in the background where none
//! is current.
//!
//! The other way round every [`Promise`] is a future, to be awaited on any runtime. Do not call
//! [`get`](Promise::get) in async code: it blocks the runtime's thread, and what it waits for may
//! need that very thread; `WouldDeadlock` does not tell, because a runtime's tasks are not asynckit's.
//!
//! Promises are made from a [`JoinHandle`] and from a
//! [`oneshot::Receiver`]; a [`Handle`] is an [`Executor`].

use std::future::poll_fn;
use std::io;
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;

use ::tokio::runtime::{Builder, Handle, Runtime};
use ::tokio::sync::oneshot;
use ::tokio::task::{AbortHandle, JoinError, JoinHandle};

use super::watch::watch;
use crate::cell::{Origin, Producer};
use crate::executor::{Executor, ExecutorRef, Job};
use crate::failure::{Failure, Outcome, Panic, catch, contain};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::Mutex;
use crate::sync::{Arc, OnceLock};

/// How many threads the background runtime has: what it runs waits mostly, and with two of them one future
/// that computes does not keep all others waiting.
const WORKERS: usize = 2;

struct Spawned;

impl Origin for Spawned {
    const KIND: &'static str = "tokio::spawn";
}

/// Runs a future on tokio, and hands back a promise of its result at once.
///
/// On the runtime that is current, or else on one in the background, which starts with the first call,
/// has two threads named `asynckit-tokio`, and lives as long as the process. Callbacks of the promise
/// run on [`Pool::global`].
///
/// Cancelling the promise aborts the task: tokio drops the future, soon. Dropping the promise detaches.
/// A panic in the future is [`Failure::Panicked`]. If its runtime is shut down, or none can be
/// started, the promise fails with [`Failure::Abandoned`].
///
/// ```
/// use asynckit::AnyError;
/// use std::time::Duration;
///
/// fn main() -> Result<(), asynckit::Failure> {
///     let mut answer = asynckit::tokio::spawn(async {
///         tokio::time::sleep(Duration::from_millis(1)).await; // needs tokio
///         Ok::<_, AnyError>(42)
///     });
///     assert_eq!(answer.get(Duration::from_secs(5))?, 42);
///     Ok(())
/// }
/// ```
#[track_caller]
pub fn spawn<T, E, F>(future: F) -> Promise<T, E>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let (mut producer, consumer) = Producer::pair::<Spawned>(Location::caller());
    let task = Arc::new(OnceLock::<AbortHandle>::new());
    let abort = Arc::clone(&task);
    producer.on_cancel(Box::new(move || {
        if let Some(task) = abort.get() {
            task.abort();
        }
    }));
    if let Ok(runtime) = current_or_background() {
        let spawned = runtime.spawn(async move { producer.settle(caught(future).await) });
        let _ = task.set(spawned.abort_handle());
    }
    Promise::new(consumer, Pool::global().core().executor())
}

/// The future's outcome, when the future is gone.
async fn caught<T, E: 'static>(future: impl Future<Output = Result<T, E>>) -> Outcome<T, E> {
    let mut future = pin!(Some(future));
    let outcome = poll_fn(|context| {
        let Some(future) = future.as_mut().as_pin_mut() else { return Poll::Pending };
        match catch(|| future.poll(context)) {
            Ok(poll) => poll.map_err(Failure::from_error),
            Err(panic) => Poll::Ready(Err(Failure::Panicked(panic))),
        }
    });
    let outcome = outcome.await;
    contain(|| future.set(None));
    outcome
}

fn current_or_background() -> io::Result<Handle> {
    Handle::try_current().or_else(|_| background())
}

/// The runtime in the background, which is started by the first call.
fn background() -> io::Result<Handle> {
    static STARTED: Mutex<Option<Runtime>> = Mutex::new(None);
    let mut started = STARTED.lock();
    if started.is_none() {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(WORKERS).thread_name("asynckit-tokio").enable_all();
        *started = Some(builder.build()?);
    }
    started.as_ref().map(|runtime| runtime.handle().clone()).ok_or(io::ErrorKind::Other.into())
}

// ── Tokio's tasks and channels as promises ───────────────────────────────────────────────────────

/// Aborts the task when the promise is cancelled, which drops this.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort(); // nothing, if it is through
    }
}

/// What the task returns; [`Failure::Panicked`] or [`Failure::Cancelled`] if it panicked or was aborted.
///
/// Cancelling the promise aborts the task; dropping it detaches. Callbacks run on [`Pool::global`].
impl<T: Send + 'static, E: Send + 'static> From<JoinHandle<T>> for Promise<T, E> {
    #[track_caller]
    fn from(task: JoinHandle<T>) -> Self {
        let mut task = Task(task);
        let joined = async move { (&mut task.0).await.map_err(failure) };
        watch(joined, Location::caller())
    }
}

fn failure<E>(error: JoinError) -> Failure<E> {
    match error.try_into_panic() {
        Ok(payload) => Failure::Panicked(Panic::new(payload)),
        Err(_) => Failure::Cancelled,
    }
}

/// Fails with [`Failure::Abandoned`] when the sender is dropped. Cancelling the promise drops the
/// receiver. Callbacks run on [`Pool::global`].
impl<T: Send + 'static, E: Send + 'static> From<oneshot::Receiver<T>> for Promise<T, E> {
    #[track_caller]
    fn from(receiver: oneshot::Receiver<T>) -> Self {
        watch(async { receiver.await.map_err(|_| Failure::Abandoned) }, Location::caller())
    }
}

// ── Tokio's runtimes as executors ────────────────────────────────────────────────────────────────

/// Runs the job as a task of the runtime; one that is shut down refuses it.
impl Executor for Handle {
    fn execute(&self, job: Job) {
        drop(self.spawn(async move { job.run() }));
    }
}

impl From<Handle> for ExecutorRef {
    fn from(runtime: Handle) -> Self {
        ExecutorRef::new(runtime)
    }
}

impl From<&Handle> for ExecutorRef {
    fn from(runtime: &Handle) -> Self {
        ExecutorRef::new(runtime.clone())
    }
}
