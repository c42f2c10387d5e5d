//! Keeping a cancellation from what is upstream: `shield`.

use std::panic::Location;

use super::relay;
use crate::cell::{Collector, Items, Origin, Producer};
use crate::promise::Promise;

struct Shielded;

impl Origin for Shielded {
    const KIND: &'static str = "shield";
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Passes the outcome on, but no cancellation up: what is upstream goes on.
    ///
    /// Once cancelled, the promise has lost interest: what comes from upstream later is dropped, and
    /// a failure that nobody has seen then goes to the
    /// [unobserved hook](crate::set_unobserved_hook). `asyncio.shield` is the model. Passing through
    /// here needs no worker.
    ///
    /// ```
    /// use asynckit::Promise;
    /// use std::time::Duration;
    ///
    /// let (deferred, log) = Promise::<()>::deferred();
    /// let mut written = log.shield().timeout(Duration::from_millis(10));
    /// assert!(written.get(None).unwrap_err().is_timed_out());
    /// assert!(!deferred.is_cancelled());
    /// ```
    #[track_caller]
    pub fn shield(self) -> Self {
        if self.is_set() && !self.is_error() {
            // A failure passes through all the same: its way does not depend on when it came.
            return self;
        }
        let shield = |producer, _: &_| Shield { producer: Some(producer) };
        relay::<Shielded, _, _, _>(self, Location::caller(), shield).0
    }
}

struct Shield<T, E> {
    /// `None` once it is settled.
    producer: Option<Producer<T, E>>,
}

impl<T: Send + 'static, E: Send + 'static> Collector<T, E> for Shield<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        let Some(producer) = self.producer.take() else { return items.drop_unseen(index) };
        if let Some((outcome, trace)) = items.take_with_trace(index) {
            producer.settle_after(outcome, trace);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, _: &mut Items<T, E>) {
        self.producer = None;
    }
}
