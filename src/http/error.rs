//! [`Error`]: what went wrong, and with which URL.

use std::error::Error as StdError;
use std::fmt;

use super::{StatusCode, Url};
use crate::sync::Arc;

/// Says what went wrong with a request, and with which URL.
///
/// The error inside a failed promise of a [`Session`](super::Session), found with
/// `failure.downcast_ref::<http::Error>()`, and that of [`Response`](super::Response)'s own methods. Its
/// text names the URL and the innermost cause; [`source`](StdError::source) leads there step by step.
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
    kind: ErrorKind,
    url: Option<Arc<str>>,
    status: Option<StatusCode>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The ways in which a request can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was given is no URL, or none that is fetched over HTTP.
    BadUrl,
    /// No connection: unknown host, refused, or the certificate does not hold.
    Connect,
    /// The session's timeouts: no connection, no answer, or not the whole body in time.
    Timeout,
    /// Too many redirects, or one that leads nowhere.
    Redirect,
    /// The connection was there, and ended before the answer.
    NoAnswer,
    /// The answer began, and its body broke off.
    Body,
    /// The answer's status is from 400 on; only from [`error_for_status`](super::Response::error_for_status).
    Status,
    /// The body is not what was asked for; only from [`json`](super::Response::json).
    Decode,
    /// The session itself cannot work: no thread to be had, no certificates for `https`, a bad setting.
    Setup,
}

impl Error {
    /// Tells in which way the request went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Gives the URL that it happened to: the last one, where the request was redirected.
    ///
    /// `None` where no URL has to do with it: a setting of the session.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Gives the status, for the kind [`Status`](ErrorKind::Status).
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Says whether one of the session's timeouts passed, that for connecting included.
    pub fn is_timeout(&self) -> bool {
        self.kind == ErrorKind::Timeout
    }

    /// Says whether there was no connection: unknown host, refused, or the certificate does not hold.
    pub fn is_connect(&self) -> bool {
        self.kind == ErrorKind::Connect
    }

    /// Says whether it is about the status of an answer.
    pub fn is_status(&self) -> bool {
        self.kind == ErrorKind::Status
    }

    pub(super) fn bad_url(text: &str, error: reqwest::Error) -> Self {
        Self::new(ErrorKind::BadUrl, Some(text), Some(Arc::new(error.without_url())))
    }

    pub(super) fn no_answer(error: reqwest::Error, url: &Url) -> Self {
        let kind = match &error {
            error if error.is_timeout() => ErrorKind::Timeout,
            error if error.is_connect() => ErrorKind::Connect,
            error if error.is_redirect() => ErrorKind::Redirect,
            error if error.is_builder() => ErrorKind::BadUrl,
            _ => ErrorKind::NoAnswer,
        };
        let url = error.url().unwrap_or(url).to_string();
        Self::new(kind, Some(&url), Some(Arc::new(error.without_url())))
    }

    pub(super) fn broken_body(error: reqwest::Error, url: &Url) -> Self {
        let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Body };
        Self::new(kind, Some(url.as_str()), Some(Arc::new(error.without_url())))
    }

    pub(super) fn not_json(error: serde_json::Error, url: &Url) -> Self {
        Self::new(ErrorKind::Decode, Some(url.as_str()), Some(Arc::new(error)))
    }

    pub(super) fn bad_status(status: StatusCode, url: &Url) -> Self {
        Self { status: Some(status), ..Self::new(ErrorKind::Status, Some(url.as_str()), None) }
    }

    pub(super) fn setup(cause: Arc<dyn StdError + Send + Sync>) -> Self {
        Self::new(ErrorKind::Setup, None, Some(cause))
    }

    fn new(
        kind: ErrorKind,
        url: Option<&str>,
        source: Option<Arc<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, url: url.map(Arc::from), status: None, source }
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url().unwrap_or("the URL");
        match self.kind {
            ErrorKind::BadUrl => write!(f, "cannot fetch {url:?}")?,
            ErrorKind::Connect => write!(f, "cannot connect to {url}")?,
            ErrorKind::Timeout => return write!(f, "timed out: {url}"),
            ErrorKind::Redirect => write!(f, "cannot follow the redirect at {url}")?,
            ErrorKind::NoAnswer => write!(f, "no answer from {url}")?,
            ErrorKind::Body => write!(f, "the body of {url} broke off")?,
            ErrorKind::Status => write!(f, "{url} answered")?,
            ErrorKind::Decode => write!(f, "cannot read the body of {url}")?,
            ErrorKind::Setup => f.write_str("cannot set up the HTTP session")?,
        }
        match (self.status, self.innermost()) {
            (Some(status), _) => write!(f, " {status}"),
            (None, Some(cause)) => write!(f, ": {cause}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("url", &self.url())
            .field("status", &self.status)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
