//! One promise of a live set: a list of one, whose policy gives the outcome to the set.

use super::shared::Shared;
use crate::cell::{Collector, Items};
use crate::failure::Failure;
use crate::sync::Arc;
use crate::trace::Trace;

pub(super) struct Item<K, T: Send + 'static, E: Send + 'static> {
    set: Arc<Shared<K, T, E>>,
    number: usize,
    /// It was cancelled: what comes of the work does not matter.
    cancelled: bool,
}

impl<K, T: Send + 'static, E: Send + 'static> Item<K, T, E> {
    pub(super) fn new(set: Arc<Shared<K, T, E>>, number: usize) -> Self {
        Item { set, number, cancelled: false }
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> Collector<T, E> for Item<K, T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if self.cancelled {
            items.discard(index);
        } else if !self.set.has(self.number) {
            items.drop_unseen(index);
        } else if let Some((outcome, way)) = items.take_with_trace(index) {
            self.set.settle(self.number, outcome, way);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    /// It was had back, and the promise that stands for it is cancelled.
    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.cancelled = true;
        items.cancel_pending();
        self.set.forget(self.number);
    }

    /// The work is cancelled before the outcome is seen.
    fn closed(&mut self, items: &mut Items<T, E>, failure: Failure<E>) {
        self.cancelled = true;
        let mut way = Trace::new();
        way.listen(|| items.cancel_pending());
        let way = (!way.is_empty()).then(|| Box::new(way));
        self.set.settle(self.number, Err(failure), way);
    }
}
