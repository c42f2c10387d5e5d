//! Reading a shared value: from sync code, in async code, and as a promise.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::AsyncValue;
use crate::cell::{self, Origin, Producer, Ticket};
use crate::failure::{Failure, Outcome, catch};
use crate::pool::Worker;
use crate::promise::{IntoPromise, Promise};
use crate::timeout::Timeout;

impl<T: 'static, E: Clone + 'static> AsyncValue<T, E> {
    /// Waits for the value, and reads it.
    ///
    /// Any number of threads may wait at a time. As for timeouts and workers, see
    /// [`Promise::get`](crate::Promise::get).
    ///
    /// # Errors
    /// A clone of the failure. [`Failure::TimedOut`] if the time is over.
    pub fn get(&self, timeout: impl Into<Timeout>) -> Result<&T, Failure<E>> {
        if !self.is_set() {
            self.wait(timeout);
        }
        self.try_get().unwrap_or(Err(Failure::TimedOut))
    }

    /// Reads the value if it is there; does not wait.
    ///
    /// # Errors
    /// A clone of the failure.
    pub fn try_get(&self) -> Option<Result<&T, Failure<E>>> {
        Some(match self.outcome()? {
            Some(Ok(value)) => Ok(value),
            Some(Err(failure)) => {
                self.owner.mark_seen();
                Err(failure.clone())
            }
            None => Err(Failure::Cancelled),
        })
    }
}

impl<T: 'static, E: 'static> AsyncValue<T, E> {
    /// Waits until it has settled. `false`: the time is over.
    pub fn wait(&self, timeout: impl Into<Timeout>) -> bool {
        let timeout = timeout.into();
        if self.is_set() {
            return true;
        }
        cell::flush();
        if timeout.is_poll() || !Worker::is_current() {
            return self.owner.wait(timeout);
        }
        if timeout.is_never() {
            while !self.is_set() && Worker::help(self.owner.kept()) {}
        }
        self.is_set() || self.owner.yielding() || Worker::blocked(|| self.owner.wait(timeout))
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

struct Copied;

impl Origin for Copied {
    const KIND: &'static str = "shared";
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
        let (mut producer, consumer) = Producer::pair::<Copied>(Location::caller());
        let promise = Promise::new(consumer, self.owner.executor().clone());
        let shared = self.owner.reference();
        self.owner.copy(move |ticket| {
            if let Some(ticket) = ticket {
                producer.on_cancel(Box::new(move || shared.forget_copy(ticket)));
            }
            Box::new(move |outcome| {
                let copy = catch(|| outcome.clone());
                producer.settle(copy.unwrap_or_else(|panic| Err(Failure::Panicked(panic))));
            })
        });
        promise
    }
}
