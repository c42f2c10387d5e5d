//! What happens to a list that nobody holds any more, and why it may end early.

use super::items::Items;
use crate::failure::Failure;

/// What happens to a list. Called with the right to drain, on the settling thread.
pub(crate) trait Policy<T, E>: Send {
    /// The list was handed over; nothing has come yet, as far as the policy knows.
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
    /// Of which items it need not be told, as things stand: these cost less.
    fn tallied(&self) -> Tallied {
        Tallied::Nothing
    }
    /// Somebody outside has ended the list, by an [`Ender`](super::Ender): the result is to be this failure.
    fn ended(&mut self, items: &mut Items<T, E>, _failure: Failure<E>) {
        self.cancelled(items);
    }
}

/// The items that are only counted as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tallied {
    /// None.
    Nothing,
    /// Those that have not failed.
    Values,
    /// All.
    Outcomes,
}

/// Why a list is ended before all items have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nobody wants the result any more.
    Unwanted = 1,
    /// Somebody has cancelled it from outside.
    Cancelled,
    /// Its time is over.
    TimedOut,
    /// There is nobody who could tell it that its time is over.
    Abandoned,
}
