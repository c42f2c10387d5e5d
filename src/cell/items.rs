//! The items of a list, by their index: whoever has the right to drain looks at them and takes them.

use std::marker::PhantomData;
use std::ops::Range;

use super::body;
use super::cancel::cancel_root;
use super::header::{CellRef, Dropped, Header};
use super::later;
use super::slots::{Slot, Slots, State};
use super::source::Supply;
use super::wave;
use crate::failure::{Failure, Outcome};
use crate::trace::Trace;

/// The way that a failure came, if it is one.
pub(crate) type Way = Option<Box<Trace>>;

/// The items of a list.
pub(crate) struct Items<T, E> {
    pub(super) slots: Slots,
    pub(super) arrived: usize,
    /// Where more come from, if they do.
    pub(super) supply: Option<Box<Supply<T, E>>>,
    types: PhantomData<Outcome<T, E>>,
}

impl<T, E> Items<T, E> {
    pub(super) fn new() -> Self {
        Items { slots: Slots::new(), arrived: 0, supply: None, types: PhantomData }
    }

    /// How many items there are, and are known to come.
    pub(crate) fn len(&self) -> usize {
        let (surplus, missing) = self.surplus_and_missing();
        (self.slots.len() - surplus).saturating_add(missing) // what the source hopes for may be anything
    }

    /// The indices of those that are there: beyond them others may come.
    pub(crate) fn indices(&self) -> Range<usize> {
        0..self.slots.len()
    }

    /// Whether all have come, and no more will.
    pub(crate) fn is_complete(&self) -> bool {
        self.arrived + self.void() == self.slots.len()
    }

