//! All outcomes of a list, whatever they are.

use std::panic::Location;

use super::{AllFailed, AsyncList, let_go};
use crate::cell::{Collector, Items, Origin, Producer, ThisThread};
use crate::failure::{Failure, Outcome};
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
        let finish = |outcomes| Ok(finish(outcomes));
        self.settle_by::<Gathered, _, _, _>(location, |producer| Settled {
            open: Some((producer, finish)),
        })
    }

    /// One promise of all values, in input order, which waits for all; a failure cancels nothing, and all of them come
    /// together.
    ///
    /// As `Task.WhenAll` of .NET, with its `AggregateException`: nothing is left running when it has failed, and no
    /// failure is lost. [`join`](Self::join) fails at once, and cancels the rest.
    ///
    /// # Errors
    /// [`AllFailed`], with each failure and its index; a cancelled item is one of them.
    ///
    /// ```
    /// use asynckit::{AsyncList, Failure, Promise};
    ///
    /// let writes: AsyncList<(), &str> = ["a", "b"].map(Promise::failed).into_iter().collect();
    /// let Err(Failure::Error(all)) = writes.join_all().get(None) else { unreachable!() };
    /// assert_eq!((all.indices(), all.failures().len()), (&[0, 1][..], 2));
    /// ```
    #[track_caller]
    pub fn join_all(self) -> Promise<Vec<T>, AllFailed<E>> {
        self.join_all_as(Location::caller(), |values| values)
    }

    /// One promise of what `finish`, which is of ours, makes of all values.
    pub(super) fn join_all_as<U: Send + 'static>(
        self,
        location: &'static Location<'static>,
        finish: impl FnOnce(Vec<T>) -> U + Send + 'static,
    ) -> Promise<U, AllFailed<E>> {
        let finish = |outcomes| match values_or_failures(outcomes) {
            Ok(values) => Ok(finish(values)),
            Err(failure) => {
                ThisThread::drop_user(finish);
                Err(failure)
            }
        };
        self.settle_by::<JoinedAll, _, _, _>(location, |producer| Settled {
            open: Some((producer, finish)),
        })
    }
}

struct JoinedAll;

impl Origin for JoinedAll {
    const KIND: &'static str = "join_all";
}

fn values_or_failures<T: 'static, E>(
    outcomes: Vec<Outcome<T, E>>,
) -> Outcome<Vec<T>, AllFailed<E>> {
    let (count, mut failures) = (outcomes.len(), Vec::new());
    let mut values = Vec::with_capacity(count);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(value) => values.push(value),
            Err(failure) => failures.push((index, failure)),
        }
    }
    if failures.is_empty() {
        return Ok(values);
    }
    ThisThread::drop_user(values);
    Err(Failure::Error(AllFailed::new(count, count, failures)))
}

struct Settled<U, X, F> {
    /// `None` once it is cancelled.
    open: Option<(Producer<U, X>, F)>,
}

impl<T, U, E, X, F> Collector<T, E> for Settled<U, X, F>
where
    T: Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
    X: Send + 'static,
    F: FnOnce(Vec<Outcome<T, E>>) -> Outcome<U, X> + Send + 'static,
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
            producer.settle(finish(items.take_all()));
        }
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
