//! [`SessionBuilder`]: the settings of a session.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ::http::header::{HeaderName, USER_AGENT};

use super::hooks::Hooks;
use super::jar::Jar;
use super::net::{Proxies, Resolver, Trust};
use super::protocols::Protocols;
use super::retry::Retry;
use super::transport::Transport;
use super::{Error, ErrorKind, HeaderMap, HeaderValue, Request, Response};
use crate::sync::Arc;
use crate::{AnyError, Pool};

/// Who is asking, by default.
pub(super) const USER_AGENT_NAME: &str = concat!("asynckit/", env!("CARGO_PKG_VERSION"));
/// As `curl` and the browsers do: a host that does not even shake hands in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that is silent for so long has forgotten the request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Long enough for the largest body by default, at a hundred kilobytes a second.
const TIMEOUT: Duration = Duration::from_secs(300);
/// As in most clients.
const MAX_REDIRECTS: usize = 10;
/// Together with idle connections far below the usual limit of 1,024 open files a process.
const MAX_CONCURRENT: usize = 256;
/// More than one server likes, and far below the total: a server that hangs leaves the others their turns.
const MAX_PER_HOST: usize = 100;
/// As for those under way: what one server was asked at once it may be asked at once again.
const MAX_IDLE: usize = 256;
const MAX_IDLE_PER_HOST: usize = 100;
/// Most servers close after a minute; a connection that is older is likely to be gone when it is used.
const MAX_IDLE_AGE: Duration = Duration::from_secs(50);

/// The settings of a [`Session`](super::Session); each has a default that serves.
///
/// `Duration::MAX` is no limit, everywhere.
///
/// # Examples
///
/// ```
/// use asynckit::{Pool, http::Session};
/// use std::time::Duration;
///
/// let pool = Pool::new(4);
/// let session = Session::builder()
///     .pool(&pool)
///     .base_url("https://api.example.com/v1/")
///     .header("accept", "application/json")
///     .timeout(Duration::from_secs(5))
///     .user_agent("my-crawler/1.0")
///     .build()?;
/// # Ok::<(), asynckit::http::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "settings do nothing until `build` is called"]
pub struct SessionBuilder {
    pub(super) pool: Option<Pool>,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) first_byte_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_redirects: usize,
    pub(super) max_concurrent: usize,
    pub(super) max_per_host: usize,
    pub(super) max_body: Option<u64>,
    pub(super) max_idle: usize,
    pub(super) max_idle_per_host: usize,
    pub(super) max_idle_age: Duration,
    pub(super) io_threads: Option<usize>,
    pub(super) compression: bool,
    pub(super) headers: HeaderMap,
    pub(super) query: Vec<(String, String)>,
    pub(super) base: Option<String>,
    pub(super) proxies: Option<Proxies>,
    pub(super) trust: Trust,
    pub(super) addresses: HashMap<String, Vec<IpAddr>>,
    pub(super) protocols: Protocols,
    pub(super) transport: Option<Transport>,
    pub(super) resolver: Option<Arc<Resolver>>,
    pub(super) jar: Option<Arc<dyn Jar>>,
    pub(super) retry: Option<Retry>,
    pub(super) hooks: Hooks,
    /// The first setting that cannot work.
    pub(super) bad: Option<Error>,
}

impl SessionBuilder {
    pub(super) fn new() -> Self {
        let agent = HeaderValue::from_static(USER_AGENT_NAME);
        Self {
            pool: None,
            timeout: TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            first_byte_timeout: Duration::MAX,
            idle_timeout: IDLE_TIMEOUT,
            max_redirects: MAX_REDIRECTS,
            max_concurrent: MAX_CONCURRENT,
            max_per_host: MAX_PER_HOST,
            max_body: None,
            max_idle: MAX_IDLE,
            max_idle_per_host: MAX_IDLE_PER_HOST,
            max_idle_age: MAX_IDLE_AGE,
            io_threads: None,
            compression: true,
            headers: HeaderMap::from_iter([(USER_AGENT, agent)]),
            query: Vec::new(),
            base: None,
            proxies: None,
            trust: Trust::default(),
            addresses: HashMap::new(),
            protocols: Protocols::default(),
            transport: None,
            resolver: None,
            jar: None,
            retry: None,
            hooks: Hooks::default(),
            bad: None,
        }
    }

