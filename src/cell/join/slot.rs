//! A slot: the observer of one item's cell, and the item's entry in the completion queue.

use std::cell::Cell;

use crate::cell::defer::free;
use crate::cell::ends::consumer;
use crate::cell::run::cancel::cancel_root;
use crate::cell::state::header::{CellRef, Dropped};
use crate::cell::state::observer::{Observer, Target};
use crate::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// The index of the entry that no item has: it asks the driver to close the join.
pub(super) const CLOSE: u32 = u32::MAX;

/// Where an item stands, as far as the driver knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has not come: its cell lives, and may be cancelled.
    Pending,
    /// It has come: its settled cell is the driver's, with its outcome.
    Arrived,
    /// Its outcome was taken, and its cell is freed.
    Taken,
    /// It was made in vain: it does not count, and its cell is freed.
    Void,
}

/// Rules 2 to 4 of the room: a thread that settles an item has a pointer, and touches `observer`, `next`
/// and `came`. A reference is the driver's, and what is in a `Cell` is, too.
#[repr(C)]
pub(super) struct Slot {
    observer: Observer,
    /// The next entry of the queue, or of the driver's log.
    pub(super) next: AtomicPtr<()>,
    cell: Cell<Option<CellRef>>,
    pub(super) index: u32,
    state: Cell<State>,
    /// Whether the driver has had its entry.
    entered: Cell<bool>,
    /// It has come, and was to be counted only.
    came: AtomicBool,
}

impl Slot {
    /// The slot of no item yet, which tells the engine with this target.
    pub(super) fn new(target: *const Target, index: u32) -> Self {
        Slot {
            observer: Observer { target },
            next: AtomicPtr::new(std::ptr::null_mut()),
            cell: Cell::new(None),
            index,
            state: Cell::new(State::Taken),
            entered: Cell::new(false),
            came: AtomicBool::new(false),
        }
    }

    /// Makes it the slot of a pending item.
    ///
    /// # Safety
    /// It has none. The caller is the consumer of the cell, gives that part to the slot, and
    /// has the cell observe it next.
    pub(super) unsafe fn hold(&self, cell: CellRef) {
        self.cell.set(Some(cell));
        self.state.set(State::Pending);
        self.entered.set(false);
    }

    /// Has the item's cell tell this slot when it settles, which it may do at once.
    ///
    /// # Safety
    /// The slot has got the cell by [`hold`](Self::hold), and is observed once. It stays where it is, and
    /// the engine that is its target lives, until the cell has told it.
    pub(super) unsafe fn observe(&self) {
        if let Some(cell) = self.cell.get() {
            // SAFETY: the caller's promise.
            unsafe { consumer::observe(cell, std::ptr::from_ref(self).cast()) };
        }
    }

    /// The thread that settles the item, about to count it: the cell is the driver's from now on.
    pub(super) fn come(&self) {
        // ORDERING: Release pairs with `state`.
        self.came.store(true, Ordering::Release);
    }

    /// Where the item stands.
    pub(super) fn state(&self) -> State {
        match self.state.get() {
            // ORDERING: Acquire pairs with `come`: the outcome is seen, also if there was no room for it
            // in the counter.
            State::Pending if self.came.load(Ordering::Acquire) => State::Arrived,
            state => state,
        }
    }

    /// Its entry has come to the driver. `false`: it did before.
    pub(super) fn enter(&self) -> bool {
        if self.state.get() == State::Pending {
            self.state.set(State::Arrived); // else it was dropped before its entry came
        }
        !self.entered.replace(true)
    }

    /// The item's cell, if this is where it stands.
    pub(super) fn cell_if(&self, state: State) -> Option<CellRef> {
        self.cell.get().filter(|_| self.state() == state)
    }

    /// The settled cell of an item whose entry has come out of the queue, unless it was taken.
    pub(super) fn entry_cell(&self) -> Option<CellRef> {
        self.cell.get().filter(|_| matches!(self.state.get(), State::Pending | State::Arrived))
    }

    /// Takes the settled cell of an item that has come: it is the caller's, whole.
    pub(super) fn take(&self) -> Option<CellRef> {
        let cell = self.cell_if(State::Arrived)?;
        self.state.set(State::Taken);
        Some(cell)
    }

    /// Drops the outcome of an item that has come.
    pub(super) fn discard(&self, why: Dropped) {
        if let Some(cell) = self.take() {
            // SAFETY: a cell that has arrived is the driver's (rule 3), and was taken.
            unsafe { free::discard(cell, why) };
        }
    }

    /// An item that has come does not count; its outcome was dropped.
    pub(super) fn set_void(&self) {
        self.state.set(State::Void);
    }

    /// Cancels the item, if it has not come; or only if it is not to go on where nobody has it.
    pub(super) fn cancel(&self, only_fragile: bool) {
        if let Some(cell) = self.cell_if(State::Pending) {
            // SAFETY: a cell lives until its slot has come and it was taken (rule 3), its root as long.
            unsafe {
                if !only_fragile || cell.root().header().vtable().fragile {
                    cancel_root(cell.root());
                }
            }
        }
    }
}
