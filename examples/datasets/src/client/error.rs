//! The client's error: one enum, whatever the face, with the HTTP error as its source.

use std::fmt;
use std::time::Duration;

use asynckit::AnyError;
use asynckit::face::{CallError, FromCall};
use asynckit::http;
use serde::Deserialize;

/// What went wrong with a call.
#[derive(Clone, Debug)]
pub(crate) enum Error {
    /// The token is not good.
    Auth(Refusal),
    /// There is no such thing.
    NotFound(Refusal),
    /// Too many requests: `retry_after` says when to come back.
    RateLimited { retry_after: Option<Duration>, refusal: Refusal },
    /// Another refusal of the service.
    Refused(Refusal),
    /// No answer, or one that cannot be read.
    Transport(http::Error),
    /// The call was given up, or panicked.
    Call(CallError),
    /// A failure of another library, or of a hook.
    Other(AnyError),
}

/// What the service says of a request that it refuses, and the answer that said so.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) answer: http::Error,
}

/// `{"error": "…"}`
#[derive(Deserialize)]
struct Body {
    error: String,
}

impl From<http::Error> for Error {
    fn from(answer: http::Error) -> Self {
        let Some(status) = answer.status() else { return Error::Transport(answer) };
        if !answer.is_status() {
            return Error::Transport(answer);
        }
        let message = match serde_json::from_slice(answer.body()) {
            Ok(Body { error }) => error,
            Err(_) => status.to_string(),
        };
        let retry_after = answer.headers().and_then(|headers| headers.get("retry-after"));
        let seconds = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let refusal = Refusal { message, answer };
        match status.as_u16() {
            401 | 403 => Error::Auth(refusal),
            404 => Error::NotFound(refusal),
            429 => Error::RateLimited { retry_after: seconds.map(Duration::from_secs), refusal },
            _ => Error::Refused(refusal),
        }
    }
}

/// The session's promises fail with any error, which mostly is HTTP's.
impl From<AnyError> for Error {
    fn from(any: AnyError) -> Self {
        match any.downcast_ref::<http::Error>() {
            Some(error) => Error::from(error.clone()),
            None => Error::Other(any),
        }
    }
}

impl FromCall for Error {
    fn from_call(call: CallError) -> Self {
        Error::Call(call)
    }
}

impl Error {
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Error::NotFound(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Auth(refusal) => write!(f, "not allowed: {}", refusal.message),
            Error::NotFound(refusal) => write!(f, "not found: {}", refusal.message),
            Error::RateLimited { retry_after: Some(pause), refusal } => {
                write!(f, "{}, come back after {pause:?}", refusal.message)
            }
            Error::RateLimited { refusal, .. } | Error::Refused(refusal) => {
                f.write_str(&refusal.message)
            }
            Error::Transport(error) => error.fmt(f),
            Error::Call(call) => call.fmt(f),
            Error::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Auth(refusal)
            | Error::NotFound(refusal)
            | Error::RateLimited { refusal, .. }
            | Error::Refused(refusal) => Some(&refusal.answer),
            Error::Transport(error) => Some(error),
            Error::Call(call) => Some(call),
            Error::Other(_) => None,
        }
    }
}
