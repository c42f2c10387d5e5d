//! Executors that are named by numbers: pools.
//!
//! A handle on a pool is in every promise and every link, and costs no reference count; so it is not known
//! when the last one is gone. What a pool leaves is therefore not freed: the next pool gets it, under
//! another number, and an item that comes by an old number is refused. Nothing is left behind by a pool
//! that goes but room for the one that comes.

use std::num::NonZeroUsize;
use std::ptr::NonNull;

use super::handle::{Item, Refused};
use crate::cell::state::header::Lane;
use crate::cell::state::indexed::Places;
use crate::clock::Place;
use crate::sync;
use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// An executor that is never freed, and is used again under another number.
pub(crate) trait Lasting: Sync {
    /// Takes an item, or gives it back: the executor that had this number is closed.
    ///
    /// # Safety
    /// The item is the caller's to give.
    unsafe fn post(&'static self, number: Number, item: Item, lane: Lane) -> Result<(), Refused>;

    /// The executor, as a clock that is set sees it.
    fn place(&'static self) -> &'static dyn Place;
}

/// The number of an executor: its place in the table, and how often that was used before.
///
/// As a word its four low bits are clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(NonZeroUsize);

const TAGS: u32 = 4;
/// There are as many executors at a time as places: each has a thread or more.
const PLACE_BITS: u32 = if usize::BITS == 64 { 24 } else { 14 };
const PLACES: usize = 1 << PLACE_BITS;

/// The first place, not used before.
const FIRST: NonZeroUsize = NonZeroUsize::new(1 << TAGS).unwrap();

type Slot = OnceLock<&'static dyn Lasting>;

sync::global! {
    static TABLE: Places<Slot, { PLACE_BITS as usize + 1 }> = Places::new();
}

sync::global! {
    /// Place 0 is not given, so that no number is 0.
    static NEXT: AtomicUsize = AtomicUsize::new(1);
}

impl Number {
    /// Puts an executor into the table.
    ///
    /// # Panics
    /// If there is no place left.
    pub(crate) fn of(executor: &'static dyn Lasting) -> Number {
        // ORDERING: Relaxed, only so that no two are the same.
        let place = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(
            place < PLACES,
            "there are {PLACES} pools that were not dropped: no more can be made"
        );
        let set = TABLE.at(place).is_some_and(|place| place.set(executor).is_ok());
        debug_assert!(set, "a place in the table was given twice");
        Number(NonZeroUsize::new(place << TAGS).expect("a place is not 0"))
    }

    /// The number that the same executor has when it is used again: a higher one, but when all were used.
    pub(crate) fn next(self) -> Number {
        let next = self.0.get().wrapping_add(1 << (TAGS + PLACE_BITS));
        Number(NonZeroUsize::new(next).expect("the place is not 0"))
    }

    /// The number as a word, which is no address.
    pub(crate) fn word(self) -> *mut () {
        std::ptr::without_provenance_mut(self.0.get())
    }

    /// Back from [`word`](Self::word).
    pub(super) fn from_word(word: NonNull<()>) -> Number {
        Number(word.addr())
    }

    /// The number as one.
    pub(crate) fn bits(self) -> usize {
        self.0.get()
    }

    /// Back from [`bits`](Self::bits).
    #[inline]
    pub(crate) fn from_bits(bits: usize) -> Number {
        debug_assert_ne!(bits, 0, "a number is not 0");
        // Without a panic, which would keep this from being inlined.
        Number(NonZeroUsize::new(bits).unwrap_or(FIRST))
    }

    /// The executor in that place.
    pub(super) fn executor(self) -> &'static dyn Lasting {
        let place = (self.0.get() >> TAGS) % PLACES;
        *TABLE
            .at(place)
            .and_then(OnceLock::get)
            .expect("a number is given when the executor is in its place")
    }
}
