//! All values of a list as one promise, and what comes after it.

use std::future::IntoFuture;
use std::panic::Location;

use super::{AsyncList, FirstFailure, let_go};
use crate::cell::{CloseReason, Collector, Items, Origin, Producer, ThisThread};
use crate::failure::{Failure, Outcome};
use crate::promise::{IntoPromise, Promise};
use crate::value::AsyncValue;

struct Joined;

impl Origin for Joined {
    const KIND: &'static str = "join";
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// One promise of all values, in input order.
    ///
    /// The first failure in time is its failure, and cancels what is pending, before it is seen; a
    /// cancelled item gives way to one that has failed by then, since that may be the cause. Of an
    /// empty list it is an empty `Vec`, at once. Joining needs no worker.
    ///
    /// ```
    /// use asynckit::{AsyncList, Pool};
    ///
    /// let pool = Pool::new(2);
    /// let list: AsyncList<_> = (1..=3).map(|n| pool.run(move || n)).collect();
    /// assert_eq!(list.join().map(|all| all.len()).get(None)?, 3);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn join(self) -> Promise<Vec<T>, E> {
        self.join_as(Location::caller(), |values| values)
    }

    /// One promise of what `finish`, which is of ours, makes of all values.
    pub(crate) fn join_as<U: Send + 'static>(
        self,
        location: &'static Location<'static>,
        finish: impl FnOnce(Vec<T>) -> U + Send + 'static,
    ) -> Promise<U, E> {
        self.settle_by::<Joined, _, _, _>(location, |producer| Join {
            open: Some((producer, finish)),
            first: FirstFailure::default(),
        })
    }

    /// Gives the list to a collector that settles a promise.
    pub(super) fn settle_by<O: Origin, U, X, P>(
        self,
        location: &'static Location<'static>,
        collector: impl FnOnce(Producer<U, X>) -> P,
    ) -> Promise<U, X>
    where
        U: Send + 'static,
        X: Send + 'static,
        P: Collector<T, E> + 'static,
    {
        let cancelled = self.is_cancelled();
        let (gather, executor) = self.into_gather();
        let closer = gather.closer();
        let (mut producer, consumer) = Producer::pair::<O>(location);
        producer.waits_for(gather.canceller());
        gather.hand_to(Box::new(collector(producer)));
        if cancelled {
            closer.close(CloseReason::Cancelled);
        }
        Promise::new(consumer, executor)
    }

    /// Continues with all values; see [`join`](Self::join) and [`Promise::then`].
    #[track_caller]
    pub fn then<R, F>(self, f: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(Vec<T>) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.join().then(f)
    }

    /// Queues `work`, which gets all values; see [`join`](Self::join) and [`Promise::chain`].
    #[track_caller]
    pub fn chain<R, F>(self, work: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(Vec<T>) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.join().chain(work)
    }

    /// Changes all values, by a function that cannot fail; see [`join`](Self::join).
    #[track_caller]
    pub fn map<U, F>(self, f: F) -> Promise<U, E>
    where
        F: FnOnce(Vec<T>) -> U + Send + 'static,
        U: Send + 'static,
    {
        self.join().map(f)
    }

    /// Makes all values readable by many; see [`join`](Self::join) and [`Promise::share`].
    #[track_caller]
    pub fn share(self) -> AsyncValue<Vec<T>, E>
    where
        T: Sync,
        E: Clone + Sync,
    {
        self.join().share()
    }
}

/// The first failure, or all values.
struct Join<U, E, F> {
    /// `None` once it is settled.
    open: Option<(Producer<U, E>, F)>,
    first: FirstFailure,
}

impl<U: 'static, E: 'static, F: 'static> Join<U, E, F> {
    /// Nobody needs the items any more.
    fn give_up<T>(&mut self, items: &mut Items<T, E>) {
        ThisThread::drop_user(self.open.take());
        let_go(items);
    }

    /// This item's failure is that of the whole.
    fn fail<T: 'static>(&mut self, items: &mut Items<T, E>, index: usize) {
        let number = items.number(index);
        let failed = items.take_with_trace(index);
        let open = self.open.take();
        self.give_up(items);
        if let (Some((producer, finish)), Some((Err(failure), way))) = (open, failed) {
            ThisThread::drop_user(finish);
            producer.settle_by_way(Err(failure), way, number);
        }
    }
}

impl<T, U, E, F> Collector<T, E> for Join<U, E, F>
where
    T: Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
    F: FnOnce(Vec<T>) -> U + Send + 'static,
{
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if self.open.is_none() {
            return self.first.drop_late(items, index);
        }
        if items.is_failed(index) {
            if let Some(index) = self.first.came(items, index) {
                self.fail(items, index);
            }
        }
    }

    fn all_seen(&mut self, items: &mut Items<T, E>) {
        if let Some(index) = self.first.all_seen().filter(|_| self.open.is_some()) {
            self.fail(items, index);
        }
    }

    fn complete(&mut self, items: &mut Items<T, E>) {
        if let Some((producer, finish)) = self.open.take() {
            producer.settle(items.take_values().map(finish));
        }
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.give_up(items);
    }

    fn closed(&mut self, items: &mut Items<T, E>, failure: Failure<E>) {
        let open = self.open.take();
        self.give_up(items);
        if let Some((producer, finish)) = open {
            ThisThread::drop_user(finish);
            producer.settle(Err(failure));
        }
    }

    fn ends_at_failure(&self) -> bool {
        true
    }

    fn counts_values(&self) -> bool {
        self.open.is_some()
    }
}

impl<T: Send + 'static, E: Send + 'static> IntoPromise for AsyncList<T, E> {
    type Ok = Vec<T>;
    type Err = E;

    #[track_caller]
    fn into_promise(self) -> Promise<Vec<T>, E> {
        self.join()
    }
}

/// Awaits [`join`](AsyncList::join).
impl<T: Send + 'static, E: Send + 'static> IntoFuture for AsyncList<T, E> {
    type Output = Outcome<Vec<T>, E>;
    type IntoFuture = Promise<Vec<T>, E>;

    #[track_caller]
    fn into_future(self) -> Promise<Vec<T>, E> {
        self.join()
    }
}