    /// Runs hooks, and the callbacks of this session's promises, on `pool`; [`Pool::global()`] by default.
    ///
    /// The session holds a handle of the pool.
    pub fn pool(mut self, pool: &Pool) -> Self {
        self.pool = Some(pool.clone());
        self
    }

    /// Ends a request that takes longer than `limit`, from its turn to the end of its body, redirects and
    /// repetitions included; 5 minutes by default.
    ///
    /// The wait for a turn ([`max_concurrent`](Self::max_concurrent)) does not count: what limits everything
    /// is the timeout given to [`Promise::get`](crate::Promise::get), with the promise dropped behind it. For what
    /// is [streamed](super::Streamed) or [downloaded](super::Session::download), it ends with the head of the answer.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Ends a request whose connection takes longer than `limit` to be made, with the look-up of the name, the
    /// proxy and TLS; 10 seconds by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Ends a request whose answer has not begun so long after its turn; no limit by default.
    pub fn first_byte_timeout(mut self, limit: Duration) -> Self {
        self.first_byte_timeout = limit;
        self
    }

    /// Ends a request when nothing has come and nothing has gone for `limit`, in the head of the answer as in
    /// its body; 60 seconds by default.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Says who is asking, in the `user-agent` header; `asynckit/` and its version by default.
    pub fn user_agent(self, name: impl AsRef<str>) -> Self {
        self.header(USER_AGENT, name.as_ref())
    }

    /// Sends this header with every request that has none of its name.
    pub fn header<K, V>(mut self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K, Error: std::error::Error + Send + Sync + 'static>,
        HeaderValue: TryFrom<V, Error: std::error::Error + Send + Sync + 'static>,
    {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => drop(self.headers.insert(name, value)),
            (Err(error), _) => self.refuse(Error::new(ErrorKind::Setup).because(error)),
            (_, Err(error)) => self.refuse(Error::new(ErrorKind::Setup).because(error)),
        }
        self
    }

