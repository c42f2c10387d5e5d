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
//! A client that tells errors apart often asks for them by type, once: the promises of
//! [`Session::typed`] fail with an [`http::Error`](Error), and need no downcast.
//!
//! # Giving up
//!
//! Dropping the promise aborts the request and closes its connection, and so does dropping what was derived from
//! it, or a list of it; [`Promise::cancel`](crate::Promise::cancel) does, too.
//! [`Promise::detach`](crate::Promise::detach) lets a request go on that nobody waits for. Dropping the session
//! aborts nothing; [`Session::close`] ends it in order.
//!
//! # Limits
//!
//! By default a request has five minutes, ten seconds of them to connect, and ends when nothing has moved for a
//! minute; a body has 32 MiB, unpacked; 256 requests are under way at once, 100 of them to one host. Each is a
//! setting of the [session](SessionBuilder), most are one of the [request](RequestBuilder), too, and
//! `Duration::MAX` or `u64::MAX` is no limit. What is not to be held in memory is read as it comes, as a [`Streamed`].
//!
//! # What is not sent
//!
//! No `Referer`. Authorisation and cookies stay with the origin that they were given for, also behind a redirect.
//! User names and passwords in URLs become authorisation, and are in no text that this module makes.

#[cfg(feature = "reqwest")]
mod adopted;
mod answer_body;
mod async_body;
#[cfg(feature = "progress")]
mod bars;
mod body;
mod build;
mod builder;
#[cfg(feature = "http2")]
mod builder_http2;
mod builder_transport;
mod by_hand;
mod census;
mod close;
#[cfg(feature = "cookies")]
mod cookies;
mod core;
mod disk;
mod download;
mod engine;
mod entrance;
mod error;
mod error_kind;
mod fetch;
mod history;
mod hooks;
mod io_thread;
mod jar;
mod lines;
mod links;
mod multipart;
mod net;
mod pipe;
mod protocols;
mod redact;
mod redirect;
mod request;
mod request_builder;
mod response;
mod retry;
mod session;
mod session_error;
mod stage;
mod streamed;
mod streaming;
mod transport;
mod turns;
mod unpack;
#[cfg(feature = "zstd")]
mod unpack_zstd;
mod waiting;

pub use async_body::{BodyStream, LineStream};
#[cfg(feature = "progress")]
pub use bars::Bars;
pub use body::Body;
pub use builder::SessionBuilder;
pub use close::CloseReport;
#[cfg(feature = "cookies")]
pub use cookies::CookieJar;
pub use disk::{DownloadProgress, Downloaded};
pub use download::DownloadBuilder;
pub use error::Error;
pub use error_kind::ErrorKind;
pub use history::Redirect;
pub use lines::Lines;
pub use links::Link;
pub use multipart::Multipart;
pub use request::Request;
pub use request_builder::RequestBuilder;
pub use response::Response;
pub use retry::Retry;
pub use session::Session;
pub use session_error::SessionError;
pub use streamed::Streamed;

// Types of the `bytes`, `http` and `url` crates, as every Rust program that speaks HTTP knows them.
#[doc(no_inline)]
pub use ::bytes::Bytes;
#[doc(no_inline)]
pub use ::http::{
    Method, StatusCode, Version,
    header::{HeaderMap, HeaderName, HeaderValue},
};
#[doc(no_inline)]
pub use url::Url;

#[cfg(doctest)]
#[doc = include_str!("../../docs/from-requests.md")]
struct FromRequests;
