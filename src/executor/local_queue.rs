//! A queue of callbacks that one thread drains when it likes.

use std::collections::VecDeque;
use std::fmt;
use std::task::{Context, Poll, Wake, Waker};

use super::{Executor, ExecutorRef, Job};
use crate::cell::{Counted, Execute, Posted};
use crate::draining::{Draining, Local, Waiting};
use crate::failure::{Failure, Outcome};
use crate::pool::Worker;
use crate::promise::Promise;
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Arc, StdArc};
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::timeout::{Deadline, Timeout};

/// Callbacks that run on the thread that drains the queue: a user interface's loop, a test, a caller
/// that waits.
///
/// Pass promises through it by [`via`](Promise::via), from any thread. The loop calls
/// [`run_pending`](Self::run_pending) now and then; who waits calls [`get`](Self::get). Callbacks must be
/// `Send` although they run here, because they may be dropped elsewhere.
///
/// The thread that drains it runs its jobs also while it waits elsewhere without a limit of time, in
/// [`Promise::get`] or in any other wait of this crate: what it waits for may need them. That thread is
/// the one that has called `run_pending` or `get` last, and, before anybody has, the one that has made the
/// queue. So make it on the thread that is to drain it.
///
/// Clones are handles on the same queue. When the last one is dropped, the jobs in it are dropped, and
/// those that would come later are refused: their promises fail with
/// [`Failure::Abandoned`]. A handle in a callback that waits in the queue counts, so drain the queue before
/// you drop yours.
///
/// ```
/// use asynckit::{LocalQueue, Promise};
///
/// let queue = LocalQueue::new();
/// let mut answer = Promise::<_>::ready(6).via(&queue).map(|n| n * 7);
/// assert!(answer.try_get().is_none()); // nobody has drained the queue
/// assert_eq!(queue.run_pending(), 1);
/// assert_eq!(answer.try_get().unwrap()?, 42);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone)]
pub struct LocalQueue {
    handles: Arc<Handles>,
}

/// What all handles share; the last one closes the queue.
struct Handles {
    queue: Arc<Counted<Queue>>,
}

struct Queue {
    state: Mutex<State>,
    /// Rung for who waits in `get`.
    bell: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Posted>,
    closed: bool,
    /// Called when a job comes.
    notify: Option<Arc<dyn Fn() + Send + Sync>>,
    /// The thread that has drained it last, or has made it.
    drainer: Option<ThreadId>,
    /// It waits for something.
    waiting: Option<Waiting>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock.
        self.state.lock()
    }

    fn pop(&self) -> Option<Posted> {
        self.lock().jobs.pop_front()
    }
}

impl Execute for Queue {
    fn execute(&self, posted: Posted) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return drop(posted);
        }
        state.jobs.push_back(posted);
        let (notify, waiting) = (state.notify.clone(), state.waiting.clone());
        drop(state);
        if let Some(waiting) = waiting {
            waiting.call();
        }
        self.bell.notify_all();
        if let Some(notify) = notify {
            notify();
        }
    }
}

impl Local for Counted<Queue> {
    fn run_one(&self) -> bool {
        let mut state = self.lock();
        if state.drainer != Some(thread::current().id()) {
            return false;
        }
        let job = state.jobs.pop_front();
        drop(state);
        job.map(Posted::run).is_some()
    }

    fn set_waiting(&self, waiting: Option<Waiting>) -> Option<Waiting> {
        let mut state = self.lock();
        if state.drainer == Some(thread::current().id()) {
            return std::mem::replace(&mut state.waiting, waiting);
        }
        None
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.closed = true;
        let (jobs, notify) = (std::mem::take(&mut state.jobs), state.notify.take());
        drop(state);
        drop((jobs, notify));
    }
}

impl LocalQueue {
    /// Makes an empty queue.
    pub fn new() -> Self {
        let queue = Queue { state: Mutex::new(State::default()), bell: Condvar::new() };
        let queue = LocalQueue { handles: Arc::new(Handles { queue: Counted::new(queue) }) };
        queue.drained_here();
        queue
    }

    /// As [`new`](Self::new), with a function that is called whenever a job comes, on the thread that
    /// brings it: to wake the loop that drains the queue. Panics in it are contained.
    ///
    /// It must not drain the queue itself, and is called with no lock held.
    ///
    /// ```
    /// use asynckit::{LocalQueue, Promise};
    /// use std::sync::mpsc;
    ///
    /// let (wake, woken) = mpsc::channel(); // in place of a user interface's event queue
    /// let queue = LocalQueue::with_notify(move || drop(wake.send(())));
    /// let done = Promise::<_>::ready(1).via(&queue).map(|n| n + 1);
    /// woken.recv()?;
    /// assert_eq!(queue.run_pending(), 1);
    /// assert!(done.is_set());
    /// # Ok::<(), std::sync::mpsc::RecvError>(())
    /// ```
    pub fn with_notify(notify: impl Fn() + Send + Sync + 'static) -> Self {
        let queue = LocalQueue::new();
        queue.queue().lock().notify = Some(Arc::new(notify));
        queue
    }

