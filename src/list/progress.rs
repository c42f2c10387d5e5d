//! How far a list is, told to the user while it goes on.

use std::panic::Location;

use super::AsyncList;
use crate::cell::{Consumer, ExecutorHandle, Next, Step};
use crate::failure::{AnyError, Failure, Outcome, catch, drop_quietly};
use crate::sync::{Arc, OnceLock};
use crate::sync::{Mutex, MutexGuard};
use crate::telemetry::Context;

/// How far a list is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many items have settled, with a value or a failure.
    pub done: usize,
    /// How many of these have failed.
    pub failed: usize,
    /// How many items there are.
    pub total: usize,
}

impl Progress {
    fn plus(self, items: usize) -> Self {
        Progress { total: self.total.saturating_add(items), ..self }
    }
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// Has `f` called as the items settle, whatever the list is used for afterwards.
    ///
    /// It is called on the list's executor (that of the first item), one call at a time, never on
    /// the thread that settles an item; where its pool is gone or was shut down, on [`Pool::global`](crate::Pool::global).
    /// Reports are coalesced: while one is on its way no other is sent, and it tells how things stand when it arrives. The last one,
    /// with `done == total`, always comes, also after the list was dropped or has failed; none comes
    /// after it, unless items are added. What is settled now is reported at once; an empty list
    /// reports nothing. Of a list that grows (see [`map_concurrent`](crate::map_concurrent())) the
    /// total is how many items are known. Several functions may be given.
    ///
    /// A panic of `f` is contained and reported as a failure that nobody has seen
    /// ([`set_unobserved_hook`](crate::set_unobserved_hook)); `f` is called again for what comes then.
    ///
    /// ```
    /// use asynckit::{AsyncList, Pool};
    /// use std::sync::mpsc;
    ///
    /// let pool = Pool::new(2);
    /// let mut list: AsyncList<_> = (0..10).map(|n| pool.run(move || n)).collect();
    /// let (sender, reports) = mpsc::channel();
    /// list.on_progress(move |progress| {
    ///     println!("{} of {}, {} failed", progress.done, progress.total, progress.failed);
    ///     let _ = sender.send(progress);
    /// });
    /// assert_eq!(list.get(None)?.len(), 10);
    /// let last = reports.iter().find(|progress| progress.done == progress.total);
    /// assert_eq!(last.map(|progress| progress.failed), Some(0));
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn on_progress(&mut self, mut f: impl FnMut(Progress) + Send + 'static) {
        let context = Context::current();
        let f = move |progress| context.within(|| f(progress));
        let listener = Listener::new(Box::new(f), Location::caller());
        if let Some(reports) = &self.reports {
            return reports.add(listener);
        }
        let source = self.gather().items().source().cloned();
        let counted = source.clone();
        let fed = move || source.as_ref().map_or(0, |source| source.known());
        let reports = Arc::new(Reports::new(Box::new(fed), self.pushed));
        if let Some(executor) = &self.executor {
            reports.executor.get_or_init(|| executor.clone());
        }
        reports.add(listener);
        let watcher = Arc::clone(&reports);
        self.gather().tap(Box::new(move |items| {
            let counts = |at| counted.as_ref().is_none_or(|source| source.number(at).is_some());
            let (mut done, mut failed) = (0, 0);
            for (_, fails) in items.filter(|&(index, _)| counts(index)) {
                done += 1;
                failed += usize::from(fails);
            }
            watcher.passed(done, failed); // also when none counts: the total may have changed
        }));
        self.reports = Some(reports);
    }
}

/// Counts the items of one list, and tells the listeners.
pub(super) struct Reports {
    /// How many items have come from the list's source or are known to do so.
    fed: Box<dyn Fn() -> usize + Send + Sync>,
    state: Mutex<State>,
    /// Unknown as long as the list is empty.
    executor: OnceLock<ExecutorHandle>,
}

struct State {
    /// The total is that of the items that were added by hand.
    now: Progress,
    listeners: Vec<Listener>,
}

struct Listener {
    /// `None` while it is called.
    f: Option<Box<dyn FnMut(Progress) + Send>>,
    /// What it was told last.
    told: Progress,
    /// A report to it is on its way.
    expects: bool,
    location: &'static Location<'static>,
}

impl Listener {
    fn new(f: Box<dyn FnMut(Progress) + Send>, location: &'static Location<'static>) -> Self {
        Listener { f: Some(f), told: Progress::default(), expects: false, location }
    }
}

impl Reports {
    fn new(fed: Box<dyn Fn() -> usize + Send + Sync>, pushed: usize) -> Self {
        let now = Progress { total: pushed, ..Progress::default() };
        let state = Mutex::new(State { now, listeners: Vec::new() });
        Reports { fed, state, executor: OnceLock::new() }
    }

    /// No user code runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The list, which has this executor, is about to watch one more item.
    pub(super) fn one_more(&self, executor: &ExecutorHandle) {
        self.executor.get_or_init(|| executor.clone());
        self.lock().now.total += 1;
    }

    fn add(self: &Arc<Self>, listener: Listener) {
        self.lock().listeners.push(listener);
        self.send();
    }

    fn passed(self: &Arc<Self>, done: usize, failed: usize) {
        let mut state = self.lock();
        state.now.done += done;
        state.now.failed += failed;
        drop(state);
        self.send();
    }

    /// Sends a report to each listener who does not know how things stand, and expects none.
    fn send(self: &Arc<Self>) {
        let Some(executor) = self.executor.get() else { return };
        loop {
            let fed = (self.fed)();
            let mut state = self.lock();
            let now = state.now.plus(fed);
            let due =
                |listener: &Listener| now.done > 0 && listener.told != now && !listener.expects;
            let Some(index) = state.listeners.iter().position(due) else { return };
            state.listeners[index].expects = true;
            let location = state.listeners[index].location;
            drop(state);
            let report = Report { reports: Arc::clone(self), index };
            let _ = Consumer::settled(Ok(()), location).then(report, executor.clone(), location);
        }
    }

    /// Tells a listener how things stand.
    fn tell(self: &Arc<Self>, index: usize) -> Outcome<(), AnyError> {
        let fed = (self.fed)();
        let mut state = self.lock();
        let now = state.now.plus(fed);
        state.listeners[index].told = now;
        let f = state.listeners[index].f.take();
        drop(state);
        let mut result = Ok(());
        if let Some(mut f) = f {
            result = catch(|| f(now)).map_err(Failure::Panicked);
            self.lock().listeners[index].f = Some(f);
        }
        self.lock().listeners[index].expects = false;
        self.send(); // if something has come meanwhile
        result
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        state.listeners.drain(..).for_each(drop_quietly);
    }
}

/// A report on its way to a listener. What it fails with is a panic, which nobody has seen.
struct Report {
    reports: Arc<Reports>,
    index: usize,
}

impl Step<(), AnyError> for Report {
    type Ok = ();
    type Err = AnyError;
    type Wanted = ();
    const KIND: &'static str = "on_progress";

    fn wants(_: &Outcome<(), AnyError>) -> bool {
        true
    }

    fn sort(outcome: Outcome<(), AnyError>) -> Result<(), Outcome<(), AnyError>> {
        outcome.map_err(Err)
    }

    fn run(self, (): ()) -> Next<(), AnyError> {
        Next::Settled(self.reports.tell(self.index))
    }
}
