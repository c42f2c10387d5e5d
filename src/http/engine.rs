//! [`Engine`]: one request to one server, and its answer.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use ::http::header::{ACCEPT, ACCEPT_ENCODING, COOKIE, HeaderValue, PROXY_AUTHORIZATION, RANGE};
use ::http::{Extensions, Uri};
use bytes::Bytes;
use http_body::Body as _;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::client::legacy::{Client, Error as ClientError};
use tokio::time::sleep;

use super::answer_body::AnswerBody;
use super::body::Outgoing;
use super::jar::Jar;
use super::net::{Connector, Kept, Line, NoConnection, Proxies};
use super::unpack::{ACCEPTED, Unpacked, Unpacker};
use super::waiting::{First, first, while_moving};
use super::{Error, ErrorKind, HeaderMap, Request, Url, Version};
use crate::sync::{Arc, Mutex};

/// The connections of a session, and what is said over them.
pub(super) struct Engine {
    pub(super) client: Client<Connector, Outgoing>,
    pub(super) proxies: Proxies,
    pub(super) kept: Arc<Kept>,
    pub(super) jar: Option<Arc<dyn Jar>>,
    pub(super) compression: bool,
}

/// The limits of time of one request.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) first_byte: Option<Duration>,
    pub(super) idle: Option<Duration>,
}

/// An answer whose head has come. Boxed, for it goes from one future to the next.
pub(super) struct Head {
    pub(super) parts: ::http::response::Parts,
    pub(super) line: Option<Arc<Line>>,
    /// Where it came from, if that is not where it was sent.
    pub(super) url: Option<Url>,
    incoming: AnswerBody,
    unpacker: Option<Unpacker>,
    idle: Option<Duration>,
    in_use: Option<InUse>,
}

/// The connection is not idle for as long as this is there.
struct InUse {
    kept: Arc<Kept>,
    line: Arc<Line>,
}

impl InUse {
    fn new(kept: &Arc<Kept>, line: Arc<Line>) -> Self {
        kept.take(&line);
        Self { kept: Arc::clone(kept), line }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.kept.rest(&self.line);
    }
}

impl Engine {
    /// Sends `request`, and waits for the head of its answer. Where a connection that was used before ends
    /// before any answer, the server had closed it: then once more, if the request may be repeated.
    pub(super) async fn send(&self, request: &Request, limits: Limits) -> Result<Box<Head>, Error> {
        match self.send_once(request, limits).await {
            Ok(head) => Ok(head),
            Err(failed) if failed.stale && may_repeat(request) => {
                let again = self.send_once(request, limits).await;
                again.map_err(|failed| failed.error)
            }
            Err(failed) => Err(failed.error),
        }
    }

    async fn send_once(&self, request: &Request, limits: Limits) -> Result<Box<Head>, Failed> {
        let (uri, mut message, unpacks) = self.message(request).await?;
        let captured = capture_connection(&mut message);
        let in_use = Mutex::new(None);
        let mut answer = self.client.request(message);
        let answer = poll_fn(|cx| {
            let answer = Pin::new(&mut answer).poll(cx);
            let mut in_use = in_use.lock();
            if in_use.is_none() {
                *in_use = line_of(&captured).map(|line| InUse::new(&self.kept, line));
            }
            answer
        });
        let answer = async {
            match limits.first_byte {
                None => First::This(answer.await),
                Some(limit) => first(answer, sleep(limit)).await,
            }
        };
        let line = || in_use.lock().as_ref().map(|in_use| Arc::clone(&in_use.line));
        let answer = while_moving(answer, line, limits.idle).await;
        let in_use = in_use.into_inner();
        let late = |kind| Failed { error: Error::new(kind).of(&request.url), stale: false };
        let answer = match answer {
            None => {
                poison(&captured);
                return Err(late(ErrorKind::IdleTimeout));
            }
            Some(First::That(())) => return Err(late(ErrorKind::FirstByteTimeout)),
            Some(First::This(Err(error))) => {
                let stale = in_use.is_some_and(|in_use| in_use.line.is_reused());
                return Err(self.failed(error, &request.url, &uri, stale));
            }
            Some(First::This(Ok(answer))) => answer,
        };
        let (parts, incoming) = answer.into_parts();
        let incoming = AnswerBody::Incoming(incoming);
        Ok(self.head(&request.url, parts, incoming, unpacks, limits).on(in_use))
    }

    /// An answer from `url`, whose cookies are kept.
    pub(super) fn head(
        &self,
        url: &Url,
        mut parts: ::http::response::Parts,
        incoming: AnswerBody,
        unpacks: bool,
        limits: Limits,
    ) -> Box<Head> {
        if let Some(jar) = &self.jar {
            jar.store(url, &parts.headers);
        }
        let unpacker = Unpacker::of(&parts.headers).filter(|_| unpacks);
        if unpacker.is_some() {
            parts.headers.remove(::http::header::CONTENT_ENCODING);
            parts.headers.remove(::http::header::CONTENT_LENGTH);
        }
        let idle = limits.idle;
        Box::new(Head { parts, line: None, url: None, incoming, unpacker, idle, in_use: None })
    }

