//! [`RequestBuilder`]: a request, step by step.

use std::fmt::{self, Display};
use std::time::Duration;

use ::http::Version;
use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

use super::request::basic;
use super::session_error::SessionError;
use super::{Body, Error, ErrorKind, HeaderMap, Multipart, Request, Response, Session, Streamed};
use crate::sync::Arc;
use crate::{AnyError, Promise};

/// A request of a [`Session`], step by step, ended by [`send`](RequestBuilder::send).
///
/// What cannot be sent (a header that is none, a file that is not there) fails the promise before a connection
/// is made, with [`ErrorKind::BadRequest`].
///
/// # Examples
///
/// ```no_run
/// use asynckit::http::Session;
/// use std::time::Duration;
///
/// let session = Session::new();
/// let mut answer = session
///     .post("https://api.example.com/search", ())
///     .query([("page", 2), ("size", 50)])
///     .header("x-client", "docs")
///     .bearer_auth("token")
///     .json(&["rust", "promises"])
///     .timeout(Duration::from_secs(5))
///     .send();
/// println!("{}", answer.get(None)?.status());
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[must_use = "a request is not sent until `send` is called"]
pub struct RequestBuilder<E = AnyError> {
    session: Session<E>,
    request: Result<Request, Error>,
}

impl<E: SessionError> RequestBuilder<E> {
    pub(super) fn new(session: Session<E>, request: Result<Request, Error>) -> Self {
        Self { session, request }
    }

    pub(super) fn into_parts(self) -> (Session<E>, Result<Request, Error>) {
        (self.session, self.request)
    }

    fn change(mut self, change: impl FnOnce(&mut Request) -> Result<(), Error>) -> Self {
        if let Ok(request) = &mut self.request {
            if let Err(error) = change(request) {
                self.request = Err(error.of(request.url()));
            }
        }
        self
    }

    /// Sets a header, in place of one of that name that was set before, or that the session has.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K, Error: std::error::Error + Send + Sync + 'static>,
        HeaderValue: TryFrom<V, Error: std::error::Error + Send + Sync + 'static>,
    {
        self.change(|request| {
            let name = HeaderName::try_from(name).map_err(bad)?;
            request.headers.insert(name, HeaderValue::try_from(value).map_err(bad)?);
            Ok(())
        })
    }

