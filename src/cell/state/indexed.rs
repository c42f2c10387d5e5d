//! Tables by index: of places that stay, and of pointers, for words that have no room for one.

use crate::sync::atomic::{AtomicPtr, Ordering};
use crate::sync::{Mutex, OnceLock};

/// Places that are made when they are asked for, and stay: in segments, each with twice as many as the one before.
pub(in crate::cell) struct Places<T, const SEGMENTS: usize>([OnceLock<Box<[T]>>; SEGMENTS]);

impl<T: Default, const SEGMENTS: usize> Places<T, SEGMENTS> {
    pub(in crate::cell) const fn new() -> Self {
        Places([const { OnceLock::new() }; SEGMENTS])
    }

    /// The place of this index. `None`: it is beyond the last segment.
    #[inline]
    pub(in crate::cell) fn at(&self, index: usize) -> Option<&T> {
        let segment = (index + 1).ilog2() as usize;
        let first = 1 << segment;
        let make = || std::iter::repeat_with(T::default).take(first).collect();
        self.0.get(segment)?.get_or_init(make).get(index + 1 - first)
    }
}

/// Indices have so many bits.
pub(super) const BITS: u32 = 28;

/// Pointers by index. It grows and gives nothing back; places that were given up are used again.
pub(super) struct Indexed {
    places: Places<AtomicPtr<()>, { BITS as usize }>,
    unused: Mutex<Unused>,
}

struct Unused {
    given_up: Vec<u32>,
    /// No place from here on was ever used.
    fresh: u32,
}

impl Indexed {
    pub(super) const fn new() -> Self {
        let unused = Mutex::new(Unused { given_up: Vec::new(), fresh: 0 });
        Indexed { places: Places::new(), unused }
    }

    /// Gives `pointer` a place; `None`: all 250 million are in use.
    pub(super) fn add(&self, pointer: *mut ()) -> Option<u32> {
        let mut unused = self.unused.lock();
        let index = unused.given_up.pop().unwrap_or(unused.fresh);
        // ORDERING: Relaxed, the index is given away after this.
        self.at(index)?.store(pointer, Ordering::Relaxed);
        unused.fresh = unused.fresh.max(index + 1);
        Some(index)
    }

    /// The place of this index: for its holder.
    pub(super) fn at(&self, index: u32) -> Option<&AtomicPtr<()>> {
        self.places.at(index as usize)
    }

    /// Gives a place up.
    pub(super) fn remove(&self, index: u32) {
        self.unused.lock().given_up.push(index);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_index_has_a_place_of_its_own() {
        let places: Places<AtomicPtr<()>, 9> = Places::new();
        let all: HashSet<_> =
            (0..511).filter_map(|at| places.at(at).map(std::ptr::from_ref)).collect();
        assert_eq!(all.len(), 511);
        assert!(places.at(511).is_none());
    }

    #[test]
    fn what_was_added_is_found_and_places_are_used_again() {
        let table = Indexed::new();
        let pointer = std::ptr::without_provenance_mut::<()>;
        let indices: Vec<u32> = (1000..1200).filter_map(|n| table.add(pointer(n))).collect();
        assert_eq!(indices, (0..200).collect::<Vec<_>>());
        [7, 150, 0].into_iter().for_each(|index| table.remove(index));
        let again: Vec<_> = (1..=4).filter_map(|n| table.add(pointer(n))).collect();
        assert_eq!(again, [0, 150, 7, 200]);
        let found = |index| table.at(index).map(|place| place.load(Ordering::Relaxed).addr());
        let expected = [(0, 1), (150, 2), (7, 3), (200, 4), (8, 1008)];
        assert!(expected.into_iter().all(|(index, n)| found(index) == Some(n)));
        assert!(table.at(1 << BITS).is_none());
    }
}
