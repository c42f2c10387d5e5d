//! [`Session`]: the requests that share settings, a pool and their connections.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use super::close::{CloseReport, close};
use super::core::Core;
use super::entrance::Abort;
use super::fetch::Fetch;
use super::session_error::SessionError;
use super::{
    Body, Error, ErrorKind, Method, Request, RequestBuilder, Response, SessionBuilder, Url,
};
use crate::sync::Arc;
use crate::{AnyError, Deferred, Promise, Shutdown, Timeout};

/// Fetches and sends, and keeps connections open between its requests.
///
/// Make one and use it everywhere: a clone is the same session. Its requests start at once, and the callbacks
/// of their promises run on the session's pool, never on the thread that does the input and output. A promise
/// that is dropped aborts its request; [`detach`](Promise::detach) lets it go on.
///
/// # Examples
///
/// Several pages at once:
///
/// ```no_run
/// use asynckit::{AsyncList, http::Session};
/// use std::time::Duration;
///
/// let session = Session::new();
/// let mut pages: AsyncList<_> = ["https://crates.io/", "https://docs.rs/"]
///     .into_iter()
///     .map(|url| session.get(url))
///     .collect();
/// for page in pages.get(Some(Duration::from_secs(30)))? {
///     println!("{} {}", page.status(), page.url());
/// }
/// # Ok::<(), asynckit::Failure>(())
/// ```
///
/// # Which error its promises have
///
/// [`AnyError`], so that what comes behind them in a script may fail with any error; [`Error`] is in it. What
/// tells errors apart, such as the client of an API, takes the same session as [`typed`](Session::typed): all
/// promises of a `Session<http::Error>` fail with an [`Error`].
pub struct Session<E = AnyError> {
    pub(super) core: Arc<Core>,
    errors: PhantomData<fn() -> E>,
}

impl Session {
    /// Makes a session with the default settings, whose callbacks run on [`Pool::global()`](crate::Pool::global).
    pub fn new() -> Self {
        Self::builder().build().expect("the default settings of a session are valid")
    }

    /// Gives the settings to choose from.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::new()
    }

    pub(super) fn from_core(core: Core) -> Self {
        Self { core: Arc::new(core), errors: PhantomData }
    }

    /// The same session, with promises that fail with an [`Error`], which needs no downcast.
    ///
    /// An error of a hook's that is none is of kind [`Hook`](ErrorKind::Hook), with the hook's as its source.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::http::{self, ErrorKind, Response, Session};
    /// use asynckit::{Failure, Promise};
    ///
    /// struct Client(Session<http::Error>);
    ///
    /// impl Client {
    ///     fn user(&self, id: u32) -> Promise<String, http::Error> {
    ///         let answer = self.0.get(format!("http://localhost:1/users/{id}"));
    ///         answer.then(|answer| Ok(answer.error_for_status()?.text()))
    ///     }
    /// }
    ///
    /// let client = Client(Session::new().typed());
    /// match client.user(7).get(None) {
    ///     Ok(name) => println!("{name}"),
    ///     Err(Failure::Error(error)) if error.kind() == ErrorKind::Refused => println!("down"),
    ///     Err(failure) => println!("{failure}"),
    /// }
    /// ```
    pub fn typed(&self) -> Session<Error> {
        Session { core: Arc::clone(&self.core), errors: PhantomData }
    }
}

impl Session<Error> {
    /// The same session, with promises that fail with an [`AnyError`].
    pub fn any_error(&self) -> Session {
        Session { core: Arc::clone(&self.core), errors: PhantomData }
    }
}

impl<E: SessionError> Session<E> {
    /// Fetches `url`, with its body.
    ///
    /// # Errors
    ///
    /// The promise fails with an [`http::Error`](Error) for a bad URL, and where no complete answer
    /// arrives. An answer of whatever status, a 404 too, is none: see
    /// [`error_for_status`](Response::error_for_status).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let session = asynckit::http::Session::new();
    /// let index = session
    ///     .get("https://www.rust-lang.org/")
    ///     .then(|page| Ok(page.error_for_status()?.text()));
    /// # let index: asynckit::Promise<String> = index;
    /// ```
    #[track_caller]
    pub fn get(&self, url: impl AsRef<str>) -> Promise<Response, E> {
        self.request(Method::GET, url).send()
    }

    /// Asks what `get` would answer, without the body.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    #[track_caller]
    pub fn head(&self, url: impl AsRef<str>) -> Promise<Response, E> {
        self.request(Method::HEAD, url).send()
    }

    /// Asks what may be done with `url`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    #[track_caller]
    pub fn options(&self, url: impl AsRef<str>) -> Promise<Response, E> {
        self.request(Method::OPTIONS, url).send()
    }

    /// Deletes what is at `url`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    #[track_caller]
    pub fn delete(&self, url: impl AsRef<str>) -> Promise<Response, E> {
        self.request(Method::DELETE, url).send()
    }

