//! A list whose items have keys, so that each outcome says which input it belongs to.

use std::fmt;
use std::iter::FusedIterator;
use std::panic::Location;
use std::task::{Context, Poll, ready};

use super::{AsCompleted, AsyncList, Completed, KeyedCompletedStream, Progress};
use crate::cell::Way;
use crate::failure::{AnyError, Outcome, TimedOut};
use crate::promise::Promise;
use crate::timeout::Timeout;
use crate::trace::Trace;

/// Many promises handled as one, each with a key that comes back with its outcome, also if it fails.
///
/// Keys need not be different, nor be of a type that can be compared.
///
/// ```
/// use asynckit::{AsyncList, Pool};
///
/// let pool = Pool::new(4);
/// let lengths = AsyncList::keyed(["one", "three"].map(|word| (word, pool.run(move || word.len()))));
/// for done in lengths.as_completed() {
///     println!("{}: {:?}", done.key, done.outcome);
/// }
/// ```
#[must_use = "a dropped list goes on, but nobody sees its values"]
pub struct KeyedList<K, T, E = AnyError> {
    pub(super) list: AsyncList<T, E>,
    pub(super) keys: Vec<K>,
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// A list whose items have keys: see [`KeyedList`].
    #[track_caller]
    pub fn keyed<K>(items: impl IntoIterator<Item = (K, Promise<T, E>)>) -> KeyedList<K, T, E> {
        let mut list = KeyedList::new();
        list.extend(items);
        list
    }
}

impl<K, T: Send + 'static, E: Send + 'static> KeyedList<K, T, E> {
    /// An empty list.
    pub fn new() -> Self {
        KeyedList { list: AsyncList::new(), keys: Vec::new() }
    }

    /// Adds an item.
    #[track_caller]
    pub fn push(&mut self, key: K, promise: Promise<T, E>) {
        self.keys.push(key);
        self.list.push(promise);
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Has `f` called as the items settle: see [`AsyncList::on_progress`].
    #[track_caller]
    pub fn on_progress(&mut self, f: impl FnMut(Progress) + Send + 'static) {
        self.list.on_progress(f);
    }

    /// Cancels all items that are pending.
    pub fn cancel(&self) {
        self.list.cancel();
    }

    /// The items one after the other, as they settle: see [`AsyncList::as_completed`].
    pub fn as_completed(self) -> KeyedAsCompleted<K, T, E> {
        let keys = self.keys.into_iter().map(Some).collect();
        KeyedAsCompleted { completed: self.list.as_completed(), keys }
    }

    /// One promise of all values with their keys, in input order: see [`AsyncList::join`].
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    /// use std::collections::HashMap;
    ///
    /// let ages = AsyncList::keyed([("Ann", Promise::<i32>::ready(41)), ("Bob", Promise::ready(17))]);
    /// let ages: HashMap<_, _> = ages.join().get(None)?.into_iter().collect();
    /// assert_eq!(ages["Bob"], 17);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn join(self) -> Promise<Vec<(K, T)>, E>
    where
        K: Send + 'static,
    {
        let keys = self.keys;
        self.list.join_as(Location::caller(), move |values| keys.into_iter().zip(values).collect())
    }

    /// One promise of all outcomes with their keys, in input order; it never fails, and cancels
    /// nothing by itself.
    #[track_caller]
    #[expect(clippy::type_complexity, reason = "an alias would hide what it is")]
    pub fn settled(self) -> Promise<Vec<(K, Outcome<T, E>)>, E>
    where
        K: Send + 'static,
    {
        let keys = self.keys;
        let finish = move |outcomes: Vec<_>| keys.into_iter().zip(outcomes).collect();
        self.list.settled_as(Location::caller(), finish)
    }
}

impl<K, T: Send + 'static, E: Send + 'static> Default for KeyedList<K, T, E> {
    fn default() -> Self {
        KeyedList::new()
    }
}

impl<K, T: Send + 'static, E: Send + 'static> Extend<(K, Promise<T, E>)> for KeyedList<K, T, E> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = (K, Promise<T, E>)>>(&mut self, items: I) {
        for (key, promise) in items {
            self.push(key, promise);
        }
    }
}

impl<K, T, E> FromIterator<(K, Promise<T, E>)> for KeyedList<K, T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = (K, Promise<T, E>)>>(items: I) -> Self {
        AsyncList::keyed(items)
    }
}

/// So many keys of each kind are shown by `Debug`.
const SHOWN: usize = 8;

