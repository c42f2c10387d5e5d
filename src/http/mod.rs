//! Downloads as promises: a [`Session`] fetches, a [`Promise`](crate::Promise) of a [`Response`] arrives.
//!
//! ```no_run
//! use asynckit::http::Session;
//! use std::time::Duration;
//!
//! let session = Session::new();
//! let mut size = session
//!     .get("https://www.rust-lang.org/")
//!     .then(|page| Ok(page.error_for_status()?))
//!     .map(|page| page.bytes().len());
//! println!("{} bytes", size.get(Some(Duration::from_secs(30)))?);
//! # Ok::<(), asynckit::Failure>(())
//! ```
//!
//! # Which thread does what
//!
//! One background thread does the input and output of all sessions in the process. Nobody has to start
//! it, and it never keeps the process from exiting. Your callbacks do not run there: those of a
//! session's promises run on the session's pool ([`Pool::global()`](crate::Pool::global), or the one
//! given to [`SessionBuilder::pool`]), so that a callback that takes its time delays no download. A pool
//! that is shut down runs nothing more: what still runs then (`catch`, `handle`, `finally`) does so on the
//! thread that settles the promise, as for every promise.
//!
//! # What counts as a failure
//!
//! An answer is a success, whatever its status: a 404 arrives as a [`Response`] and
//! [`Response::error_for_status`] makes an error of it. The promise fails when there is no answer: a bad
//! URL, a refused connection, a timeout, a body that breaks off. The failure's error is an
//! [`http::Error`](Error), which says what happened and to which URL:
//!
//! ```no_run
//! # use asynckit::http::{self, Session};
//! match Session::new().get("http://localhost:1/").get(None) {
//!     Ok(page) => println!("{}", page.text()),
//!     Err(failure) => match failure.downcast_ref::<http::Error>() {
//!         Some(error) if error.is_connect() => println!("nobody is listening: {error}"),
//!         _ => println!("{failure}"),
//!     },
//! }
//! ```
//!
//! # Giving up
//!
//! [`Promise::cancel`](crate::Promise::cancel) on a session's promise, or on one derived from it, aborts
//! the request and closes its connection. Dropping the promise, or the session, does not: the download
//! goes on in the background.

mod builder;
mod error;
mod exchange;
mod io_thread;
mod response;
mod session;

pub use builder::SessionBuilder;
pub use error::{Error, ErrorKind};
pub use response::Response;
pub use session::Session;

// Types of the `http` and `url` crates, as every Rust program that speaks HTTP knows them.
#[doc(no_inline)]
pub use reqwest::{
    StatusCode, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
