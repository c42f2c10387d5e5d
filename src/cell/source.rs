//! Lists that grow while they go on: their items come from a source, one at a time.
//!
//! The source makes items ahead of what settles them. Only whoever has the right to drain a list
//! adds to it; it asks the source each time it looks for an item that has come. So a list is complete
//! when all its items have come, also while it grows: as long as there may be more, one of them is
//! pending.

use std::any::Any;

use super::consumer::{self, Consumer};
use super::items::Items;
use super::observer::Target;
use super::slots::State;
use crate::sync::Arc;

/// What is left of a source that has been halted; user code is dropped with it.
pub(crate) type Rest = Option<Box<dyn Any + Send>>;

/// Where a list has its items from. Nothing here runs user code.
pub(crate) trait Source<T, E>: Send + Sync {
    /// The next item, if another one is wanted ahead: its place in the list will be this.
    fn more(&self, place: usize) -> Option<Consumer<T, E>>;
    /// The number of the item in this place, among its own. `None`: it was made in vain, because
    /// there is no input for it, and does not count.
    fn number(&self, place: usize) -> Option<usize>;
    /// How many items there are, as far as that is known.
    fn known(&self) -> usize;
    /// How many items are known to have been made in vain, and how many are known to come yet.
    fn surplus_and_missing(&self) -> (usize, usize);
    /// A failed item does not keep others from being started any more.
    fn carry_on(&self);
    /// Places are used again, so that an item is made ahead for each one that was taken.
    fn recycle(&self);
    /// Each item that comes is acted on at once, those that have come before too: it is told which.
    fn watch(&self);
    /// The item in this place is acted on.
    fn seen(&self, place: usize);
    /// The item in this place was taken.
    fn taken(&self, place: usize);
    /// Starts nothing more. What is left is dropped by the caller: then the items that were not
    /// started are abandoned.
    fn halt(&self) -> Rest;
}

/// What a list that has a source needs to know.
pub(super) struct Supply<T, E> {
    source: Arc<dyn Source<T, E>>,
    target: *const Target,
    /// Whether the places of items that were taken are used again.
    recycles: bool,
    /// Whether a policy has the list.
    watched: bool,
    free: Vec<usize>,
    /// How many items that do not count have come.
    void: usize,
}

impl<T, E> Items<T, E> {
    /// Gives the list a source, whose items tell the list with this target.
    pub(super) fn set_source(&mut self, source: Arc<dyn Source<T, E>>, target: *const Target) {
        let (recycles, watched, free, void) = (false, false, Vec::new(), 0);
        self.supply = Some(Box::new(Supply { source, target, recycles, watched, free, void }));
        self.refill();
    }

    /// Adds the items that the source wants to have ahead.
    pub(super) fn refill(&mut self) {
        let Some(supply) = &mut self.supply else { return };
        loop {
            let place = supply.free.last().copied().unwrap_or(self.slots.len());
            let Some(item) = supply.source.more(place) else { return };
            let cell = item.into_cell(); // new, so nobody has looked at it or cancelled it
            let slot = if supply.free.pop().is_some() {
                self.arrived -= 1;
                self.slots.reuse(place, cell)
            } else {
                self.slots.push(supply.target, cell)
            };
            // SAFETY: as in `Gather::watch`.
            unsafe { consumer::observe(cell, slot.cast()) };
        }
    }
}

impl<T, E> Items<T, E> {
    /// Which one in the order of the inputs an item is: its index, but where places are used again.
    pub(crate) fn number(&self, index: usize) -> usize {
        let number = self.supply.as_ref().and_then(|supply| supply.source.number(index));
        number.unwrap_or(index)
    }

    /// Drops an item that has come but does not count.
    pub(super) fn drop_surplus(&mut self, index: usize) -> bool {
        if self.slots.state(index) == State::Void {
            return true; // seen before the list was rewound
        }
        let Some(supply) = &mut self.supply else { return false };
        if supply.source.number(index).is_some() {
            return false;
        }
        supply.void += 1;
        self.arrived -= 1;
        self.drop_unseen(index); // abandoned, which is not reported
        self.slots.set_void(index);
        true
    }

    /// An item was taken.
    pub(super) fn vacate(&mut self, index: usize) {
        if let Some(supply) = &mut self.supply {
            if supply.recycles {
                supply.free.push(index);
                supply.source.taken(index);
            }
        }
    }

    /// A policy acts on each item as it comes, from the first one on.
    pub(super) fn watch(&mut self) {
        if let Some(supply) = &mut self.supply {
            supply.watched = true;
            supply.source.watch();
        }
    }

    /// An item goes to the policy, if there is one.
    pub(super) fn seen(&self, index: usize) {
        if let Some(supply) = self.supply.as_ref().filter(|supply| supply.watched) {
            supply.source.seen(index);
        }
    }

    /// Where more items come from.
    pub(crate) fn source(&self) -> Option<Arc<dyn Source<T, E>>> {
        self.supply.as_ref().map(|supply| Arc::clone(&supply.source))
    }

    /// Whether more items may come, as far as the drainer knows.
    pub(crate) fn grows(&self) -> bool {
        self.supply.is_some() && !self.is_complete()
    }

    /// Whether the places of items that were taken are used again.
    pub(super) fn recycles(&self) -> bool {
        self.supply.as_ref().is_some_and(|supply| supply.recycles)
    }

    /// How many items have come that do not count.
    pub(super) fn void(&self) -> usize {
        self.supply.as_ref().map_or(0, |supply| supply.void)
    }

    /// How many items are known to have been made in vain, and how many are known to come yet.
    pub(super) fn surplus_and_missing(&self) -> (usize, usize) {
        self.supply.as_ref().map_or((0, 0), |supply| supply.source.surplus_and_missing())
    }

    /// A failed item does not keep the source from starting others any more.
    pub(crate) fn carry_on(&self) {
        if let Some(supply) = &self.supply {
            supply.source.carry_on();
        }
    }

    /// Items are taken for good, each one soon: their places are used again from now on, so that the
    /// list grows no more however many there are.
    pub(crate) fn recycle(&mut self) {
        let Some(supply) = &mut self.supply else { return };
        supply.recycles = true;
        supply.source.recycle();
        let taken = |index: &usize| self.slots.state(*index) == State::Taken;
        supply.free = (0..self.slots.len()).filter(taken).collect();
        supply.free.iter().for_each(|index| supply.source.taken(*index));
    }

    /// Has the source start nothing more. Items that were not started are abandoned with the rest.
    pub(crate) fn halt(&self) -> Rest {
        self.supply.as_ref().and_then(|supply| supply.source.halt())
    }
}
