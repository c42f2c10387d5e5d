//! [`BodyStream`] and [`LineStream`]: streamed bodies in async code.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};

use super::lines::{Line, Lines};
use super::{Error, Streamed};

/// The pieces of a [`Streamed`] body for async code, from [`Streamed::stream`].
///
/// A type of its own, since `next` of an iterator and of a stream would be ambiguous.
#[must_use = "streams do nothing unless polled"]
pub struct BodyStream {
    body: Streamed,
}

impl BodyStream {
    pub(super) fn new(body: Streamed) -> Self {
        Self { body }
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.body.poll_piece(cx)
    }
}

impl FusedStream for BodyStream {
    fn is_terminated(&self) -> bool {
        self.body.has_ended()
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)
    }
}

/// The lines of a [`Streamed`] body for async code, from [`Lines::stream`].
#[must_use = "streams do nothing unless polled"]
pub struct LineStream {
    lines: Lines,
}

impl LineStream {
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines }
    }
}

impl Stream for LineStream {
    type Item = Line;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Line>> {
        self.lines.poll_line(cx)
    }
}

impl FusedStream for LineStream {
    fn is_terminated(&self) -> bool {
        self.lines.has_ended()
    }
}

impl fmt::Debug for LineStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.fmt(f)
    }
}
