//! All outcomes of a list, whatever they are.

use std::panic::Location;

use super::{AsyncList, let_go};
use crate::cell::{Collector, Items, Origin, Producer};
use crate::failure::{Failure, Outcome, drop_quietly};
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
        self.settled_as(Location::caller(), |outcomes| outcomes)
    }

    /// One promise of what `finish`, which is of ours, makes of all outcomes.
    pub(super) fn settled_as<U: Send + 'static>(
        self,
        location: &'static Location<'static>,
        finish: impl FnOnce(Vec<Outcome<T, E>>) -> U + Send + 'static,
    ) -> Promise<U, E> {
        self.settle_by::<Gathered, _, _, _>(location, |producer| Settled {
            open: Some((producer, finish)),
        })
    }
}

struct Settled<U, E, F> {
    /// `None` once it is cancelled.
    open: Option<(Producer<U, E>, F)>,
}

impl<T, U, E, F> Collector<T, E> for Settled<U, E, F>
where
    T: Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
    F: FnOnce(Vec<Outcome<T, E>>) -> U + Send,
{
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if self.open.is_none() {
            items.discard(index);
        }
    }

    fn counts_values(&self) -> bool {
        self.open.is_some()
    }

    fn complete(&mut self, items: &mut Items<T, E>) {
        if let Some((producer, finish)) = self.open.take() {
            producer.settle(Ok(finish(items.take_all())));
        }
    }

    /// What has not come counts as cancelled.
    fn closed(&mut self, items: &mut Items<T, E>, _: Failure<E>) {
        self.complete(items);
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        drop_quietly(self.open.take());
        let_go(items);
    }
}
