//! A live set: promises come while outcomes are taken.
//!
//! | file | idea |
//! | --- | --- |
//! | `shared` | what is pending, what has come, and which threads and tasks wait for that |
//! | `item` | one promise of the set |
//! | `take` | taking outcomes: by the thread, as an iterator, as a stream |
//! | `won` | promises of the first one, with the rest |

mod item;
mod shared;
mod take;
mod won;

use std::fmt;
use std::panic::Location;

pub use take::{TaskIter, TaskStream};

use super::KeyedList;
use crate::failure::AnyError;
use crate::promise::Promise;
use crate::sync::Arc;
use crate::timeout::Timeout;
use shared::Shared;

/// Promises that come and go: more are pushed while the outcomes of others are taken, each as it comes.
///
/// For work whose amount shows on the way: a crawler, a walk through folders, a server's requests. tokio's `JoinSet` and
/// Swift's task group are the models. All methods take `&self`; [`pusher`](Self::pusher) gives a handle for other threads
/// and for the promises' own callbacks. What a callback pushes before its promise has settled is in the set before that outcome is:
/// the set is empty when there is nothing left to do, and then iterating ends.
///
/// Each promise has a number, or a key of yours ([`keyed`](Self::keyed)), which comes back with its outcome. Dropping the
/// set cancels what is pending; [`detach`](Self::detach) lets it go on, [`take_rest`](Self::take_rest) has it back.
///
/// ```
/// use asynckit::{Pool, TaskSet};
///
/// /// How many numbers there are in a tree where 2n and 2n + 1 are below n.
/// let (pool, set) = (Pool::new(2), TaskSet::new());
/// set.push(pool.run(|| 1));
/// let mut count = 0;
/// for done in &set {
///     let n = done.outcome?;
///     count += 1;
///     (2 * n..2 * n + 2).filter(|&below| below < 100).for_each(|below| drop(set.push(pool.run(move || below))));
/// }
/// assert_eq!(count, 99);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[must_use = "a dropped set cancels what is in it"]
pub struct TaskSet<T: Send + 'static, E: Send + 'static = AnyError, K: Send + 'static = usize> {
    shared: Arc<Shared<K, T, E>>,
}

impl<T: Send + 'static, E: Send + 'static> TaskSet<T, E> {
    /// An empty set, whose promises have numbers as keys.
    pub fn new() -> Self {
        TaskSet { shared: Shared::new() }
    }

