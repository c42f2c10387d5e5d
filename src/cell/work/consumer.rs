//! The reading end of a cell, as steps name it. What can be done with one is in `ends/consumer.rs`, also what its
//! drop does.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;

use crate::cell::state::header::CellRef;
use crate::failure::Outcome;

/// The only consumer of a cell: the tail of its chain. Dropping it detaches.
pub(crate) struct Consumer<T, E> {
    cell: CellRef,
    types: PhantomData<Outcome<T, E>>,
}

// SAFETY: the outcome goes to the thread that has the consumer, so it must be Send; all else that
// is shared with the producer is atomic.
unsafe impl<T: Send, E: Send> Send for Consumer<T, E> {}
// SAFETY: `&Consumer` only looks at the state, or cancels, by atomics; the outcome needs `&mut`.
unsafe impl<T: Send, E: Send> Sync for Consumer<T, E> {}

// The outcome is never pinned: it is taken out by value.
impl<T, E> Unpin for Consumer<T, E> {}

impl<T, E> Consumer<T, E> {
    /// The consumer of a cell.
    ///
    /// # Safety
    /// The cell is for this `T` and `E` and has no other consumer.
    pub(crate) unsafe fn from_cell(cell: CellRef) -> Self {
        Consumer { cell, types: PhantomData }
    }

    /// Gives up the handle, but not the part.
    pub(crate) fn into_cell(self) -> CellRef {
        ManuallyDrop::new(self).cell
    }

    /// The cell, the tail of its chain.
    #[inline]
    pub(in crate::cell) fn cell(&self) -> CellRef {
        self.cell
    }
}
