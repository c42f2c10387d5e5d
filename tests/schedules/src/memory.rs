//! Memory that remembers: what was freed in a schedule is poisoned and stays until its end.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What freed memory reads as: no address, and no small number.
const POISON: u8 = 0xdf;

/// The allocator.
pub(crate) struct Memory {
    /// Whether freed memory is kept.
    keeps: AtomicBool,
    /// It is looking after its own.
    busy: AtomicBool,
    freed: UnsafeCell<BTreeMap<usize, Layout>>,
}

// SAFETY: schedules run on one thread of the system, and `busy` keeps it from coming back.
unsafe impl Sync for Memory {}

#[global_allocator]
static MEMORY: Memory = Memory {
    keeps: AtomicBool::new(false),
    busy: AtomicBool::new(false),
    freed: UnsafeCell::new(BTreeMap::new()),
};

impl Memory {
    /// The blocks that were freed; `None` in here.
    fn with<R>(&self, f: impl FnOnce(&mut BTreeMap<usize, Layout>) -> R) -> Option<R> {
        if self.busy.swap(true, Relaxed) {
            return None;
        }
        // SAFETY: `busy` says that there is no other reference.
        let result = f(unsafe { &mut *self.freed.get() });
        self.busy.store(false, Relaxed);
        Some(result)
    }
}

// SAFETY: the system's, but that some memory is given back later.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if self.keeps.load(Relaxed) {
            let again = self.with(|freed| freed.insert(memory.addr(), layout).is_some());
            match again {
                Some(true) => fail("freed twice", memory.addr()),
                Some(false) => {
                    // SAFETY: it was the caller's, and is of this size.
                    unsafe { memory.write_bytes(POISON, layout.size()) };
                    return;
                }
                None => {} // a node of the map
            }
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn fail(what: &str, address: usize) -> ! {
    MEMORY.keeps.store(false, Relaxed);
    MEMORY.busy.store(false, Relaxed);
    crate::say(&format!("  ! {what}: {address:#x}\n{}", trace()));
    std::process::exit(crate::FAILED);
}

/// Who is here, down to where the thread begins.
fn trace() -> String {
    let trace = std::backtrace::Backtrace::force_capture().to_string();
    let inner = trace.lines().skip_while(|line| !line.contains("look_at")).skip(2);
    let inner: Vec<_> = inner.take_while(|line| !line.contains("thread_fn")).collect();
    let lines = if inner.is_empty() { trace.lines().collect() } else { inner };
    lines.into_iter().map(|line| line.chars().take(160).chain(['\n']).collect::<String>()).collect()
}

static MODE: AtomicBool = AtomicBool::new(true);

/// Whether the next schedule keeps what it frees.
pub(crate) fn set_mode(keeps: bool) {
    MODE.store(keeps, Relaxed);
}

/// Keeps what is freed from here on, if this schedule is to.
pub(crate) fn keep() {
    MEMORY.keeps.store(MODE.load(Relaxed), Relaxed);
}

/// Gives back what was kept, unless it was written to.
pub(crate) fn release() {
    MEMORY.keeps.store(false, Relaxed);
    let freed = MEMORY.with(std::mem::take).unwrap_or_default();
    for (address, layout) in freed {
        let memory = std::ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: kept since it was freed, so it is still of this size.
        let bytes = unsafe { std::slice::from_raw_parts(memory, layout.size()) };
        if bytes.iter().any(|byte| *byte != POISON) {
            fail("written after it was freed", address);
        }
        // SAFETY: as above; nobody else gives it back.
        unsafe { System.dealloc(memory, layout) };
    }
}

/// Sees to it that this address is not in memory that was freed.
pub(crate) fn look(address: usize) {
    let inside = MEMORY.with(|freed| {
        let last = freed.range(..=address).next_back();
        last.is_some_and(|(begin, layout)| address < begin + layout.size())
    });
    if inside == Some(true) {
        fail("used after it was freed", address);
    }
}
