//! Many promises handled as one.

mod get;
mod join;
mod settled;

use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard};

use crate::cell::{self, ExecutorHandle, Gather};
use crate::failure::AnyError;
use crate::pool::Pool;
use crate::promise::Promise;

/// Many promises handled as one, in input order.
///
/// A list watches its items from the moment it has them, so that the first failure *in time* ends
/// it, wherever it stands. Collect one from an iterator of promises, or [`push`](Self::push).
///
/// ```
/// use asynckit::{AsyncList, Pool};
/// use std::time::Duration;
///
/// let pool = Pool::new(4);
/// let mut squares: AsyncList<_> = (1..=4).map(|n| pool.run(move || n * n)).collect();
/// assert_eq!(squares.get(Some(Duration::from_secs(5)))?, [1, 4, 9, 16]);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[must_use = "a dropped list goes on, but nobody sees its values"]
pub struct AsyncList<T: Send + 'static, E: Send + 'static = AnyError> {
    /// Behind a lock, because draining changes it and `is_set` takes `&self`.
    inner: Mutex<Inner<T, E>>,
    /// That of the first item.
    executor: Option<ExecutorHandle>,
}

struct Inner<T: Send + 'static, E: Send + 'static> {
    gather: Gather<T, E>,
    end: End,
}

/// How far the list is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// No failure was seen.
    Open,
    /// The item with this index was the first to fail.
    Failed(usize),
    /// The values were taken.
    TakenValues,
    /// The failure was taken.
    TakenFailure,
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// An empty list.
    pub fn new() -> Self {
        let inner = Inner { gather: Gather::new(), end: End::Open };
        AsyncList { inner: Mutex::new(inner), executor: None }
    }

    /// Adds an item.
    #[track_caller]
    pub fn push(&mut self, promise: Promise<T, E>) {
        let (consumer, executor) = promise.into_parts();
        self.executor.get_or_insert(executor);
        self.inner().gather.watch(consumer, Location::caller());
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
        self.look(Inner::is_set)
    }

    /// Whether an item has failed.
    pub fn is_error(&self) -> bool {
        self.look(|inner| inner.is_set() && matches!(inner.end, End::Failed(_) | End::TakenFailure))
    }

    /// Cancels all items that are pending.
    pub fn cancel(&self) {
        self.look(|inner| inner.gather.items().cancel_pending());
    }

    /// Looks at the list under its lock; handlers and drops, which may look at it too, wait.
    fn look<R>(&self, look: impl FnOnce(&mut Inner<T, E>) -> R) -> R {
        cell::quietly(|| look(&mut self.lock()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T, E>> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn inner(&mut self) -> &mut Inner<T, E> {
        self.inner.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn from_gather(gather: Gather<T, E>, executor: ExecutorHandle) -> Self {
        let inner = Inner { gather, end: End::Open };
        AsyncList { inner: Mutex::new(inner), executor: Some(executor) }
    }

    pub(crate) fn into_gather(self) -> (Gather<T, E>, ExecutorHandle) {
        let inner = self.inner.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        let executor = self.executor.unwrap_or_else(|| Pool::global().core().executor());
        (inner.gather, executor)
    }
}

impl<T: Send + 'static, E: Send + 'static> Inner<T, E> {
    /// Looks at what has come. Whether the list has an outcome.
    fn is_set(&mut self) -> bool {
        while self.end == End::Open {
            let Some(index) = self.gather.next() else { break };
            if self.gather.items().is_failed(index) {
                self.end = End::Failed(index);
            }
        }
        self.end != End::Open || self.gather.items().is_complete()
    }
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
        let (state, arrived, count) = self.look(|inner| {
            let set = inner.is_set();
            let state = match inner.end {
                End::Open if set => "set",
                End::Open => "pending",
                End::Failed(_) => "failed",
                End::TakenValues => "set, taken",
                End::TakenFailure => "failed, taken",
            };
            (state, inner.gather.items().arrived(), inner.gather.items().len())
        });
        write!(f, "AsyncList({state}, {arrived} of {count} items settled)")
    }
}
