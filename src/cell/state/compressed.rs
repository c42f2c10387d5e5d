//! References to statics in 32 bits: a cell has two, and room for one pointer.
//!
//! What is compressed is how far the static is from one of this crate. Tables and locations are
//! constants of the program that uses the crate, and all constants of a program lie together; where
//! they do not, in a program that links the crate dynamically, there is a table of them, and the 32 bits
//! are an index. Java's compressed pointers and V8's are the same thought.

use std::collections::HashMap;
use std::ptr;

use super::indexed::{BITS, Indexed};
use crate::sync;
use crate::sync::atomic::Ordering;
use crate::sync::{Mutex, OnceLock};

/// The bits of a compressed reference that say nothing of the address: three of them are for the users that
/// keep it.
const FLAGS: u32 = (1 << FLAG_BITS) - 1;
pub(super) const FLAG_BITS: u32 = 32 - BITS;
pub(super) const FLAG_1: u32 = 2;
pub(super) const FLAG_2: u32 = 4;
pub(super) const FLAG_3: u32 = 8;
/// Ours: an index.
const FAR: u32 = 1;

/// What distances are taken from. Aligned so that the distance of what is aligned in the same way leaves
/// room for the flags.
#[repr(align(16))]
struct Anchor(#[expect(dead_code, reason = "only its address counts")] u64);

static ANCHOR: Anchor = Anchor(0);

fn anchor() -> usize {
    ptr::from_ref(&ANCHOR).addr()
}

/// By so many bits a distance has to be moved to leave room for the flags: none for what is aligned to 16.
const fn shift<T>() -> u32 {
    FLAG_BITS.saturating_sub(align_of::<T>().trailing_zeros())
}

/// The reference in 32 bits, which are never 0; the flags are clear.
#[inline]
pub(super) fn compress<T>(reference: &'static T) -> u32 {
    let pointer = ptr::from_ref(reference);
    let distance = pointer.expose_provenance().wrapping_sub(anchor()) as isize;
    let code = (distance as i32) << shift::<T>();
    // Miri follows pointers better than distances.
    if (code >> shift::<T>()) as isize == distance && !cfg!(miri) {
        code as u32
    } else {
        far(pointer.cast_mut().cast())
    }
}

/// Back from [`compress`], whatever the flags are.
///
/// # Safety
/// The code is from `compress::<T>`.
#[inline]
pub(super) unsafe fn decompress<T>(code: u32) -> &'static T {
    let pointer = if code & FAR == 0 {
        let distance = (code & !FLAGS) as i32 >> shift::<T>();
        ptr::with_exposed_provenance(anchor().wrapping_add_signed(distance as isize))
    } else {
        far_away(code).cast::<T>().cast_const()
    };
    // SAFETY: that of the `&'static T` that was compressed.
    unsafe { &*pointer }
}

// ── Statics that are far away ────────────────────────────────────────────────────────────────────

sync::global! {
    static POINTERS: Indexed = Indexed::new();
}

#[cold]
fn far(pointer: *mut ()) -> u32 {
    sync::global! {
        static KNOWN: OnceLock<Mutex<HashMap<usize, u32>>> = OnceLock::new();
    }
    let known = KNOWN.get_or_init(Mutex::default);
    let mut known = known.lock();
    let index = *known.entry(pointer.addr()).or_insert_with(|| {
        POINTERS.add(pointer).expect("a program has fewer than 250 million constants")
    });
    index << FLAG_BITS | FAR
}

#[cold]
fn far_away(code: u32) -> *mut () {
    let place = POINTERS.at(code >> FLAG_BITS).expect("the index is from `far`");
    // ORDERING: Relaxed, written once, before the index was given out.
    place.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<T>(reference: &'static T) -> u32 {
        let code = compress(reference);
        assert_eq!(code & (FLAG_1 | FLAG_2 | FLAG_3), 0);
        assert_ne!(code, 0);
        for flags in [0, FLAG_1, FLAG_2, FLAG_3, FLAG_1 | FLAG_2 | FLAG_3] {
            // SAFETY: compressed above.
            let back = unsafe { decompress::<T>(code | flags) };
            assert!(ptr::eq(back, reference));
        }
        code
    }

    #[test]
    fn constants_of_the_program_are_near() {
        static BEFORE: [u32; 3] = [1, 2, 3];
        let codes = BEFORE.each_ref().map(there_and_back);
        let here = there_and_back(std::panic::Location::caller());
        assert!(codes.iter().chain([&here]).all(|code| code & FAR == 0));
    }

    #[test]
    fn what_is_far_has_one_index() {
        // Large blocks are mapped, away from the program.
        let block: &'static [u64] = vec![0; 1 << 20].leak();
        let first = there_and_back(&block[0]);
        let second = there_and_back(&block[1]);
        assert_ne!(first, second);
        assert_eq!(there_and_back(&block[0]), first);
        if cfg!(all(target_os = "linux", target_pointer_width = "64")) {
            assert_eq!((first & FAR, second & FAR), (FAR, FAR));
        }
    }
}
