//! [`Connector`]: makes connections, through proxies and TLS, and waits where there is no descriptor left.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::super::protocols::Protocols;
use super::line::Watched;
use super::proxy::{is_socks, name, tunnel};
use super::{Fault, Kept, Line, Lookup, NoConnection, Proxies};
use crate::sync::{Arc, StdArc};

/// Where descriptors have run out, and no connection of this session has ended: so long until the next try.
const UNTIL_NEXT_TRY: Duration = Duration::from_millis(50);

/// Anything that bytes go through both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) type AnyStream = Box<dyn Stream>;

/// What a connector needs.
pub(in crate::http) struct Settings {
    pub(in crate::http) lookup: Lookup,
    pub(in crate::http) proxies: Proxies,
    /// `None`: `https` does not work here, and was refused before.
    pub(in crate::http) tls: Option<StdArc<rustls::ClientConfig>>,
    pub(in crate::http) limit: Option<Duration>,
    pub(in crate::http) kept: Arc<Kept>,
}

/// Makes connections.
#[derive(Clone)]
pub(in crate::http) struct Connector {
    settings: Arc<Settings>,
    tcp: HttpConnector<Lookup>,
    /// For proxies, which are spoken to by HTTP/1.1.
    tls_to_proxy: Option<StdArc<rustls::ClientConfig>>,
}

impl Connector {
    pub(in crate::http) fn new(settings: Settings) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(settings.lookup.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(15)));
        let tls_to_proxy = settings.tls.as_deref().cloned().map(|mut tls| {
            tls.alpn_protocols = Protocols::One.alpn();
            StdArc::new(tls)
        });
        Self { settings: Arc::new(settings), tcp, tls_to_proxy }
    }

    async fn connect(self, target: Uri) -> Result<Conversation, NoConnection> {
        loop {
            let failure = match self.clone().within_limit(target.clone()).await {
                Err(failure) if failure.is_no_descriptor() => failure,
                made => return made,
            };
            drop(failure);
            // The session's own, then whichever the process gets back; the request's limits end it.
            self.settings.kept.close_idle();
            let _ = timeout(UNTIL_NEXT_TRY, self.settings.kept.freed()).await;
        }
    }

    async fn within_limit(self, target: Uri) -> Result<Conversation, NoConnection> {
        let proxy = self.settings.proxies.of(&target);
        let limit = self.settings.limit;
        let shown = proxy.as_ref().map(name);
        let made = self.through(proxy, target);
        match limit {
            None => made.await,
            Some(limit) => timeout(limit, made).await.unwrap_or_else(|_| {
                let late = NoConnection::too_late();
                Err(shown.iter().fold(late, |late, proxy| late.of_proxy(proxy)))
            }),
        }
    }

    async fn through(
        self,
        proxy: Option<Intercept>,
        target: Uri,
    ) -> Result<Conversation, NoConnection> {
        let secure = target.scheme_str() == Some("https");
        let (mut stream, line) = match &proxy {
            None => self.tcp(target.clone()).await?,
            Some(proxy) => {
                let made = self.to_proxy(proxy).await;
                made.map_err(|failure| failure.of_proxy(&name(proxy)))?
            }
        };
        let mut told_where = false;
        if let Some(proxy) = &proxy {
            told_where = !secure && !is_socks(proxy);
            if !told_where {
                stream = tunnel(proxy, stream, target.clone()).await?;
            }
        }
        let mut is_http2 = false;
        if secure {
            (stream, is_http2) = secured(stream, &target, self.settings.tls.clone()).await?;
        }
        Ok(Conversation { stream: TokioIo::new(stream), line, told_where, is_http2 })
    }

    async fn to_proxy(&self, proxy: &Intercept) -> Result<(AnyStream, Arc<Line>), NoConnection> {
        let (stream, line) = self.tcp(with_port(proxy.uri())).await?;
        if proxy.uri().scheme_str() == Some("https") {
            let tls = self.tls_to_proxy.clone();
            return Ok((secured(stream, proxy.uri(), tls).await?.0, line));
        }
        Ok((stream, line))
    }

    async fn tcp(&self, target: Uri) -> Result<(AnyStream, Arc<Line>), NoConnection> {
        let made = self.tcp.clone().call(target).await;
        let stream = made.map_err(unnamed_or_unreachable)?.into_inner();
        let line = Line::new(stream.peer_addr().ok());
        let kept = Arc::clone(&self.settings.kept);
        Ok((Box::new(Watched::new(stream, Arc::clone(&line), kept)), line))
    }
}

/// TLS over `stream`; and whether HTTP/2 is spoken in it.
async fn secured(
    stream: AnyStream,
    target: &Uri,
    config: Option<StdArc<rustls::ClientConfig>>,
) -> Result<(AnyStream, bool), NoConnection> {
    let fault = |cause: io::Error| NoConnection::new(Fault::Tls, cause);
    let host = target.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let host = ServerName::try_from(host).map_err(|error| fault(io::Error::other(error)))?;
    let config = config.ok_or_else(|| fault(io::Error::other("no certificates")))?;
    let secured = TlsConnector::from(config).connect(host, stream).await.map_err(fault)?;
    let is_http2 = secured.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok((Box::new(secured), is_http2))
}

/// SOCKS proxies have no default port that the connector knows.
fn with_port(proxy: &Uri) -> Uri {
    let is_socks = proxy.scheme_str().is_some_and(|scheme| scheme.starts_with("socks"));
    if !is_socks || proxy.port().is_some() {
        return proxy.clone();
    }
    let host = proxy.host().unwrap_or_default();
    format!("http://{host}:1080").parse().unwrap_or_else(|_| proxy.clone())
}

/// The lookup's own failure, found in what the connector has made of it, is no failure to connect.
fn unnamed_or_unreachable(error: impl std::error::Error + Send + Sync + 'static) -> NoConnection {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let mut fault = Fault::Tcp;
    while let Some(deeper) = cause {
        if deeper.downcast_ref::<NoConnection>().is_some_and(|found| found.fault == Fault::Name) {
            fault = Fault::Name;
        }
        cause = deeper.source();
    }
    NoConnection::new(fault, error)
}

impl Service<Uri> for Connector {
    type Response = Conversation;
    type Error = NoConnection;
    type Future = Pin<Box<dyn Future<Output = Result<Conversation, NoConnection>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoConnection>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        Box::pin(self.clone().connect(target))
    }
}

/// A connection as hyper has it.
pub(in crate::http) struct Conversation {
    stream: TokioIo<AnyStream>,
    line: Arc<Line>,
    /// A proxy at the other end wants the whole URL.
    told_where: bool,
    is_http2: bool,
}

impl Connection for Conversation {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.told_where).extra(Arc::clone(&self.line));
        if self.is_http2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Conversation {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Conversation {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
