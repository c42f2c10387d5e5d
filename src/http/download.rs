//! [`DownloadBuilder`]: a file that is to be fetched to disk, step by step.

use std::fmt;
use std::path::PathBuf;

use super::disk::{self, Meter, Options};
use super::session_error::SessionError;
use super::{
    DownloadProgress, Downloaded, Error, ErrorKind, Method, Request, RequestBuilder, Session,
};
use crate::sync::Mutex;
use crate::{AnyError, Promise};

/// A download to disk, step by step, ended by [`send`](DownloadBuilder::send); from
/// [`RequestBuilder::download`](super::RequestBuilder::download).
///
/// # What is on disk
///
/// What comes goes into `name.part`, beside the file that it is to be. When it is whole, and on the disk, it gets its
/// name, and takes the place of a file of that name. Beside it, `.name.download` keeps what the server said of it
/// (`ETag`, `Last-Modified`, its length), to go on with a part, and to know whether it has changed since:
///
/// - Where there is a part, the rest is asked for, by `Range` and `If-Range`. If the file is another one now, or the
///   server does not give a rest, it comes from its beginning. Without an `ETag` or a `Last-Modified` that tells
///   every change, there is no rest to ask for.
/// - Where the file is there, as long as it was, it is asked for only if it has changed. The server says that it has
///   not: then it stays, and [`Downloaded::unchanged`] says so.
/// - Where it breaks off, the session's [`retries`](super::SessionBuilder::retries) are for the rest, too.
/// - A download that fails, is cancelled or dropped leaves nothing under the name. Its part stays, to be continued,
///   unless [`keep_part`](Self::keep_part) says otherwise.
/// - Two downloads to one file at once, in one process, come one behind the other. Nothing holds off another process.
///
/// A process that is killed leaves a good part. A machine whose power fails may not, and a
/// [checksum](Self::sha256) tells.
///
/// The session's pool writes, while the I/O thread reads on. The time limits are those of
/// [`Streamed`](super::Streamed), and so is the largest body. Answers are not asked for in a packed form.
///
/// # Examples
///
/// ```no_run
/// use asynckit::http::Session;
///
/// let session = Session::new();
/// let film = session
///     .request("GET", "https://example.com/film.mp4")
///     .download("film.mp4")
///     .sha256("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
///     .on_progress(|now| println!("{:.0} %", now.fraction * 100.0))
///     .send();
/// # let mut film: asynckit::Promise<_> = film;
/// let film = film.get(None)?;
/// println!("{} bytes, {} of which were there", film.bytes, film.resumed_from);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[must_use = "nothing is fetched until `send` is called"]
pub struct DownloadBuilder<E = AnyError> {
    session: Session<E>,
    request: Result<Request, Error>,
    options: Options,
    pub(super) meter: Meter,
}

impl<E: SessionError> Session<E> {
    /// Fetches `url` into the file `path`, which is there when it is whole, and never before.
    ///
    /// What comes goes into `path` with `.part` behind it. A download that was broken off goes on where it was,
    /// and what is there already and has not changed on the server is not fetched again. See [`DownloadBuilder`],
    /// which [`request`](Self::request) and [`download`](RequestBuilder::download) give, for all of it.
    ///
    /// # Errors
    ///
    /// The promise fails where `path` cannot be written, with [`ErrorKind::File`]; for each status that is no
    /// success, a 404 too, with [`ErrorKind::Status`]; and as for [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let session = asynckit::http::Session::new();
    /// let mut film = session.download("http://localhost:8000/film.mp4", "film.mp4");
    /// println!("{} bytes", film.get(None)?.bytes);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn download(
        &self,
        url: impl AsRef<str>,
        path: impl Into<PathBuf>,
    ) -> Promise<Downloaded, E> {
        self.request(Method::GET, url).download(path).send()
    }
}

impl<E: SessionError> RequestBuilder<E> {
    /// Has what is got written to the file `path`: see [`DownloadBuilder`].
    pub fn download(self, path: impl Into<PathBuf>) -> DownloadBuilder<E> {
        let (session, request) = self.into_parts();
        DownloadBuilder::new(session, request, path.into())
    }
}

impl<E: SessionError> DownloadBuilder<E> {
    fn new(session: Session<E>, request: Result<Request, Error>, path: PathBuf) -> Self {
        let options = Options {
            path,
            sha256: None,
            keeps_part: true,
            keeps_companion: true,
            afresh: false,
            removing: Mutex::new(None),
        };
        Self { session, request, options, meter: Meter::default() }
    }

    /// Fails with [`ErrorKind::Checksum`] where the file has another SHA-256 than this one, in hexadecimal digits,
    /// and removes it. A file that is there and has it is not asked for at all.
    pub fn sha256(mut self, digits: impl AsRef<str>) -> Self {
        match parsed(digits.as_ref()) {
            Some(sum) => self.options.sha256 = Some(sum),
            None if self.request.is_ok() => {
                let error = Error::new(ErrorKind::BadRequest);
                self.request = Err(error.saying("a SHA-256 has 64 hexadecimal digits"));
            }
            None => {}
        }
        self
    }

    /// Keeps what has come of a download that does not come to its end, to be continued, or not; it does by default.
    pub fn keep_part(mut self, keeps: bool) -> Self {
        self.options.keeps_part = keeps;
        self
    }

    /// Leaves nothing but the file, once it is there: next time it is fetched again.
    pub fn no_companion(mut self) -> Self {
        self.options.keeps_companion = false;
        self
    }

    /// Fetches all of it, whatever is there.
    pub fn afresh(mut self) -> Self {
        self.options.afresh = true;
        self
    }

    /// Has `told` called as it goes on: at the beginning, when something was written, and at the end, once.
    ///
    /// It is called on the session's pool, where it holds up this download and no other one. A panic in it fails the
    /// download.
    pub fn on_progress(mut self, told: impl FnMut(&DownloadProgress) + Send + 'static) -> Self {
        self.meter.tell(told);
        self
    }

    /// Begins. Dropping the promise, or what was derived from it, aborts the download:
    /// [`detach`](Promise::detach) lets it go on.
    ///
    /// # Errors
    ///
    /// The promise fails where the file cannot be written, with [`ErrorKind::File`], before a connection is made
    /// where that can be known; for each status that is no success, with [`ErrorKind::Status`]; where the method is not
    /// GET, with [`ErrorKind::BadRequest`]; and as for [`RequestBuilder::send`](super::RequestBuilder::send).
    #[track_caller]
    pub fn send(self) -> Promise<Downloaded, E> {
        let Self { session, request, options, meter } = self;
        session.launch(request, |mut fetch, request, deferred| async move {
            deferred.settle(disk::run(&mut fetch, request, options, meter).await.map_err(E::of));
        })
    }
}

/// 64 digits.
fn parsed(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.trim().as_bytes();
    let mut sum = [0; 32];
    if digits.len() != 2 * sum.len() {
        return None;
    }
    let value = |digit: u8| (digit as char).to_digit(16);
    for (byte, pair) in sum.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::try_from(value(pair[0])? * 16 + value(pair[1])?).ok()?;
    }
    Some(sum)
}

impl<E> fmt::Debug for DownloadBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadBuilder")
            .field("request", &self.request)
            .field("path", &self.options.path)
            .finish_non_exhaustive()
    }
}
