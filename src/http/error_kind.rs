//! [`ErrorKind`]: the ways in which a request can go wrong.

use std::fmt;

/// The ways in which a request can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was given is no URL, or none that is fetched over HTTP.
    BadUrl,
    /// What was given cannot be sent: a header that is none, a file that is not there.
    BadRequest,
    /// The name of the host could not be resolved.
    UnknownHost,
    /// Nobody listens there.
    Refused,
    /// No connection for another reason.
    Connect,
    /// The server's certificate does not hold, or the two could not agree on TLS.
    Certificate,
    /// No connection within [`connect_timeout`](super::SessionBuilder::connect_timeout).
    ConnectTimeout,
    /// No head of an answer within [`first_byte_timeout`](super::SessionBuilder::first_byte_timeout).
    FirstByteTimeout,
    /// Nothing came and nothing went for [`idle_timeout`](super::SessionBuilder::idle_timeout).
    IdleTimeout,
    /// Not done within [`timeout`](super::SessionBuilder::timeout).
    Timeout,
    /// A redirect that leads nowhere, or to what is not fetched over HTTP.
    Redirect,
    /// More redirects than [`max_redirects`](super::SessionBuilder::max_redirects).
    TooManyRedirects,
    /// The connection was there, and ended before the answer, or what came was no HTTP.
    NoAnswer,
    /// The answer began, and its body broke off, or could not be unpacked.
    Body,
    /// The body is larger than [`max_body`](super::SessionBuilder::max_body).
    BodyTooLarge,
    /// The answer's status is from 400 on; only from [`error_for_status`](super::Response::error_for_status).
    Status,
    /// The body is not what was asked for; only from [`json`](super::Response::json).
    Decode,
    /// A hook failed, with an error that is none of this module: its source.
    Hook,
    /// What came could not be written to its file: no such folder, no room; only from
    /// [`download`](super::Session::download).
    File,
    /// The file is another one than its checksum says; only from
    /// [`DownloadBuilder::sha256`](super::DownloadBuilder::sha256).
    Checksum,
    /// The call ended without an answer: it was cancelled, has panicked, or took longer than its caller would wait. Its source
    /// is a [`CallError`](crate::face::CallError). Only from a [face](crate::face) of a client whose error this is.
    Call,
    /// The session was closed: see [`Session::close`](super::Session::close).
    Closed,
    /// The session itself cannot work: no thread to be had, no certificates for `https`, a bad setting.
    Setup,
}

impl ErrorKind {
    pub(super) fn write(self, f: &mut fmt::Formatter<'_>, url: &str) -> fmt::Result {
        match self {
            ErrorKind::BadUrl | ErrorKind::BadRequest => write!(f, "cannot send to {url}"),
            ErrorKind::UnknownHost | ErrorKind::Refused | ErrorKind::Connect => {
                write!(f, "cannot connect to {url}")
            }
            ErrorKind::Certificate => write!(f, "no secure connection to {url}"),
            ErrorKind::ConnectTimeout => write!(f, "timed out while connecting: {url}"),
            ErrorKind::FirstByteTimeout => write!(f, "timed out before an answer began: {url}"),
            ErrorKind::IdleTimeout => write!(f, "timed out, nothing moved: {url}"),
            ErrorKind::Timeout => write!(f, "timed out: {url}"),
            ErrorKind::Redirect | ErrorKind::TooManyRedirects => {
                write!(f, "cannot follow the redirect at {url}")
            }
            ErrorKind::NoAnswer => write!(f, "no answer from {url}"),
            ErrorKind::Body => write!(f, "the body of {url} broke off"),
            ErrorKind::BodyTooLarge => write!(f, "the body of {url} is too large"),
            ErrorKind::Status => write!(f, "{url} answered"),
            ErrorKind::Decode => write!(f, "cannot read the body of {url}"),
            ErrorKind::Hook => write!(f, "a hook failed for {url}"),
            ErrorKind::File => write!(f, "cannot keep {url}"),
            ErrorKind::Checksum => write!(f, "{url} does not have its checksum"),
            ErrorKind::Call => f.write_str("the call ended without an answer"),
            ErrorKind::Closed => write!(f, "the session was closed before {url} was fetched"),
            ErrorKind::Setup => f.write_str("cannot set up the HTTP session"),
        }
    }
}
