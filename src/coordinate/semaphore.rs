//! So many at once: permits that are given back when they are dropped.

use std::fmt;
use std::panic::Location;

use super::line::{Leave, Line, Ticket, settled, waits};
use crate::cell::{Origin, Producer, ThisThread};
use crate::failure::{AnyError, Failure};
use crate::promise::Promise;
use crate::sync::{Arc, Mutex, MutexGuard};

/// So many permits; [`acquire`](Self::acquire) gives a promise of one, which holds no worker while it waits.
///
/// tokio's `Semaphore`, for code that is not async. A permit is given back when it is dropped, wherever that is, so that a
/// panic or a cancellation loses none. Those that wait are served in the order in which they came: one that wants many is
/// not passed by others that want few. For calls that return promises there is [`Limiter`](crate::Limiter).
///
/// A promise of a permit that is cancelled, or dropped while it waits (also by way of what was derived from it), leaves its
/// place; [`Promise::detach`] lets it go on. Its callbacks run on [`Pool::global`](crate::Pool::global);
/// [`via`](Promise::via) names another executor. Clones are handles on the same semaphore. When neither a handle nor a
/// permit is left, those that wait fail with [`Failure::Abandoned`].
///
/// ```
/// use asynckit::{AsyncList, Pool, Semaphore};
///
/// let (pool, connections) = (Pool::new(4), Semaphore::new(2));
/// let all: AsyncList<_> = (0..10).map(|n| {
///     let pool = pool.clone();
///     connections.acquire().then(move |permit| pool.run(move || {
///         let _permit = permit; // no more than two of these at once
///         n * n
///     }))
/// }).collect();
/// assert_eq!(all.join().get(None)?.len(), 10);
/// assert_eq!(connections.available_permits(), 2);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone)]
pub struct Semaphore {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
}

struct State {
    permits: usize,
    closed: bool,
    waiting: Line<Waiter>,
}

struct Waiter {
    count: usize,
    producer: Producer<SemaphorePermit, AnyError>,
}

struct Acquire;

impl Origin for Acquire {
    const KIND: &'static str = "semaphore";
    const FRAGILE: bool = true;
}

impl Semaphore {
    /// A semaphore with so many permits. With 0, [`add_permits`](Self::add_permits) brings the first one.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        let state = State { permits, closed: false, waiting: Line::new() };
        Semaphore { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    /// A promise of a permit; settled at once, if one is there and nothing waits.
    ///
    /// # Errors
    /// [`Failure::Abandoned`], if the semaphore [is closed](Self::close), now or while it waits.
    #[track_caller]
    pub fn acquire(&self) -> Promise<SemaphorePermit> {
        self.acquire_many(1)
    }

    /// A promise of `count` permits as one. It waits as long as there are fewer, and the others behind it.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire).
    #[track_caller]
    pub fn acquire_many(&self, count: usize) -> Promise<SemaphorePermit> {
        let location = Location::caller();
        let mut state = self.shared.lock();
        if state.closed {
            drop(state);
            return settled(Err(Failure::Abandoned), location);
        }
        if state.grants(count) {
            drop(state);
            return settled(Ok(self.permit(count)), location);
        }
        let ticket = state.waiting.ticket();
        let (producer, promise) = waits::<Acquire, _>(&self.shared, ticket, location);
        state.waiting.wait(ticket, Waiter { count, producer });
        promise
    }

    /// A permit, if one is there and nothing waits for it.
    ///
    /// ```
    /// use asynckit::Semaphore;
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.try_acquire().expect("it is there");
    /// assert!(semaphore.try_acquire().is_none());
    /// drop(permit);
    /// assert!(semaphore.try_acquire().is_some());
    /// ```
    pub fn try_acquire(&self) -> Option<SemaphorePermit> {
        self.try_acquire_many(1)
    }

    /// `count` permits as one, if they are there and nothing waits for them.
    pub fn try_acquire_many(&self, count: usize) -> Option<SemaphorePermit> {
        let mut state = self.shared.lock();
        let granted = !state.closed && state.grants(count);
        drop(state);
        granted.then(|| self.permit(count))
    }

    fn permit(&self, count: usize) -> SemaphorePermit {
        SemaphorePermit { shared: Arc::clone(&self.shared), count }
    }

    /// How many permits are there.
    pub fn available_permits(&self) -> usize {
        self.shared.lock().permits
    }

    /// Brings more permits. [`SemaphorePermit::forget`] takes some out.
    pub fn add_permits(&self, count: usize) {
        self.shared.release(count);
    }

    /// Gives no permits any more: what waits fails with [`Failure::Abandoned`], and so does what comes later.
    ///
    /// Permits that were given stay what they are.
    ///
    /// ```
    /// use asynckit::Semaphore;
    ///
    /// let semaphore = Semaphore::new(0);
    /// let mut waits = semaphore.acquire();
    /// semaphore.close();
    /// assert!(waits.get(None).unwrap_err().is_abandoned());
    /// assert!(semaphore.is_closed());
    /// ```
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let waiting = state.waiting.take();
        drop(state);
        ThisThread::drop_user(waiting);
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }
}

impl State {
    /// Takes so many permits, if they are there and nothing waits.
    fn grants(&mut self, count: usize) -> bool {
        let granted = self.waiting.is_empty() && self.permits >= count;
        if granted {
            self.permits -= count;
        }
        granted
    }

    /// The first that waits, if what it wants is there.
    fn next(&mut self) -> Option<Waiter> {
        let wanted = self.waiting.first()?.count;
        self.permits = self.permits.checked_sub(wanted)?;
        self.waiting.pop()
    }
}

impl Shared {
    /// Nothing of the user's runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Brings permits, and lets those go on that want no more than there are.
    fn release(self: &Arc<Self>, count: usize) {
        let mut state = self.lock();
        state.permits = state.permits.saturating_add(count);
        while let Some(Waiter { count, producer }) = state.next() {
            drop(state);
            // One that was cancelled just now drops the permit, which comes back.
            producer.settle(Ok(SemaphorePermit { shared: Arc::clone(self), count }));
            state = self.lock();
        }
    }
}

impl Leave for Shared {
    fn leave(self: &Arc<Self>, ticket: Ticket) {
        let waiter = self.lock().waiting.leave(ticket);
        drop(waiter);
        self.release(0); // it may have kept others waiting that want less
    }
}

/// The last handle and the last permit are gone: those that wait are abandoned.
impl Drop for Shared {
    fn drop(&mut self) {
        let waiting = self.lock().waiting.take();
        if !waiting.is_empty() {
            ThisThread::drop_user(waiting);
        }
    }
}

/// Some permits of a [`Semaphore`]; dropping it gives them back, and lets the next one go on.
#[must_use = "a dropped permit is given back at once"]
pub struct SemaphorePermit {
    shared: Arc<Shared>,
    count: usize,
}

impl SemaphorePermit {
    /// How many permits it stands for.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Does not give them back: there are so many fewer from now on.
    pub fn forget(mut self) {
        self.count = 0;
    }
}

impl Drop for SemaphorePermit {
    fn drop(&mut self) {
        if self.count > 0 {
            self.shared.release(self.count);
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        let (permits, waiting, closed) = (state.permits, state.waiting.len(), state.closed);
        drop(state);
        write!(f, "Semaphore({permits} permits, {waiting} waiting")?;
        f.write_str(if closed { ", closed)" } else { ")" })
    }
}

impl fmt::Debug for SemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SemaphorePermit").field(&self.count).finish()
    }
}
