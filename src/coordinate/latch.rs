//! So many things have happened.

use std::fmt;
use std::panic::Location;

use super::line::{Leave, Line, Ticket, settled, waits};
use crate::cell::{Origin, Producer, ThisThread};
use crate::failure::AnyError;
use crate::promise::Promise;
use crate::sync::{Arc, Mutex, MutexGuard};

/// A count that goes down to 0, once; [`wait`](Self::wait) gives a promise of that, which holds no worker.
///
/// Java's `CountDownLatch`, C++'s `std::latch`, Go's `WaitGroup`. Where each of those that count down is a promise,
/// [`AsyncList::join`](crate::AsyncList::join) is simpler.
///
/// Any number may wait. A promise that is cancelled, or dropped while it waits, is forgotten; the count stays. Callbacks run
/// on [`Pool::global`](crate::Pool::global), or where [`via`](Promise::via) says. Clones are handles on the same latch; when
/// the last one is gone with a count above 0, those that wait fail with [`Failure::Abandoned`](crate::Failure::Abandoned).
///
/// ```
/// use asynckit::{Latch, Pool};
///
/// let (pool, ready) = (Pool::new(2), Latch::new(3));
/// for n in 0..3 {
///     let done = ready.count_down_on_drop(); // also if the job panics
///     pool.run(move || { println!("{n} is ready"); drop(done) }).detach();
/// }
/// ready.wait().get(None)?;
/// assert_eq!(ready.count(), 0);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone)]
pub struct Latch {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
}

struct State {
    count: usize,
    waiting: Line<Producer<(), AnyError>>,
}

struct Wait;

impl Origin for Wait {
    const KIND: &'static str = "latch";
    const FRAGILE: bool = true;
}

impl Latch {
    /// A latch that opens when it was counted down so often; with 0 it is open.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let state = Mutex::new(State { count, waiting: Line::new() });
        Latch { shared: Arc::new(Shared { state }) }
    }

    /// One less. With the last one it opens: what waits is settled inside this call. Below 0 it does not go.
    pub fn count_down(&self) {
        let mut state = self.shared.lock();
        state.count = state.count.saturating_sub(1);
        if state.count == 0 {
            let waiting = state.waiting.take();
            drop(state);
            waiting.into_iter().for_each(|one| one.settle(Ok(())));
        }
    }

    /// Counts down when what this gives is dropped: at the end of a job, also if that panics, or never begins.
    pub fn count_down_on_drop(&self) -> CountDown {
        CountDown { latch: self.clone() }
    }

    /// A promise that is set when the count is 0; at once, if it is.
    #[track_caller]
    pub fn wait(&self) -> Promise<()> {
        let location = Location::caller();
        let mut state = self.shared.lock();
        if state.count == 0 {
            drop(state);
            return settled(Ok(()), location);
        }
        let ticket = state.waiting.ticket();
        let (producer, promise) = waits::<Wait, _>(&self.shared, ticket, location);
        state.waiting.wait(ticket, producer);
        promise
    }

    /// How often it is still to be counted down.
    pub fn count(&self) -> usize {
        self.shared.lock().count
    }
}

impl Shared {
    /// Nothing of the user's runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Leave for Shared {
    fn leave(self: &Arc<Self>, ticket: Ticket) {
        let one = self.lock().waiting.leave(ticket);
        drop(one);
    }
}

/// No handle is left: those that wait are abandoned.
impl Drop for Shared {
    fn drop(&mut self) {
        let waiting = self.lock().waiting.take();
        if !waiting.is_empty() {
            ThisThread::drop_user(waiting);
        }
    }
}

/// Counts a [`Latch`] down when it is dropped; by [`Latch::count_down_on_drop`].
#[must_use = "dropping it counts down at once"]
pub struct CountDown {
    latch: Latch,
}

impl Drop for CountDown {
    fn drop(&mut self) {
        self.latch.count_down();
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Latch({})", self.count())
    }
}

impl fmt::Debug for CountDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CountDown").field(&self.latch).finish()
    }
}
