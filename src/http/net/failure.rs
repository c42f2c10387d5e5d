//! [`NoConnection`]: why there is none, in words that can be told apart.

use std::error::Error as StdError;
use std::{fmt, io};

use super::super::ErrorKind;

type Boxed = Box<dyn StdError + Send + Sync>;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Fault {
    Name,
    Tcp,
    Tls,
    Time,
    Proxy,
}

/// Why there is no connection, and whether it was the proxy that could not be had.
#[derive(Debug)]
pub(in crate::http) struct NoConnection {
    pub(in crate::http) fault: Fault,
    /// The proxy, without its password, where it is at fault.
    pub(in crate::http) proxy: Option<String>,
    cause: Option<Boxed>,
}

impl NoConnection {
    pub(super) fn new(fault: Fault, cause: impl Into<Boxed>) -> Self {
        Self { fault, proxy: None, cause: Some(cause.into()) }
    }

    pub(super) fn too_late() -> Self {
        Self { fault: Fault::Time, proxy: None, cause: None }
    }

    pub(super) fn of_proxy(mut self, proxy: &str) -> Self {
        self.proxy = Some(proxy.to_owned());
        self
    }

    pub(in crate::http) fn kind(&self) -> ErrorKind {
        match self.fault {
            Fault::Name => ErrorKind::UnknownHost,
            Fault::Tls => ErrorKind::Certificate,
            Fault::Time => ErrorKind::ConnectTimeout,
            Fault::Proxy => ErrorKind::Connect,
            Fault::Tcp => match self.io().map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => ErrorKind::Refused,
                Some(io::ErrorKind::TimedOut) => ErrorKind::ConnectTimeout,
                _ => ErrorKind::Connect,
            },
        }
    }

    /// What the system said.
    fn io(&self) -> Option<&io::Error> {
        let mut cause = self.source();
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                return Some(io);
            }
            cause = error.source();
        }
        None
    }

    /// Whether the process, or the system, has no descriptor left: EMFILE and ENFILE, the same numbers on all
    /// systems with such names; WSAEMFILE.
    pub(super) fn is_no_descriptor(&self) -> bool {
        let code = self.io().and_then(io::Error::raw_os_error);
        if cfg!(windows) { code == Some(10024) } else { matches!(code, Some(23 | 24)) }
    }
}

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fault {
            Fault::Name => "the name of the host cannot be resolved",
            Fault::Tcp => "no connection",
            Fault::Tls => "no TLS",
            Fault::Time => "the limit for connecting has passed",
            Fault::Proxy => "the proxy does not connect",
        })
    }
}

impl StdError for NoConnection {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause = self.cause.as_deref()?;
        Some(cause)
    }
}
