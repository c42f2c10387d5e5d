//! What a memo does with its table besides: entries stay there until they are forgotten.

use std::hash::{BuildHasher, Hash};
use std::mem;

use super::table::{Place, Table};
use crate::failure::drop_quietly;

impl<K, V> Table<K, V> {
    pub(crate) fn has(&self, place: Place) -> bool {
        self.entries.lock().by_place.contains_key(&place)
    }

    /// Drops all entries, and calls `f` with the place of each.
    pub(crate) fn clear(&self, mut f: impl FnMut(Place)) {
        let all = mem::take(&mut self.entries.lock().by_place);
        for (place, (key, value)) in all {
            f(place);
            drop_quietly(key);
            drop_quietly(value);
        }
    }
}

impl<K: Hash + Eq, V: Clone> Table<K, V> {
    /// Calls `f` with the place of each entry of this key.
    pub(crate) fn for_each_of(&self, key: &K, mut f: impl FnMut(Place)) {
        let mut from = (self.hasher.hash_one(key), 0);
        loop {
            let next = self.entries.lock().from(from);
            let Some((place, other, value)) = next else { return };
            drop_quietly(value);
            if *other == *key {
                f(place);
            }
            drop_quietly(other);
            from.1 = place.1 + 1;
        }
    }
}