    fn queue(&self) -> &Arc<Counted<Queue>> {
        &self.handles.queue
    }

    /// This thread is the one that drains it from now on.
    fn drained_here(&self) {
        let this = Some(thread::current().id());
        let mut state = self.queue().lock();
        if state.drainer != this {
            state.drainer = this;
            state.waiting = None;
            drop(state);
            let queue: Arc<dyn Local> = self.queue().clone();
            Draining::register(&queue);
        }
    }

    /// How many jobs are waiting.
    pub fn len(&self) -> usize {
        self.queue().lock().jobs.len()
    }

    /// Whether no job is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs the jobs that were there when it began, on this thread, and says how many; does not wait.
    ///
    /// A job is a callback with those that follow it on this queue, some dozens in a row. What comes
    /// meanwhile is left to the next call, so a loop stays responsive. A callback may call this itself.
    pub fn run_pending(&self) -> usize {
        self.drained_here();
        let there = self.len();
        // Another thread may be draining it, too.
        (0..there).map_while(|_| self.queue().pop().map(Posted::run)).count()
    }

    /// Waits for the promise and takes its outcome, and runs the jobs of the queue on this thread
    /// meanwhile.
    ///
    /// As [`Promise::get`] otherwise. A zero timeout runs the jobs that are there; a job that runs
    /// is not interrupted when the time is over.
    ///
    /// # Errors
    /// The failure of the promise, or [`Failure::TimedOut`]: then the promise is
    /// still there.
    pub fn get<T, E>(
        &self,
        promise: &mut Promise<T, E>,
        timeout: impl Into<Timeout>,
    ) -> Outcome<T, E>
    where
        T: 'static,
        E: 'static,
    {
        let timeout = timeout.into();
        self.drained_here();
        if timeout.is_poll() {
            self.run_pending();
            return promise.try_get().unwrap_or(Err(Failure::TimedOut));
        }
        if timeout.start().is_never() {
            return promise.get(None); // that runs the jobs of this thread's queues
        }
        let bell = StdArc::new(Bell { queue: Arc::clone(self.queue()), rung: Mutex::new(false) });
        let (waker, deadline) = (Waker::from(StdArc::clone(&bell)), timeout.start());
        loop {
            let context = &mut Context::from_waker(&waker);
            if let Poll::Ready(outcome) = std::pin::Pin::new(&mut *promise).poll(context) {
                return outcome;
            }
            if deadline.remaining().is_none() {
                return Err(Failure::TimedOut);
            }
            match self.queue().pop() {
                Some(posted) => posted.run(),
                None => Worker::blocked(|| bell.wait(deadline)),
            }
        }
    }
}

/// Rings the queue's bell when a promise has settled.
struct Bell {
    queue: Arc<Counted<Queue>>,
    rung: Mutex<bool>,
}

impl Wake for Bell {
    fn wake(self: StdArc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &StdArc<Self>) {
        // A count of its own: the last use of the queue here comes before its end also for a checker that does not see
        // how the standard library's `Arc` ends, which has the bell.
        let queue = Arc::clone(&self.queue);
        let state = queue.lock();
        *self.rung() = true;
        drop(state);
        queue.bell.notify_all();
    }
}

impl Bell {
    fn rung(&self) -> MutexGuard<'_, bool> {
        self.rung.lock()
    }

    /// Waits for a job or the promise, or until the time is over.
    fn wait(&self, deadline: Deadline) {
        let mut state = self.queue.lock();
        while state.jobs.is_empty() && !std::mem::take(&mut *self.rung()) {
            let Some(left) = deadline.remaining() else { return };
            let ready = |state: &State| !state.jobs.is_empty() || *self.rung();
            let (bell, lock) = (&self.queue.bell, || self.queue.lock());
            state = deadline.clock().wait((bell, state), left, lock, ready);
        }
    }
}

impl Default for LocalQueue {
    fn default() -> Self {
        LocalQueue::new()
    }
}

impl fmt::Debug for LocalQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalQueue").field("waiting", &self.len()).finish()
    }
}

/// Queues the job.
impl Executor for LocalQueue {
    fn execute(&self, job: Job) {
        self.queue().execute(job.0);
    }
}

impl From<&LocalQueue> for ExecutorRef {
    fn from(queue: &LocalQueue) -> Self {
        ExecutorRef(Counted::handle(queue.queue()))
    }
}

/// If this was its last handle, the queue is closed.
impl From<LocalQueue> for ExecutorRef {
    fn from(queue: LocalQueue) -> Self {
        ExecutorRef::from(&queue)
    }
}