    /// Adds a promise. Gives its number, counted from 0, which [`cancel`](Self::cancel) takes. With a key:
    /// [`push_keyed`](Self::push_keyed).
    #[track_caller]
    pub fn push(&self, promise: Promise<T, E>) -> usize {
        self.shared.push(|number| number, promise, Location::caller())
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> TaskSet<T, E, K> {
    /// An empty set, whose promises have keys of the user's. They need not be different, nor comparable.
    ///
    /// ```
    /// use asynckit::{Promise, TaskSet};
    ///
    /// let set = TaskSet::<u32, &str, _>::keyed();
    /// set.push_keyed("Ann", Promise::ready(41));
    /// set.push_keyed("Bob", Promise::failed("unknown"));
    /// let done: Vec<_> = set.into_iter().map(|done| (done.key, done.outcome.is_ok())).collect();
    /// assert_eq!(done, [("Ann", true), ("Bob", false)]);
    /// ```
    pub fn keyed() -> Self {
        TaskSet { shared: Shared::new() }
    }

    /// Adds a promise with a key. Gives its number, which [`cancel`](Self::cancel) takes.
    #[track_caller]
    pub fn push_keyed(&self, key: K, promise: Promise<T, E>) -> usize {
        self.shared.push(|_| key, promise, Location::caller())
    }

    /// A handle that only adds, for other threads and for callbacks.
    ///
    /// ```
    /// use asynckit::{Pool, Promise, TaskSet};
    ///
    /// let (pool, set) = (Pool::new(2), TaskSet::new());
    /// let pusher = set.pusher();
    /// set.push(pool.run(move || { pusher.push(Promise::ready("found on the way")); "first" }));
    /// assert_eq!(set.into_iter().count(), 2);
    /// ```
    pub fn pusher(&self) -> TaskPusher<T, E, K> {
        TaskPusher { shared: Arc::clone(&self.shared) }
    }

    /// How many are in the set: those that are pending, and those that were not taken.
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether there are none. With callbacks that push it may be empty now, and not be so later.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until nothing in it is pending; the outcomes stay. `false`: the time is over, or the wait would never end
    /// ([`WouldDeadlock`](crate::Failure::WouldDeadlock)).
    ///
    /// As for threads and timeouts, see [`Promise::get`].
    pub fn wait(&self, timeout: impl Into<Timeout>) -> bool {
        self.shared.wait(timeout.into())
    }

    /// Cancels the promise with this number, if it is pending: its outcome, [`Cancelled`](crate::Failure::Cancelled), is
    /// in the set when this returns. `false`: it had settled, or is not in here.
    pub fn cancel(&self, number: usize) -> bool {
        self.shared.cancel(number)
    }

    /// Cancels all that are pending; their outcomes come.
    pub fn cancel_all(&self) {
        self.shared.cancel_all();
    }

    /// Takes all that is left out of the set, pending or not taken, in the order in which they were pushed.
    ///
    /// ```
    /// use asynckit::{Promise, TaskSet};
    ///
    /// let set = TaskSet::<u32>::new();
    /// let (late, promise) = Promise::deferred();
    /// set.push(promise);
    /// set.push(Promise::ready(1));
    /// assert_eq!(set.next().map(|first| first.key), Some(1));
    /// let rest = set.take_rest();
    /// assert!(set.is_empty());
    /// late.resolve(2);
    /// assert_eq!(rest.join().get(None)?, [(0, 2)]);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn take_rest(&self) -> KeyedList<K, T, E> {
        KeyedList::from_iter(self.shared.take_rest(Location::caller()))
    }

    /// Lets what is pending go on without the set. Failures that come later, or were not taken, go to the
    /// [unobserved hook](crate::set_unobserved_hook).
    pub fn detach(self) {
        drop(self.take_rest());
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> Drop for TaskSet<T, E, K> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<T: Send + 'static, E: Send + 'static> Default for TaskSet<T, E> {
    fn default() -> Self {
        TaskSet::new()
    }
}

impl<T: Send + 'static, E: Send + 'static> FromIterator<Promise<T, E>> for TaskSet<T, E> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = Promise<T, E>>>(promises: I) -> Self {
        let set = TaskSet::new();
        for promise in promises {
            set.push(promise);
        }
        set
    }
}

impl<K, T, E> FromIterator<(K, Promise<T, E>)> for TaskSet<T, E, K>
where
    K: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = (K, Promise<T, E>)>>(items: I) -> Self {
        let set = TaskSet::keyed();
        for (key, promise) in items {
            set.push_keyed(key, promise);
        }
        set
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> fmt::Debug for TaskSet<T, E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pending, come) = self.shared.counts();
        write!(f, "TaskSet({pending} pending, {come} to be taken)")
    }
}

/// Adds promises to a [`TaskSet`], from anywhere; by [`TaskSet::pusher`]. Clones add to the same set.
///
/// It does not keep the set: what is pushed when that is gone is cancelled.
pub struct TaskPusher<T: Send + 'static, E: Send + 'static = AnyError, K: Send + 'static = usize> {
    shared: Arc<Shared<K, T, E>>,
}

impl<T: Send + 'static, E: Send + 'static> TaskPusher<T, E> {
    /// Adds a promise: see [`TaskSet::push`].
    #[track_caller]
    pub fn push(&self, promise: Promise<T, E>) -> usize {
        self.shared.push(|number| number, promise, Location::caller())
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> TaskPusher<T, E, K> {
    /// Adds a promise with a key: see [`TaskSet::push_keyed`].
    #[track_caller]
    pub fn push_keyed(&self, key: K, promise: Promise<T, E>) -> usize {
        self.shared.push(|_| key, promise, Location::caller())
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> Clone for TaskPusher<T, E, K> {
    fn clone(&self) -> Self {
        TaskPusher { shared: Arc::clone(&self.shared) }
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> fmt::Debug for TaskPusher<T, E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskPusher").finish_non_exhaustive()
    }
}
