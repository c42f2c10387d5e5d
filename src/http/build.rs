//! From settings to a session.

use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::census::Census;
use super::core::{Core, OwnPool};
use super::engine::Engine;
use super::io_thread::OwnThreads;
use super::net::{Connector, Kept, Lookup, Proxies, Settings, tls_config};
use super::turns::Turns;
use super::waiting::limit;
use super::{Error, ErrorKind, Session, SessionBuilder, Url};
use crate::Pool;
use crate::sync::{Arc, StdArc};

/// More than a page or an answer in JSON; less than what hurts when some come at once.
const MAX_BODY: u64 = 32 << 20;
/// The largest head of an answer, and the most that is read at once.
const READ_BUFFER: usize = 256 * 1024;

impl SessionBuilder {
    /// Makes the session. Nothing is sent or started yet, but for [`io_threads`](Self::io_threads).
    ///
    /// # Errors
    ///
    /// An [`Error`] of kind [`Setup`](ErrorKind::Setup) for what cannot work: a header that is none, a base
    /// URL that is none, certificates that cannot be read, no thread to be had. A machine without root
    /// certificates is no error here: there, requests over `https` fail, and say so.
    pub fn build(mut self) -> Result<Session, Error> {
        if let Some(bad) = self.bad.take() {
            return Err(bad);
        }
        let own_trust = !self.trust.roots.is_empty() || self.trust.identity.is_some();
        let (tls, no_https) = match tls_config(&self.trust, self.protocols) {
            _ if self.transport.is_some() => (None, None),
            Ok(tls) => (Some(tls), None),
            Err(error) if own_trust => return Err(error),
            Err(error) => (None, Some(error)),
        };
        let bad = |error: url::ParseError| Error::new(ErrorKind::Setup).because(error);
        let base = self.base.as_deref().map(Url::parse).transpose().map_err(bad)?;
        let start = |threads| {
            OwnThreads::start(threads).map_err(|error| Error::new(ErrorKind::Setup).because(error))
        };
        let threads = self.io_threads.map(start).transpose()?;
        let engine = self.engine(tls);
        Ok(Session::from_core(Core {
            engine,
            transport: self.transport,
            no_https,
            turns: Turns::new(self.max_concurrent, self.max_per_host),
            hooks: self.hooks,
            base,
            headers: self.headers,
            query: self.query,
            timeout: self.timeout,
            first_byte: self.first_byte_timeout,
            idle: self.idle_timeout,
            retry: self.retry,
            redirects: self.max_redirects,
            body: self.max_body.unwrap_or(MAX_BODY),
            streamed: self.max_body.unwrap_or(u64::MAX),
            stage: Arc::default(),
            census: Arc::new(Census::default()),
            pool: OwnPool::new(self.pool.unwrap_or_else(|| Pool::global().clone())),
            threads,
        }))
    }

    fn engine(&mut self, tls: Option<StdArc<rustls::ClientConfig>>) -> Engine {
        let kept = Kept::new(self.max_idle);
        let proxies = self.proxies.take().unwrap_or_else(Proxies::from_env);
        let connector = Connector::new(Settings {
            lookup: Lookup::new(std::mem::take(&mut self.addresses), self.resolver.take()),
            proxies: proxies.clone(),
            tls,
            limit: limit(self.connect_timeout),
            kept: Arc::clone(&kept),
        });
        let mut client = Client::builder(TokioExecutor::new());
        client
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limit(self.max_idle_age))
            .pool_max_idle_per_host(self.max_idle_per_host)
            .http1_max_buf_size(READ_BUFFER);
        #[cfg(feature = "http2")]
        client
            .http2_only(self.protocols == super::protocols::Protocols::Two)
            .http2_max_header_list_size(READ_BUFFER as u32);
        let client = client.build(connector);
        Engine { client, proxies, kept, jar: self.jar.take(), compression: self.compression }
    }
}
