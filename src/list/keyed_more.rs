//! What a list can do, with keys.

use std::panic::Location;

use super::{AllFailed, KeyedList};
use crate::cell::ThisThread;
use crate::failure::Outcome;
use crate::promise::{IntoPromise, Promise};
use crate::timeout::Timeout;

impl<K, T: Send + 'static, E: Send + 'static> KeyedList<K, T, E> {
    /// Waits for all values, and takes them with their keys, in input order: see [`AsyncList::get`](super::AsyncList::get).
    ///
    /// # Errors
    /// The first failure in time.
    pub fn get(&mut self, timeout: impl Into<Timeout>) -> Outcome<Vec<(K, T)>, E> {
        let values = self.list.get(timeout)?;
        Ok(std::mem::take(&mut self.keys).into_iter().zip(values).collect())
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
