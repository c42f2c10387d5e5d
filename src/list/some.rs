//! The first few items of a list that have values.

use std::panic::Location;

use super::{AllFailed, AsyncList, let_go};
use crate::cell::{Collector, Items, Origin, Producer, ThisThread};
use crate::failure::Failure;
use crate::promise::Promise;

struct Few;

impl Origin for Few {
    const KIND: &'static str = "some";
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// One promise of the first `n` values, in the order of completion.
    ///
    /// `some(0)` is an empty `Vec`, at once. As soon as `n` values are not to be had any more, and so
    /// at once where `n` is larger than the list, it fails with an [`AllFailed`]. Either way the rest
    /// is cancelled before that is seen. An `AllFailed` has the failures up to then, in input order,
    /// without those of items that were cancelled.
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    ///
    /// let (_never, never) = Promise::<u8, &str>::deferred();
    /// let replicas = [never, Promise::failed("down"), Promise::ready(1), Promise::ready(2)];
    /// let mut quorum = AsyncList::from_iter(replicas).some(2);
    /// assert_eq!(quorum.get(None).unwrap(), [1, 2]);
    /// ```
    #[track_caller]
    pub fn some(self, n: usize) -> Promise<Vec<T>, AllFailed<E>> {
        self.some_as(Location::caller(), n, |_, value| value)
    }

    /// One promise of what `finish`, which is of ours, makes of each of the first values and its index.
    pub(super) fn some_as<U: Send + 'static>(
        self,
        location: &'static Location<'static>,
        n: usize,
        finish: impl FnMut(usize, T) -> U + Send + 'static,
    ) -> Promise<Vec<U>, AllFailed<E>> {
        self.settle_by::<Few, _, _, _>(location, |producer| FirstValues {
            open: Some((producer, finish)),
            wanted: n,
            found: Vec::new(),
            failed: 0,
        })
    }
}

/// What is settled, and what makes each of its values.
type Open<U, E, F> = (Producer<Vec<U>, AllFailed<E>>, F);

struct FirstValues<U, E, F> {
    /// `None` once it is settled.
    open: Option<Open<U, E, F>>,
    wanted: usize,
    /// The items that have values, in the order of completion.
    found: Vec<usize>,
    failed: usize,
}

impl<U: Send + 'static, E: Send + 'static, F: 'static> FirstValues<U, E, F> {
    /// Settles if it is clear now how it ends. A list that grows may have more at any time.
    fn decide<T: Send + 'static>(&mut self, items: &mut Items<T, E>)
    where
        F: FnMut(usize, T) -> U,
    {
        let possible = items.grows() || items.len().saturating_sub(self.failed) >= self.wanted;
        if self.found.len() == self.wanted || !possible {
            self.settle(items);
        }
    }

    fn settle<T: Send + 'static>(&mut self, items: &mut Items<T, E>)
    where
        F: FnMut(usize, T) -> U,
    {
        let Some((producer, mut finish)) = self.open.take() else { return };
        let outcome = match self.found.len() == self.wanted {
            true => Ok(self.values(items, &mut finish)),
            false => Err(self.failure(items)),
        };
        let_go(items);
        ThisThread::drop_user(finish);
        producer.settle(outcome);
    }

    fn values<T: Send + 'static>(&self, items: &mut Items<T, E>, finish: &mut F) -> Vec<U>
    where
        F: FnMut(usize, T) -> U,
    {
        let value = |&index: &usize| {
            let number = items.number(index);
            Some(finish(number, items.take(index)?.ok()?))
        };
        self.found.iter().filter_map(value).collect()
    }

    fn failure<T: Send + 'static>(&self, items: &mut Items<T, E>) -> Failure<AllFailed<E>> {
        let mut failures = Vec::with_capacity(self.failed);
        for index in items.indices() {
            if items.is_failed(index) {
                let number = items.number(index);
                failures.extend(items.take(index).and_then(Result::err).map(|why| (number, why)));
            }
        }
        failures.retain(|(_, failure)| !failure.is_cancelled());
        Failure::Error(AllFailed::new(self.wanted, items.len(), failures))
    }
}

impl<T, U, E, F> Collector<T, E> for FirstValues<U, E, F>
where
    T: Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
    F: FnMut(usize, T) -> U + Send + 'static,
{
    fn begin(&mut self, items: &mut Items<T, E>) {
        self.decide(items);
    }

    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if self.open.is_none() {
            return items.discard(index);
        }
        if items.is_failed(index) {
            self.failed += 1;
        } else {
            self.found.push(index);
        }
        self.decide(items);
    }

    fn complete(&mut self, items: &mut Items<T, E>) {
        self.settle(items);
    }

    fn closed(&mut self, items: &mut Items<T, E>, _: Failure<E>) {
        self.settle(items);
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        ThisThread::drop_user(self.open.take());
        let_go(items);
    }
}
