//! What a list can do, with keys.

use std::future::IntoFuture;
use std::panic::Location;

use super::{AllFailed, AsyncList, KeyedList};
use crate::cell::ThisThread;
use crate::failure::Outcome;
use crate::promise::{IntoPromise, Promise};
use crate::timeout::Timeout;
use crate::value::AsyncValue;

impl<K, T: Send + 'static, E: Send + 'static> KeyedList<K, T, E> {
    /// Waits for all values, and takes them with their keys, in input order: see [`AsyncList::get`](super::AsyncList::get).
    ///
    /// # Errors
    /// The first failure in time.
    pub fn get(&mut self, timeout: impl Into<Timeout>) -> Outcome<Vec<(K, T)>, E> {
        let values = self.list.get(timeout)?;
        Ok(std::mem::take(&mut self.keys).into_iter().zip(values).collect())
    }

    /// Waits until all items are set or one has failed. `false`: the time is over.
    pub fn wait(&mut self, timeout: impl Into<Timeout>) -> bool {
        self.list.wait(timeout)
    }

    /// Whether [`get`](Self::get) would not wait: all items are set, or one has failed.
    pub fn is_set(&self) -> bool {
        self.list.is_set()
    }

    /// Whether an item has failed.
    pub fn is_error(&self) -> bool {
        self.list.is_error()
    }

    /// The list without its keys, and these in input order.
    pub(crate) fn into_parts(self) -> (AsyncList<T, E>, Vec<K>) {
        (self.list, self.keys)
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> KeyedList<K, T, E> {
    /// One promise of the first value and its key; the others are cancelled: see [`AsyncList::any`](super::AsyncList::any).
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    ///
    /// let mirrors = [("near", Promise::failed("down")), ("far", Promise::ready(7))];
    /// assert_eq!(AsyncList::keyed(mirrors).any().get(None).unwrap(), ("far", 7));
    /// ```
    #[track_caller]
    pub fn any(self) -> Promise<(K, T), AllFailed<E>> {
        let keys = self.keys;
        self.list.any_as(Location::caller(), move |index, value| (only(keys, index), value))
    }

    /// One promise of the item that settles first, with the key of its value; the others are cancelled: see
    /// [`AsyncList::race`](super::AsyncList::race). [`TaskSet::race`](super::TaskSet::race) tells the key of a failure, too.
    #[track_caller]
    pub fn race(self) -> Promise<(K, T), E> {
        let keys = self.keys;
        self.list.race_as(Location::caller(), move |index, value| (only(keys, index), value))
    }

    /// One promise of the first `n` values, with their keys, in the order of completion: see
    /// [`AsyncList::some`](super::AsyncList::some).
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    ///
    /// let replicas = [("a", Promise::failed("down")), ("b", Promise::ready(1)), ("c", Promise::ready(2))];
    /// assert_eq!(AsyncList::keyed(replicas).some(2).get(None).unwrap(), [("b", 1), ("c", 2)]);
    /// ```
    #[track_caller]
    pub fn some(self, n: usize) -> Promise<Vec<(K, T)>, AllFailed<E>> {
        let mut keys: Vec<_> = self.keys.into_iter().map(Some).collect();
        self.list.some_as(Location::caller(), n, move |index, value| {
            (keys[index].take().expect("each value comes once"), value)
        })
    }

    /// One promise of all values with their keys, which waits for all; a failure cancels nothing: see
    /// [`AsyncList::join_all`](super::AsyncList::join_all).
    ///
    /// # Errors
    /// [`AllFailed`], with each failure and the index of its item. [`settled`](Self::settled) has the keys of those that
    /// have failed, too.
    #[track_caller]
    pub fn join_all(self) -> Promise<Vec<(K, T)>, AllFailed<E>> {
        let keys = self.keys;
        let finish = move |values: Vec<_>| keys.into_iter().zip(values).collect();
        self.list.join_all_as(Location::caller(), finish)
    }

    /// Continues with all values and their keys; see [`join`](Self::join) and [`Promise::then`].
    #[track_caller]
    pub fn then<R, F>(self, f: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(Vec<(K, T)>) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.join().then(f)
    }

    /// Queues `work`, which gets all values and their keys; see [`join`](Self::join) and [`Promise::chain`].
    #[track_caller]
    pub fn chain<R, F>(self, work: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(Vec<(K, T)>) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.join().chain(work)
    }

    /// Changes all values and their keys, by a function that cannot fail; see [`join`](Self::join).
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    /// use std::collections::HashMap;
    ///
    /// let ages = AsyncList::keyed([("Ann", Promise::<i32>::ready(41)), ("Bob", Promise::ready(17))]);
    /// let ages = ages.map(HashMap::<_, _>::from_iter);
    /// assert_eq!({ ages }.get(None)?["Bob"], 17);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn map<U, F>(self, f: F) -> Promise<U, E>
    where
        F: FnOnce(Vec<(K, T)>) -> U + Send + 'static,
        U: Send + 'static,
    {
        self.join().map(f)
    }

    /// Makes all values with their keys readable by many; see [`join`](Self::join) and [`Promise::share`].
    #[track_caller]
    pub fn share(self) -> AsyncValue<Vec<(K, T)>, E>
    where
        K: Sync,
        T: Sync,
        E: Clone + Sync,
    {
        self.join().share()
    }

    /// Folds the values into one, with their keys, in the order of the inputs: see
    /// [`AsyncList::reduce`](super::AsyncList::reduce).
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    ///
    /// let ages = AsyncList::keyed([("Ann", Promise::<i32>::ready(41)), ("Bob", Promise::ready(17))]);
    /// let text = ages.reduce(String::new(), |text, name, age| Ok(format!("{text}{name} is {age}. ")));
    /// assert_eq!({ text }.get(None)?, "Ann is 41. Bob is 17. ");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn reduce<A, R, F>(self, init: A, mut f: F) -> Promise<A, E>
    where
        F: FnMut(A, K, T) -> R + Send + 'static,
        R: IntoPromise<Ok = A, Err = E> + 'static,
        A: Send + 'static,
    {
        let mut keys = self.keys.into_iter();
        self.list.reduce(init, move |so_far, value| {
            let key = keys.next().expect("a key for each item");
            f(so_far, key, value)
        })
    }
}

/// The key of this item; the others go.
fn only<K: 'static>(mut keys: Vec<K>, index: usize) -> K {
    let key = keys.swap_remove(index);
    ThisThread::drop_user(keys);
    key
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> IntoPromise for KeyedList<K, T, E> {
    type Ok = Vec<(K, T)>;
    type Err = E;

    #[track_caller]
    fn into_promise(self) -> Promise<Vec<(K, T)>, E> {
        self.join()
    }
}

/// Awaits [`join`](KeyedList::join).
impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> IntoFuture for KeyedList<K, T, E> {
    type Output = Outcome<Vec<(K, T)>, E>;
    type IntoFuture = Promise<Vec<(K, T)>, E>;

    #[track_caller]
    fn into_future(self) -> Promise<Vec<(K, T)>, E> {
        self.join()
    }
}
