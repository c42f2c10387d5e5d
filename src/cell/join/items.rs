//! The items of a list, by their index: its driver looks at them and takes them.

use std::marker::PhantomData;
use std::ops::Range;

use super::blocks::Blocks;
use super::slot::{Slot, State};
use super::source::Source;
use crate::cell::defer::free;
use crate::cell::defer::trampoline;
use crate::cell::state::body;
use crate::cell::state::header::{CellRef, Dropped, Header};
use crate::cell::state::observer::Target;
use crate::cell::work::consumer::Consumer;
use crate::failure::{Failure, Outcome};
use crate::sync::Arc;
use crate::trace::Trace;

/// The way that a failure came, if it is one.
pub(crate) type Way = Option<Box<Trace>>;

/// The items of a list. All their cells are of this `T` and `E` (rule 5 of the room).
pub(crate) struct Items<T, E> {
    pub(super) slots: Blocks,
    /// The engine.
    target: *const Target,
    pub(super) arrived: usize,
    /// How many items that do not count have come.
    pub(super) void: usize,
    /// Whether the places of items that were taken are used again.
    pub(super) recycles: bool,
    /// Where more come from, if they do.
    pub(super) source: Option<Arc<dyn Source<T, E>>>,
    types: PhantomData<Outcome<T, E>>,
}

impl<T, E> Items<T, E> {
    pub(super) fn new() -> Self {
        Items {
            slots: Blocks::new(),
            target: std::ptr::null(),
            arrived: 0,
            void: 0,
            recycles: false,
            source: None,
            types: PhantomData,
        }
    }

    /// Before there are any: in what they are.
    ///
    /// # Safety
    /// The target is that of the engine which these items, and the memory for the slot `first`, are in.
    pub(super) unsafe fn set_engine(&mut self, target: *const Target, first: *mut Slot) {
        self.target = target;
        // SAFETY: the caller's promise.
        unsafe { self.slots.set_first(first) };
    }

    /// Adds an item, which is watched from now on, in a place that may have had another one.
    pub(super) fn watch(&mut self, place: usize, item: Consumer<T, E>) {
        let slot = if place < self.slots.len() {
            self.arrived -= 1;
            self.slots.get(place)
        } else {
            self.slots.push(self.target)
        };
        // SAFETY: a new slot, or one whose item was taken. It stays, and the engine lives until all items
        // have come (rule 1). The item's consumer is given to it.
        unsafe {
            slot.hold(item.into_cell());
            slot.observe();
        }
    }

    /// An item's entry has come to the driver, for the first time or again.
    pub(super) fn enter(&mut self, slot: &Slot) {
        self.arrived += usize::from(slot.enter());
    }

    /// How many items there are, and are known to come.
    pub(crate) fn len(&self) -> usize {
        let known = self.source.as_ref().map(|source| source.surplus_and_missing());
        let (surplus, missing) = known.unwrap_or((0, 0));
        (self.slots.len() - surplus).saturating_add(missing) // what the source hopes for may be anything
    }

    /// The indices of those that are there: beyond them others may come.
    pub(crate) fn indices(&self) -> Range<usize> {
        0..self.slots.len()
    }

    /// Whether all have come, and no more will.
    pub(crate) fn is_complete(&self) -> bool {
        self.arrived + self.void == self.slots.len()
    }

