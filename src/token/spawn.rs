//! Work that can be told, while it runs, that it is wanted no more.

use std::marker::PhantomData;
use std::panic::Location;

use super::CancelToken;
use crate::cell::{Collector, Gather, Items, Next, Origin, Producer, Work};
use crate::failure::CancelReason;
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};

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
        producer.on_cancel(Box::new(move || token.shared.cancel(CancelReason::current())));
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
        self.0.shared.close();
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
