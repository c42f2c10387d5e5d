//! Which failure is that of a whole list.

use crate::cell::Items;

/// The first failure in time, except that a cancellation gives way to a failure that has come by then:
/// that may have caused it.
#[derive(Default)]
pub(crate) struct FirstFailure {
    /// The first item that has come cancelled, as long as nothing has been decided.
    held: Option<usize>,
    /// A cancellation was the failure of the list.
    was_cancelled: bool,
}

impl FirstFailure {
    /// An item has come with a failure. Gives the item that decides, if it is clear which.
    pub(crate) fn came<T, E>(&mut self, items: &Items<T, E>, index: usize) -> Option<usize> {
        if !items.is_cancelled(index) {
            return Some(index);
        }
        self.held.get_or_insert(index);
        None
    }

    /// Nothing else has come so far. Gives the item that decides, if there is one.
    pub(crate) fn all_seen(&mut self) -> Option<usize> {
        self.was_cancelled |= self.held.is_some();
        self.held.take()
    }

    /// An item has come cancelled, and nothing has been decided.
    pub(crate) fn is_open(&self) -> bool {
        self.held.is_some()
    }

    /// Drops an item that has come when the list was settled. A failure behind a cancellation may be
    /// what caused it, and is reported.
    pub(crate) fn drop_late<T, E>(&self, items: &mut Items<T, E>, index: usize) {
        if self.was_cancelled { items.drop_unseen(index) } else { items.discard(index) }
    }
}
