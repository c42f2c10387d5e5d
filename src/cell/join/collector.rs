//! What becomes of a list that has no handle any more, and why it may be closed early.

use super::items::Items;
use crate::failure::Failure;

/// What is done with a list's items. Called by the driver, on the settling thread.
pub(crate) trait Collector<T, E>: Send {
    /// The list was handed over; nothing has come yet, as far as the collector knows.
    fn begin(&mut self, _: &mut Items<T, E>) {}
    /// An item has come; they come in the order of time.
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize);
    /// Nothing else has come so far.
    fn all_seen(&mut self, _: &mut Items<T, E>) {}
    /// All items have come.
    fn complete(&mut self, items: &mut Items<T, E>);
    /// Nobody wants the result any more.
    fn cancelled(&mut self, items: &mut Items<T, E>);
    /// Whether the first failure ends it: then a list that grows starts nothing behind one.
    fn ends_at_failure(&self) -> bool {
        false
    }
    /// Whether it need not be told of items that have values, as things stand: these cost less.
    fn counts_values(&self) -> bool {
        false
    }
    /// The list was closed from outside, by a [`Closer`](super::Closer): the result is to be this failure.
    fn closed(&mut self, items: &mut Items<T, E>, _failure: Failure<E>) {
        self.cancelled(items);
    }
}

/// Why a list is closed before all items have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// Nobody wants the result any more.
    Unwanted,
    /// It was cancelled from outside.
    Cancelled,
    /// Its time is over.
    TimedOut,
    /// There is nothing that could tell it that its time is over.
    Abandoned,
}
