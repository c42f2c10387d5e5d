//! What waits for its turn on a pool without being in its queue, and is told when the pool is shut down.

use super::core::Core;
use crate::cell::{ExecutorHandle, Number};
use crate::sync;
use crate::sync::{Mutex, Weak};

/// An owner of calls that wait for their turn on a pool.
pub(crate) trait Guest: Send + Sync {
    /// The pool was shut down: nothing more will get its turn there. No lock is held.
    fn pool_is_shut_down(&self);
}

/// A pool as its guests know it: it may have gone, and its core be another one's.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    core: &'static Core,
    number: Number,
}

struct Guests {
    all: Vec<(Number, Weak<dyn Guest>)>,
    /// At this length those that are gone are forgotten.
    full: usize,
}

/// Guests are few; where there are more, as many new ones may come before those that are gone are forgotten.
const FEW: usize = 32;

sync::global! {
    static GUESTS: Mutex<Guests> = Mutex::new(Guests { all: Vec::new(), full: FEW });
}

impl Host {
    /// Where what had to wait runs.
    pub(crate) fn executor(self) -> ExecutorHandle {
        ExecutorHandle::lasting(self.number)
    }

    /// Has this guest told when the pool is shut down. `false`: it was.
    #[must_use]
    pub(crate) fn tell(self, guest: Weak<dyn Guest>) -> bool {
        let mut guests = GUESTS.lock();
        // Under the lock: the thread that shuts it down notes that first, and then looks for guests.
        if self.core.shut_down.lock().find(self.number).is_some() {
            return false;
        }
        if guests.all.len() >= guests.full {
            guests.all.retain(|(_, guest)| guest.strong_count() > 0);
            guests.full = FEW + 2 * guests.all.len();
        }
        guests.all.push((self.number, guest));
        true
    }
}

impl Core {
    /// The pool that the core is now. The caller has a handle on it.
    pub(crate) fn host(&'static self) -> Host {
        Host { core: self, number: self.number() }
    }

    /// The pool was shut down, which was noted.
    pub(super) fn tell_guests(&'static self) {
        let (own, mut told) = (self.number(), Vec::new());
        let mut guests = GUESTS.lock();
        guests.all.retain(|(number, guest)| {
            let told_now = *number == own;
            told.extend(told_now.then(|| guest.clone()));
            !told_now
        });
        drop(guests);
        // Not under the lock: what they drop is the user's.
        told.into_iter().filter_map(|guest| guest.upgrade()).for_each(|it| it.pool_is_shut_down());
    }
}
