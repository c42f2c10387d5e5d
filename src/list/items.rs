//! What lists make of their items, beyond what the core knows of them.

use crate::cell::Items;
use crate::failure::{Failure, Outcome};

impl<T, E> Items<T, E> {
    /// Whether an item has come cancelled, by whoever it was.
    pub(crate) fn is_cancelled(&self, index: usize) -> bool {
        self.failure_again(index).is_some_and(|failure| failure.is_cancelled())
    }

    /// The failure of an item that has come, if nothing of the user's is in it: it stays there.
    pub(crate) fn failure_again(&self, index: usize) -> Option<Failure<E>> {
        match self.outcome(index) {
            Some(outcome) => outcome.as_ref().err()?.again(),
            None => self.has(index).then_some(Failure::Cancelled),
        }
    }

    /// Takes the outcomes of all items, in their order, once and for all; one that has not come counts as cancelled.
    pub(crate) fn take_all(&mut self) -> Vec<Outcome<T, E>> {
        let mut outcomes = Vec::with_capacity(self.indices().len());
        outcomes.extend(self.take_each());
        outcomes
    }

    /// Takes the values of all items, which have come, in their order, or the first failure.
    pub(crate) fn take_values(&mut self) -> Outcome<Vec<T>, E> {
        let mut values = Vec::with_capacity(self.indices().len());
        self.take_each().try_for_each(|outcome| {
            values.push(outcome?);
            Ok::<_, Failure<E>>(())
        })?;
        Ok(values)
    }

    /// Which one in the order of the inputs an item is: its index, but where places are used again.
    pub(crate) fn number(&self, index: usize) -> usize {
        let number = self.source().and_then(|source| source.number(index));
        number.unwrap_or(index)
    }

    /// Whether more items may come, as far as the driver knows.
    pub(crate) fn grows(&self) -> bool {
        self.source().is_some() && !self.is_complete()
    }

    /// A failed item does not keep the source from starting others any more.
    pub(crate) fn carry_on(&self) {
        self.source().iter().for_each(|source| source.carry_on());
    }
}
