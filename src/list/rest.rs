//! What is left of a list whose items were handed out one by one: had back as promises.

use std::collections::BTreeMap;
use std::panic::Location;

use super::{AsCompleted, AsyncList, KeyedAsCompleted, KeyedList};
use crate::cell::{CloseReason, Closer, Collector, Items, Origin, Producer, ThisThread};
use crate::promise::Promise;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};

impl<T: Send + 'static, E: Send + 'static> AsCompleted<T, E> {
    /// The items that were not handed out, as a list, in input order.
    ///
    /// For what is to be done with those that are late: wait for all of them, cancel them, drop them. They have been
    /// under way together, and stay so: the work of one that is cancelled is cancelled when nothing else of the list is wanted.
    /// Of a list that grows nothing more is started.
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    ///
    /// let (slow, late) = Promise::<u32>::deferred();
    /// let mut quick = AsyncList::from_iter([late, Promise::ready(1)]).as_completed();
    /// assert_eq!(quick.next().map(|done| done.index), Some(1));
    /// let rest = quick.into_rest();
    /// assert_eq!(rest.len(), 1);
    /// rest.cancel();
    /// assert!(slow.is_cancelled());
    /// ```
    #[track_caller]
    pub fn into_rest(self) -> AsyncList<T, E> {
        had_back(self, Location::caller()).into_values().collect()
    }
}

impl<K, T: Send + 'static, E: Send + 'static> KeyedAsCompleted<K, T, E> {
    /// The items that were not handed out, with their keys: see [`AsCompleted::into_rest`].
    #[track_caller]
    pub fn into_rest(self) -> KeyedList<K, T, E> {
        let (completed, mut keys) = self.into_parts();
        let rest = had_back(completed, Location::caller()).into_iter();
        rest.filter_map(|(index, promise)| Some((keys.get_mut(index)?.take()?, promise))).collect()
    }
}

struct Rest;

impl Origin for Rest {
    const KIND: &'static str = "into_rest";
}

/// The promises, by their number among the inputs.
fn had_back<T: Send + 'static, E: Send + 'static>(
    completed: AsCompleted<T, E>,
    location: &'static Location<'static>,
) -> BTreeMap<usize, Promise<T, E>> {
    let (mut gather, executor, from) = completed.into_parts();
    let wanted = Arc::new(Wanted { ender: gather.closer(), items: AtomicUsize::new(0) });
    let items = gather.items();
    ThisThread::drop_user(items.halt());
    let source = items.source();
    let (mut promises, mut producers) = (BTreeMap::new(), BTreeMap::new());
    for index in items.indices().filter(|&index| is_left(items, index, from)) {
        let number = source.as_ref().map_or(Some(index), |source| source.number(index));
        let Some(number) = number else { continue }; // it does not count
        let (mut producer, consumer) = Producer::pair::<Rest>(location);
        let want = Want::new(&wanted);
        producer.on_cancel(Box::new(move || drop(want)));
        producers.insert(index, producer);
        promises.insert(number, Promise::new(consumer, executor.clone()));
    }
    gather.hand_to(Box::new(Back { producers }));
    promises
}

/// Whether an item was not handed out; before `from` those that have not come were given up.
fn is_left<T, E>(items: &Items<T, E>, index: usize, from: usize) -> bool {
    match items.is_pending(index) {
        true => index >= from,
        false => items.outcome(index).is_some() || items.failure_again(index).is_some(),
    }
}

/// How many promises of the rest are pending, and wanted.
struct Wanted {
    ender: Closer,
    items: AtomicUsize,
}

/// One of them: goes when it is cancelled, or has settled.
struct Want(Arc<Wanted>);

impl Want {
    fn new(wanted: &Arc<Wanted>) -> Self {
        // ORDERING: Relaxed, nothing of the rest is out yet.
        wanted.items.fetch_add(1, Ordering::Relaxed);
        Want(Arc::clone(wanted))
    }
}

impl Drop for Want {
    fn drop(&mut self) {
        // ORDERING: AcqRel, so that the last one sees what the others did.
        if self.0.items.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ender.close(CloseReason::Unwanted);
        }
    }
}

/// Gives each outcome to the promise that stands for its item.
struct Back<T, E> {
    producers: BTreeMap<usize, Producer<T, E>>,
}

impl<T: Send + 'static, E: Send + 'static> Collector<T, E> for Back<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        match self.producers.remove(&index) {
            None => items.drop_unseen(index),
            Some(producer) => {
                if let Some((outcome, way)) = items.take_with_trace(index) {
                    producer.settle_after(outcome, way);
                }
            }
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.producers.clear();
        items.cancel_pending();
    }
}