    /// Begins to send `body` to `url`; `()` is none, for what [`json`](RequestBuilder::json) and its like set.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let session = asynckit::http::Session::new();
    /// let answer = session.post("http://localhost:8000/log", "a line").send();
    /// let answer = session.post("http://localhost:8000/log", ()).json(&[1, 2]).send();
    /// # drop(answer);
    /// ```
    pub fn post(&self, url: impl AsRef<str>, body: impl Into<Body>) -> RequestBuilder<E> {
        self.request(Method::POST, url).body(body)
    }

    /// Begins to put `body` at `url`.
    pub fn put(&self, url: impl AsRef<str>, body: impl Into<Body>) -> RequestBuilder<E> {
        self.request(Method::PUT, url).body(body)
    }

    /// Begins to change what is at `url` by `body`.
    pub fn patch(&self, url: impl AsRef<str>, body: impl Into<Body>) -> RequestBuilder<E> {
        self.request(Method::PATCH, url).body(body)
    }

    /// Begins any request.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let session = asynckit::http::Session::new();
    /// let list = session.request("PROPFIND", "http://localhost:8000/").header("depth", "1").send();
    /// # drop(list);
    /// ```
    pub fn request<M>(&self, method: M, url: impl AsRef<str>) -> RequestBuilder<E>
    where
        Method: TryFrom<M, Error: fmt::Display>,
    {
        let url = url.as_ref();
        let request = self.parsed(url).and_then(|parsed| {
            let method = Method::try_from(method).map_err(|error| {
                Error::new(ErrorKind::BadRequest).of_text(url).saying(error.to_string())
            })?;
            Request::new(method, parsed)
        });
        let request = request.map_err(|error| match error.kind() {
            ErrorKind::BadUrl => error.of_text(url), // as it was written
            _ => error,
        });
        RequestBuilder::new(self.clone(), request)
    }

    fn parsed(&self, url: &str) -> Result<Url, Error> {
        let parsed = match &self.core.base {
            Some(base) => base.join(url),
            None => Url::parse(url),
        };
        parsed.map_err(|error| Error::bad_url(url, error))
    }

    /// Sends a request that was built before, or elsewhere.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    #[track_caller]
    pub fn execute(&self, request: Request) -> Promise<Response, E> {
        self.start(Ok(request))
    }

    /// Ends the session: its clones, too, refuse new requests, with
    /// [`ErrorKind::Closed`].
    ///
    /// With [`Shutdown::Drain`] it waits until all requests have ended, with [`Shutdown::CancelQueued`] those
    /// that wait for their turn fail at once. What has not ended when `timeout` has passed is aborted. The pool
    /// is left alone. On a worker of a pool another thread takes its place meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::{Shutdown, http::Session};
    /// use std::time::Duration;
    ///
    /// let session = Session::new();
    /// let report = session.close(Shutdown::Drain, Duration::from_secs(5));
    /// assert_eq!(report.finished, 0);
    /// assert!(session.get("http://localhost:1/").get(None).is_err());
    /// ```
    pub fn close(&self, how: Shutdown, timeout: impl Into<Timeout>) -> CloseReport {
        close(&self.core, how, timeout.into())
    }

    /// Where all requests come through that load their answer.
    #[track_caller]
    pub(super) fn start(&self, request: Result<Request, Error>) -> Promise<Response, E> {
        self.launch(request, |mut fetch, request, deferred| async move {
            deferred.settle(fetch.run(request).await.map_err(E::of));
        })
    }

    /// Where all requests come through, whatever becomes of them: `run` settles the promise, on the I/O thread. A
    /// cancelled promise aborts it.
    #[track_caller]
    pub(super) fn launch<T, F, R>(&self, request: Result<Request, Error>, run: R) -> Promise<T, E>
    where
        T: Send + 'static,
        F: Future<Output = ()> + Send + 'static,
        R: FnOnce(Fetch, Box<Request>, Deferred<T, E>) -> F,
    {
        let (mut deferred, promise) = self.core.pool().deferred_cancel_on_drop();
        let fetch = Fetch::new(Arc::clone(&self.core)); // from here `close` knows of it
        let request = request.and_then(|request| self.core.admit(request));
        let io = self.core.io().map_err(|error| Error::new(ErrorKind::Setup).because(error));
        let (request, io) = match (request, io) {
            (Ok(request), Ok(io)) => (request, io),
            (Err(error), _) | (_, Err(error)) => {
                deferred.reject(E::from(error));
                return promise;
            }
        };
        let abort = Arc::new(Abort::default());
        let to_abort = Arc::clone(&abort);
        deferred.on_cancel(move || to_abort.abort());
        // Boxed, for what is handed from one future to the next is in each of them.
        io.run(run(fetch, Box::new(request), deferred), &abort);
        promise
    }
}

impl Default for Session {
    /// The same as [`Session::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Clone for Session<E> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), errors: PhantomData }
    }
}

impl<E> fmt::Debug for Session<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
