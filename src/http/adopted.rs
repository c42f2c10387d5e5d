//! Requests that a `reqwest::Client` sends. With the feature `reqwest`.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::answer_body::AnswerBody;
use super::body::Outgoing;
use super::transport::Answer;
use super::{Error, ErrorKind, Request};
use crate::sync::Mutex;

/// Sends `request`, and waits for the head of its answer.
pub(super) async fn send(client: &reqwest::Client, request: Request) -> Result<Answer, Error> {
    let url = request.url.clone();
    let body = request.body.open().await;
    let body = body.map_err(|error| Error::new(ErrorKind::BadRequest).because(error))?;
    let mut sent = reqwest::Request::new(request.method.clone(), request.url.clone());
    *sent.headers_mut() = request.headers;
    if let Some(version) = request.version {
        *sent.version_mut() = version;
    }
    *sent.body_mut() = match request.body.as_bytes() {
        Some([]) => None,
        Some(bytes) => Some(bytes.to_vec().into()), // can be sent again behind a redirect
        None => Some(reqwest::Body::wrap(Alone(Mutex::new(body)))),
    };
    let answer = client.execute(sent).await.map_err(|error| failed(error).of(&url))?;
    let (peer, url) = (answer.remote_addr(), answer.url().clone());
    let (parts, body) = ::http::Response::<reqwest::Body>::from(answer).into_parts();
    Ok(Answer { parts, body: AnswerBody::Adopted(body), peer, url: Some(url) })
}

/// A body for those who want one that threads could share.
struct Alone(Mutex<Outgoing>);

impl http_body::Body for Alone {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut *self.0.lock()).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().size_hint()
    }
}

fn failed(error: reqwest::Error) -> Error {
    let refused = {
        let mut cause = error.source();
        let mut refused = false;
        while let Some(deeper) = cause {
            let io = deeper.downcast_ref::<io::Error>();
            refused |= io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
            cause = deeper.source();
        }
        refused
    };
    let kind = match () {
        () if error.is_connect() && error.is_timeout() => ErrorKind::ConnectTimeout,
        () if refused => ErrorKind::Refused,
        () if error.is_connect() => ErrorKind::Connect,
        () if error.is_timeout() => ErrorKind::Timeout,
        () if error.is_redirect() => ErrorKind::TooManyRedirects,
        () if error.is_builder() => ErrorKind::BadRequest,
        () => ErrorKind::NoAnswer,
    };
    Error::new(kind).because(error.without_url())
}
