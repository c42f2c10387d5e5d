//! Values received one after the other: by plain code, by async code.

use std::fmt;
use std::iter::FusedIterator;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::Stream;

use super::shared::{Handed, Received};
use super::{Receiver, opened};
use crate::promise::Promise;

impl<T: Send + 'static> Receiver<T> {
    /// The values as they come, until there will be none; waits for each as [`Promise::get`] does.
    ///
    /// # Panics
    /// `next` does, where its wait could never end: [`WouldDeadlock`](crate::Failure::WouldDeadlock), of
    /// [`recv_timeout`](Self::recv_timeout) an error. In a job that is the failure of its promise.
    pub fn iter(&self) -> ReceiverIter<'_, T> {
        ReceiverIter { receiver: self }
    }

    /// The values for async code, on any runtime. One that has come and was not looked at when it is dropped is the next one
    /// of the other receivers.
    pub fn stream(self) -> ReceiverStream<T> {
        ReceiverStream { receiver: self, next: None }
    }
}

/// The values of a [`Receiver`] as they come, by [`Receiver::iter`].
pub struct ReceiverIter<'receiver, T: Send + 'static> {
    receiver: &'receiver Receiver<T>,
}

impl<T: Send + 'static> Iterator for ReceiverIter<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.receiver
            .recv_timeout(None)
            .unwrap_or_else(|failure| panic!("no value can be waited for: {failure}"))
    }
}

impl<T: Send + 'static> FusedIterator for ReceiverIter<'_, T> {}

impl<'receiver, T: Send + 'static> IntoIterator for &'receiver Receiver<T> {
    type Item = T;
    type IntoIter = ReceiverIter<'receiver, T>;

    fn into_iter(self) -> ReceiverIter<'receiver, T> {
        self.iter()
    }
}

/// The values of a [`Receiver`] as they come, by [`Receiver::stream`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct ReceiverStream<T: Send + 'static> {
    receiver: Receiver<T>,
    /// As long as it waits.
    next: Option<Promise<Option<Handed<T>>>>,
}

// What is in it is handed out by value.
impl<T: Send + 'static> Unpin for ReceiverStream<T> {}

impl<T: Send + 'static> Stream for ReceiverStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        let next = match &mut this.next {
            Some(next) => next,
            empty => match this.receiver.shared.receive(Location::caller()) {
                Received::Now(value) => return Poll::Ready(value),
                Received::Waits(promise) => empty.insert(promise),
            },
        };
        let outcome = ready!(Pin::new(next).poll(context));
        this.next = None;
        Poll::Ready(outcome.ok().and_then(opened))
    }
}

impl<T: Send + 'static> fmt::Debug for ReceiverStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceiverStream").field(&self.receiver).finish()
    }
}
