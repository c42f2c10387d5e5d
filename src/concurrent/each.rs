//! For those who want no results: `for_each_concurrent`.

use std::panic::Location;

use super::gather;
use crate::cell::{Collector, Items, Origin, Producer};
use crate::failure::drop_quietly;
use crate::list::{FirstFailure, let_go};
use crate::promise::Promise;

struct Each;

impl Origin for Each {
    const KIND: &'static str = "for_each_concurrent";
}

/// Calls `f` with each input, such that no more than `limit` of its promises are unsettled at a time,
/// and drops what they come to.
///
/// The promise is set when all have settled. The first failure in time is its failure: then no more
/// are started, and those under way are cancelled. With a limit of 1 each input waits for the one
/// before. It needs constant memory, however many inputs there are. Otherwise as
/// [`map_concurrent`](crate::map_concurrent()).
///
/// ```
/// use asynckit::{Pool, for_each_concurrent};
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// let (pool, sum) = (Pool::new(2), Arc::new(AtomicU32::new(0)));
/// let seen = sum.clone();
/// let mut all = for_each_concurrent(1..=4, 2, move |n| {
///     let seen = seen.clone();
///     pool.run(move || seen.fetch_add(n, Ordering::Relaxed))
/// });
/// all.get(None)?;
/// assert_eq!(sum.load(Ordering::Relaxed), 10);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn for_each_concurrent<I, T, E>(
    inputs: I,
    limit: usize,
    f: impl FnMut(I::Item) -> Promise<T, E> + Send + 'static,
) -> Promise<(), E>
where
    I: IntoIterator<IntoIter: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    let location = Location::caller();
    let (gather, executor) = gather(inputs.into_iter(), limit, f, location, true);
    let (mut producer, consumer) = Producer::pair::<Each>(location);
    producer.waits_for(gather.canceller());
    gather.hand_to(Box::new(ForEach { producer: Some(producer), first: FirstFailure::default() }));
    Promise::new(consumer, executor)
}

/// The first failure, or nothing.
struct ForEach<E> {
    /// `None` once it is settled.
    producer: Option<Producer<(), E>>,
    first: FirstFailure,
}

impl<E: Send + 'static> ForEach<E> {
    /// This item's failure is that of the whole.
    fn fail<T>(&mut self, items: &mut Items<T, E>, index: usize) {
        let Some(producer) = self.producer.take() else { return };
        let number = items.number(index);
        if let Some((Err(failure), trace)) = items.take_with_trace(index) {
            producer.settle_by_way(Err(failure), trace, number);
        }
        let_go(items);
    }
}

impl<T: Send + 'static, E: Send + 'static> Collector<T, E> for ForEach<E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if !items.is_failed(index) {
            drop_quietly(items.take(index));
        } else if self.producer.is_none() {
            self.first.drop_late(items, index);
        } else if let Some(index) = self.first.came(items, index) {
            self.fail(items, index);
        }
    }

    fn all_seen(&mut self, items: &mut Items<T, E>) {
        if let Some(index) = self.first.all_seen() {
            self.fail(items, index);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {
        if let Some(producer) = self.producer.take() {
            producer.settle(Ok(()));
        }
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.producer = None;
        items.cancel_pending();
    }

    fn ends_at_failure(&self) -> bool {
        true
    }
}
