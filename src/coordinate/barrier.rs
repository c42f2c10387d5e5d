//! All are there, and go on together.

use std::fmt;
use std::panic::Location;

use super::line::{Leave, Line, Ticket, settled, waits};
use crate::cell::{Origin, Producer, ThisThread};
use crate::failure::AnyError;
use crate::promise::Promise;
use crate::sync::{Arc, Mutex, MutexGuard};

/// So many parties wait for one another; none of them holds a worker meanwhile.
///
/// [`std::sync::Barrier`], with promises: [`wait`](Self::wait) gives one that is set when all parties have called it. Then
/// the barrier is as new, for the next round. One of each round, the last that came, is the
/// [leader](BarrierWaitResult::is_leader).
///
/// A promise that is cancelled, or dropped while it waits (also by way of what was derived from it), has not come: one more
/// is needed. [`Promise::detach`] lets it stand. Callbacks run on [`Pool::global`](crate::Pool::global), or where
/// [`via`](Promise::via) says. Clones are handles on the same barrier; with the last one, those that wait fail with
/// [`Failure::Abandoned`](crate::Failure::Abandoned).
///
/// ```
/// use asynckit::{AsyncList, Barrier, Pool};
///
/// let (pool, barrier) = (Pool::new(1), Barrier::new(3));
/// let all: AsyncList<_> = (0..3).map(|n| {
///     let barrier = barrier.clone();
///     pool.run(move || n).then(move |_| barrier.wait()).map(|met| met.is_leader()) // one worker is enough
/// }).collect();
/// assert_eq!(all.join().get(None)?.iter().filter(|&&leads| leads).count(), 1);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone)]
pub struct Barrier {
    shared: Arc<Shared>,
}

struct Shared {
    parties: usize,
    waiting: Mutex<Line<Producer<BarrierWaitResult, AnyError>>>,
}

struct Meet;

impl Origin for Meet {
    const KIND: &'static str = "barrier";
    const FRAGILE: bool = true;
}

impl Barrier {
    /// A barrier for so many parties. 0 counts as 1: then nothing ever waits.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        let (parties, waiting) = (parties.max(1), Mutex::new(Line::new()));
        Barrier { shared: Arc::new(Shared { parties, waiting }) }
    }

    /// This party is there; the promise is set when all are.
    ///
    /// That of the last one, the leader, is set when this returns. The promises of the others are settled in the order in
    /// which they came, on the leader's thread.
    #[track_caller]
    pub fn wait(&self) -> Promise<BarrierWaitResult> {
        let location = Location::caller();
        let (mut waiting, others) = (self.shared.lock(), self.shared.parties - 1);
        let mut gone = Line::new();
        if waiting.len() >= others {
            gone = waiting.take_gone(Producer::is_cancelled); // what tells of it may still be on its way
        }
        if waiting.len() < others {
            let ticket = waiting.ticket();
            let (producer, promise) = waits::<Meet, _>(&self.shared, ticket, location);
            waiting.wait(ticket, producer);
            drop(waiting);
            drop(gone);
            return promise;
        }
        let round = waiting.take();
        drop(waiting);
        drop(gone);
        let met = |leads| Ok(BarrierWaitResult { leads });
        round.into_iter().for_each(|party| party.settle(met(false)));
        settled(met(true), location)
    }
}

impl Shared {
    /// Nothing of the user's runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Line<Producer<BarrierWaitResult, AnyError>>> {
        self.waiting.lock()
    }
}

impl Leave for Shared {
    fn leave(self: &Arc<Self>, ticket: Ticket) {
        let party = self.lock().leave(ticket);
        drop(party);
    }
}

/// No handle is left: those that wait are abandoned.
impl Drop for Shared {
    fn drop(&mut self) {
        let waiting = self.lock().take();
        if !waiting.is_empty() {
            ThisThread::drop_user(waiting);
        }
    }
}

/// What a party of a [`Barrier`] is told when all are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    leads: bool,
}

impl BarrierWaitResult {
    /// Whether this party came last. It is so for one of each round.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leads
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.lock().len();
        write!(f, "Barrier({waiting} of {} are there)", self.shared.parties)
    }
}
