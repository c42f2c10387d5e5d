//! The values of a flow for async code.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};

use super::Flow;
use crate::failure::{AnyError, Outcome};

/// A stream of the values of a flow, by [`Flow::stream`].
///
/// It works on any runtime. Dropping it cancels what is under way.
#[must_use = "a stream does nothing unless it is polled"]
pub struct FlowStream<T: Send + 'static, E: Send + 'static = AnyError> {
    flow: Flow<T, E>,
}

impl<T: Send + 'static, E: Send + 'static> FlowStream<T, E> {
    pub(super) fn new(flow: Flow<T, E>) -> Self {
        FlowStream { flow }
    }
}

impl<T: Send + 'static, E: Send + 'static> Stream for FlowStream<T, E> {
    type Item = Outcome<T, E>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Outcome<T, E>>> {
        let flow = &mut self.flow;
        let mut waiting = flow.pull();
        match Pin::new(&mut waiting).poll(context) {
            Poll::Ready(outcome) => Poll::Ready(flow.passed(outcome)),
            Poll::Pending => {
                flow.waiting = Some(waiting);
                Poll::Pending
            }
        }
    }
}

impl<T: Send + 'static, E: Send + 'static> FusedStream for FlowStream<T, E> {
    fn is_terminated(&self) -> bool {
        self.flow.source.is_none()
    }
}

impl<T: Send + 'static, E: Send + 'static> fmt::Debug for FlowStream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlowStream").field(&self.flow).finish()
    }
}