    /// Sets headers, in place of those of the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.change(|request| {
            for name in headers.keys() {
                request.headers.remove(name);
            }
            request.headers.extend(headers);
            Ok(())
        })
    }

    /// Adds pairs to the URL's query.
    ///
    /// ```
    /// # use asynckit::http::Session;
    /// let request = Session::new().request("GET", "http://localhost/?a=1").query([("b", "x y")]).build()?;
    /// assert_eq!(request.url().query(), Some("a=1&b=x+y"));
    /// # Ok::<(), asynckit::http::Error>(())
    /// ```
    pub fn query<K: AsRef<str>, V: Display>(self, pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        self.change(|request| {
            request.add_query(pairs);
            Ok(())
        })
    }

    /// Sends `value` as JSON, and says that JSON is wanted.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.change(|request| {
            request.body = serde_json::to_vec(value).map_err(bad)?.into();
            let json = HeaderValue::from_static("application/json");
            request.headers.entry(CONTENT_TYPE).or_insert(json.clone());
            request.headers.entry(ACCEPT).or_insert(json);
            Ok(())
        })
    }

    /// Sends pairs as a form.
    pub fn form<K: AsRef<str>, V: Display>(self, pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        self.change(|request| {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in pairs {
                form.append_pair(name.as_ref(), &value.to_string());
            }
            request.body = form.finish().into();
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers.entry(CONTENT_TYPE).or_insert(kind);
            Ok(())
        })
    }

    /// Sends a form with files.
    pub fn multipart(self, form: Multipart) -> Self {
        self.change(|request| {
            let (kind, body) = form.into_body();
            request.body = body;
            request.headers.insert(CONTENT_TYPE, HeaderValue::try_from(kind).map_err(bad)?);
            Ok(())
        })
    }

    /// Sends text, bytes, a file, or what a reader gives.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.change(|request| {
            request.body = body.into();
            Ok(())
        })
    }

    /// Says who is asking, with a password. It is not sent on to another origin.
    pub fn basic_auth(self, user: impl AsRef<str>, password: Option<&str>) -> Self {
        self.change(|request| {
            request.headers.insert(AUTHORIZATION, basic(user.as_ref(), password));
            Ok(())
        })
    }

    /// Says who is asking, with a token. It is not sent on to another origin.
    pub fn bearer_auth(self, token: impl Display) -> Self {
        self.change(|request| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(bad)?;
            value.set_sensitive(true);
            request.headers.insert(AUTHORIZATION, value);
            Ok(())
        })
    }

    /// Ends this request if it takes longer, from its turn to the end of its body; `Duration::MAX` is no limit.
    pub fn timeout(self, limit: Duration) -> Self {
        self.change(|request| {
            request.limits.timeout = Some(limit);
            Ok(())
        })
    }

    /// Ends this request if its answer has not begun so long after its turn; `Duration::MAX` is no limit.
    pub fn first_byte_timeout(self, limit: Duration) -> Self {
        self.change(|request| {
            request.limits.first_byte = Some(limit);
            Ok(())
        })
    }

    /// Ends this request if nothing came and nothing went for so long; `Duration::MAX` is no limit.
    pub fn idle_timeout(self, limit: Duration) -> Self {
        self.change(|request| {
            request.limits.idle = Some(limit);
            Ok(())
        })
    }

    /// Follows up to `n` redirects; with 0, the redirect itself is the response.
    pub fn max_redirects(self, n: usize) -> Self {
        self.change(|request| {
            request.limits.redirects = Some(n);
            Ok(())
        })
    }

    /// Fails with [`ErrorKind::BodyTooLarge`] where the answer's body has more bytes; `u64::MAX` is no limit.
    pub fn max_body(self, bytes: u64) -> Self {
        self.change(|request| {
            request.limits.body = Some(bytes);
            Ok(())
        })
    }

    /// Speaks this version: HTTP/1.1 by default, or HTTP/1.0.
    pub fn version(self, version: Version) -> Self {
        self.change(|request| {
            if !matches!(version, Version::HTTP_10 | Version::HTTP_11) {
                let error = Error::new(ErrorKind::BadRequest);
                return Err(error.saying(format!("{version:?} is not spoken here")));
            }
            request.version = Some(version);
            Ok(())
        })
    }

    /// Gives it a name, which is on its response and on its error.
    pub fn tag(self, tag: impl AsRef<str>) -> Self {
        self.change(|request| {
            request.tag = Some(Arc::from(tag.as_ref()));
            Ok(())
        })
    }

    /// Has `hook` called with the response, behind the session's hooks: see
    /// [`SessionBuilder::on_response`](super::SessionBuilder::on_response).
    pub fn on_response<F>(self, hook: F) -> Self
    where
        F: Fn(Response) -> Result<Response, AnyError> + Send + Sync + 'static,
    {
        self.change(|request| {
            request.hooks.add(hook);
            Ok(())
        })
    }

    /// Gives the request without sending it.
    ///
    /// # Errors
    ///
    /// What could not be set: a bad URL, a bad header.
    pub fn build(self) -> Result<Request, Error> {
        self.request
    }

    /// Sends it.
    ///
    /// Dropping the promise, or what was derived from it, aborts the request:
    /// [`detach`](Promise::detach) lets it go on.
    ///
    /// # Errors
    ///
    /// The promise fails with an [`http::Error`](Error) (inside an [`AnyError`], unless the session is
    /// [`typed`](Session::typed)) where no complete answer arrives. An answer of whatever
    /// status, a 404 too, is none.
    #[track_caller]
    pub fn send(self) -> Promise<Response, E> {
        self.session.start(self.request)
    }

    /// Sends it, and gives the answer as soon as its head is there: the body is read as it comes, see [`Streamed`].
    ///
    /// Repetitions and redirects end with the head. Hooks see a response whose body is empty, or for a status from
    /// 400 on, its beginning; what they give is taken as the head.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), up to the head.
    #[track_caller]
    pub fn stream(self) -> Promise<Streamed, E> {
        self.session.start_stream(self.request)
    }
}

impl<E> fmt::Debug for RequestBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestBuilder").field(&self.request).finish()
    }
}

fn bad(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::BadRequest).because(error)
}
