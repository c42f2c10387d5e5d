//! Entries by key, for callers that share what is made for one.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, RandomState};

use crate::failure::drop_quietly;
use crate::sync::{Arc, Mutex};

/// Entries by key. The keys' `Hash` and `Eq` are the user's: they run with nothing locked, so they may panic, and come back in.
pub(crate) struct Table<K, V> {
    pub(super) hasher: RandomState,
    pub(super) entries: Mutex<Entries<K, V>>,
}

pub(super) struct Entries<K, V> {
    pub(super) by_place: BTreeMap<Place, (Arc<K>, V)>,
    next: u64,
}

/// Where an entry is: by the key's hash, and among those in the order in which they have come.
pub(crate) type Place = (u64, u64);

impl<K, V: Clone> Entries<K, V> {
    /// The first of this hash, from this number on.
    pub(super) fn from(&self, place: Place) -> Option<(Place, Arc<K>, V)> {
        let (place, (key, value)) = self.by_place.range(place..=(place.0, u64::MAX)).next()?;
        Some((*place, Arc::clone(key), value.clone()))
    }
}

impl<K, V> Table<K, V> {
    pub(crate) fn new() -> Self {
        let entries = Entries { by_place: BTreeMap::new(), next: 0 };
        Table { hasher: RandomState::new(), entries: Mutex::new(entries) }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.lock().by_place.len()
    }

    /// Takes an entry out, for the caller to drop it: key and value are the user's.
    pub(crate) fn remove(&self, place: Place) -> Option<(Arc<K>, V)> {
        self.entries.lock().by_place.remove(&place)
    }
}

impl<K: Hash + Eq, V: Clone> Table<K, V> {
    /// The first entry of this key that is `wanted`; else a new one, with what `begin` gives besides.
    /// `begin` runs under the lock.
    pub(crate) fn find_or_begin<B>(
        &self,
        key: K,
        mut wanted: impl FnMut(Place, &V) -> bool,
        begin: impl FnOnce() -> (B, V),
    ) -> (Place, V, Option<B>) {
        let hash = self.hasher.hash_one(&key);
        let mut from = (hash, 0); // those before were looked at
        loop {
            let mut entries = self.entries.lock();
            let Some((place, other, value)) = entries.from(from) else {
                let (place, (begun, value)) = ((hash, entries.next), begin());
                entries.next += 1;
                entries.by_place.insert(place, (Arc::new(key), value.clone()));
                return (place, value, Some(begun));
            };
            drop(entries);
            let found = *other == key && wanted(place, &value);
            drop_quietly(other);
            if found {
                drop_quietly(key);
                return (place, value, None);
            }
            drop_quietly(value);
            from.1 = place.1 + 1;
        }
    }
}
