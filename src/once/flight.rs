//! Callers that want the same at the same time share one call.

use std::fmt;
use std::hash::Hash;
use std::panic::Location;

use super::table::{Place, Table};
use super::{begin, make_with};
use crate::cell::ThisThread;
use crate::failure::AnyError;
use crate::pass::{Pass, Passing};
use crate::pool::Pool;
use crate::promise::IntoPromise;
use crate::sync::{Arc, Weak};
use crate::value::AsyncValue;

/// Callers that want the same at the same time share one call, told by a key; what is through is forgotten.
///
/// Go's `singleflight`, and what stands before a cache: a thousand requests for a page that is not there are one download.
/// Clones are handles on the same.
///
/// ```
/// use asynckit::{Pool, SingleFlight};
///
/// let (pool, pages) = (Pool::new(1), SingleFlight::<&str, String>::new());
/// let load = |url: &'static str| pages.run(url, || pool.run(move || format!("a page of {url}")));
/// let (first, second) = (load("a"), load("a")); // one download, unless the first was through before the second
/// assert_eq!(first.get(None)?, second.get(None)?);
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub struct SingleFlight<K, T: 'static, E: 'static = AnyError> {
    under_way: Arc<UnderWay<K, T, E>>,
}

type UnderWay<K, T, E> = Table<K, AsyncValue<T, E>>;

impl<K, T, E> SingleFlight<K, T, E>
where
    K: Hash + Eq + Send + Sync + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Nothing is under way.
    #[must_use]
    pub fn new() -> Self {
        SingleFlight { under_way: Arc::new(Table::new()) }
    }

    /// The value that is under way for this key; `make` begins one, if there is none.
    ///
    /// Otherwise as [`AsyncOnce::get_or_init`](super::AsyncOnce::get_or_init). It goes on when all callers have
    /// cancelled, and is forgotten when it has settled, in whatever way.
    ///
    /// # Panics
    /// If the key's `Hash` or `Eq` does.
    #[track_caller]
    pub fn run<R>(&self, key: K, make: impl FnOnce() -> R) -> AsyncValue<T, E>
    where
        R: IntoPromise<Ok = T, Err = E>,
    {
        let (executor, location) = (Pool::global().core().executor(), Location::caller());
        let found = self.under_way.find_or_begin(
            key,
            |_, value| !value.is_set(),
            || begin(executor, location),
        );
        let (place, value, begun) = found;
        if let Some(producer) = begun {
            let leave = Leave { under_way: Arc::downgrade(&self.under_way), place };
            make_with(producer, || make().into_promise().link(Passing(leave), None, location));
        }
        value
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }
}

/// Behind what is under way: it is forgotten when its outcome passes, or when it never will.
struct Leave<K: Send + Sync + 'static, T: Send + Sync + 'static, E: Send + Sync + 'static> {
    under_way: Weak<UnderWay<K, T, E>>,
    place: Place,
}

impl<K: Send + Sync + 'static, T: Send + Sync, E: Send + Sync> Drop for Leave<K, T, E> {
    fn drop(&mut self) {
        if let Some(under_way) = self.under_way.upgrade() {
            ThisThread::drop_user(under_way.remove(self.place));
        }
    }
}

impl<K: Send + Sync + 'static, T: Send + Sync, E: Send + Sync> Pass for Leave<K, T, E> {
    const KIND: &'static str = "single flight";
    const IN_WAY: bool = false;

    fn passed(self, _: bool) {
        drop(self);
    }
}

impl<K, T: 'static, E: 'static> Clone for SingleFlight<K, T, E> {
    fn clone(&self) -> Self {
        SingleFlight { under_way: Arc::clone(&self.under_way) }
    }
}

impl<K, T, E> Default for SingleFlight<K, T, E>
where
    K: Hash + Eq + Send + Sync + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        SingleFlight::new()
    }
}

impl<K, T: 'static, E: 'static> fmt::Debug for SingleFlight<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SingleFlight({} under way)", self.under_way.len())
    }
}