    /// How many have come.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived
    }

    fn slot(&self, index: usize) -> &Slot {
        // SAFETY: the drainer only has `Items`; others touch the atomics only.
        unsafe { &*self.slots.at(index) }
    }

    fn cell(&self, index: usize, state: State) -> Option<CellRef> {
        if index >= self.slots.len() {
            return None; // not made yet
        }
        let slot = self.slot(index);
        if slot.state() == state { slot.cell } else { None }
    }

    /// The outcome of an item that has come; `None` is cancelled, or not there.
    pub(crate) fn outcome(&self, index: usize) -> Option<&Outcome<T, E>> {
        let cell = self.cell(index, State::Arrived)?;
        // SAFETY: a cell that has arrived is the list's.
        unsafe { body::outcome(cell) }
    }

    /// Whether an item has come with a failure. One that was taken has failed, with `Taken`.
    pub(crate) fn is_failed(&self, index: usize) -> bool {
        let slot = self.slot(index);
        match (slot.state(), slot.cell) {
            // SAFETY: a cell that has arrived is the list's.
            (State::Arrived, Some(cell)) => unsafe { holds_failure::<T, E>(cell) },
            (state, _) => state == State::Taken,
        }
    }

    /// Whether an item has come cancelled, by whoever it was.
    pub(crate) fn is_cancelled(&self, index: usize) -> bool {
        self.failure_again(index).is_some_and(|failure| failure.is_cancelled())
    }

    /// The failure of an item that has come, if nothing of the user's is in it: it stays there.
    pub(crate) fn failure_again(&self, index: usize) -> Option<Failure<E>> {
        let cell = self.cell(index, State::Arrived)?;
        // SAFETY: a cell that has arrived is the list's.
        match unsafe { body::outcome::<T, E>(cell) } {
            Some(outcome) => outcome.as_ref().err()?.again(),
            None => Some(Failure::Cancelled),
        }
    }

    /// Takes the outcome of an item that has come, and frees its cell. `None`: it has not.
    pub(crate) fn take(&mut self, index: usize) -> Option<Outcome<T, E>> {
        self.take_by(index, |_| None).map(|(outcome, _)| outcome)
    }

    /// Takes the outcomes of all items, in their order, once and for all; one that has not come counts as cancelled.
    pub(crate) fn take_all(&mut self) -> Vec<Outcome<T, E>> {
        let mut outcomes = Vec::with_capacity(self.slots.len());
        // SAFETY: the slots of this list.
        outcomes.extend(self.slots.each().filter_map(|slot| unsafe { Self::take_counted(slot) }));
        outcomes
    }

    /// Takes the values of all items, which have come, in their order, or the first failure.
    pub(crate) fn take_values(&mut self) -> Outcome<Vec<T>, E> {
        let mut values = Vec::with_capacity(self.slots.len());
        self.slots.each().try_for_each(|slot| {
            // SAFETY: the slots of this list.
            if let Some(outcome) = unsafe { Self::take_counted(slot) } {
                values.push(outcome?);
            }
            Ok::<(), Failure<E>>(())
        })?;
        Ok(values)
    }

    /// Takes the outcome of an item of a list that adds no more; `None`: it does not count.
    ///
    /// # Safety
    /// A slot of this list, of which the caller is the drainer.
    unsafe fn take_counted(slot: *mut Slot) -> Option<Outcome<T, E>> {
        // SAFETY: the caller's promise; others touch the atomics only.
        let (state, cell) = unsafe { ((*slot).state(), (*slot).cell) };
        match (state, cell) {
            (State::Arrived, Some(cell)) => {
                // SAFETY: as above. A cell that has arrived was the list's; it is forgotten.
                unsafe {
                    (*slot).state = State::Taken;
                    let outcome = body::take_outcome::<T, E>(cell);
                    wave::release(cell);
                    Some(outcome)
                }
            }
            (State::Void, _) => None,
            (State::Taken, _) => Some(Err(Failure::Taken)),
            (State::Pending | State::Arrived, _) => Some(Err(Failure::Cancelled)),
        }
    }

    /// Takes an outcome with the way that a failure came.
    pub(crate) fn take_with_trace(&mut self, index: usize) -> Option<(Outcome<T, E>, Way)> {
        // SAFETY: the cell has come, and was the list's.
        self.take_by(index, |header| unsafe { way_of(header) })
    }

    fn take_by(
        &mut self,
        index: usize,
        way: impl FnOnce(&Header) -> Way,
    ) -> Option<(Outcome<T, E>, Way)> {
        match self.slot(index).state() {
            State::Pending | State::Void => return None,
            State::Taken => return Some((Err(Failure::Taken), None)),
            State::Arrived => {}
        }
        let cell = self.forget(index)?;
        // SAFETY: a cell that has arrived was the list's; it is forgotten.
        unsafe {
            let outcome = body::take_outcome::<T, E>(cell);
            let way = if outcome.is_err() { way(cell.header()) } else { None };
            wave::release(cell);
            self.vacate(index);
            Some((outcome, way))
        }
    }

    /// Drops the outcome of an item that has come, which something else has superseded.
    pub(crate) fn discard(&mut self, index: usize) {
        self.drop_outcome(index, Dropped::Superseded);
    }

    /// The same for all that have come.
    pub(crate) fn discard_arrived(&mut self) {
        self.slots.each().for_each(|slot| {
            // SAFETY: as in `slot`. A cell that has arrived was the list's; it is forgotten.
            unsafe {
                if let (State::Arrived, Some(cell)) = ((*slot).state(), (*slot).cell) {
                    (*slot).state = State::Taken;
                    later::discard(cell, Dropped::Superseded);
                }
            }
        });
    }

    /// Drops the outcome of an item that has come, which nobody has seen: a failure is reported.
    pub(crate) fn drop_unseen(&mut self, index: usize) {
        self.drop_outcome(index, Dropped::Unseen);
    }

    pub(super) fn drop_outcome(&mut self, index: usize, why: Dropped) {
        if let Some(cell) = self.forget(index) {
            // SAFETY: a cell that has arrived was the list's; it is forgotten.
            unsafe { later::discard(cell, why) };
        }
    }

    fn forget(&mut self, index: usize) -> Option<CellRef> {
        let cell = self.cell(index, State::Arrived)?;
        // SAFETY: as in `slot`.
        unsafe { (*self.slots.at(index)).state = State::Taken };
        Some(cell)
    }

    /// Whether an item has not come.
    pub(crate) fn is_pending(&self, index: usize) -> bool {
        self.cell(index, State::Pending).is_some()
    }

    /// Cancels all items that have not come, and starts no more.
    pub(crate) fn cancel_pending(&mut self) {
        let rest = self.halt(); // cancelled before they are abandoned
        for index in self.indices() {
            if let Some(cell) = self.cell(index, State::Pending) {
                // SAFETY: the cells of a list live until it takes them.
                unsafe { cancel_root(cell.root()) };
            }
        }
        later::drop_user(rest);
    }

    /// Cancels the items that have not come and that are not to go on where nobody has them.
    pub(super) fn cancel_fragile(&mut self) {
        for index in self.indices() {
            if let Some(cell) = self.cell(index, State::Pending) {
                // SAFETY: the cells of a list live until it takes them, and the root as long as its tail.
                unsafe {
                    if cell.root().header().vtable().fragile {
                        cancel_root(cell.root());
                    }
                }
            }
        }
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
        true => unsafe { header.place.take(kind) },
        false => Box::new(header.place.made(kind)), // a late producer may be at work
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
