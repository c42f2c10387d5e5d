//! The first item of a list that settles.

use std::panic::Location;

use super::{AsyncList, FirstFailure, let_go};
use crate::cell::{Collector, Items, Origin, Producer, ThisThread};
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
    /// were settled before they came into the list, the one with the lowest index. One that was cancelled
    /// gives way to one that has failed by then, since that may be the cause. The race of nothing
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
        self.race_as(Location::caller(), |_, value| value)
    }

    /// One promise of what `finish`, which is of ours, makes of the winner's value and its index.
    pub(super) fn race_as<U: Send + 'static>(
        self,
        location: &'static Location<'static>,
        finish: impl FnOnce(usize, T) -> U + Send + 'static,
    ) -> Promise<U, E> {
        self.settle_by::<Raced, _, _, _>(location, |producer| Race {
            open: Some((producer, finish)),
            first: FirstFailure::default(),
            value: None,
        })
    }
}

struct Race<U, E, F> {
    /// `None` once it is settled.
    open: Option<(Producer<U, E>, F)>,
    first: FirstFailure,
    /// The first item with a value, if one that was cancelled came before it.
    value: Option<usize>,
}

impl<U: Send + 'static, E: Send + 'static, F: 'static> Race<U, E, F> {
    /// This item has won.
    fn won_by<T: Send + 'static>(&mut self, items: &mut Items<T, E>, index: usize)
    where
        F: FnOnce(usize, T) -> U,
    {
        let Some((producer, finish)) = self.open.take() else { return };
        let number = items.number(index);
        let first = items.take_with_trace(index);
        let_go(items);
        if let Some((outcome, way)) = first {
            let outcome = match outcome {
                Ok(value) => Ok(finish(number, value)),
                Err(failure) => {
                    ThisThread::drop_user(finish);
                    Err(failure)
                }
            };
            producer.settle_by_way(outcome, way, number);
        }
    }
}

impl<T, U, E, F> Collector<T, E> for Race<U, E, F>
where
    T: Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
    F: FnOnce(usize, T) -> U + Send + 'static,
{
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if self.open.is_none() {
            return self.first.drop_late(items, index);
        }
        if items.is_failed(index) {
            if let Some(index) = self.first.came(items, index) {
                self.won_by(items, self.value.unwrap_or(index));
            }
        } else if self.first.is_open() {
            self.value.get_or_insert(index);
        } else {
            self.won_by(items, index);
        }
    }

    fn all_seen(&mut self, items: &mut Items<T, E>) {
        if let Some(index) = self.first.all_seen() {
            self.won_by(items, index);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {
        if let Some((producer, finish)) = self.open.take() {
            ThisThread::drop_user(finish);
            producer.settle(Err(Failure::Empty));
        }
    }

    fn closed(&mut self, _: &mut Items<T, E>, failure: Failure<E>) {
        if let Some((producer, finish)) = self.open.take() {
            ThisThread::drop_user(finish);
            producer.settle(Err(failure));
        }
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        ThisThread::drop_user(self.open.take());
        let_go(items);
    }
}
