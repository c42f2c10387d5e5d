//! What lies in the heaps, each with a number that keeps the hammer from closing circles that no library could see.
//!
//! What an outside hand settles (a deferred, an event, a job that a foreign executor keeps) gets a number when it is
//! made, larger than all before. A promise is `after` the largest number upstream of it. A deferred may follow, and a closure that
//! owns a deferred may be attached to, only what is after less than the deferred's own number. So nothing waits for
//! itself, and what is alive at the end has leaked.

use std::sync::atomic::{AtomicU64, Ordering};

use asynckit::{AsyncList, AsyncValue, Deferred, Job, Promise};

use crate::ops;
use crate::random::Random;
use crate::value::{Fault, Value};
use crate::world::world;

pub(crate) type Plain = Promise<Value, Fault>;

/// No deferred comes after this: of calls that wait for each other in ways that have no number.
pub(crate) const LAST: u64 = u64::MAX;

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// A number larger than all before.
pub(crate) fn number() -> u64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// A promise.
pub(crate) struct Held {
    pub(crate) it: Plain,
    pub(crate) after: u64,
}

impl Held {
    pub(crate) fn new(it: Plain, after: u64) -> Self {
        Held { it, after }
    }

    /// Any one of the heap, or a new one.
    pub(crate) fn any(r: &mut Random) -> Self {
        world().promises.take(r).unwrap_or_else(|| ops::source(r))
    }

    /// One that settles without an outside hand: one may wait for it for ever.
    pub(crate) fn sure(r: &mut Random) -> Self {
        let found = world().promises.take_if(r, |held| held.after == 0);
        found.unwrap_or_else(|| ops::sure_source(r))
    }

    /// Attaches something to it.
    pub(crate) fn go(self, attach: impl FnOnce(Plain) -> Plain) -> Self {
        Held::new(attach(self.it), self.after)
    }

    /// Back to the heap, mostly.
    pub(crate) fn keep(self, r: &mut Random) {
        if r.one_in(12) {
            drop(self.it);
        } else {
            world().promises.put(self, r);
        }
    }
}

/// A deferred; its number is its promise's.
pub(crate) struct Settler {
    pub(crate) it: Deferred<Value, Fault>,
    pub(crate) number: u64,
}

/// A shared value, or one that is set by hand.
#[derive(Clone)]
pub(crate) struct Many {
    pub(crate) it: AsyncValue<Value, Fault>,
    pub(crate) after: u64,
}

/// A list.
pub(crate) struct List {
    pub(crate) it: AsyncList<Value, Fault>,
    pub(crate) after: u64,
}

impl List {
    /// A few promises.
    pub(crate) fn any(r: &mut Random) -> Self {
        if r.one_in(4) {
            if let Some(list) = world().lists.take(r) {
                return list;
            }
        }
        let mut after = 0;
        let count = r.below(5);
        let promises = (0..count).map(|_| {
            let held = Held::any(r);
            after = after.max(held.after);
            held.it
        });
        let it = promises.collect();
        List { it, after }
    }
}

/// A job that a foreign executor has kept.
pub(crate) struct Kept {
    pub(crate) it: Job,
    pub(crate) number: u64,
}
