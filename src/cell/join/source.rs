//! Lists that grow while they go on: their items come from a source, one at a time.
//!
//! The source makes items ahead of what settles them. Only the driver of a list adds to it; it asks the
//! source each time it looks for an item that has come. So a list is complete when all its items have
//! come, also while it grows: as long as there may be more, one of them is pending.

use std::any::Any;

use super::items::Items;
use super::slot::{Slot, State};
use crate::cell::state::header::Dropped;
use crate::cell::work::consumer::Consumer;
use crate::sync::Arc;

/// What is left of a source that has been halted; user code is dropped with it.
pub(crate) type Rest = Option<Box<dyn Any + Send>>;

/// Where a list has its items from. Nothing here runs user code.
pub(crate) trait Source<T, E>: Send + Sync {
    /// The next item, if another one is wanted ahead, and its place in a list of `len`: a place that
    /// [`taken`](Self::taken) has named, or the next one.
    fn more(&self, len: usize) -> Option<(usize, Consumer<T, E>)>;
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

impl<T, E> Items<T, E> {
    /// Adds the items that the source wants to have ahead.
    pub(super) fn refill(&mut self) {
        while let Some(source) = &self.source {
            let Some((place, item)) = source.more(self.slots.len()) else { return };
            self.watch(place, item); // new, so nobody has looked at it or cancelled it
        }
    }

    /// Drops an item that has come but does not count.
    pub(super) fn drop_surplus(&mut self, index: usize) -> bool {
        let Some(source) = &self.source else { return false };
        let slot: &Slot = self.slots.get(index);
        if slot.state() == State::Void {
            return true; // seen before the list was rewound
        }
        if source.number(index).is_some() {
            return false;
        }
        slot.discard(Dropped::Unseen); // abandoned, which is not reported
        slot.set_void();
        self.void += 1;
        self.arrived -= 1;
        true
    }

    /// Where more items come from.
    pub(crate) fn source(&self) -> Option<&Arc<dyn Source<T, E>>> {
        self.source.as_ref()
    }

    /// Items are taken for good, each one soon: their places are used again from now on, so that the
    /// list grows no more however many there are.
    pub(crate) fn recycle(&mut self) {
        let Some(source) = &self.source else { return };
        self.recycles = true;
        source.recycle();
        let places = self.slots.each().zip(0..);
        places
            .filter(|(slot, _)| slot.state() == State::Taken)
            .for_each(|(_, at)| source.taken(at));
    }

    /// Has the source start nothing more. Items that were not started are abandoned with the rest.
    pub(crate) fn halt(&self) -> Rest {
        self.source.as_ref().and_then(|source| source.halt())
    }
}
