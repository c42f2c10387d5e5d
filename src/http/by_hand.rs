//! Responses made by hand, with all that a session puts in them.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::{
    HeaderMap, HeaderName, HeaderValue, Redirect, Request, Response, StatusCode, Url, Version,
};
use crate::sync::Arc;

/// What is set on one that was made by hand, for tests of what is done with it.
///
/// ```
/// use asynckit::http::{Redirect, Response, StatusCode, Url};
/// use std::time::Duration;
///
/// let url = Url::parse("http://localhost/list").expect("a URL");
/// let old = Url::parse("http://localhost/old").expect("a URL");
/// let page = Response::new(StatusCode::OK, url, Default::default(), "[1, 2]")
///     .with_header("link", "</list?page=2>; rel=\"next\"")
///     .with_history([Redirect::new(old, StatusCode::FOUND)])
///     .with_elapsed(Duration::from_millis(20))
///     .with_attempts(2)
///     .with_tag("first");
/// assert_eq!(page.links()[0].url.query(), Some("page=2"));
/// assert_eq!((page.attempts(), page.tag(), page.history().len()), (2, Some("first"), 1));
/// ```
impl Response {
    /// Makes the answer to `request`, with its URL and its tag: for a
    /// [transport](super::SessionBuilder::transport) that computes its answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::http::{Request, Response, StatusCode};
    ///
    /// let request = http::Request::get("http://localhost/list").body(())?;
    /// let answer = Response::answer(&Request::try_from(request)?, StatusCode::OK, "[1, 2]");
    /// assert_eq!(answer.url().path(), "/list");
    /// assert_eq!(answer.json::<Vec<u8>>()?, [1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn answer(request: &Request, status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        let response = Self::new(status, request.url().clone(), HeaderMap::new(), body);
        let tag = request.tag.clone();
        response.with(|parts| parts.tag = tag)
    }

    /// Adds a header, behind those of the same name.
    ///
    /// # Panics
    ///
    /// Where name or value cannot be one: this is for values that are written by hand.
    #[must_use]
    #[track_caller]
    pub fn with_header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K, Error: fmt::Debug>,
        HeaderValue: TryFrom<V, Error: fmt::Debug>,
    {
        let name = HeaderName::try_from(name).expect("the name of a header");
        let value = HeaderValue::try_from(value).expect("the value of a header");
        self.with(|parts| {
            parts.headers.append(name, value);
        })
    }

    /// Sets what [`url`](Response::url) gives.
    #[must_use]
    pub fn with_url(self, url: Url) -> Self {
        self.with(|parts| parts.url = url)
    }

    /// Sets what [`version`](Response::version) gives.
    #[must_use]
    pub fn with_version(self, version: Version) -> Self {
        self.with(|parts| parts.version = version)
    }

    /// Sets what [`history`](Response::history) gives.
    #[must_use]
    pub fn with_history(self, history: impl IntoIterator<Item = Redirect>) -> Self {
        self.with(|parts| parts.history = history.into_iter().collect())
    }

    /// Sets what [`elapsed`](Response::elapsed) gives.
    #[must_use]
    pub fn with_elapsed(self, elapsed: Duration) -> Self {
        self.with(|parts| parts.elapsed = elapsed)
    }

    /// Sets what [`remote_addr`](Response::remote_addr) gives.
    #[must_use]
    pub fn with_remote_addr(self, address: SocketAddr) -> Self {
        self.with(|parts| parts.remote_addr = Some(address))
    }

    /// Sets what [`tag`](Response::tag) gives.
    #[must_use]
    pub fn with_tag(self, tag: impl AsRef<str>) -> Self {
        self.with(|parts| parts.tag = Some(Arc::from(tag.as_ref())))
    }

    /// Sets what [`attempts`](Response::attempts) gives.
    #[must_use]
    pub fn with_attempts(self, attempts: u32) -> Self {
        self.with(|parts| parts.attempts = attempts)
    }
}
