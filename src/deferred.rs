//! The writing end of a promise.

use std::fmt;
use std::panic::Location;

use crate::cell::{Origin, Producer};
use crate::failure::{AnyError, Failure, Outcome};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};

/// The writing end of a promise: settles it once.
///
/// Every method that settles takes `self`, so that settling twice does not compile. Dropped
/// unsettled, its promise fails with [`Failure::Abandoned`]: nothing waits for ever.
///
/// No callback runs inside a call here; see [`Promise`].
///
/// ```
/// use asynckit::Promise;
///
/// let (deferred, mut promise) = Promise::<_>::deferred();
/// std::thread::spawn(move || deferred.resolve(42));
/// assert_eq!(promise.get(None)?, 42);
/// # Ok::<(), asynckit::Failure>(())
/// ```
///
/// It only writes, so it is invariant: what it settles with must be what its promise gives.
///
/// ```compile_fail,E0308
/// use asynckit::{Deferred, Promise};
///
/// let (deferred, _promise) = Promise::<for<'a> fn(&'a str)>::deferred();
/// let _narrower: Deferred<fn(&'static str)> = deferred;
/// ```
#[must_use = "a dropped deferred abandons its promise"]
pub struct Deferred<T, E = AnyError> {
    producer: Producer<T, E>,
}

struct ByHand;

impl Origin for ByHand {
    const KIND: &'static str = "deferred";
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// A pending promise and its writing end. Callbacks run on [`Pool::global`].
    #[track_caller]
    pub fn deferred() -> (Deferred<T, E>, Promise<T, E>) {
        Pool::global().deferred()
    }
}

impl Pool {
    /// A pending promise, whose callbacks run on this pool, and its writing end.
    #[track_caller]
    pub fn deferred<T, E>(&self) -> (Deferred<T, E>, Promise<T, E>)
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (producer, consumer) = Producer::pair::<ByHand>(Location::caller());
        (Deferred { producer }, Promise::new(consumer, self.core().executor()))
    }
}

/// Its promise is cancelled where it is dropped.
struct Fragile;

impl Origin for Fragile {
    const KIND: &'static str = "deferred";
    const FRAGILE: bool = true;
}

impl Pool {
    /// As [`deferred`](Pool::deferred), but the promise, or what was derived from it, is cancelled when it is
    /// dropped pending, instead of going on unseen.
    ///
    /// For work that costs something for as long as it runs, and that [`on_cancel`](Deferred::on_cancel) can
    /// stop: a request, a child process. [`Promise::detach`] lets it go on. A list
    /// that is dropped drops its items; what a [`join`](crate::AsyncList::join) or a shared value holds is
    /// cancelled when that is cancelled.
    ///
    /// ```
    /// let (deferred, promise) = asynckit::Pool::global().deferred_cancel_on_drop::<u32, String>();
    /// drop(promise.map(|n| n + 1));
    /// assert!(deferred.is_cancelled());
    /// ```
    #[track_caller]
    pub fn deferred_cancel_on_drop<T, E>(&self) -> (Deferred<T, E>, Promise<T, E>)
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (producer, consumer) = Producer::pair::<Fragile>(Location::caller());
        (Deferred { producer }, Promise::new(consumer, self.core().executor()))
    }
}

impl<T: Send + 'static, E: Send + 'static> Deferred<T, E> {
    /// Settles the promise with a value.
    #[inline]
    pub fn resolve(self, value: T) {
        self.settle(Ok(value));
    }

    /// Settles the promise with an error.
    pub fn reject(self, error: E) {
        self.settle(Err(Failure::from_error(error)));
    }

    /// Settles the promise with an outcome. After a cancellation the outcome is dropped.
    #[inline]
    pub fn settle(self, outcome: Outcome<T, E>) {
        self.producer.settle(outcome);
    }

    /// Settles the promise with the outcome of another, as soon as that has one.
    ///
    /// A promise that would follow itself fails with [`Failure::WouldDeadlock`]. Cancelling the
    /// promise cancels the other; handlers that were given with [`on_cancel`](Self::on_cancel) are called then,
    /// too.
    pub fn follow(self, source: impl IntoPromise<Ok = T, Err = E>) {
        self.producer.follow(source.into_promise().into_parts().0);
    }

    /// Whether the promise was cancelled: what would settle it is wanted no more.
    pub fn is_cancelled(&self) -> bool {
        self.producer.is_cancelled()
    }

    /// Has `f` called when the promise is cancelled, inside that call; at once, if it was before.
    ///
    /// Handlers add up, and run in the order of registration. One that is left over when the promise
    /// is settled is dropped. Panics of `f` are contained. Where the deferred is given away before there is something
    /// to abort, [`Promise::on_cancel`] says the same on the other side.
    pub fn on_cancel(&mut self, f: impl FnOnce() + Send + 'static) {
        self.producer.on_cancel(Box::new(f));
    }
}

impl<T, E> fmt::Debug for Deferred<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.producer.is_cancelled() { "cancelled" } else { "pending" };
        write!(f, "Deferred({state})")
    }
}
