//! [`Session`]: the requests that share settings, a pool and their connections.

use std::fmt;

use reqwest::{Client, Method, Request};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::exchange::exchange;
use super::{Error, Response, SessionBuilder, io_thread};
use crate::sync::thread;
use crate::sync::{Arc, OnceLock};
use crate::{AnyError, Deferred, Pool, Promise};

/// Fetches, and keeps connections open between its requests.
///
/// Make one and use it everywhere: a clone is the same session. Its promises start at once, and their
/// callbacks run on the session's pool, never on the thread that does the input and output.
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
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    /// Why `https` does not work on this machine, where that is so.
    no_https: Option<Error>,
    /// A permit for each request that may be under way.
    turns: Arc<Semaphore>,
    pool: OwnPool,
}

impl Session {
    /// Makes a session with the default settings, whose callbacks run on [`Pool::global()`].
    ///
    /// # Panics
    ///
    /// Only where the process has installed a TLS provider of its own that does not work.
    pub fn new() -> Self {
        Self::builder().build().expect("the default settings of a session are valid")
    }

    /// Gives the settings to choose from.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::new()
    }

    pub(super) fn from_parts(
        client: Client,
        no_https: Option<Error>,
        max_concurrent: usize,
        pool: Pool,
    ) -> Self {
        let turns = max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        let inner = Inner {
            client,
            no_https,
            turns: Arc::new(Semaphore::new(turns)),
            pool: OwnPool(Some(pool)),
        };
        Self { inner: Arc::new(inner) }
    }

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
    pub fn get(&self, url: impl AsRef<str>) -> Promise<Response> {
        self.execute(self.request(Method::GET, url.as_ref()))
    }

    fn request(&self, method: Method, url: &str) -> Result<Request, Error> {
        let request = self.inner.client.request(method, url).build();
        let request = request.map_err(|error| Error::bad_url(url, error))?;
        match (request.url().scheme(), &self.inner.no_https) {
            ("https", Some(reason)) => Err(reason.clone()),
            _ => Ok(request),
        }
    }

    /// Where all requests come through, whatever their method.
    #[track_caller]
    fn execute(&self, request: Result<Request, Error>) -> Promise<Response> {
        let (deferred, promise) = self.inner.pool.get().deferred();
        match request {
            Ok(request) => self.send(request, deferred),
            Err(error) => deferred.reject(AnyError::from(error)),
        }
        promise
    }

    /// Hands the request to the I/O thread, which settles `deferred`; a cancelled promise aborts it.
    fn send(&self, request: Request, mut deferred: Deferred<Response, AnyError>) {
        let io = match io_thread::handle() {
            Ok(io) => io,
            Err(error) => return deferred.reject(AnyError::from(Error::setup(Arc::new(error)))),
        };
        // Nobody can cancel before the task is known: its promise has not left this call.
        let task = Arc::new(OnceLock::<AbortHandle>::new());
        let to_abort = Arc::clone(&task);
        deferred.on_cancel(move || {
            if let Some(task) = to_abort.get() {
                task.abort();
            }
        });
        let client = self.inner.client.clone();
        let answer = exchange(client, Arc::clone(&self.inner.turns), request);
        let running = io.spawn(async move {
            match answer.await {
                Ok(response) => deferred.resolve(response),
                Err(error) => deferred.reject(AnyError::from(error)),
            }
        });
        let first = task.set(running.abort_handle());
        debug_assert!(first.is_ok(), "one task a request");
    }
}

impl Default for Session {
    /// The same as [`Session::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// The session's handle of its pool, which may be the last one.
///
/// Dropping the last handle waits for the pool's work. A session that a callback holds can be dropped on
/// the I/O thread, which must not wait: the work may be waiting for a download.
struct OwnPool(Option<Pool>);

impl OwnPool {
    fn get(&self) -> &Pool {
        self.0.as_ref().expect("there until it is dropped")
    }
}

impl Drop for OwnPool {
    fn drop(&mut self) {
        if io_thread::is_current() {
            let pool = self.0.take();
            let waiting = thread::Builder::new().spawn(move || drop(pool));
            drop(waiting); // detached; without a thread to be had, the pool was dropped here after all
        }
    }
}
