//! The first item of a list that has a value.

use std::panic::Location;

use super::{AllFailed, AsyncList, let_go};
use crate::cell::{Items, Origin, Policy, Producer};
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
        self.settle_by::<Any, _, _, _>(Location::caller(), |producer| FirstValue {
            open: Some(producer),
        })
    }
}

struct FirstValue<T, E> {
    /// `None` once it is settled.
    open: Option<Producer<T, AllFailed<E>>>,
}

impl<T: Send + 'static, E: Send + 'static> Policy<T, E> for FirstValue<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if self.open.is_none() {
            return items.discard(index);
        }
        if items.is_failed(index) {
            return; // kept until it is clear whether all fail
        }
        let first = items.take(index);
        let_go(items);
        if let (Some(producer), Some(Ok(value))) = (self.open.take(), first) {
            producer.settle(Ok(value));
        }
    }

    fn complete(&mut self, items: &mut Items<T, E>) {
        let Some(producer) = self.open.take() else { return };
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
    fn ended(&mut self, items: &mut Items<T, E>, _: Failure<E>) {
        self.complete(items);
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.open = None;
        let_go(items);
    }
}
