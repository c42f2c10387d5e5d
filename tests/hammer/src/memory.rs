//! An allocator that makes a use of freed memory show: it overwrites what is freed, keeps it for a while, and looks
//! then whether it was written to. Fresh memory is overwritten, too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::options::Memory;

/// What freed memory is full of: no address, no small number.
const FREED: u8 = 0xdf;
/// What fresh memory is full of.
const FRESH: u8 = 0xac;
/// Larger blocks are overwritten, not kept.
const LARGEST: usize = 2048;
const SHELVES: usize = 16;
const PLACES: usize = 512;

#[global_allocator]
static ALLOCATOR: Allocator =
    Allocator { mode: AtomicU8::new(0), shelves: [const { Shelf::new() }; SHELVES] };

struct Allocator {
    /// 0: plain, 1: fill, 2: keep.
    mode: AtomicU8,
    shelves: [Shelf; SHELVES],
}

/// Blocks that are freed, and kept; the oldest leaves first.
struct Shelf {
    locked: AtomicBool,
    kept: UnsafeCell<Kept>,
}

struct Kept {
    next: usize,
    blocks: [(*mut u8, Layout); PLACES],
}

// SAFETY: `kept` is reached only under the lock, and owns its blocks.
unsafe impl Sync for Shelf {}

impl Shelf {
    const fn new() -> Self {
        let blocks = [(ptr::null_mut(), Layout::new::<u8>()); PLACES];
        Shelf { locked: AtomicBool::new(false), kept: UnsafeCell::new(Kept { next: 0, blocks }) }
    }

    /// Keeps this block, and hands back the one that was there longest, if there was one.
    fn exchange(&self, block: (*mut u8, Layout)) -> (*mut u8, Layout) {
        while self.locked.swap(true, Ordering::Acquire) {
            std::hint::spin_loop();
        }
        // SAFETY: the lock is held.
        let kept = unsafe { &mut *self.kept.get() };
        let place = kept.next;
        kept.next = (place + 1) % PLACES;
        let oldest = std::mem::replace(&mut kept.blocks[place], block);
        self.locked.store(false, Ordering::Release);
        oldest
    }
}

/// From now on the allocator does this.
pub(crate) fn set(memory: Memory) {
    let mode = match memory {
        Memory::Plain => 0,
        Memory::Fill => 1,
        Memory::Keep => 2,
    };
    ALLOCATOR.mode.store(mode, Ordering::SeqCst);
}

// SAFETY: all memory is `System`'s, and goes back to it once, with its layout.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { System.alloc(layout) };
        if self.mode.load(Ordering::Relaxed) > 0 && !block.is_null() {
            // SAFETY: the block is of this size, and new.
            unsafe { block.write_bytes(FRESH, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let mode = self.mode.load(Ordering::Relaxed);
        if mode > 0 {
            // SAFETY: the block is of this size, and its owner gives it up.
            unsafe { block.write_bytes(FREED, layout.size()) };
        }
        let mut going = (block, layout);
        if mode == 2 && layout.size() <= LARGEST {
            going = self.shelves[(block.addr() >> 6) % SHELVES].exchange(going);
            if going.0.is_null() {
                return;
            }
            // SAFETY: a kept block is of its layout's size and is no one else's.
            let bytes = unsafe { std::slice::from_raw_parts(going.0, going.1.size()) };
            if let Some(at) = bytes.iter().position(|byte| *byte != FREED) {
                written(going.1.size(), at, bytes[at]);
            }
        }
        // SAFETY: it came from `System` with this layout, and leaves the shelf once.
        unsafe { System.dealloc(going.0, going.1) };
    }
}

#[cold]
fn written(size: usize, at: usize, byte: u8) {
    set(Memory::Plain);
    let what = format!("freed memory was written to: byte {at} of {size} is {byte:#x}");
    crate::finding::finding(&what);
}
