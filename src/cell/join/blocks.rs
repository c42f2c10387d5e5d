//! The slots of a list, made in blocks, so that a slot stays where it is. The first one is the engine's own:
//! most lists that the library makes have one item.

use super::slot::Slot;
use crate::cell::state::observer::Target;

/// The first block has this many slots; each further one twice as many as the one before.
const FIRST_BLOCK: usize = 8;

/// The first slot, and the blocks. Raw memory, because items hold pointers into it. The slots are the
/// driver's, who has this.
pub(super) struct Blocks {
    /// In what this struct is a part of. Null before it is known.
    first: *mut Slot,
    blocks: Vec<*mut Slot>,
    len: usize,
}

/// Block and place in it of an index, not counting the first slot.
fn locate(index: usize) -> (usize, usize) {
    let block = (index / FIRST_BLOCK + 1).ilog2() as usize;
    (block, index - block_start(block))
}

fn block_start(block: usize) -> usize {
    FIRST_BLOCK * ((1 << block) - 1)
}

fn block_len(block: usize) -> usize {
    FIRST_BLOCK << block
}

impl Blocks {
    /// No slots.
    pub(super) fn new() -> Self {
        Blocks { first: std::ptr::null_mut(), blocks: Vec::new(), len: 0 }
    }

    /// Before anything is pushed: where the first slot will be.
    ///
    /// # Safety
    /// Memory for a slot, which nothing else uses, and which stays as long as this is used.
    pub(super) unsafe fn set_first(&mut self, first: *mut Slot) {
        self.first = first;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a slot.
    pub(super) fn push(&mut self, target: *const Target) -> &Slot {
        let index = u32::try_from(self.len).expect("a list holds less than 2^32 items");
        let slot = match self.len.checked_sub(1).map(locate) {
            Some((block, place)) => {
                if place == 0 {
                    let memory = Box::<[Slot]>::new_uninit_slice(block_len(block));
                    self.blocks.push(Box::into_raw(memory).cast());
                }
                // SAFETY: within the block.
                unsafe { self.blocks[block].add(place) }
            }
            None => self.first,
        };
        self.len += 1;
        assert!(!slot.is_null(), "the first slot has its place before any is pushed");
        // SAFETY: a place of its own, which was not in use.
        unsafe {
            slot.write(Slot::new(target, index));
            &*slot
        }
    }

    /// The place of a slot.
    fn at(&self, index: usize) -> *mut Slot {
        assert!(index < self.len, "item {index} of {}", self.len);
        match index.checked_sub(1).map(locate) {
            // SAFETY: within the block.
            Some((block, place)) => unsafe { self.blocks[block].add(place) },
            None => self.first,
        }
    }

    /// The slot with this index.
    pub(super) fn get(&self, index: usize) -> &Slot {
        // SAFETY: it was written by `push`, and is not null: `set_first` comes first.
        unsafe { &*self.at(index) }
    }

    /// All slots, in their order.
    pub(super) fn each(&self) -> impl Iterator<Item = &Slot> {
        let in_block = |(block, &memory): (usize, &*mut Slot)| {
            let used = (self.len - 1 - block_start(block)).min(block_len(block));
            // SAFETY: as in `get`.
            (0..used).map(move |place| unsafe { &*memory.add(place) })
        };
        // SAFETY: as in `get`.
        let first = (self.len > 0).then(|| unsafe { &*self.first });
        first.into_iter().chain(self.blocks.iter().enumerate().flat_map(in_block))
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for (block, &memory) in self.blocks.iter().enumerate() {
            let memory = std::ptr::slice_from_raw_parts_mut(memory, block_len(block));
            // SAFETY: made by `push` with this length, and given to nobody. Slots need no drop.
            drop(unsafe { Box::from_raw(memory as *mut [std::mem::MaybeUninit<Slot>]) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::{from_ref, null};

    use super::*;

    #[test]
    fn each_slot_comes_in_its_order() {
        for len in 0..100 {
            let mut first = std::mem::MaybeUninit::uninit();
            let mut slots = Blocks::new();
            // SAFETY: it lives as long as the slots do, and nothing else uses it.
            unsafe { slots.set_first(first.as_mut_ptr()) };
            let added: Vec<_> = (0..len).map(|_| from_ref(slots.push(null()))).collect();
            assert_eq!(slots.each().map(from_ref).collect::<Vec<_>>(), added);
            assert!(slots.each().zip(0..).all(|(slot, index)| slot.index == index));
        }
    }

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let mut next = (0, 0);
        for index in 0..10_000 {
            assert_eq!(locate(index), next);
            next.1 += 1;
            if next.1 == block_len(next.0) {
                next = (next.0 + 1, 0);
            }
        }
    }
}