    /// What goes to hyper; whether the answer is unpacked.
    async fn message(
        &self,
        request: &Request,
    ) -> Result<(Uri, ::http::Request<Outgoing>, bool), Failed> {
        let bad = |error: Error| Failed { error: error.of(&request.url), stale: false };
        let bad_url = |error| bad(Error::new(ErrorKind::BadUrl).because(error));
        let uri: Uri = request.url.as_str().parse().map_err(bad_url)?;
        let body = request.body.open().await;
        let body = body.map_err(|error| bad(Error::new(ErrorKind::BadRequest).because(error)))?;
        let mut message = ::http::Request::new(body);
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = uri.clone();
        if let Some(version) = request.version {
            *message.version_mut() = version;
        }
        let headers = message.headers_mut();
        headers.clone_from(&request.headers);
        let unpacks = self.dress(&request.url, headers);
        if let Some(authorization) = self.proxies.authorization(&uri) {
            headers.entry(PROXY_AUTHORIZATION).or_insert(authorization);
        }
        Ok((uri, message, unpacks))
    }

    /// Adds what the session knows to the headers of a request to `url`; whether the answer is unpacked.
    pub(super) fn dress(&self, url: &Url, headers: &mut HeaderMap) -> bool {
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let unpacks = self.compression
            && !headers.contains_key(ACCEPT_ENCODING)
            && !headers.contains_key(RANGE);
        if unpacks {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        }
        if !headers.contains_key(COOKIE) {
            let cookies = self.jar.as_ref().and_then(|jar| jar.header(url));
            headers.extend(cookies.map(|cookies| (COOKIE, cookies)));
        }
        unpacks
    }

    /// What hyper says, in the words of this module.
    fn failed(&self, error: ClientError, url: &Url, uri: &Uri, reused: bool) -> Failed {
        let (mut kind, mut proxy, mut ended) = (ErrorKind::NoAnswer, None, false);
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(deeper) = cause {
            if let Some(none) = deeper.downcast_ref::<NoConnection>() {
                (kind, proxy) = (none.kind(), none.proxy.clone());
                break;
            }
            let hyper = deeper.downcast_ref::<hyper::Error>();
            ended |=
                hyper.is_some_and(|error| error.is_incomplete_message() || error.is_canceled());
            #[cfg(feature = "http2")]
            if let Some(error) = deeper.downcast_ref::<h2::Error>() {
                ended |= error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM);
            }
            let io = deeper.downcast_ref::<io::Error>().map(io::Error::kind);
            ended |= io.is_some_and(|kind| {
                use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
                matches!(kind, ConnectionReset | ConnectionAborted | BrokenPipe)
            });
            cause = deeper.source();
        }
        if kind == ErrorKind::NoAnswer {
            proxy = self.proxies.shown(uri);
        }
        let stale = reused && ended;
        Failed { error: Error::new(kind).of(url).through(proxy).because(error), stale }
    }
}

/// Why there is no answer.
struct Failed {
    error: Error,
    /// The connection was an old one, and ended before the answer.
    stale: bool,
}

/// Whether it does no harm to send it twice.
fn may_repeat(request: &Request) -> bool {
    request.method.is_idempotent() && request.body.is_repeatable()
}

/// Nothing moves on the connection: that other requests are not given it, too.
fn poison(captured: &CaptureConnection) {
    let connected = captured.connection_metadata();
    connected.as_ref().into_iter().for_each(|dead| dead.poison());
}

fn line_of(captured: &CaptureConnection) -> Option<Arc<Line>> {
    let connected = captured.connection_metadata();
    let mut extras = Extensions::new();
    connected.as_ref()?.get_extras(&mut extras);
    extras.remove()
}

impl Head {
    /// It has come on this connection.
    fn on(mut self: Box<Self>, in_use: Option<InUse>) -> Box<Self> {
        if let Some(in_use) = &in_use {
            in_use.line.answered();
        }
        self.line = in_use.as_ref().map(|in_use| Arc::clone(&in_use.line));
        self.in_use = in_use;
        self
    }

    /// The next piece of the body, unpacked; at most `room` bytes more. `None` at its end.
    pub(super) async fn piece(&mut self, room: u64) -> Result<Option<Bytes>, Error> {
        let small = usize::try_from(room).unwrap_or(usize::MAX);
        loop {
            let Some(bytes) = self.raw_piece().await? else {
                self.in_use = None;
                let rest = self.unpacker.as_mut().map(|unpacker| unpacker.finish(small));
                self.unpacker = None;
                return match rest {
                    None => Ok(None),
                    Some(rest) => {
                        let rest = rest.map_err(not_unpacked)?;
                        Ok((!rest.is_empty()).then(|| Bytes::from(rest)))
                    }
                };
            };
            let bytes = match &mut self.unpacker {
                None => bytes,
                Some(unpacker) => unpacker.unpack(&bytes, small).map_err(not_unpacked)?.into(),
            };
            if bytes.len() as u64 > room {
                return Err(Error::new(ErrorKind::BodyTooLarge));
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    async fn raw_piece(&mut self) -> Result<Option<Bytes>, Error> {
        let incoming = &mut self.incoming;
        // Over HTTP/2 others move the line, too: one of its own, which never does, counts the wait as a whole.
        let line = match self.parts.version {
            Version::HTTP_2 => Some(Line::new(None)),
            _ => self.line.clone(),
        };
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx));
            let frame = while_moving(frame, || line.clone(), self.idle).await;
            match frame {
                None => return Err(Error::new(ErrorKind::IdleTimeout)),
                Some(None) => return Ok(None),
                Some(Some(Err(error))) => return Err(Error::new(ErrorKind::Body).caused_by(error)),
                Some(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// What the head says of the body's length; not to be trusted.
    pub(super) fn announced(&self) -> Option<u64> {
        self.unpacker.is_none().then(|| self.incoming.size_hint().exact()).flatten()
    }
}

fn not_unpacked(error: Unpacked) -> Error {
    match error {
        Unpacked::TooLarge => Error::new(ErrorKind::BodyTooLarge),
        Unpacked::Broken(error) => Error::new(ErrorKind::Body).because(error),
    }
}
