//! The slots of a list: one for an item, made in blocks, so that a slot stays where it is. The first one
//! is the list's own: most lists that the library makes have one item.

use super::header::CellRef;
use super::observer::{Observer, Target};
use crate::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// The first block has this many slots; each further one twice as many as the one before.
const FIRST_BLOCK: usize = 8;

/// Where an item stands, as far as the drainer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has not come.
    Pending,
    /// It has come, and its outcome is in its cell.
    Arrived,
    /// Its outcome was taken, and its cell is freed.
    Taken,
    /// It was made in vain: it does not count, and its cell is freed.
    Void,
}

/// What an item's cell tells. Others than the drainer read `observer`, use `next`, and set `came`.
#[repr(C)]
pub(super) struct Slot {
    pub(super) observer: Observer,
    /// The next entry of the mailbox, or of the drainer's list.
    pub(super) next: AtomicPtr<()>,
    pub(super) cell: Option<CellRef>,
    pub(super) index: u32,
    /// As the drainer has left it: see [`state`](Self::state).
    pub(super) state: State,
    /// Whether the drainer has had its entry.
    pub(super) entered: bool,
    /// It has come, and was to be counted only.
    came: AtomicBool,
}

impl Slot {
    pub(super) fn new(target: *const Target, cell: Option<CellRef>, index: u32) -> Self {
        let observer = Observer { target };
        let next = AtomicPtr::new(std::ptr::null_mut());
        let came = AtomicBool::new(false);
        Slot { observer, next, cell, index, state: State::Pending, entered: false, came }
    }

    /// Where the item stands, for the drainer.
    pub(super) fn state(&self) -> State {
        match self.state {
            // ORDERING: Acquire pairs with `come`: the outcome is seen, also if there was no room for it in the tally.
            State::Pending if self.came.load(Ordering::Acquire) => State::Arrived,
            state => state,
        }
    }

    /// The item has come, says whoever is about to count it: its cell is the drainer's from now on.
    pub(super) fn come(&self) {
        // ORDERING: Release pairs with `state`.
        self.came.store(true, Ordering::Release);
    }
}

/// The first slot, and the blocks. Raw memory, because items hold pointers into it.
pub(super) struct Slots {
    /// Beside this struct, as others use it while the drainer has this. Null before it is known.
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

impl Slots {
    pub(super) fn new() -> Self {
        Slots { first: std::ptr::null_mut(), blocks: Vec::new(), len: 0 }
    }

    /// # Safety
    /// `first` is memory for a slot, which nothing else uses, and which lives as long as this.
    pub(super) unsafe fn set_first(&mut self, first: *mut Slot) {
        self.first = first;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a slot, and gives its address.
    pub(super) fn push(&mut self, target: *const Target, cell: CellRef) -> *mut Slot {
        let index = u32::try_from(self.len).expect("a list holds less than 2^32 items");
        if let Some((block, place)) = self.len.checked_sub(1).map(locate) {
            if place == 0 {
                let memory = Box::<[Slot]>::new_uninit_slice(block_len(block));
                self.blocks.push(Box::into_raw(memory).cast());
            }
        }
        self.len += 1;
        let slot = self.at(self.len - 1);
        // SAFETY: a place of its own, which was not in use.
        unsafe { slot.write(Slot::new(target, Some(cell), index)) };
        slot
    }

    /// Makes a slot whose item was taken one for another item, and gives its address.
    pub(super) fn reuse(&mut self, index: usize, cell: CellRef) -> *mut Slot {
        let slot = self.at(index);
        // SAFETY: the item was taken, so nobody else has the slot.
        unsafe {
            (*slot).cell = Some(cell);
            (*slot).state = State::Pending;
            (*slot).entered = false;
        }
        slot
    }

    /// An item has come that does not count, and its cell is freed.
    pub(super) fn set_void(&mut self, index: usize) {
        // SAFETY: within a block; only the drainer, who has `Slots`, writes it.
        unsafe { (*self.at(index)).state = State::Void };
    }

    /// Where an item stands.
    pub(super) fn state(&self, index: usize) -> State {
        // SAFETY: within a block; only the drainer, who has `Slots`, writes it.
        unsafe { (*self.at(index)).state() }
    }

    /// The addresses of all slots, in their order.
    pub(super) fn each(&self) -> impl Iterator<Item = *mut Slot> + use<'_> {
        let in_block = |(block, &memory): (usize, &*mut Slot)| {
            let used = (self.len - 1 - block_start(block)).min(block_len(block));
            // SAFETY: within the block.
            (0..used).map(move |place| unsafe { memory.add(place) })
        };
        let first = std::iter::once(self.first).take(self.len);
        first.chain(self.blocks.iter().enumerate().flat_map(in_block))
    }

    /// The address of a slot.
    ///
    /// # Panics
    /// If there is none with this index.
    pub(super) fn at(&self, index: usize) -> *mut Slot {
        assert!(index < self.len, "item {index} of a list of {}", self.len);
        let Some((block, place)) = index.checked_sub(1).map(locate) else {
            assert!(!self.first.is_null(), "set before items come");
            return self.first;
        };
        // SAFETY: within the block.
        unsafe { self.blocks[block].add(place) }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        for (block, &memory) in self.blocks.iter().enumerate() {
            let slots = std::ptr::slice_from_raw_parts_mut(
                memory.cast::<std::mem::MaybeUninit<Slot>>(),
                block_len(block),
            );
            // SAFETY: made in `push`; slots own nothing.
            drop(unsafe { Box::from_raw(slots) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_comes_in_its_order() {
        let mut first = std::mem::MaybeUninit::uninit();
        for len in 0..100 {
            let mut slots = Slots::new();
            // SAFETY: it lives as long as the slots do, and nothing else uses it.
            unsafe { slots.set_first(first.as_mut_ptr()) };
            let cell = CellRef::new(std::ptr::NonNull::dangling()); // never looked at
            let added: Vec<_> = (0..len).map(|_| slots.push(std::ptr::null(), cell)).collect();
            assert_eq!(slots.each().collect::<Vec<_>>(), added);
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
