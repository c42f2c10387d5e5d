//! Where callbacks run: pools, the settling thread, a user interface's thread, somebody else's pool.

mod inline;
mod local_queue;
mod serial;
mod via;

use std::fmt;

pub use inline::Inline;
pub use local_queue::LocalQueue;
pub use serial::Serial;

use crate::cell::{Counted, Execute, ExecutorHandle, Posted};
use crate::pool::Pool;
use crate::sync::StdArc;

/// Runs jobs: where the callbacks of a promise run that was passed through [`via`](crate::Promise::via).
///
/// [`Pool`], [`Inline`], [`LocalQueue`] and [`Serial`] are executors; so is every `Fn(Job) + Send + Sync`, and, with
/// the features of these names, tokio's `Handle` and rayon's `ThreadPool`.
///
/// ```
/// use asynckit::{Job, Promise};
/// use std::sync::mpsc;
///
/// let (jobs, queue) = mpsc::channel::<Job>();
/// let ui = move |job: Job| drop(jobs.send(job)); // a job that is not sent is dropped: see `Job`
/// let mut answer: Promise<_> = Promise::ready(6).via(ui).map(|n| n * 7);
/// queue.recv()?.run(); // the callback runs here
/// assert_eq!(answer.get(None)?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Executor: Send + Sync {
    /// Takes a job, to run it soon on one of its threads; called on any thread, for several jobs at a
    /// time.
    ///
    /// It should not block. To refuse a job, drop it. A panic is contained, and the job is refused,
    /// unless it was passed on before. An executor that runs the job inside this call is one like
    /// [`Inline`]: nested jobs wait for the outer one, and come a second time then.
    fn execute(&self, job: Job);
}

/// Callbacks of a promise that are ready to run, given to an [`Executor`].
///
/// Dropped unrun it settles its promise with [`Failure::Abandoned`](crate::Failure::Abandoned), and the
/// callback is dropped, also one that else runs in any case, as that of `finally`. A job keeps its
/// executor alive, so an executor that stores jobs should drop them when it ends.
#[must_use = "a dropped job abandons its promise"]
pub struct Job(Posted);

impl Job {
    /// Runs it on this thread, and what follows from it on the same executor, some dozens in a row.
    ///
    /// Panics of callbacks are outcomes: this does not panic.
    pub fn run(self) {
        self.0.run();
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

/// An executor to pass a promise through: see [`Promise::via`](crate::Promise::via).
///
/// Made from a [`Pool`] (which it does not keep alive), from [`Inline`], from a [`LocalQueue`], from a [`Serial`], from any
/// `Fn(Job) + Send + Sync`, and from an `Arc` of an [`Executor`].
///
/// ```
/// use asynckit::{ExecutorRef, Inline, LocalQueue, Pool};
///
/// let places: [ExecutorRef; 3] =
///     [Pool::global().into(), Inline.into(), (&LocalQueue::new()).into()];
/// ```
#[derive(Clone)]
pub struct ExecutorRef(pub(crate) ExecutorHandle);

impl fmt::Debug for ExecutorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An executor of the user's, behind counted handles.
struct Foreign<X>(X);

impl<X: Executor + 'static> Execute for Foreign<X> {
    fn execute(&self, posted: Posted) {
        self.0.execute(Job(posted));
    }
}

/// One behind an `Arc`.
struct Boxed<X: ?Sized>(StdArc<X>);

impl<X: Executor + ?Sized> Executor for Boxed<X> {
    fn execute(&self, job: Job) {
        self.0.execute(job);
    }
}

impl ExecutorRef {
    /// A reference to an executor that is given away.
    pub fn new(executor: impl Executor + 'static) -> Self {
        ExecutorRef(Counted::handle(&Counted::new(Foreign(executor))))
    }
}

impl<F: Fn(Job) + Send + Sync> Executor for F {
    fn execute(&self, job: Job) {
        self(job);
    }
}

impl<F: Fn(Job) + Send + Sync + 'static> From<F> for ExecutorRef {
    fn from(executor: F) -> Self {
        ExecutorRef::new(executor)
    }
}

impl<X: Executor + 'static> From<StdArc<X>> for ExecutorRef {
    fn from(executor: StdArc<X>) -> Self {
        ExecutorRef::new(Boxed(executor))
    }
}

impl From<StdArc<dyn Executor>> for ExecutorRef {
    fn from(executor: StdArc<dyn Executor>) -> Self {
        ExecutorRef::new(Boxed(executor))
    }
}

impl From<&Pool> for ExecutorRef {
    fn from(pool: &Pool) -> Self {
        ExecutorRef(pool.core().executor())
    }
}

/// If this was its last handle, the pool finishes first what it has accepted.
impl From<Pool> for ExecutorRef {
    fn from(pool: Pool) -> Self {
        ExecutorRef::from(&pool)
    }
}

/// Queues the job; a pool that was shut down refuses it.
impl Executor for Pool {
    fn execute(&self, job: Job) {
        drop(self.run(move || job.run()));
    }
}
