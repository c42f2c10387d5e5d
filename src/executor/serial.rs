//! One job at a time, on the threads of another executor.

use std::collections::VecDeque;
use std::fmt;
use std::mem;

use super::{Executor, ExecutorRef, Job};
use crate::cell::RunContext;
use crate::failure::AnyError;
use crate::promise::Promise;
use crate::sync::{Arc, Mutex, MutexGuard};

/// Runs jobs one at a time and in their order, on whatever threads another executor has: a queue without a thread.
///
/// What only its jobs touch needs no lock that is ever waited for: an account, a cache, a file that is written to; an
/// actor's mailbox. Swift's and Kotlin's serial dispatchers, and `strand` of asio. A thousand of them cost no thread.
///
/// Pass promises through it by [`via`](Promise::via), or spawn by [`run`](Self::run). Up to 64 jobs run in a row, then it
/// queues itself again, so that it takes no worker for itself. Do not wait in a job for another one of the same queue: that
/// cannot begin.
///
/// Clones are handles on the same queue. What is queued runs also when they are gone. Where the executor refuses it, as a
/// pool that was shut down, all that is queued is dropped: its promises fail with [`Failure::Abandoned`](crate::Failure::Abandoned).
///
/// ```
/// use asynckit::{AsyncList, Pool, Serial};
///
/// let pool = Pool::new(4);
/// let log = Serial::new(&pool);
/// let (sender, lines) = std::sync::mpsc::channel();
/// let all: AsyncList<_> = (0..100).map(|n| {
///     let sender = sender.clone();
///     log.run(move || sender.send(n).unwrap())
/// }).collect();
/// all.join().get(None)?;
/// assert!(lines.try_iter().eq(0..100)); // four workers, and in order
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone)]
pub struct Serial {
    queue: Arc<Queue>,
}

struct Queue {
    executor: ExecutorRef,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// A turn is queued, or at work.
    has_turn: bool,
}

impl Serial {
    /// A queue whose jobs run on this executor.
    pub fn new(executor: impl Into<ExecutorRef>) -> Self {
        let (executor, state) = (executor.into(), Mutex::default());
        Serial { queue: Arc::new(Queue { executor, state }) }
    }

    /// Queues work, and hands back its promise; callbacks of that run in this queue, too.
    ///
    /// A `Result` is a value here; behind `.then(|done| Ok(done?))` its error is the promise's, and is told if it is not seen.
    ///
    /// ```
    /// use asynckit::{Pool, Serial};
    ///
    /// let serial = Serial::new(Pool::global());
    /// assert_eq!(serial.run(|| 6).map(|n| n * 7).get(None)?, 42);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn run<T, F>(&self, work: F) -> Promise<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        Promise::<_, AnyError>::ready(()).via(self).map(|()| work())
    }

    /// How many jobs are queued; what runs is not among them.
    pub fn len(&self) -> usize {
        self.queue.lock().jobs.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Executor for Serial {
    fn execute(&self, job: Job) {
        let mut state = self.queue.lock();
        state.jobs.push_back(job);
        if !mem::replace(&mut state.has_turn, true) {
            drop(state);
            Turn(Some(Arc::clone(&self.queue))).post();
        }
    }
}

impl Queue {
    /// No user code runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// The right to run what is queued; there is one at a time.
struct Turn(Option<Arc<Queue>>);

impl Turn {
    #[track_caller]
    fn post(self) {
        let Some(queue) = &self.0 else { return };
        let ready = Promise::<_, AnyError>::ready(()).via(queue.executor.clone());
        ready.map(|()| self.run()).detach();
    }

    fn run(mut self) {
        let Some(queue) = self.0.take() else { return };
        for _ in 0..RunContext::IN_A_ROW {
            let mut state = queue.lock();
            let Some(job) = state.jobs.pop_front() else {
                state.has_turn = false;
                return;
            };
            drop(state);
            job.run();
        }
        Turn(Some(queue)).post();
    }
}

/// The executor has refused it.
impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            let mut state = queue.lock();
            state.has_turn = false;
            let jobs = mem::take(&mut state.jobs);
            drop(state);
            drop(jobs);
        }
    }
}

impl From<&Serial> for ExecutorRef {
    fn from(serial: &Serial) -> Self {
        ExecutorRef::new(serial.clone())
    }
}

impl From<Serial> for ExecutorRef {
    fn from(serial: Serial) -> Self {
        ExecutorRef::new(serial)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({} queued on {:?})", self.len(), self.queue.executor)
    }
}
