//! Work that can be told, while it runs, that nobody wants it any more.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use crate::cell::{Collector, Gather, Items, Next, Origin, Producer, Work};
use crate::failure::{contain, drop_quietly};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};

type Handler = Box<dyn FnOnce() + Send>;

/// Tells a running job that its promise was cancelled.
///
/// [`Pool::spawn_cancellable`] gives one to its work. Clones are handles on the same token.
#[derive(Clone)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

struct Shared {
    cancelled: AtomicBool,
    /// `None` once the handlers have run, or the job has ended.
    handlers: Mutex<Option<Vec<Handler>>>,
}

impl CancelToken {
    fn new() -> Self {
        let handlers = Mutex::new(Some(Vec::new()));
        CancelToken { shared: Arc::new(Shared { cancelled: AtomicBool::new(false), handlers }) }
    }

    /// Whether the promise was cancelled. Long work asks this now and then, and ends.
    pub fn is_cancelled(&self) -> bool {
        // ORDERING: Acquire pairs with `cancel`: what the canceller did before is seen.
        self.shared.cancelled.load(Ordering::Acquire)
    }

    /// Has `f` called when the promise is cancelled, inside that call; at once, if it was before.
    ///
    /// Handlers add up, and run in the order of registration, with no lock held; panics are
    /// contained. One that is left over when the job ends is dropped.
    pub fn on_cancel(&self, f: impl FnOnce() + Send + 'static) {
        let mut handlers = self.lock();
        if let Some(handlers) = &mut *handlers {
            handlers.push(Box::new(f));
            return;
        }
        drop(handlers);
        if self.is_cancelled() {
            contain(f);
        } else {
            drop_quietly(f);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Handler>>> {
        self.shared.handlers.lock()
    }

    fn cancel(&self) {
        let mut handlers = self.lock();
        let taken = handlers.take();
        if taken.is_some() {
            // ORDERING: Release pairs with `is_cancelled`.
            self.shared.cancelled.store(true, Ordering::Release);
        }
        drop(handlers);
        for handler in taken.into_iter().flatten() {
            contain(handler);
        }
    }

    /// The job has ended.
    fn close(&self) {
        let left = self.lock().take();
        left.into_iter().flatten().for_each(drop_quietly);
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CancelToken({})", if self.is_cancelled() { "cancelled" } else { "wanted" })
    }
}

impl Pool {
    /// Queues work that is told when its promise is cancelled while it runs.
    ///
    /// As [`spawn`](Pool::spawn); the promise fails with `Cancelled` at once, whatever the work does
    /// then.
    ///
    /// ```
    /// use asynckit::{AnyError, Pool};
    ///
    /// let pool = Pool::new(1);
    /// let mut sum = pool.spawn_cancellable(|token| {
    ///     let mut sum = 0;
    ///     for n in 0..100 {
    ///         if token.is_cancelled() {
    ///             return Err(AnyError::msg("stopped"));
    ///         }
    ///         sum += n;
    ///     }
    ///     Ok(sum)
    /// });
    /// assert_eq!(sum.get(None)?, 4950);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn spawn_cancellable<R, F>(&self, work: F) -> Promise<R::Ok, R::Err>
    where
        F: FnOnce(&CancelToken) -> R + Send + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + 'static,
        R::Err: Send + 'static,
    {
        let location = Location::caller();
        let token = CancelToken::new();
        let job = Cancellable { work, token: Ending(token.clone()), result: PhantomData };
        let (mut producer, consumer) = Producer::pair::<Spawned>(location);
        let mut gather = Gather::new();
        gather.watch(self.post(job, location).into_parts().0, location);
        producer.on_cancel(Box::new(move || token.cancel()));
        producer.waits_for(gather.canceller());
        gather.hand_to(Box::new(Forward { producer: Some(producer) }));
        Promise::new(consumer, self.core().executor())
    }
}

struct Spawned;

impl Origin for Spawned {
    const KIND: &'static str = "spawn_cancellable";
}

/// The one item's outcome is the promise's.
struct Forward<T, E> {
    producer: Option<Producer<T, E>>,
}

impl<T: Send + 'static, E: Send + 'static> Collector<T, E> for Forward<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        let Some(producer) = self.producer.take() else { return items.discard(index) };
        if let Some((outcome, trace)) = items.take_with_trace(index) {
            producer.settle_for(outcome, trace);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.producer = None;
        items.cancel_pending();
    }
}

/// Closes the token when the job has ended, however it has.
struct Ending(CancelToken);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Cancellable<F, R> {
    work: F,
    token: Ending,
    result: PhantomData<fn() -> R>,
}

impl<F, R> Work for Cancellable<F, R>
where
    F: FnOnce(&CancelToken) -> R + Send + 'static,
    R: IntoPromise + 'static,
    R::Ok: 'static,
    R::Err: 'static,
{
    type Ok = R::Ok;
    type Err = R::Err;
    const KIND: &'static str = "spawn_cancellable";

    fn run(self) -> Next<R::Ok, R::Err> {
        let next = (self.work)(&self.token.0).adopt().0;
        drop(self.token);
        next
    }
}
