//! Many promises handled as one.

mod all_failed;
mod any;
mod as_completed;
mod first_failure;
mod get;
mod items;
mod join;
mod keyed;
mod keyed_more;
mod looked;
mod progress;
mod race;
mod rest;
mod set;
mod settled;
mod some;
mod stream;

use std::fmt;
use std::panic::Location;

pub use all_failed::AllFailed;
pub use as_completed::{AsCompleted, Completed};
pub(crate) use first_failure::FirstFailure;
pub use keyed::{KeyedAsCompleted, KeyedCompleted, KeyedList};
pub use progress::Progress;
pub use set::{TaskIter, TaskPusher, TaskSet, TaskStream};
pub use stream::{CompletedStream, KeyedCompletedStream};

use crate::cell::{self, ExecutorHandle, Gather, Items};
use crate::failure::AnyError;
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};
use looked::Looked;
use progress::Reports;

/// Many promises handled as one, in input order.
///
/// A list watches its items from the moment it has them, so that the first failure *in time* ends
/// it, wherever it stands. Collect one from an iterator of promises, or [`push`](Self::push).
///
/// `AsyncList<_>` is one of any error. Where the errors have a type, it is `AsyncList<_, _>`, or no type at all:
/// `AsyncList::from_iter(…)`.
///
/// Callbacks on what is made of a list run on the executor of its first item. Joining, racing and the
/// like need no worker themselves. Dropping a list detaches its items: they go on.
///
/// ```
/// use asynckit::{AsyncList, Pool};
/// use std::time::Duration;
///
/// let pool = Pool::new(4);
/// let squares: AsyncList<_> = (1..=4).map(|n| pool.run(move || n * n)).collect();
/// let mut all = squares.join().timeout(Duration::from_secs(5)); // what is late is cancelled
/// assert_eq!(all.get(None)?, [1, 4, 9, 16]);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[must_use = "a dropped list goes on, but nobody sees its values"]
pub struct AsyncList<T, E = AnyError> {
    /// Behind a lock, because draining changes it and `is_set` takes `&self`.
    items: Mutex<Looked<T, E>>,
    /// The values, or the failure, were taken by `get`.
    taken: bool,
    /// It was cancelled while items were running: it waits for nothing any more.
    cancelled: AtomicBool,
    /// That of the first item.
    executor: Option<ExecutorHandle>,
    /// How many items were added by hand: all, unless the list has a source.
    pushed: usize,
    /// Somebody wants to know how far it is.
    reports: Option<Arc<Reports>>,
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// An empty list.
    pub fn new() -> Self {
        AsyncList {
            items: Mutex::new(Looked::new(Gather::new())),
            taken: false,
            cancelled: AtomicBool::new(false),
            executor: None,
            pushed: 0,
            reports: None,
        }
    }

    /// Adds an item.
    #[track_caller]
    pub fn push(&mut self, promise: Promise<T, E>) {
        let (consumer, executor) = promise.into_parts();
        let executor = self.executor.get_or_insert(executor);
        self.pushed += 1;
        if let Some(reports) = &self.reports {
            reports.one_more(executor);
        }
        self.gather().watch(consumer, Location::caller());
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.lock().gather.items().len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `get` would not wait: all items are set, or one has failed.
    pub fn is_set(&self) -> bool {
        self.taken || self.is_error() || self.look(|list| list.gather.items().is_complete())
    }

    /// Whether an item has failed.
    pub fn is_error(&self) -> bool {
        self.look(|list| list.look().is_some()) || self.is_cancelled()
    }

    fn is_cancelled(&self) -> bool {
        // ORDERING: Relaxed, nothing hangs on it but what becomes of the list.
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Cancels all items that are pending.
    ///
    /// They have failed with [`Failure::Cancelled`](crate::Failure::Cancelled) when this returns, as
    /// far as the list is concerned; work that is running is told, and its result is dropped. See
    /// [`Promise::cancel`](crate::Promise::cancel).
    pub fn cancel(&self) {
        self.look(|list| list.gather.items().cancel_pending());
        self.look(|list| {
            list.look();
            if !list.gather.items().is_complete() {
                list.gather.set_got(); // what comes later is not reported
                // ORDERING: Relaxed, as in `is_cancelled`.
                self.cancelled.store(true, Ordering::Relaxed);
            }
        });
    }

    /// Looks at the items under their lock; handlers and drops, which may look at them too, wait.
    fn look<R>(&self, look: impl FnOnce(&mut Looked<T, E>) -> R) -> R {
        cell::quietly(|| look(&mut self.lock()))
    }

    /// How it stands, for `Debug`.
    fn told(&self) -> String {
        let state = match self.is_error() {
            true => "failed",
            false if self.is_set() => "set",
            false => "pending",
        };
        let (arrived, count) = self.look(|list| {
            let items = list.gather.items();
            (items.arrived(), items.len())
        });
        let taken = if self.taken { ", taken" } else { "" };
        format!("{state}{taken}, {arrived} of {count} items settled")
    }

    /// The indices of the items that have failed, and of those that are pending.
    fn failed_and_pending(&self) -> (Vec<usize>, Vec<usize>) {
        self.look(|list| {
            list.look();
            let items = list.gather.items();
            let failed = items.indices().filter(|&index| items.is_failed(index)).collect();
            (failed, items.indices().filter(|&index| items.is_pending(index)).collect())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Looked<T, E>> {
        self.items.lock()
    }

    fn gather(&mut self) -> &mut Gather<T, E> {
        &mut self.items.get_mut().gather
    }

    pub(crate) fn from_gather(gather: Gather<T, E>, executor: ExecutorHandle) -> Self {
        AsyncList {
            items: Mutex::new(Looked::new(gather)),
            executor: Some(executor),
            ..AsyncList::new()
        }
    }

    pub(crate) fn into_gather(self) -> (Gather<T, E>, ExecutorHandle) {
        let executor = self.executor.unwrap_or_else(|| Pool::global().core().executor());
        let gather = self.items.into_inner().gather;
        (gather, executor)
    }
}

/// Nobody needs the items any more: what has come goes, what has not is cancelled.
pub(crate) fn let_go<T, E>(items: &mut Items<T, E>) {
    items.discard_arrived();
    items.cancel_pending();
}

impl<T: Send + 'static, E: Send + 'static> Default for AsyncList<T, E> {
    fn default() -> Self {
        AsyncList::new()
    }
}

impl<T: Send + 'static, E: Send + 'static> Extend<Promise<T, E>> for AsyncList<T, E> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = Promise<T, E>>>(&mut self, promises: I) {
        for promise in promises {
            self.push(promise);
        }
    }
}

impl<T: Send + 'static, E: Send + 'static> FromIterator<Promise<T, E>> for AsyncList<T, E> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = Promise<T, E>>>(promises: I) -> Self {
        let mut list = AsyncList::new();
        list.extend(promises);
        list
    }
}

impl<T: Send + 'static, E: Send + 'static> fmt::Debug for AsyncList<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsyncList({})", self.told())
    }
}
