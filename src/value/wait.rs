//! Reading a shared value: from sync code, in async code, and as a promise.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::AsyncValue;
use crate::budget;
use crate::cell::{Shared, Ticket};
use crate::failure::{Failure, Outcome};
use crate::pool::{Waited, Worker};
use crate::promise::{IntoPromise, Promise};
use crate::timeout::Timeout;

impl<T: 'static, E: Clone + 'static> AsyncValue<T, E> {
    /// Waits for the value, and reads it.
    ///
    /// Any number of threads may wait at a time. As for timeouts and workers, see
    /// [`Promise::get`](crate::Promise::get).
    ///
    /// # Errors
    /// A clone of the failure. [`Failure::TimedOut`] if the time is over, [`Failure::WouldDeadlock`] as
    /// in [`Promise::get`](crate::Promise::get).
    pub fn get(&self, timeout: impl Into<Timeout>) -> Result<&T, Failure<E>> {
        if let Some(outcome) = self.try_get() {
            return outcome;
        }
        self.wait_and_get(timeout.into())
    }

    #[cold]
    fn wait_and_get(&self, timeout: Timeout) -> Result<&T, Failure<E>> {
        let waited = self.wait_for(timeout);
        self.try_get().unwrap_or(Err(waited.failure()))
    }

    /// Reads the value if it is there; does not wait.
    ///
    /// # Errors
    /// A clone of the failure.
    pub fn try_get(&self) -> Option<Result<&T, Failure<E>>> {
        Some(match self.outcome()? {
            Some(Ok(value)) => Ok(value),
            Some(Err(failure)) => Err(self.show(failure)),
            None => Err(Failure::Cancelled),
        })
    }

    #[cold]
    fn show(&self, failure: &Failure<E>) -> Failure<E> {
        self.owner.show();
        failure.clone()
    }
}

impl<T: 'static, E: 'static> AsyncValue<T, E> {
    /// Waits until it has settled. `false`: the time is over.
    pub fn wait(&self, timeout: impl Into<Timeout>) -> bool {
        self.wait_for(timeout.into()) == Waited::Settled
    }

    fn wait_for(&self, timeout: Timeout) -> Waited {
        let mut shared: &Shared<T, E> = &self.owner;
        Worker::wait_for(&mut shared, timeout)
    }
}

/// Waits for a shared value, and clones it.
#[derive(Debug)]
pub struct ValueFuture<T: 'static, E: 'static> {
    value: AsyncValue<T, E>,
    ticket: Option<Ticket>,
}

impl<T: Clone + 'static, E: Clone + 'static> Future for ValueFuture<T, E> {
    type Output = Outcome<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.unlisten();
        if !self.value.is_set() {
            self.ticket = self.value.owner.listen(context.waker());
            if self.ticket.is_some() {
                return Poll::Pending;
            }
        }
        ready!(budget::spend(context));
        match self.value.try_get() {
            Some(outcome) => Poll::Ready(outcome.cloned()),
            None => Poll::Pending, // not reachable: `listen` fails on a settled value only
        }
    }
}

impl<T: 'static, E: 'static> ValueFuture<T, E> {
    fn unlisten(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.value.owner.unlisten(ticket);
        }
    }
}

impl<T: 'static, E: 'static> Drop for ValueFuture<T, E> {
    fn drop(&mut self) {
        self.unlisten();
    }
}

impl<T: Clone + 'static, E: Clone + 'static> IntoFuture for AsyncValue<T, E> {
    type Output = Outcome<T, E>;
    type IntoFuture = ValueFuture<T, E>;

    fn into_future(self) -> ValueFuture<T, E> {
        ValueFuture { value: self, ticket: None }
    }
}

/// The value is cloned on the thread that settles it.
impl<T, E> IntoPromise for AsyncValue<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    type Ok = T;
    type Err = E;

    #[track_caller]
    fn into_promise(self) -> Promise<T, E> {
        self.copy(Location::caller())
    }
}
