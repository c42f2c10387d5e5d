//! [`Census`]: the requests of a session that have not ended, as closing it must know them.

use crate::sync::{Arc, Mutex};
use crate::{Deferred, Failure, Pool, Timeout};

/// The requests of a session that have not ended.
#[derive(Default)]
pub(super) struct Census {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    waiting: usize,
    under_way: usize,
    /// Told when there are none.
    told: Vec<Deferred<(), crate::AnyError>>,
}

/// One request, as long as it has not ended.
pub(super) struct Listed {
    census: Arc<Census>,
    under_way: bool,
}

impl Census {
    pub(super) fn list(self: &Arc<Self>) -> Listed {
        self.counts.lock().waiting += 1;
        Listed { census: Arc::clone(self), under_way: false }
    }

    /// How many have not begun, and how many have.
    pub(super) fn count(&self) -> (usize, usize) {
        let counts = self.counts.lock();
        (counts.waiting, counts.under_way)
    }

    /// Waits until there are none. `false`: not in time.
    pub(super) fn wait_for_none(&self, timeout: Timeout) -> bool {
        let (deferred, mut none) = Pool::global().deferred();
        let is_none = {
            let mut counts = self.counts.lock();
            if counts.waiting + counts.under_way > 0 {
                counts.told.push(deferred);
                false
            } else {
                true
            }
        };
        is_none || !matches!(none.get(timeout), Err(Failure::TimedOut | Failure::WouldDeadlock))
    }
}

impl Listed {
    /// It has its turn.
    pub(super) fn begins(&mut self) {
        if !std::mem::replace(&mut self.under_way, true) {
            let mut counts = self.census.counts.lock();
            counts.waiting -= 1;
            counts.under_way += 1;
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let told = {
            let mut counts = self.census.counts.lock();
            let count = if self.under_way { &mut counts.under_way } else { &mut counts.waiting };
            *count -= 1;
            let is_none = counts.waiting + counts.under_way == 0;
            if is_none { std::mem::take(&mut counts.told) } else { Vec::new() }
        };
        told.into_iter().for_each(|told| told.resolve(()));
    }
}
