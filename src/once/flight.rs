//! Callers that want the same at the same time share one call.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::panic::Location;

use super::{begin, make_with};
use crate::cell::ThisThread;
use crate::failure::AnyError;
use crate::pass::{Pass, Passing};
use crate::promise::IntoPromise;
use crate::sync::{Arc, Mutex, Weak};
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
    inner: Arc<Inner<K, T, E>>,
}

struct Inner<K, T: 'static, E: 'static> {
    hasher: RandomState,
    flights: Mutex<Flights<K, T, E>>,
}

struct Flights<K, T: 'static, E: 'static> {
    /// By the key's hash, and in the order in which they have begun: what compares keys is the user's, and not called
    /// under the lock.
    under_way: BTreeMap<Place, (Arc<K>, AsyncValue<T, E>)>,
    next: u64,
}

type Place = (u64, u64);

impl<K, T, E> SingleFlight<K, T, E>
where
    K: Hash + Eq + Send + Sync + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Nothing is under way.
    #[must_use]
    pub fn new() -> Self {
        let flights = Mutex::new(Flights { under_way: BTreeMap::new(), next: 0 });
        SingleFlight { inner: Arc::new(Inner { hasher: RandomState::new(), flights }) }
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
        let location = Location::caller();
        let hash = self.inner.hasher.hash_one(&key);
        let mut from = 0; // those that began before were looked at
        loop {
            let mut flights = self.inner.flights.lock();
            let found = flights.under_way.range((hash, from)..=(hash, u64::MAX));
            let found: Vec<_> = found.map(|(place, flight)| (*place, flight.clone())).collect();
            if found.is_empty() {
                let (producer, value) = begin(location);
                let place = (hash, flights.next);
                flights.next += 1;
                flights.under_way.insert(place, (Arc::new(key), value.clone()));
                drop(flights);
                let leave = Leave { inner: Arc::downgrade(&self.inner), place };
                make_with(producer, || {
                    let promise = make().into_promise();
                    promise.link(Passing(leave), None, location)
                });
                return value;
            }
            drop(flights);
            for ((_, number), (other, value)) in found {
                if *other == key && !value.is_set() {
                    return value;
                }
                from = number + 1;
            }
        }
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.inner.flights.lock().under_way.len()
    }
}

/// Behind what is under way: it is forgotten when its outcome passes, or when it never will.
struct Leave<K: Send + Sync + 'static, T: Send + Sync + 'static, E: Send + Sync + 'static> {
    inner: Weak<Inner<K, T, E>>,
    place: Place,
}

impl<K: Send + Sync + 'static, T: Send + Sync, E: Send + Sync> Drop for Leave<K, T, E> {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            let flight = inner.flights.lock().under_way.remove(&self.place);
            ThisThread::drop_user(flight);
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
        SingleFlight { inner: Arc::clone(&self.inner) }
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
        let under_way = self.inner.flights.lock().under_way.len();
        write!(f, "SingleFlight({under_way} under way)")
    }
}
