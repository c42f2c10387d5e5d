//! The first item of a list that settles.

use std::panic::Location;

use super::AsyncList;
use crate::cell::{Items, Origin, Policy, Producer};
use crate::failure::Failure;
use crate::promise::Promise;

struct Raced;

impl Origin for Raced {
    const KIND: &'static str = "race";
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// One promise of the item that settles first, with a value or a failure.
    ///
    /// The others are cancelled before its outcome is seen. First means first in time; of items that
    /// were settled before they came into the list, the one with the lowest index. The race of nothing
    /// fails with [`Failure::Empty`]. Use [`any`](Self::any) where a failure is not to win. It needs no
    /// worker, and leaves nothing behind on those that lose.
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    ///
    /// let (_slow, slow) = Promise::deferred();
    /// let list: AsyncList<&str> = [slow, Promise::ready("fast")].into_iter().collect();
    /// assert_eq!(list.race().get(None)?, "fast");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn race(self) -> Promise<T, E> {
        self.settle_by::<Raced, _, _, _>(Location::caller(), |producer| Race {
            open: Some(producer),
        })
    }
}

struct Race<T, E> {
    /// `None` once it is settled.
    open: Option<Producer<T, E>>,
}

impl<T: Send + 'static, E: Send + 'static> Policy<T, E> for Race<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        let Some(producer) = self.open.take() else { return items.discard(index) };
        let number = items.number(index);
        let first = items.take_with_trace(index);
        items.cancel_pending();
        if let Some((outcome, way)) = first {
            producer.settle_by_way(outcome, way, number);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {
        if let Some(producer) = self.open.take() {
            producer.settle(Err(Failure::Empty));
        }
    }

    fn ended(&mut self, _: &mut Items<T, E>, failure: Failure<E>) {
        if let Some(producer) = self.open.take() {
            producer.settle(Err(failure));
        }
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.open = None;
        items.cancel_pending();
    }
}
