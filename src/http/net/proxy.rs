//! [`Proxies`]: which proxy a URL goes through, and the way through it.

use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};

use ::http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::super::redact::redacted_text;
use super::connect::AnyStream;
use super::{Fault, NoConnection};
use crate::sync::Arc;

/// The proxies of a session.
#[derive(Clone)]
pub(in crate::http) struct Proxies(Option<Arc<Matcher>>);

impl Proxies {
    pub(in crate::http) fn none() -> Self {
        Self(None)
    }

    /// As `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say; not as the system's settings do, which
    /// another crate could switch on.
    pub(in crate::http) fn from_env() -> Self {
        Self(Some(Arc::new(Matcher::from_env())))
    }

    /// One for all, except for the hosts of `except`, written as in `NO_PROXY`.
    pub(in crate::http) fn all(proxy: &str, except: &str) -> Self {
        Self(Some(Arc::new(Matcher::builder().all(proxy).no(except).build())))
    }

    pub(super) fn of(&self, uri: &Uri) -> Option<Intercept> {
        self.0.as_ref()?.intercept(uri)
    }

    /// What a request over plain HTTP says to its proxy, and the proxy's name.
    pub(in crate::http) fn authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        let plain = uri.scheme_str() == Some("http");
        let proxy = self.of(uri).filter(|proxy| plain && !is_socks(proxy))?;
        proxy.basic_auth().cloned()
    }

    /// The proxy of a URL, as it may be shown.
    pub(in crate::http) fn shown(&self, uri: &Uri) -> Option<String> {
        self.of(uri).map(|proxy| name(&proxy))
    }
}

pub(super) fn name(proxy: &Intercept) -> String {
    redacted_text(&proxy.uri().to_string())
}

pub(super) fn is_socks(proxy: &Intercept) -> bool {
    proxy.uri().scheme_str().is_some_and(|scheme| scheme.starts_with("socks"))
}

/// Asks a proxy to which there is a connection for a way to `target`.
pub(super) async fn tunnel(
    proxy: &Intercept,
    stream: AnyStream,
    target: Uri,
) -> Result<AnyStream, NoConnection> {
    let there = There(Some(TokioIo::new(stream)));
    let fault = |error: Box<dyn std::error::Error + Send + Sync>| {
        NoConnection::new(Fault::Proxy, error).of_proxy(&name(proxy))
    };
    let through = if is_socks(proxy) {
        let mut socks = SocksV5::new(proxy.uri().clone(), there);
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        // The proxy resolves the name, also for `socks5`: here it would block the I/O thread.
        socks.call(target).await.map_err(|error| fault(error.into()))?
    } else {
        let mut tunnel = Tunnel::new(proxy.uri().clone(), there);
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        tunnel.call(target).await.map_err(|error| fault(error.into()))?
    };
    Ok(through.into_inner())
}

/// A connector whose connection is there.
#[derive(Debug)]
struct There<S>(Option<S>);

impl<S> Service<Uri> for There<S> {
    type Response = S;
    type Error = io::Error;
    type Future = Ready<io::Result<S>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::Error::other("used twice")))
    }
}
