//! [`Error`]: what went wrong, with which request.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::error_kind::ErrorKind;
use super::redact::{redacted, redacted_text};
use super::{HeaderMap, Method, StatusCode, Url};
use crate::AnyError;
use crate::face::{CallError, FromCall};
use crate::sync::Arc;

pub(super) type Cause = Arc<dyn StdError + Send + Sync>;

/// Says what went wrong with a request, and with which URL.
///
/// The error inside a failed promise of a [`Session`](super::Session), found with
/// `failure.downcast_ref::<http::Error>()`, and that of [`Response`](super::Response)'s own methods. Its
/// text names the URL and the innermost cause; [`source`](StdError::source) leads there step by step.
/// Passwords in URLs are in no text of it. Clones share one error.
///
/// # Examples
///
/// ```
/// use asynckit::http::{Error, ErrorKind, Session};
///
/// let failure = Session::new().get("index.html").get(None).unwrap_err();
/// let error = failure.downcast_ref::<Error>().expect("sessions fail with http::Error");
/// assert_eq!(error.kind(), ErrorKind::BadUrl);
/// assert_eq!(error.to_string(), "cannot fetch \"index.html\": relative URL without a base");
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    method: Option<Method>,
    url: Option<String>,
    /// What is at fault where that is not the server: `the proxy http://…`.
    through: Option<String>,
    attempts: u32,
    elapsed: Duration,
    tag: Option<Arc<str>>,
    answer: Option<Box<Answer>>,
    source: Option<Cause>,
}

/// What is kept of an answer whose status is the error.
#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    beginning: Vec<u8>,
}

/// So much of a body is kept for a person to read.
const BEGINNING: usize = 1024;

impl Error {
    /// Tells in which way the request went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Gives the URL that it happened to: the last one, where the request was redirected. Without user name
    /// and password.
    ///
    /// `None` where no URL has to do with it: a setting of the session.
    pub fn url(&self) -> Option<&str> {
        self.inner.url.as_deref()
    }

    /// Gives the method of the request that failed.
    pub fn method(&self) -> Option<&Method> {
        self.inner.method.as_ref()
    }

    /// Gives the proxy that failed, where it was the proxy and not the server.
    pub fn proxy(&self) -> Option<&str> {
        self.inner.through.as_deref()
    }

    /// Says how often the request was sent; 0 where it never was.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// Says how long the request took until it failed, without the wait for its turn.
    pub fn elapsed(&self) -> Duration {
        self.inner.elapsed
    }

    /// Gives the tag of the request, if it had one.
    pub fn tag(&self) -> Option<&str> {
        self.inner.tag.as_deref()
    }

    /// Gives the status, for the kind [`Status`](ErrorKind::Status).
    pub fn status(&self) -> Option<StatusCode> {
        self.inner.answer.as_ref().map(|answer| answer.status)
    }