/// Says which items have failed, and which are pending.
impl<K: fmt::Debug, T: Send + 'static, E: Send + 'static> fmt::Debug for KeyedList<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, pending) = self.list.failed_and_pending();
        write!(f, "KeyedList({}", self.list.told())?;
        for (what, indices) in [("failed", failed), ("pending", pending)] {
            let more = indices.len().saturating_sub(SHOWN);
            let keys = indices.iter().take(SHOWN).filter_map(|&index| self.keys.get(index));
            for (number, key) in keys.enumerate() {
                match number {
                    0 => write!(f, ", {what}: {key:?}")?,
                    _ => write!(f, ", {key:?}")?,
                }
            }
            if more > 0 {
                write!(f, " and {more} more")?;
            }
        }
        f.write_str(")")
    }
}

// ── As they settle ───────────────────────────────────────────────────────────────────────────────

/// An item of a keyed list that has settled.
#[non_exhaustive]
pub struct KeyedCompleted<K, T, E = AnyError> {
    /// The key that the item came with.
    pub key: K,
    /// What became of it.
    pub outcome: Outcome<T, E>,
    pub(super) way: Way,
}

impl<K, T, E> fmt::Debug for KeyedCompleted<K, T, E>
where
    K: fmt::Debug,
    T: fmt::Debug,
    E: fmt::Debug + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut completed = f.debug_struct("KeyedCompleted");
        completed.field("key", &self.key).field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl<K, T, E> KeyedCompleted<K, T, E> {
    pub(super) fn new(key: K, outcome: Outcome<T, E>, way: Way) -> Self {
        KeyedCompleted { key, outcome, way }
    }

    /// The way that a failure came; `None` for a value, and for a cancellation that came together with an outcome,
    /// of which no way is known.
    pub fn trace(&self) -> Option<&Trace> {
        self.way.as_deref().filter(|way| !way.is_empty())
    }
}

/// An iterator over the items of a keyed list as they settle, by [`KeyedList::as_completed`]; see
/// [`AsCompleted`].
#[must_use = "the items are handed out one by one, when they are asked for"]
pub struct KeyedAsCompleted<K, T, E = AnyError> {
    completed: AsCompleted<T, E>,
    /// `None` where the item was handed out.
    keys: Vec<Option<K>>,
}

impl<K, T: Send + 'static, E: Send + 'static> KeyedAsCompleted<K, T, E> {
    /// As `next`, but waits no longer than the timeout.
    ///
    /// # Errors
    /// [`TimedOut`] if the time is over; nothing is lost.
    pub fn next_timeout(
        &mut self,
        timeout: impl Into<Timeout>,
    ) -> Result<Option<KeyedCompleted<K, T, E>>, TimedOut> {
        let completed = self.completed.next_timeout(timeout)?;
        Ok(completed.and_then(|completed| self.with_key(completed)))
    }

    /// What is left, and the keys by index.
    pub(super) fn into_parts(self) -> (AsCompleted<T, E>, Vec<Option<K>>) {
        (self.completed, self.keys)
    }

    /// The same for async code, on any runtime.
    pub fn stream(self) -> KeyedCompletedStream<K, T, E> {
        KeyedCompletedStream::new(self)
    }

    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<KeyedCompleted<K, T, E>>> {
        let completed = ready!(self.completed.poll(context));
        Poll::Ready(completed.and_then(|completed| self.with_key(completed)))
    }

    pub(super) fn is_over(&self) -> bool {
        self.completed.is_over()
    }

    /// `None` is not reachable: each item is handed out once.
    fn with_key(&mut self, completed: Completed<T, E>) -> Option<KeyedCompleted<K, T, E>> {
        let key = self.keys[completed.index].take()?;
        let Completed { outcome, way, .. } = completed;
        Some(KeyedCompleted { key, outcome, way })
    }
}

impl<K, T: Send + 'static, E: Send + 'static> Iterator for KeyedAsCompleted<K, T, E> {
    type Item = KeyedCompleted<K, T, E>;

    fn next(&mut self) -> Option<KeyedCompleted<K, T, E>> {
        self.next_timeout(None).unwrap_or(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.completed.size_hint()
    }
}

impl<K, T: Send + 'static, E: Send + 'static> FusedIterator for KeyedAsCompleted<K, T, E> {}

impl<K, T, E> fmt::Debug for KeyedAsCompleted<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyed{:?}", self.completed)
    }
}
