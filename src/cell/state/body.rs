//! The memory of a cell: header, then the work or the outcome, by a handful of accessors.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::NonNull;

use super::header::{CellRef, Header};
use crate::failure::{Failure, Outcome};
use crate::sync;

/// The cell before its work has started.
#[repr(C)]
struct Pending<W> {
    header: Header,
    work: ManuallyDrop<W>,
}

/// The cell from then on. A struct of its own, so that the outcome's place depends on its type
/// only: the consumer does not know the type of the work.
#[repr(C)]
struct Settled<T, E> {
    header: Header,
    outcome: MaybeUninit<Outcome<T, E>>,
}

/// Memory for a cell without work, within something larger.
#[repr(C, align(16))]
pub(in crate::cell) struct Part<T, E>(UnsafeCell<MaybeUninit<Settled<T, E>>>);

impl<T, E> Part<T, E> {
    pub(in crate::cell) fn new() -> Self {
        const { assert!(align_of::<Self>() >= ALIGN) };
        Part(UnsafeCell::new(MaybeUninit::uninit()))
    }
}

#[repr(C)]
union Views<W, T, E> {
    _pending: ManuallyDrop<Pending<W>>,
    _settled: ManuallyDrop<Settled<T, E>>,
}

/// Four low bits of a cell's address are tags. The size is not rounded up to this, so that the cell
/// of a small outcome stays within 48 bytes.
const ALIGN: usize = 16;

/// How a cell with this work and outcome is allocated.
pub(in crate::cell) const fn layout<W, T, E>() -> Layout {
    layout_of::<Views<W, T, E>>()
}

/// How a cell that is such a `C` is allocated.
pub(in crate::cell) const fn layout_of<C>() -> Layout {
    match Layout::new::<C>().align_to(ALIGN) {
        Ok(layout) => layout,
        Err(_) => panic!("a cell larger than the address space"),
    }
}

fn allocate(layout: Layout) -> NonNull<Header> {
    // SAFETY: a cell begins with a header, so its size is not zero.
    let memory = unsafe { alloc(layout) };
    sync::count_cell(1);
    NonNull::new(memory.cast()).unwrap_or_else(|| handle_alloc_error(layout))
}

/// A cell with its work.
pub(in crate::cell) fn with_work<W, T, E>(header: Header, work: W) -> CellRef {
    let memory = allocate(const { layout::<W, T, E>() });
    let work = ManuallyDrop::new(work);
    // SAFETY: fresh memory, large enough and aligned for this view.
    unsafe { memory.cast::<Pending<W>>().write(Pending { header, work }) };
    CellRef::new(memory)
}

/// A cell without work in memory that is there.
///
/// # Safety
/// The memory is unused, and stays until the table's `give_up` is called.
pub(in crate::cell) unsafe fn in_part<T, E>(header: Header, part: *mut Part<T, E>) -> CellRef {
    // SAFETY: the caller's promise; a cell begins with its header.
    unsafe {
        part.cast::<Header>().write(header);
        CellRef::new(NonNull::new_unchecked(part.cast()))
    }
}

/// A cell with its outcome.
pub(in crate::cell) fn with_outcome<T, E>(header: Header, outcome: Outcome<T, E>) -> CellRef {
    let memory = allocate(const { layout::<(), T, E>() });
    let outcome = MaybeUninit::new(outcome);
    // SAFETY: fresh memory, large enough and aligned for this view.
    unsafe { memory.cast::<Settled<T, E>>().write(Settled { header, outcome }) };
    CellRef::new(memory)
}

/// A cell that is a `C`, which begins with a header and then, if it has one, the outcome.
pub(in crate::cell) fn boxed<C>(cell: C) -> CellRef {
    let memory = allocate(const { layout_of::<C>() });
    // SAFETY: fresh memory, large enough and aligned for it.
    unsafe { memory.cast::<C>().write(cell) };
    CellRef::new(memory)
}

