//! [`AnswerBody`]: what comes behind the head of an answer, from wherever it came.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::error::Cause;
use crate::sync::Arc;

/// The body of an answer, as it comes.
pub(super) enum AnswerBody {
    Incoming(Incoming),
    /// From a transport of the user's.
    Whole(Option<Bytes>),
    #[cfg(feature = "reqwest")]
    Adopted(reqwest::Body),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        match self.get_mut() {
            AnswerBody::Incoming(body) => {
                Pin::new(body).poll_frame(cx).map_err(|error| Arc::new(error) as Cause)
            }
            AnswerBody::Whole(bytes) => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            #[cfg(feature = "reqwest")]
            AnswerBody::Adopted(body) => {
                let frame = Pin::new(body).poll_frame(cx);
                frame.map_err(|error| Arc::new(error.without_url()) as Cause)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Incoming(body) => body.size_hint(),
            AnswerBody::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            #[cfg(feature = "reqwest")]
            AnswerBody::Adopted(body) => body.size_hint(),
        }
    }
}
