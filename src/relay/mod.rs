//! Pass-through promises: the outcome of another one, unless somebody ends it before.
//!
//! A chain of promises can be cancelled by whoever holds its tail, and by nobody else. A relay is a
//! cut in it: a promise of its own that gets the outcome of its source, without a worker, and that an
//! [`Closer`] can reach from anywhere.
//!
//! | file | idea |
//! | --- | --- |
//! | `canceller` | ended by hand |
//! | `on_cancel` | told of a cancellation that comes from behind |
//! | `shield` | the source goes on |
//! | `cancel_on_drop` | not a relay: a promise that is cancelled where it is dropped |
//!
//! A timeout is a relay that the timer ends: see `time/timeout.rs`.

mod cancel_on_drop;
mod canceller;
mod on_cancel;
mod shield;

use std::panic::Location;

pub use cancel_on_drop::CancelOnDrop;
pub use canceller::Canceller;

use crate::cell::{Closer, Collector, Gather, Items, Origin, Producer};
use crate::failure::Failure;
use crate::promise::Promise;
use crate::trace::Trace;

/// Puts a relay behind the promise, which keeps its executor. `collector` gets the relay's writing end,
/// and what can end it.
pub(crate) fn relay<O, T, E, P>(
    promise: Promise<T, E>,
    location: &'static Location<'static>,
    collector: impl FnOnce(Producer<T, E>, &Closer) -> P,
) -> (Promise<T, E>, Closer)
where
    O: Origin,
    T: Send + 'static,
    E: Send + 'static,
    P: Collector<T, E> + 'static,
{
    let (source, executor) = promise.into_parts();
    let mut gather = Gather::new();
    gather.watch(source, location);
    let (mut producer, consumer) = Producer::pair::<O>(location);
    producer.waits_for(gather.canceller());
    let closer = gather.closer();
    gather.hand_to(Box::new(collector(producer, &closer)));
    (Promise::new(consumer, executor), closer)
}

/// Passes the outcome on; when it is ended it cancels the source.
pub(crate) struct Relay<T, E, G> {
    /// `None` once it is settled.
    producer: Option<Producer<T, E>>,
    /// Dropped when it is settled.
    guard: Option<G>,
}

impl<T, E, G> Relay<T, E, G> {
    pub(crate) fn new(producer: Producer<T, E>, guard: Option<G>) -> Self {
        Relay { producer: Some(producer), guard }
    }
}

impl<T, E, G> Collector<T, E> for Relay<T, E, G>
where
    T: Send + 'static,
    E: Send + 'static,
    G: Send,
{
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        self.guard = None;
        let Some(producer) = self.producer.take() else { return items.discard(index) };
        if let Some((outcome, trace)) = items.take_with_trace(index) {
            producer.settle_after(outcome, trace);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.guard = None;
        self.producer = None;
        items.cancel_pending();
    }

    /// The source is cancelled first: whoever sees the failure can rely on that.
    fn closed(&mut self, items: &mut Items<T, E>, failure: Failure<E>) {
        self.guard = None;
        let producer = self.producer.take();
        let mut way = Trace::new();
        way.listen(|| items.cancel_pending());
        if let Some(producer) = producer {
            let way = (!way.is_empty()).then(|| Box::new(way));
            producer.settle_after(Err(failure), way);
        }
    }
}