    /// Gives the headers of the answer, for the kind [`Status`](ErrorKind::Status).
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.inner.answer.as_ref().map(|answer| &answer.headers)
    }

    /// Gives the first 1,024 bytes of the answer's body, for the kind [`Status`](ErrorKind::Status); else none.
    pub fn body(&self) -> &[u8] {
        self.inner.answer.as_ref().map_or(&[], |answer| &answer.beginning)
    }

    /// Says whether a limit of time passed, that for connecting and that of a [call](ErrorKind::Call) included.
    pub fn is_timeout(&self) -> bool {
        use ErrorKind::{Call, ConnectTimeout, FirstByteTimeout, IdleTimeout, Timeout};
        match self.kind() {
            ConnectTimeout | FirstByteTimeout | IdleTimeout | Timeout => true,
            Call => self.inner.source.as_deref().is_some_and(|source| {
                matches!(source.downcast_ref::<CallError>(), Some(CallError::TimedOut))
            }),
            _ => false,
        }
    }

    /// Says whether there was no connection: unknown host, refused, a certificate that does not hold, no
    /// handshake in time.
    pub fn is_connect(&self) -> bool {
        use ErrorKind::{Certificate, Connect, ConnectTimeout, Refused, UnknownHost};
        matches!(self.kind(), Certificate | Connect | ConnectTimeout | Refused | UnknownHost)
    }

    /// Says whether it is about the status of an answer.
    pub fn is_status(&self) -> bool {
        self.kind() == ErrorKind::Status
    }

    pub(super) fn new(kind: ErrorKind) -> Self {
        let inner = Inner {
            kind,
            method: None,
            url: None,
            through: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            tag: None,
            answer: None,
            source: None,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The error inside, or that of a hook.
    pub(super) fn from_any(error: AnyError) -> Self {
        match error.downcast_ref::<Self>() {
            Some(error) => error.clone(),
            None => Self::new(ErrorKind::Hook).caused_by(Cause::from(error.into_boxed())),
        }
    }

    /// The same with a cause, which is its [`source`](StdError::source) and the end of its text.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::http::{Error, ErrorKind};
    ///
    /// let error = Error::from(ErrorKind::NoAnswer).with_source("line cut");
    /// assert_eq!(error.to_string(), "no answer from the URL: line cut");
    /// ```
    #[must_use]
    pub fn with_source(self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.caused_by(Cause::from(cause.into()))
    }

    pub(super) fn bad_url(text: &str, error: url::ParseError) -> Self {
        Self::new(ErrorKind::BadUrl).of_text(text).because(error)
    }

    pub(super) fn bad_status(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let beginning = body[..body.len().min(BEGINNING)].to_vec();
        let answer = Answer { status, headers: headers.clone(), beginning };
        Self::new(ErrorKind::Status).change(|inner| inner.answer = Some(Box::new(answer)))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// A URL that is none.
    pub(super) fn of_text(self, text: &str) -> Self {
        self.change(|inner| inner.url = Some(redacted_text(text)))
    }

    pub(super) fn of(self, url: &Url) -> Self {
        self.change(|inner| inner.url = Some(redacted(url)))
    }

    pub(super) fn because(self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.caused_by(Arc::new(cause))
    }

    pub(super) fn caused_by(self, cause: Cause) -> Self {
        self.change(|inner| inner.source = Some(cause))
    }

    pub(super) fn saying(self, text: impl Into<String>) -> Self {
        self.because(Said(text.into()))
    }

    pub(super) fn through(self, proxy: Option<String>) -> Self {
        self.change(|inner| inner.through = proxy)
    }

    /// What the session knows of the request.
    pub(super) fn about(
        self,
        method: Option<&Method>,
        attempts: u32,
        elapsed: Duration,
        tag: Option<Arc<str>>,
    ) -> Self {
        self.change(|inner| {
            inner.method = method.cloned();
            inner.attempts = attempts;
            inner.elapsed = elapsed;
            inner.tag = tag;
        })
    }

    /// The end of the chain of sources: what the system or the parser said.
    fn innermost(&self) -> Option<&dyn StdError> {
        let mut cause = self.source()?;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Some(cause)
    }
}

/// An error by hand, for a [transport](super::SessionBuilder::transport) that fails.
impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

/// So that a client of an API may have this error as its own: of kind [`Call`](ErrorKind::Call).
///
/// # Examples
///
/// ```
/// use asynckit::face::{Face, Reply};
/// use asynckit::http::{self, Session};
///
/// struct Client<F: Face> {
///     session: Session<http::Error>,
///     face: F,
/// }
///
/// impl<F: Face> Client<F> {
///     fn motto(&self) -> Reply<F, String, http::Error> {
///         let page = self.session.get("https://example.test/motto");
///         self.face.reply(page.then(|page| Ok(page.error_for_status()?.text())))
///     }
/// }
/// ```
impl FromCall for Error {
    fn from_call(call: CallError) -> Self {
        Self::new(ErrorKind::Call).because(call)
    }
}

/// A cause that is only words.
#[derive(Debug)]
struct Said(String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Said {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url().unwrap_or("the URL");
        if self.kind() == ErrorKind::BadUrl {
            write!(f, "cannot fetch {url:?}")?;
        } else {
            self.kind().write(f, url)?;
        }
        if let Some(proxy) = &self.inner.through {
            write!(f, " through the proxy {proxy}")?;
        }
        match (self.status(), self.innermost()) {
            (Some(status), _) => write!(f, " {status}"),
            (None, Some(cause)) => write!(f, ": {}", redacted_text(&cause.to_string())),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http::Error({:?}: {self})", self.kind())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}