    /// How many have come.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived
    }

    /// Whether an item has come, and was not taken.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.slots.get(index).state() == State::Arrived
    }

    /// The outcome of an item that has come; `None` is cancelled, or not there.
    pub(crate) fn outcome(&self, index: usize) -> Option<&Outcome<T, E>> {
        let there = index < self.slots.len(); // else it is not made yet
        let cell = there.then(|| self.slots.get(index))?.cell_if(State::Arrived)?;
        // SAFETY: a cell that has arrived is the driver's, and of these types (rules 3 and 5).
        unsafe { body::outcome(cell) }
    }

    /// Whether an item has come with a failure. One that was taken has failed, with `Taken`.
    pub(crate) fn is_failed(&self, index: usize) -> bool {
        match self.slots.get(index).state() {
            State::Arrived => !self.outcome(index).is_some_and(Result::is_ok),
            state => state == State::Taken,
        }
    }

    /// Takes the outcome of an item that has come, and frees its cell. `None`: it has not.
    pub(crate) fn take(&mut self, index: usize) -> Option<Outcome<T, E>> {
        self.take_by(index, |_| None).map(|(outcome, _)| outcome)
    }

    /// Takes an outcome with the way that a failure came.
    pub(crate) fn take_with_trace(&mut self, index: usize) -> Option<(Outcome<T, E>, Way)> {
        // SAFETY: the cell has come, and is the driver's.
        self.take_by(index, |header| unsafe { way_of(header) })
    }

    fn take_by(
        &mut self,
        index: usize,
        way: impl FnOnce(&Header) -> Way,
    ) -> Option<(Outcome<T, E>, Way)> {
        let slot = self.slots.get(index);
        let is_first = slot.state() == State::Arrived;
        let taken = Self::take_slot(slot, way)?;
        if is_first {
            self.source.iter().for_each(|source| source.taken(index));
        }
        Some(taken)
    }

    /// Takes the outcome of the item of this slot. `None`: it has not come, or does not count.
    #[inline] // where no way is wanted, none is dropped
    fn take_slot(slot: &Slot, way: impl FnOnce(&Header) -> Way) -> Option<(Outcome<T, E>, Way)> {
        if slot.state() == State::Taken {
            return Some((Err(Failure::Taken), None));
        }
        let cell = slot.take()?;
        // SAFETY: a cell that has arrived was the driver's, and of these types (rules 3 and 5); it was taken.
        unsafe {
            let outcome = body::take_outcome::<T, E>(cell);
            let way = if outcome.is_err() { way(cell.header()) } else { None };
            free::release(cell);
            Some((outcome, way))
        }
    }

    /// Takes the outcomes of all items that count, in their order, once and for all; one that has not come
    /// counts as cancelled.
    pub(crate) fn take_each(&mut self) -> impl Iterator<Item = Outcome<T, E>> {
        self.slots.each().filter_map(|slot| match Self::take_slot(slot, |_| None) {
            Some((outcome, _)) => Some(outcome),
            None => (slot.state() != State::Void).then_some(Err(Failure::Cancelled)),
        })
    }

    /// Drops the outcome of an item that has come, which something else has superseded.
    pub(crate) fn discard(&mut self, index: usize) {
        self.slots.get(index).discard(Dropped::Superseded);
    }

    /// The same for all that have come.
    pub(crate) fn discard_arrived(&mut self) {
        self.slots.each().for_each(|slot| slot.discard(Dropped::Superseded));
    }

    /// Drops the outcome of an item that has come, which nobody has seen: a failure is reported.
    pub(crate) fn drop_unseen(&mut self, index: usize) {
        self.slots.get(index).discard(Dropped::Unseen);
    }

    /// Whether an item has not come.
    pub(crate) fn is_pending(&self, index: usize) -> bool {
        self.slots.get(index).state() == State::Pending
    }

    /// Cancels all items that have not come, and starts no more.
    pub(crate) fn cancel_pending(&mut self) {
        let rest = self.halt(); // cancelled before they are abandoned
        self.slots.each().for_each(|slot| slot.cancel(false));
        trampoline::drop_user(rest);
    }
}

/// Takes the way of the failure that a cell has settled with.
///
/// # Safety
/// The caller owns the settled cell.
pub(super) unsafe fn way_of(header: &Header) -> Way {
    let kind = header.vtable().kind;
    Some(match header.word.has_outcome() {
        // SAFETY: the caller's promise.
        true => unsafe { header.provenance.take(kind) },
        false => Box::new(header.provenance.made(kind)), // a late producer may be at work
    })
}

/// Whether a settled cell has a failure.
///
/// # Safety
/// The caller owns the cell, which was made for this `T` and `E`, and whose outcome was not taken.
pub(super) unsafe fn holds_failure<T, E>(cell: CellRef) -> bool {
    // SAFETY: the caller's promise.
    unsafe { body::outcome::<T, E>(cell).is_none_or(Result::is_err) }
}

impl<T, E> Drop for Items<T, E> {
    fn drop(&mut self) {
        self.discard_arrived();
    }
}
