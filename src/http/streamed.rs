//! [`Streamed`]: an answer whose body is read as it comes.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};

use super::async_body::BodyStream;
use super::lines::Lines;
use super::pipe::Outlet;
use super::redact::redacted;
use super::{Error, ErrorKind, HeaderMap, Redirect, Response, StatusCode, Url, Version};

/// An answer, of whatever status, whose body is read as it comes.
///
/// Made by [`RequestBuilder::stream`](super::RequestBuilder::stream). The body is an [`Iterator`] of pieces and a
/// [`Read`] in plain code, where a call waits for what comes next, and with [`stream`](Streamed::stream) a stream in async code, on any runtime.
/// Pieces are as large as they come, and unpacked. Some 64 KiB are fetched ahead; a reader that takes its time
/// stops the connection, and the server with it.
///
/// Dropping it closes the connection, unless the whole body has come; then it is used again. Until then the
/// request has its turn ([`max_concurrent`](super::SessionBuilder::max_concurrent)): one that is kept and not read
/// keeps others waiting.
///
/// # Limits
///
/// [`idle_timeout`](super::SessionBuilder::idle_timeout) counts while a piece is waited for, not while the reader
/// takes its time. The session's [`timeout`](super::SessionBuilder::timeout) ends with the head of the answer;
/// one of the [request](super::RequestBuilder::timeout) is for its body, too.
/// [`max_body`](super::SessionBuilder::max_body) holds where it was set.
///
/// # Examples
///
/// ```no_run
/// use asynckit::http::Session;
/// use std::io::Read;
///
/// let session = Session::new();
/// let mut log = session.request("GET", "http://localhost:8000/log").stream();
/// for piece in log.get(None)?.error_for_status()? {
///     println!("{} bytes", piece?.len());
/// }
/// let mut film = session.request("GET", "http://localhost:8000/film").stream().get(None)?;
/// let mut magic = [0; 4];
/// film.read_exact(&mut magic)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a body that is not read is thrown away, with its connection"]
pub struct Streamed {
    /// Its body is the beginning of the stream, of an error only.
    head: Response,
    length: Option<u64>,
    outlet: Outlet,
    /// What is left of a piece of which a `Read` has taken a part.
    rest: Bytes,
    ended: bool,
}

impl Streamed {
    pub(super) fn new(head: Response, length: Option<u64>, outlet: Outlet) -> Self {
        Self { head, length, outlet, rest: Bytes::new(), ended: false }
    }

    /// Gives the status, such as `200 OK`.
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// Gives the URL that answered: the last one, where the request was redirected.
    pub fn url(&self) -> &Url {
        self.head.url()
    }

    /// Gives all headers.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// Gives the header `name`, if there is one and it is readable text. Upper and lower case are the same.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// Gives the version of HTTP that the server spoke.
    pub fn version(&self) -> Version {
        self.head.version()
    }

    /// Gives the redirects that were followed, in their order.
    pub fn history(&self) -> &[Redirect] {
        self.head.history()
    }

    /// Says how long it took, from the request's turn to the head of its answer.
    pub fn elapsed(&self) -> Duration {
        Response::elapsed(&self.head)
    }

    /// Gives the address that answered: the proxy's, where there is one.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.head.remote_addr()
    }

    /// Gives the tag of the request, if it had one.
    pub fn tag(&self) -> Option<&str> {
        self.head.tag()
    }

    /// Says how many requests it took: redirects and repetitions count.
    pub fn attempts(&self) -> u32 {
        self.head.attempts()
    }

    /// Gives the length of the body where the server has said it, and it comes unpacked.
    pub fn content_length(&self) -> Option<u64> {
        self.length
    }

    /// Turns an answer with a status from 400 on into an error, and closes its connection.
    ///
    /// # Errors
    ///
    /// An [`Error`] of kind [`Status`](ErrorKind::Status) for such a status, with the first KiB of the body.
    pub fn error_for_status(self) -> Result<Self, Error> {
        self.head.clone().error_for_status()?;
        Ok(self)
    }

    /// Gives the body line by line, in plain and in async code: see [`Lines`].
    ///
    /// ```no_run
    /// # let session = asynckit::http::Session::new();
    /// let events = session.request("GET", "http://localhost:8000/events").stream();
    /// # let mut events: asynckit::Promise<asynckit::http::Streamed> = events;
    /// for line in events.get(None)?.lines() {
    ///     println!("{}", line?);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lines(self) -> Lines {
        Lines::new(self)
    }

    /// Gives the body to async code, on any runtime.
    ///
    /// With `StreamExt` of the crate `futures`, it is `while let Some(piece) = body.next().await`.
    ///
    /// ```no_run
    /// # async fn run(session: asynckit::http::Session) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_core::Stream;
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    ///
    /// let mut body = session.request("GET", "http://localhost:8000/").stream().await?.stream();
    /// while let Some(piece) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
    ///     println!("{} bytes", piece?.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> BodyStream {
        BodyStream::new(self)
    }

    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        if let Some(rest) = self.take_rest() {
            return Poll::Ready(Some(Ok(rest)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let next = self.outlet.poll(cx);
        self.ended = !matches!(next, Poll::Pending | Poll::Ready(Some(Ok(_))));
        next
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended && self.rest.is_empty()
    }

    fn take_rest(&mut self) -> Option<Bytes> {
        (!self.rest.is_empty()).then(|| std::mem::take(&mut self.rest))
    }
}

/// Each step waits for the next piece. Behind an error, and behind the end, there is nothing more.
impl Iterator for Streamed {
    type Item = Result<Bytes, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(rest) = self.take_rest() {
            return Some(Ok(rest));
        }
        let next = if self.ended { None } else { self.outlet.wait() };
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl std::iter::FusedIterator for Streamed {}

/// Waits until there is something. Its errors hold the [`Error`] of this module.
impl Read for Streamed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.rest.is_empty() {
            match self.next().transpose().map_err(as_io)? {
                None => return Ok(0),
                Some(piece) => self.rest = piece,
            }
        }
        let count = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

fn as_io(error: Error) -> io::Error {
    let kind = match error.kind() {
        _ if error.is_timeout() => io::ErrorKind::TimedOut,
        ErrorKind::Body => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// Says what answered, not its body.
impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed")
            .field("status", &self.status())
            .field("url", &redacted(self.url()))
            .field("headers", &self.headers().len())
            .finish_non_exhaustive()
    }
}
