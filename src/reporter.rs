//! How far a call is, told beside its promise.

use std::fmt;

use crate::cell::ExecutorHandle;
use crate::executor::{ExecutorRef, LocalQueue};
use crate::failure::{AnyError, Outcome, catch, drop_quietly};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::{Arc, Mutex};
use crate::timeout::Timeout;

/// How far a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// From 0 to 1. It is 1 once, in the last report, when the call has succeeded.
    pub fraction: f64,
    /// How many items are done; 0 where nothing counts them.
    pub done: u64,
    /// How many items there are; 0 where that is not known.
    pub total: u64,
}

/// Tells a listener how far a call is: beside the call's promise, and only for as long as that goes on.
///
/// What does the work reports by [`fraction`](Self::fraction), [`items`](Self::items) or [`advance`](Self::advance), from any thread;
/// [`finish_with`](Self::finish_with) ties the reports to the promise. What the listener hears never goes back. It hears 1 exactly
/// once, as the last, if the promise succeeds, and nothing after a failure or a cancellation (a report that is being delivered then
/// comes to its end). Reports are coalesced: while one is on its way no other is sent, and it tells how things stand when it
/// arrives; one that its executor refuses is lost, and the next one is sent. Each call has a reporter of its own, so calls at the
/// same time do not mix; clones are handles on the same one.
///
/// Where the listener is called: [`new`](Self::new): on [`Pool::global`]; [`on`](Self::on): on a pool, a [`LocalQueue`] or any
/// executor; [`here`](Self::here): on the thread that waits for the call. It is called by one thread at a time. A panic of it goes to the
/// [unobserved hook](crate::set_unobserved_hook), and it is called for the next report. With the feature `progress`, `http::Bars::bar` is a
/// listener that moves a progress bar.
///
/// ```
/// use asynckit::{Pool, Reporter};
/// use std::sync::mpsc;
///
/// let (heard, reports) = mpsc::channel();
/// let reporter = Reporter::new(move |report| drop(heard.send(report.fraction)));
/// let (pool, progress) = (Pool::new(1), reporter.clone());
/// let copied = pool.run(move || {
///     for file in 1..=4 {
///         progress.items(file, 4);
///     }
/// });
/// reporter.finish_with(copied).get(None)?;
/// drop(reporter);
/// let reports: Vec<f64> = reports.iter().collect(); // until the listener is dropped
/// assert!(reports.is_sorted());
/// assert_eq!(reports.last(), Some(&1.0));
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone)]
pub struct Reporter {
    /// `None`: nothing listens.
    shared: Option<Arc<Shared>>,
    /// Where the thread that waits finds the reports.
    here: Option<LocalQueue>,
}

struct Shared {
    /// No user code runs under this lock.
    state: Mutex<State>,
    executor: ExecutorHandle,
}

struct State {
    /// `None` while it is called, and behind the end.
    listener: Option<Box<dyn FnMut(Report) + Send>>,
    now: Report,
    told: Option<Report>,
    /// A report is on its way.
    expects: bool,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Open,
    Complete,
    Closed,
}

impl State {
    fn is_due(&self) -> bool {
        match self.phase {
            Phase::Open => self.now.fraction < 1.0 && self.told != Some(self.now),
            Phase::Complete => self.told != Some(self.now),
            Phase::Closed => false,
        }
    }

    /// Whether the listener was told all that it is to hear.
    fn is_through(&self) -> bool {
        self.phase != Phase::Open && !self.is_due()
    }
}

impl Reporter {
    /// Calls `listener` on [`Pool::global`].
    pub fn new(listener: impl FnMut(Report) + Send + 'static) -> Self {
        Reporter::on(Pool::global(), listener)
    }

    /// Calls `listener` on this executor: a pool, a [`LocalQueue`] of a user interface's loop.
    ///
    /// ```
    /// use asynckit::{LocalQueue, Promise, Reporter};
    ///
    /// let queue = LocalQueue::new(); // of this thread, which drains it
    /// let reporter = Reporter::on(&queue, |report| println!("{:.0} %", report.fraction * 100.0));
    /// reporter.fraction(0.5);
    /// assert_eq!(queue.run_pending(), 1);
    /// ```
    pub fn on(
        executor: impl Into<ExecutorRef>,
        listener: impl FnMut(Report) + Send + 'static,
    ) -> Self {
        let state = State {
            listener: Some(Box::new(listener)),
            now: Report::default(),
            told: None,
            expects: false,
            phase: Phase::Open,
        };
        let shared = Shared { state: Mutex::new(state), executor: executor.into().0 };
        Reporter { shared: Some(Arc::new(shared)), here: None }
    }

    /// Calls `listener` on this thread, while it waits for the call by [`get`](Self::get), or by a blocking client's
    /// [face](crate::face::Face::reply_reporting).
    ///
    /// ```
    /// use asynckit::{Pool, Reporter};
    /// use std::thread;
    ///
    /// let this = thread::current().id();
    /// let reporter = Reporter::here(move |_| assert_eq!(thread::current().id(), this));
    /// let progress = reporter.clone();
    /// let half = Pool::global().run(move || progress.fraction(0.5));
    /// reporter.get(&mut reporter.finish_with(half), None)?;
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    pub fn here(listener: impl FnMut(Report) + Send + 'static) -> Self {
        let queue = LocalQueue::new();
        Reporter { here: Some(queue.clone()), ..Reporter::on(&queue, listener) }
    }

