//! [`SessionBuilder`]: the settings of a session.

use std::time::Duration;

use reqwest::redirect::Policy;

use super::{Error, Session};
use crate::Pool;
use crate::sync::Arc;

/// As `curl` and the browsers do: a host that does not even shake hands in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that is silent for so long has forgotten the request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// As in most clients.
const MAX_REDIRECTS: usize = 10;
/// Far below the usual limit of 1,024 open files a process, far above what one server likes.
const MAX_CONCURRENT: usize = 100;

/// The settings of a [`Session`]; each has a default that serves.
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
///     .timeout(Duration::from_secs(5))
///     .user_agent("my-crawler/1.0")
///     .build()?;
/// # Ok::<(), asynckit::http::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until `build` is called"]
pub struct SessionBuilder {
    pool: Option<Pool>,
    timeout: Option<Duration>,
    connect_timeout: Duration,
    idle_timeout: Duration,
    user_agent: String,
    max_redirects: usize,
    max_concurrent: usize,
    proxy: bool,
}

impl SessionBuilder {
    pub(super) fn new() -> Self {
        Self {
            pool: None,
            timeout: None,
            connect_timeout: CONNECT_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            user_agent: concat!("asynckit/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_redirects: MAX_REDIRECTS,
            max_concurrent: MAX_CONCURRENT,
            proxy: true,
        }
    }

    /// Runs the callbacks of this session's promises on `pool`; [`Pool::global()`] by default.
    ///
    /// The session holds a handle of the pool.
    pub fn pool(mut self, pool: &Pool) -> Self {
        self.pool = Some(pool.clone());
        self
    }

    /// Ends a request that takes longer than `limit` from connecting to the end of its body.
    ///
    /// Not set by default, so that a large download may take its time. The wait for a turn
    /// ([`max_concurrent`](Self::max_concurrent)) does not count: what limits everything is the timeout
    /// given to [`Promise::get`](crate::Promise::get).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Ends a request whose connection takes longer than `limit` to be made; 10 seconds by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Ends a request when nothing has arrived for `limit`; 60 seconds by default.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Says who is asking, in the `user-agent` header; `asynckit/` and its version by default.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Follows up to `n` redirects; 10 by default. With 0, the redirect itself is the response.
    pub fn max_redirects(mut self, n: usize) -> Self {
        self.max_redirects = n;
        self
    }

    /// Lets up to `n` requests be under way at once; 100 by default, 0 counts as 1.
    ///
    /// Further ones wait for their turn, in the order in which they were made.
    pub fn max_concurrent(mut self, n: usize) -> Self {
        self.max_concurrent = n;
        self
    }

    /// Connects directly, whatever `HTTP_PROXY` and its like in the environment say.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = false;
        self
    }

    /// Makes the session. Nothing is sent or started yet.
    ///
    /// # Errors
    ///
    /// An [`Error`] of kind [`Setup`](super::ErrorKind::Setup) for a user agent that cannot be sent in a
    /// header. A machine without root certificates is no error here: there, requests over `https` fail,
    /// and say so.
    pub fn build(self) -> Result<Session, Error> {
        let mut no_https = None;
        let client = match self.client().build() {
            Ok(client) => client,
            Err(cause) => {
                let client = self.client().tls_certs_only([]).build();
                no_https = Some(Error::setup(Arc::new(cause)));
                client.map_err(|cause| Error::setup(Arc::new(cause)))?
            }
        };
        let pool = self.pool.unwrap_or_else(|| Pool::global().clone());
        Ok(Session::from_parts(client, no_https, self.max_concurrent, pool))
    }

    fn client(&self) -> reqwest::ClientBuilder {
        let redirects = match self.max_redirects {
            0 => Policy::none(),
            n => Policy::limited(n),
        };
        let mut client = reqwest::Client::builder()
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.idle_timeout)
            .user_agent(self.user_agent.as_str())
            .redirect(redirects);
        if let Some(limit) = self.timeout {
            client = client.timeout(limit);
        }
        if !self.proxy {
            client = client.no_proxy();
        }
        client
    }
}
