//! The items of a list as they settle, for async code.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};

use super::{AsCompleted, Completed, KeyedAsCompleted, KeyedCompleted};
use crate::failure::AnyError;

/// A stream of the items of a list as they settle, by [`AsCompleted::stream`].
///
/// It works on any runtime. Dropping it detaches the items that are left.
#[must_use = "a stream does nothing unless it is polled"]
pub struct CompletedStream<T, E = AnyError> {
    completed: AsCompleted<T, E>,
}

impl<T: Send + 'static, E: Send + 'static> CompletedStream<T, E> {
    pub(super) fn new(completed: AsCompleted<T, E>) -> Self {
        CompletedStream { completed }
    }
}

impl<T: Send + 'static, E: Send + 'static> Stream for CompletedStream<T, E> {
    type Item = Completed<T, E>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Completed<T, E>>> {
        self.completed.poll(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.completed.size_hint()
    }
}

impl<T: Send + 'static, E: Send + 'static> FusedStream for CompletedStream<T, E> {
    fn is_terminated(&self) -> bool {
        self.completed.is_over()
    }
}

/// A stream of the items of a keyed list as they settle, by [`KeyedAsCompleted::stream`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct KeyedCompletedStream<K, T, E = AnyError> {
    completed: KeyedAsCompleted<K, T, E>,
}

// The keys are never pinned: they are handed out by value.
impl<K, T, E> Unpin for KeyedCompletedStream<K, T, E> {}

impl<K, T: Send + 'static, E: Send + 'static> KeyedCompletedStream<K, T, E> {
    pub(super) fn new(completed: KeyedAsCompleted<K, T, E>) -> Self {
        KeyedCompletedStream { completed }
    }
}

impl<K, T: Send + 'static, E: Send + 'static> Stream for KeyedCompletedStream<K, T, E> {
    type Item = KeyedCompleted<K, T, E>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<KeyedCompleted<K, T, E>>> {
        self.completed.poll(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.completed.size_hint()
    }
}

impl<K, T: Send + 'static, E: Send + 'static> FusedStream for KeyedCompletedStream<K, T, E> {
    fn is_terminated(&self) -> bool {
        self.completed.is_over()
    }
}

impl<T, E> fmt::Debug for CompletedStream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CompletedStream").field(&self.completed).finish()
    }
}

impl<K, T, E> fmt::Debug for KeyedCompletedStream<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyedCompletedStream").field(&self.completed).finish()
    }
}
