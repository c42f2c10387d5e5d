//! The first item of a list that has a value.

use std::panic::Location;

use super::{AllFailed, AsyncList, let_go};
use crate::cell::{Collector, Items, Origin, Producer, ThisThread};
use crate::failure::Failure;
use crate::promise::Promise;

struct Any;

impl Origin for Any {
    const KIND: &'static str = "any";
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// One promise of the first value; the others are cancelled before it is seen.
    ///
    /// Failures before it do not matter, and are not reported as unseen. If all items fail, it fails
    /// with an [`AllFailed`] that has every failure, in input order. Of nothing it fails with
    /// [`Failure::Empty`]. What first means [`race`](Self::race) says.
    ///
    /// ```
    /// use asynckit::{AsyncList, Failure, Promise};
    ///
    /// let down = || Promise::<i32, &str>::failed("down");
    /// let mirrors: AsyncList<i32, &str> = [down(), Promise::ready(7)].into_iter().collect();
    /// assert_eq!(mirrors.any().get(None).unwrap(), 7);
    ///
    /// let mirrors: AsyncList<i32, &str> = [down(), down()].into_iter().collect();
    /// let Err(Failure::Error(all)) = mirrors.any().get(None) else { unreachable!() };
    /// assert_eq!(all.failures().len(), 2);
    /// ```
    #[track_caller]
    pub fn any(self) -> Promise<T, AllFailed<E>> {
        self.any_as(Location::caller(), |_, value| value)
    }

    /// One promise of what `finish`, which is of ours, makes of the first value and its index.
    pub(super) fn any_as<U: Send + 'static>(
        self,
        location: &'static Location<'static>,
        finish: impl FnOnce(usize, T) -> U + Send + 'static,
    ) -> Promise<U, AllFailed<E>> {
        self.settle_by::<Any, _, _, _>(location, |producer| FirstValue {
            open: Some((producer, finish)),
        })
    }
}

struct FirstValue<U, E, F> {
    /// `None` once it is settled.
    open: Option<(Producer<U, AllFailed<E>>, F)>,
}

impl<T, U, E, F> Collector<T, E> for FirstValue<U, E, F>
where
    T: Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
    F: FnOnce(usize, T) -> U + Send + 'static,
{
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if self.open.is_none() {
            return items.discard(index);
        }
        if items.is_failed(index) {
            return; // kept until it is clear whether all fail
        }
        let (number, first) = (items.number(index), items.take(index));
        let_go(items);
        if let (Some((producer, finish)), Some(Ok(value))) = (self.open.take(), first) {
            producer.settle(Ok(finish(number, value)));
        }
    }

    fn complete(&mut self, items: &mut Items<T, E>) {
        let Some((producer, finish)) = self.open.take() else { return };
        ThisThread::drop_user(finish);
        let outcomes = items.take_all().into_iter().enumerate();
        let failures: Vec<_> =
            outcomes.filter_map(|(index, outcome)| Some((index, outcome.err()?))).collect();
        let failure = match failures.len() {
            0 => Failure::Empty,
            items => Failure::Error(AllFailed::new(1, items, failures)),
        };
        producer.settle(Err(failure));
    }

    /// What has not come counts as cancelled.
    fn closed(&mut self, items: &mut Items<T, E>, _: Failure<E>) {
        self.complete(items);
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        ThisThread::drop_user(self.open.take());
        let_go(items);
    }
}