/// Takes the work out; the body is empty then.
///
/// # Safety
/// The caller is the producer of a cell made with a `W`, and takes it once.
pub(in crate::cell) unsafe fn take_work<W>(cell: CellRef) -> W {
    // SAFETY: the caller's promise.
    unsafe { ManuallyDrop::take(&mut (*cell.as_ptr().cast::<Pending<W>>()).work) }
}

/// Looks at the work.
///
/// # Safety
/// The cell was made with a `W`, which is not taken meanwhile.
pub(in crate::cell) unsafe fn work<'a, W>(cell: CellRef) -> &'a W {
    // SAFETY: the caller's promise.
    unsafe { &(*cell.as_ptr().cast::<Pending<W>>()).work }
}

/// Puts the outcome into the empty body.
///
/// # Safety
/// The caller is the producer of a cell made for this `T` and `E`, whose body is empty.
pub(in crate::cell) unsafe fn put_outcome<T, E>(cell: CellRef, outcome: Outcome<T, E>) {
    // SAFETY: the caller's promise. `&raw`, because the consumer may look at the header meanwhile.
    unsafe {
        let body = &raw mut (*cell.as_ptr().cast::<Settled<T, E>>()).outcome;
        body.write(MaybeUninit::new(outcome));
    }
}

/// Looks at the outcome; none in the body means cancelled.
///
/// # Safety
/// The caller owns a settled cell made for this `T` and `E`, whose outcome was not taken.
pub(in crate::cell) unsafe fn outcome<'a, T, E>(cell: CellRef) -> Option<&'a Outcome<T, E>> {
    // SAFETY: the caller's promise.
    unsafe {
        let body = &(*cell.as_ptr().cast::<Settled<T, E>>()).outcome;
        cell.header().word.has_outcome().then(|| body.assume_init_ref())
    }
}

/// Takes the outcome; none in the body means cancelled.
///
/// # Safety
/// As for [`outcome`], and once.
pub(in crate::cell) unsafe fn take_outcome<T, E>(cell: CellRef) -> Outcome<T, E> {
    // SAFETY: the caller's promise.
    unsafe {
        if !cell.header().word.has_outcome() {
            return Err(Failure::Cancelled);
        }
        take_written::<T, E>(cell)
    }
}

/// Takes an outcome that the caller has put there itself, whatever the word says.
///
/// # Safety
/// The caller is the producer and has put the outcome; once.
pub(in crate::cell) unsafe fn take_written<T, E>(cell: CellRef) -> Outcome<T, E> {
    // SAFETY: the caller's promise.
    unsafe {
        let body = &raw const (*cell.as_ptr().cast::<Settled<T, E>>()).outcome;
        body.read().assume_init()
    }
}

/// Frees a root.
///
/// # Safety
/// The cell is the caller's alone, and its body is empty.
#[inline]
pub(in crate::cell) unsafe fn free_root(cell: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        if cell.header().is_part() {
            give_up(cell);
        } else {
            free(cell);
        }
    }
}

/// Gives a part up to what it is a part of.
///
/// # Safety
/// As for [`free_root`], and the cell is such a part.
unsafe fn give_up(cell: CellRef) {
    // SAFETY: as in `free_root`; the flag says that the table has such a function.
    unsafe {
        let header = cell.header();
        header.provenance.clear();
        if let Some(give_up) = header.vtable().give_up {
            give_up(cell);
        }
    }
}

/// Frees a link, or a root that is no part of something larger.
///
/// # Safety
/// As for [`free_root`].
pub(in crate::cell) unsafe fn free(cell: CellRef) {
    // SAFETY: the caller's promise; the layout is the one that the cell was made with.
    unsafe {
        let header = cell.header();
        header.provenance.clear();
        let layout = header.vtable().layout;
        sync::count_cell(-1);
        dealloc(cell.as_ptr().cast(), layout);
    }
}