    /// Has no listener: for calls whose progress nothing asks for.
    ///
    /// ```
    /// asynckit::Reporter::none().fraction(0.5);
    /// ```
    pub fn none() -> Self {
        Reporter { shared: None, here: None }
    }

    /// So much of the call is done, from 0 to 1. What is not more than before is not told.
    pub fn fraction(&self, fraction: f64) {
        self.report(|now| Report { fraction, ..now });
    }

    /// So many of so many items are done.
    pub fn items(&self, done: u64, total: u64) {
        self.report(|_| counted(done, total));
    }

    /// So many more items are done, of as many as [`items`](Self::items) has said there are.
    ///
    /// ```
    /// let reporter = asynckit::Reporter::new(|report| println!("{} of {}", report.done, report.total));
    /// reporter.items(0, 3);
    /// reporter.advance(2);
    /// ```
    pub fn advance(&self, more: u64) {
        self.report(|now| counted(now.done.saturating_add(more), now.total));
    }

    fn report(&self, change: impl FnOnce(Report) -> Report) {
        let Some(shared) = &self.shared else { return };
        let mut state = shared.state.lock();
        let next = change(state.now);
        if state.phase == Phase::Open && !next.fraction.is_nan() {
            state.now = Report {
                fraction: next.fraction.clamp(state.now.fraction, 1.0),
                done: next.done.max(state.now.done),
                total: next.total.max(state.now.total),
            };
        }
        drop(state);
        shared.send();
    }

    /// Ties the reports to the promise: 1 is told when it has a value, nothing more when it has failed.
    ///
    /// It passes as it is. Where the pool of its callbacks was shut down, it fails as behind [`Promise::map`].
    #[track_caller]
    pub fn finish_with<T, E>(&self, promise: Promise<T, E>) -> Promise<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let Some(shared) = &self.shared else { return promise };
        let ending = Ending(Arc::clone(shared));
        promise.map(move |value| {
            ending.0.end(Phase::Complete);
            value
        })
    }

    /// Waits for the promise and takes its outcome, as [`Promise::get`] does; reports that are to be told [here](Self::here)
    /// are told on this thread meanwhile, the last one before this returns.
    ///
    /// # Errors
    /// As for [`Promise::get`].
    pub fn get<T: 'static, E: 'static>(
        &self,
        promise: &mut Promise<T, E>,
        timeout: impl Into<Timeout>,
    ) -> Outcome<T, E> {
        let Some(queue) = &self.here else { return promise.get(timeout) };
        let outcome = queue.get(promise, timeout);
        while queue.run_pending() > 0 {}
        outcome
    }
}

fn counted(done: u64, total: u64) -> Report {
    #[expect(clippy::cast_precision_loss, reason = "a fraction need not be exact")]
    let fraction = if total == 0 { 0.0 } else { done as f64 / total as f64 };
    Report { fraction, done, total }
}

/// Closes the reports when the promise fails, which drops this unused.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(Phase::Closed);
    }
}

impl Shared {
    fn end(self: &Arc<Self>, phase: Phase) {
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return;
        }
        state.phase = phase;
        if phase == Phase::Complete {
            let now = &mut state.now;
            (now.fraction, now.done) = (1.0, now.done.max(now.total));
        }
        let unused = if state.is_through() { state.listener.take() } else { None };
        drop(state);
        drop_quietly(unused);
        self.send();
    }

    /// Sends a report, if the listener does not know how things stand, and expects none.
    fn send(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.expects || !state.is_due() {
            return;
        }
        state.expects = true;
        let report = OnItsWay { shared: Some(Arc::clone(self)), sent: (state.now, state.phase) };
        drop(state);
        let (consumer, _) = Promise::<(), AnyError>::ready(()).into_parts();
        Promise::new(consumer, self.executor.clone()).map(move |()| report.arrives()).detach();
    }

    fn tell(self: &Arc<Self>) {
        let mut state = self.state.lock();
        let now = state.now;
        let listener = if state.is_due() { state.listener.take() } else { None };
        let Some(mut listener) = listener else {
            state.expects = false;
            return;
        };
        state.told = Some(now);
        drop(state);
        let told = catch(|| listener(now));
        let mut state = self.state.lock();
        state.expects = false;
        let through = state.is_through();
        let unused = if through { Some(listener) } else { state.listener.replace(listener) };
        drop(state);
        drop_quietly(unused);
        self.send(); // if something has come meanwhile
        if let Err(panic) = told {
            panic.resume();
        }
    }
}

/// A report that was sent: it arrives, or its executor refuses it, which drops it.
struct OnItsWay {
    /// `None` when it has arrived.
    shared: Option<Arc<Shared>>,
    /// How things stood then.
    sent: (Report, Phase),
}

impl OnItsWay {
    fn arrives(mut self) {
        if let Some(shared) = self.shared.take() {
            shared.tell();
        }
    }
}

impl Drop for OnItsWay {
    /// The next report is sent when there is one; now, if there is already.
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        let mut state = shared.state.lock();
        state.expects = false;
        let is_news = (state.now, state.phase) != self.sent;
        drop(state);
        if is_news {
            shared.send();
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.shared.as_ref().map(|shared| shared.state.lock().now);
        f.debug_struct("Reporter").field("now", &now).finish_non_exhaustive()
    }
}
