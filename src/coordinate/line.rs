//! Those that wait, first come first served.

use std::collections::BTreeMap;
use std::panic::Location;

use crate::cell::{Consumer, Origin, Producer};
use crate::failure::{AnyError, Outcome};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::{Arc, Weak};

/// A place among those that wait.
pub(super) type Ticket = u64;

/// Those that wait, in the order in which they came.
pub(super) struct Line<W> {
    next: Ticket,
    waiting: BTreeMap<Ticket, W>,
}

impl<W> Line<W> {
    pub(super) const fn new() -> Self {
        Line { next: 0, waiting: BTreeMap::new() }
    }

    /// The place of the next one.
    pub(super) fn ticket(&mut self) -> Ticket {
        self.next += 1;
        self.next
    }

    pub(super) fn wait(&mut self, ticket: Ticket, waiter: W) {
        self.waiting.insert(ticket, waiter);
    }

    /// The one that has waited longest.
    pub(super) fn first(&self) -> Option<&W> {
        self.waiting.first_key_value().map(|(_, waiter)| waiter)
    }

    pub(super) fn pop(&mut self) -> Option<W> {
        self.waiting.pop_first().map(|(_, waiter)| waiter)
    }

    /// It does not wait any more.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<W> {
        self.waiting.remove(&ticket)
    }

    /// Takes all out, in their order.
    pub(super) fn take(&mut self) -> Self {
        let waiting = std::mem::take(&mut self.waiting);
        Line { next: self.next, waiting }
    }

    /// Takes those out that are `gone`.
    pub(super) fn take_gone(&mut self, gone: impl Fn(&W) -> bool) -> Self {
        let mut waiting = BTreeMap::new();
        if self.waiting.values().any(&gone) {
            let all = std::mem::take(&mut self.waiting);
            (waiting, self.waiting) = all.into_iter().partition(|(_, waiter)| gone(waiter));
        }
        Line { next: self.next, waiting }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl<W> IntoIterator for Line<W> {
    type Item = W;
    type IntoIter = std::collections::btree_map::IntoValues<Ticket, W>;

    fn into_iter(self) -> Self::IntoIter {
        self.waiting.into_values()
    }
}

/// What waits in a line, and leaves it where its promise is cancelled.
pub(super) trait Leave: Send + Sync + 'static {
    /// Called with no lock held.
    fn leave(self: &Arc<Self>, ticket: Ticket);
}

/// A promise that waits at `place`, and what settles it.
pub(super) fn waits<O: Origin, T: Send + 'static>(
    place: &Arc<impl Leave>,
    ticket: Ticket,
    location: &'static Location<'static>,
) -> (Producer<T, AnyError>, Promise<T>) {
    let (mut producer, consumer) = Producer::pair::<O>(location);
    let place: Weak<_> = Arc::downgrade(place);
    producer.on_cancel(Box::new(move || {
        if let Some(place) = place.upgrade() {
            place.leave(ticket);
        }
    }));
    (producer, promise(consumer))
}

/// A promise that need not wait.
pub(super) fn settled<T: 'static>(
    outcome: Outcome<T>,
    location: &'static Location<'static>,
) -> Promise<T> {
    promise(Consumer::settled(outcome, location))
}

fn promise<T>(consumer: Consumer<T, AnyError>) -> Promise<T> {
    Promise::new(consumer, Pool::global().core().executor())
}
