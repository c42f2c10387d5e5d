//! All outcomes of a list, whatever they are.

use std::panic::Location;

use super::AsyncList;
use crate::cell::{Items, Origin, Policy, Producer};
use crate::failure::Outcome;
use crate::promise::Promise;

struct Gathered;

impl Origin for Gathered {
    const KIND: &'static str = "settled";
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// One promise of all outcomes, in input order; it never fails, and cancels nothing by itself.
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    ///
    /// let list: AsyncList<i32, &str> = [Promise::ready(1), Promise::failed("no")].into_iter().collect();
    /// let outcomes = list.settled().get(None).unwrap();
    /// assert!(outcomes[0].is_ok() && outcomes[1].is_err());
    /// ```
    #[track_caller]
    pub fn settled(self) -> Promise<Vec<Outcome<T, E>>, E> {
        self.settle_by::<Gathered, _, _>(Location::caller(), |producer| Settled { producer })
    }
}

struct Settled<T, E> {
    producer: Option<Producer<Vec<Outcome<T, E>>, E>>,
}

impl<T: Send + 'static, E: Send + 'static> Policy<T, E> for Settled<T, E> {
    fn arrived(&mut self, _: &mut Items<T, E>, _: usize) {}

    fn complete(&mut self, items: &mut Items<T, E>) {
        if let Some(producer) = self.producer.take() {
            producer.settle(Ok(items.take_all()));
        }
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.producer = None;
        items.cancel_pending();
    }
}
