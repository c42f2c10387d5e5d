//! The settings of a session that put something in place of its own connections.

use super::transport::Transport;
use super::{Error, Request, Response, SessionBuilder};
use crate::IntoPromise;
use crate::sync::Arc;

impl SessionBuilder {
    /// Has `send` answer the session's requests, in place of a network: with recorded or computed answers, delays
    /// and faults, so that a client is tested without a socket.
    ///
    /// `send` gets each request as it would go out, with the session's headers and its cookies, and gives a
    /// [`Response`], an [`Error`], or a promise of either. It runs on the pool, and may block; a request that is
    /// given up cancels the promise. A panic of it is [`Failure::Panicked`](crate::Failure::Panicked).
    ///
    /// All that is not about connections works as ever: hooks, turns, retries, redirects, cookies, unpacking, the
    /// limits of time and size. Of the response count status, version, headers, body and address; URL,
    /// history, tag, attempts and time are the session's. Settings of connections (proxies, certificates,
    /// names, idle connections, the limit for connecting) are not used.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::Backoff;
    /// use asynckit::http::{ErrorKind, Response, Retry, Session, StatusCode};
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let calls = AtomicUsize::new(0);
    /// let session = Session::builder()
    ///     .transport(move |request| match calls.fetch_add(1, Ordering::Relaxed) {
    ///         0 => Err(ErrorKind::Refused.into()),
    ///         1 => Ok(Response::answer(&request, StatusCode::SERVICE_UNAVAILABLE, "")),
    ///         _ => Ok(Response::answer(&request, StatusCode::OK, "at last")),
    ///     })
    ///     .retries(Retry::default().pauses(Backoff::constant(std::time::Duration::ZERO).times(3)))
    ///     .build()?;
    /// let answer = session.get("https://example.test/").get(None)?;
    /// assert_eq!((answer.text().as_str(), answer.attempts()), ("at last", 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transport<F, R>(mut self, send: F) -> Self
    where
        F: Fn(Request) -> R + Send + Sync + 'static,
        R: IntoPromise<Ok = Response, Err = Error>,
    {
        let send = Arc::new(move |request: Request| send(request).into_promise());
        self.transport = Some(Transport::Function(send));
        self
    }
}

#[cfg(feature = "reqwest")]
impl SessionBuilder {
    /// Sends all requests with a client that is there, over its connections. With the feature `reqwest`.
    ///
    /// Hooks, turns, retries, the limits of time and size, tags, the base URL, the session's headers, query and
    /// cookies are the session's, as ever. What the client was told about connections holds, and not what the session was:
    /// proxies, certificates, name resolution, idle connections, the limit for connecting, HTTP/2. The client
    /// also follows redirects by its own policy, first: [`history`](super::Response::history) knows nothing of
    /// those, and the session follows what is left with `redirect::Policy::none()`. It adds its default headers
    /// and its cookies to the session's, and its limit of time is one more.
    ///
    /// A body is streamed both ways. The client is polled on the session's I/O thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::http::Session;
    ///
    /// let client = reqwest::Client::builder().user_agent("my-crawler/1.0").build()?;
    /// let session = Session::builder().reqwest(client).max_concurrent(20).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reqwest(mut self, client: reqwest::Client) -> Self {
        // The default one, or the client's own were never sent.
        if self
            .headers
            .get(::http::header::USER_AGENT)
            .is_some_and(|agent| agent == super::builder::USER_AGENT_NAME)
        {
            self.headers.remove(::http::header::USER_AGENT);
        }
        self.transport = Some(Transport::Reqwest(client));
        self
    }
}
