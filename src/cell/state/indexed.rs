//! A table of pointers by index, for words that have no room for a pointer.

use std::ptr;

use crate::sync::atomic::{AtomicPtr, Ordering};
use crate::sync::{Mutex, MutexGuard, OnceLock};

/// Indices have so many bits.
pub(super) const BITS: u32 = 28;
/// The first chunk has so many places, each other one twice as many as the one before.
const FIRST: u32 = 64;
const CHUNKS: usize = (BITS - FIRST.ilog2()) as usize;

/// Pointers by index. It grows and gives nothing back; places that were given up are used again.
pub(super) struct Indexed {
    chunks: [OnceLock<Box<[AtomicPtr<()>]>>; CHUNKS],
    unused: Mutex<Unused>,
}

struct Unused {
    /// The place that was given up last. It holds the index of the one before it, and 1.
    last: Option<u32>,
    /// No place from here on was ever used.
    fresh: u32,
}

impl Indexed {
    pub(super) const fn new() -> Self {
        Indexed {
            chunks: [const { OnceLock::new() }; CHUNKS],
            unused: Mutex::new(Unused { last: None, fresh: 0 }),
        }
    }

    /// Gives `pointer` a place; `None`: all 250 million are in use.
    pub(super) fn add(&self, pointer: *mut ()) -> Option<u32> {
        let mut unused = self.unused();
        let index = match unused.last {
            Some(index) => {
                // ORDERING: Relaxed, the lock orders what lies in unused places.
                let before = self.at(index)?.load(Ordering::Relaxed).addr();
                unused.last = before.checked_sub(1).map(|index| index as u32);
                index
            }
            None => {
                let index = unused.fresh;
                let (chunk, _) = position(index);
                self.chunks.get(chunk)?.get_or_init(|| places(chunk));
                unused.fresh += 1;
                index
            }
        };
        // ORDERING: Relaxed, the index is given away after this.
        self.at(index)?.store(pointer, Ordering::Relaxed);
        Some(index)
    }

    /// The place of this index: for its holder.
    pub(super) fn at(&self, index: u32) -> Option<&AtomicPtr<()>> {
        let (chunk, offset) = position(index);
        self.chunks.get(chunk)?.get()?.get(offset)
    }

    /// Gives a place up.
    pub(super) fn remove(&self, index: u32) {
        let mut unused = self.unused();
        let before = unused.last.map_or(0, |index| index as usize + 1);
        if let Some(place) = self.at(index) {
            // ORDERING: Relaxed, as in `add`.
            place.store(ptr::without_provenance_mut(before), Ordering::Relaxed);
            unused.last = Some(index);
        }
    }

    fn unused(&self) -> MutexGuard<'_, Unused> {
        self.unused.lock()
    }
}

fn places(chunk: usize) -> Box<[AtomicPtr<()>]> {
    let empty = || AtomicPtr::new(ptr::null_mut());
    std::iter::repeat_with(empty).take((FIRST as usize) << chunk).collect()
}

/// The chunk of an index, and the place in it.
fn position(index: u32) -> (usize, usize) {
    let chunk = (index / FIRST + 1).ilog2();
    (chunk as usize, (index - FIRST * ((1 << chunk) - 1)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(number: usize) -> *mut () {
        ptr::without_provenance_mut(number)
    }

    #[test]
    fn each_index_has_a_place_of_its_own() {
        let mut places = (0, 0);
        for index in 0..FIRST * 31 {
            assert_eq!(position(index), places);
            places.1 += 1;
            if places.1 == (FIRST as usize) << places.0 {
                places = (places.0 + 1, 0);
            }
        }
        let last = (1 << BITS) - FIRST - 1;
        assert_eq!(position(last), (CHUNKS - 1, ((FIRST as usize) << (CHUNKS - 1)) - 1));
        assert_eq!(position(last + 1).0, CHUNKS, "in no chunk");
    }

    #[test]
    fn what_was_added_is_found_and_places_are_used_again() {
        let table = Indexed::new();
        let found = |index| table.at(index).map(|place| place.load(Ordering::Relaxed).addr());
        let indices: Vec<u32> = (1000..1200).filter_map(|n| table.add(pointer(n))).collect();
        assert_eq!(indices, (0..200).collect::<Vec<_>>());
        for &index in &indices {
            assert_eq!(found(index), Some(1000 + index as usize));
        }
        for index in [7, 150, 0] {
            table.remove(index);
        }
        let again: Vec<_> = (1..=4).filter_map(|n| table.add(pointer(n))).collect();
        assert_eq!(again, [0, 150, 7, 200]);
        assert_eq!(
            (found(0), found(150), found(7), found(200)),
            (Some(1), Some(2), Some(3), Some(4))
        );
        assert_eq!(found(8), Some(1008));
        assert!(table.at(1_000_000).is_none());
    }
}
