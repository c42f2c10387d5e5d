//! What a retry tells that is ended while it tries: why the last attempt failed.

use std::panic::Location;

use crate::cell::{Collector, Items, Origin, Producer};
use crate::failure::{Failure, catch, drop_quietly};
use crate::promise::Promise;
use crate::relay::relay;
use crate::sync::{Arc, Mutex, StdArc};
use crate::trace::TraceStep;
use crate::unobserved::message;

/// The error of the last attempt, for whoever ends it all while another one is made.
#[derive(Clone, Default)]
pub(super) struct Last(Arc<Mutex<Option<StdArc<str>>>>);

struct Further;

impl Last {
    pub(super) fn set<E: 'static>(&self, error: E) {
        let failure = Failure::Error(error);
        let text = catch(|| message(&failure)).unwrap_or_default(); // the user's code writes it
        *self.0.lock() = Some(text.into());
        drop_quietly(failure);
    }

    /// The promise of all further attempts, which tells the error when it is cancelled.
    pub(super) fn told_by<T, E>(
        self,
        promise: Promise<T, E>,
        location: &'static Location<'static>,
    ) -> Promise<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let collector =
            |producer, _: &_| Telling { producer: Some(producer), last: self, location };
        relay::<Further, _, _, _>(promise, location, collector).0
    }
}

impl Origin for Further {
    const KIND: &'static str = "retry";
}

/// Passes the outcome of the further attempts on.
struct Telling<T, E> {
    /// `None` once it is settled.
    producer: Option<Producer<T, E>>,
    last: Last,
    location: &'static Location<'static>,
}

impl<T: Send + 'static, E: Send + 'static> Collector<T, E> for Telling<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        let Some(producer) = self.producer.take() else { return items.discard(index) };
        if let Some((outcome, way)) = items.take_with_trace(index) {
            producer.settle_for(outcome, way);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        TraceStep::note("retry", self.location, || self.last.0.lock().clone());
        self.producer = None;
        items.cancel_pending();
    }
}