    /// Adds these pairs to the query of every request.
    pub fn query<K: Into<String>, V: Display>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.to_string()));
        self.query.extend(pairs);
        self
    }

    /// Takes relative URLs as relative to this one, as browsers do: what stands behind its last `/` is
    /// replaced.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base = Some(url.into());
        self
    }

    /// Follows up to `n` redirects; 10 by default. With 0, the redirect itself is the response.
    pub fn max_redirects(mut self, n: usize) -> Self {
        self.max_redirects = n;
        self
    }

    /// Sends requests again that failed in passing, as `retry` says; by default none is, but for one whose
    /// connection, kept from before, the server had just closed.
    pub fn retries(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Lets up to `n` requests be under way at once; 256 by default, 0 counts as 1.
    ///
    /// Further ones wait for their turn, in the order in which they were made.
    pub fn max_concurrent(mut self, n: usize) -> Self {
        self.max_concurrent = n;
        self
    }

    /// Lets up to `n` of them be under way to one host and port; 100 by default, 0 counts as 1.
    pub fn max_per_host(mut self, n: usize) -> Self {
        self.max_per_host = n;
        self
    }

    /// Fails with [`ErrorKind::BodyTooLarge`] where a body has more bytes, unpacked; `u64::MAX` is no limit.
    ///
    /// By default 32 MiB for what is held in memory, and no limit for what is [streamed](crate::http::Streamed) or
    /// [downloaded](super::Session::download) to disk; once it is set, it holds for these, too.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Keeps up to `total` connections open that are not used, `per_host` of them to one host, none for longer
    /// than `age`; 256, 100 and 50 seconds by default. The oldest ones are closed first.
    pub fn idle_connections(mut self, total: usize, per_host: usize, age: Duration) -> Self {
        (self.max_idle, self.max_idle_per_host, self.max_idle_age) = (total, per_host, age);
        self
    }

    /// Gives the session `n` I/O threads of its own; by default all sessions share one. 0 counts as 1.
    ///
    /// One thread carries some ten thousand small answers a second. More are for many large bodies over TLS.
    pub fn io_threads(mut self, n: usize) -> Self {
        self.io_threads = Some(n.max(1));
        self
    }

    /// Does not ask for compressed answers, and does not unpack them. By default it does both.
    pub fn no_compression(mut self) -> Self {
        self.compression = false;
        self
    }

    /// Connects through this proxy: `http://`, `https://` or `socks5://`, with user name and password if it
    /// wants them; except to hosts that `except` names, as the variable `NO_PROXY` does. A SOCKS proxy resolves names itself.
    pub fn proxy(mut self, url: impl AsRef<str>, except: impl AsRef<str>) -> Self {
        self.proxies = Some(Proxies::all(url.as_ref(), except.as_ref()));
        self
    }

    /// Connects directly, whatever `HTTP_PROXY` and its like in the environment say.
    pub fn no_proxy(mut self) -> Self {
        self.proxies = Some(Proxies::none());
        self
    }

    /// Trusts these authorities, too: one or several certificates as PEM.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust.roots.push(pem.into());
        self
    }

    /// Says who we are where a server asks for a certificate: the chain and its private key, as PEM.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust.identity = Some(pem.into());
        self
    }

    /// Believes every certificate. Whoever is in between can read and change everything.
    pub fn danger_accept_invalid_certs(mut self) -> Self {
        self.trust.anybody = true;
        self
    }

    /// Takes these addresses for the host `name`, instead of looking it up.
    pub fn resolve(mut self, name: impl AsRef<str>, addresses: impl Into<Vec<IpAddr>>) -> Self {
        self.addresses.insert(name.as_ref().to_ascii_lowercase(), addresses.into());
        self
    }

    /// Looks names up by `resolver` instead of the system. It may block: each name is looked up on a thread
    /// of its own.
    pub fn resolver<F>(mut self, resolver: F) -> Self
    where
        F: Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Has `hook` called with each request before it waits for its turn, on the pool: to sign it, to count it.
    ///
    /// Hooks are called in the order in which they were given. One that fails fails the promise.
    ///
    /// ```
    /// # use asynckit::http::{HeaderValue, Session};
    /// let session = Session::builder().on_request(|request| {
    ///     let length = request.body().as_bytes().map_or(0, <[u8]>::len);
    ///     request.headers_mut().insert("x-length", HeaderValue::from(length));
    ///     Ok(())
    /// });
    /// # drop(session);
    /// ```
    pub fn on_request<F>(mut self, hook: F) -> Self
    where
        F: Fn(&mut Request) -> Result<(), AnyError> + Send + Sync + 'static,
    {
        self.hooks.add_before(hook);
        self
    }

    /// Has `hook` called with each response, on the pool: it may look at it, replace it, or fail the promise.
    ///
    /// Hooks are called in the order in which they were given; those of the request come last.
    ///
    /// ```
    /// # use asynckit::http::Session;
    /// let strict = Session::builder().on_response(|response| Ok(response.error_for_status()?));
    /// # drop(strict);
    /// ```
    pub fn on_response<F>(mut self, hook: F) -> Self
    where
        F: Fn(Response) -> Result<Response, AnyError> + Send + Sync + 'static,
    {
        self.hooks.add(hook);
        self
    }

    fn refuse(&mut self, error: Error) {
        self.bad.get_or_insert(error);
    }
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder").finish_non_exhaustive()
    }
}
