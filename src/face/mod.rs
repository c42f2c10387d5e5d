//! Two faces of one API client: its endpoints are written once, over promises, and are called plainly or as promises.
//!
//! The author of a client gives it a type parameter, [`Blocking`] by default, and has each endpoint return
//! [`Reply`]`<F, Value, Error>`. Plain programs get a `Result`, concurrent ones a [`Promise`], which async ones await;
//! the documentation of the client is one page.
//!
//! ```
//! use asynckit::face::{Blocking, CallError, Face, FromCall, Promised, Reply};
//! use asynckit::{Pool, Promise};
//! use std::time::Duration;
//!
//! /// What can go wrong, in the client's own words.
//! #[derive(Debug)]
//! enum Error {
//!     NoSuchCity,
//!     Call(CallError),
//! }
//!
//! // Once for the whole client: the calls that end without an answer.
//! impl FromCall for Error {
//!     fn from_call(call: CallError) -> Self {
//!         Error::Call(call)
//!     }
//! }
//!
//! /// A client of a weather station.
//! #[derive(Clone)]
//! struct Client<F: Face = Blocking> {
//!     pool: Pool, // whatever all handles of the client share
//!     face: F,
//! }
//!
//! impl Client {
//!     fn new(pool: &Pool) -> Self {
//!         Client { pool: pool.clone(), face: Blocking::new() }
//!     }
//! }
//!
//! impl<F: Face> Client<F> {
//!     /// An endpoint. There is no other one for the other face.
//!     fn temperature(&self, city: &str) -> Reply<F, f64, Error> {
//!         let city = city.to_owned();
//!         let answer: Promise<f64, Error> = self.pool.spawn(move || match &*city {
//!             "Oslo" => Ok(-3.5),
//!             _ => Err(Error::NoSuchCity),
//!         });
//!         self.face.reply(answer)
//!     }
//!
//!     fn promised(&self) -> Client<Promised> {
//!         Client { pool: self.pool.clone(), face: Promised }
//!     }
//!
//!     fn within(&self, limit: Duration) -> Client<Blocking> {
//!         Client { pool: self.pool.clone(), face: Blocking::within(limit) }
//!     }
//! }
//!
//! let client = Client::new(&Pool::new(2));
//! assert_eq!(client.temperature("Oslo").unwrap(), -3.5); // called
//! let both = asynckit::join([client.promised().temperature("Oslo"), client.promised().temperature("Oslo")]);
//! assert_eq!(both.map(|both| both[0] + both[1]).get(None).unwrap(), -7.0); // promised
//! assert!(matches!(client.within(Duration::from_secs(60)).temperature("Atlantis"), Err(Error::NoSuchCity)));
//! ```
//!
//! The guide `docs/clients.md` goes from there to a whole client.

mod error;
mod items;

use std::time::Duration;

pub use error::{CallError, FromCall, own_error};
pub use items::Items;

use crate::flow::Flow;
use crate::promise::Promise;
use crate::reporter::Reporter;

/// What an endpoint of a client with the face `F` returns.
pub type Reply<F, T, E> = <F as Face>::Reply<T, E>;

/// How the endpoints of a client answer: [`Blocking`] or [`Promised`].
///
/// It is for the type parameter of a client, and implemented for these two alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no face of a client",
    label = "the faces are `Blocking` and `Promised`"
)]
pub trait Face: Sealed + Clone + Send + Sync + 'static {
    /// What an endpoint returns: a `Result`, or a [`Promise`].
    type Reply<T: Send + 'static, E: FromCall>;

    /// What an endpoint of many values returns, page by page: an iterator of `Result`s, or a [`Flow`].
    type Items<T: Send + 'static, E: FromCall>;

    /// Answers with the outcome of `call`: waits for it, or hands it out.
    fn reply<T: Send + 'static, E: FromCall>(&self, call: Promise<T, E>) -> Self::Reply<T, E>;

    /// As [`reply`](Self::reply), for a call that reports how far it is: where this waits, reports that are to be
    /// delivered [here](Reporter::here) are delivered meanwhile.
    fn reply_reporting<T: Send + 'static, E: FromCall>(
        &self,
        call: Promise<T, E>,
        reporter: &Reporter,
    ) -> Self::Reply<T, E>;

    /// Answers with many values, one after the other. A limit of time is one of each value.
    fn items<T: Send + 'static, E: FromCall>(&self, flow: Flow<T, E>) -> Self::Items<T, E>;
}

mod sealed {
    /// Implemented for the two faces.
    pub trait Sealed {}
    impl Sealed for super::Blocking {}
    impl Sealed for super::Promised {}
}
use sealed::Sealed;

/// Endpoints return a `Result` when it is there: for programs that do one thing at a time.
///
/// A call that is given up, because its time is over or because waiting for it could never end, is cancelled. On a
/// worker of a pool it waits as [`Promise::get`] does. In async code use [`Promised`], and await.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blocking {
    limit: Option<Duration>,
}

impl Blocking {
    /// Calls take as long as they take.
    pub fn new() -> Self {
        Blocking::default()
    }

    /// Each call has so long: then it is cancelled, and its error is made of [`CallError::TimedOut`].
    ///
    /// ```
    /// use asynckit::face::{Blocking, CallError, Face};
    /// use asynckit::{AnyError, Promise};
    /// use std::time::Duration;
    ///
    /// let (deferred, never) = Promise::<u32>::deferred();
    /// let answer: Result<u32, AnyError> = Blocking::within(Duration::from_millis(1)).reply(never);
    /// assert!(answer.unwrap_err().to_string().contains("timed out"));
    /// assert!(deferred.is_cancelled());
    /// ```
    pub fn within(limit: Duration) -> Self {
        Blocking { limit: Some(limit) }
    }

    /// The call, which ends with its time.
    fn limited<T: Send + 'static, E: FromCall>(self, call: Promise<T, E>) -> Promise<T, E> {
        match self.limit {
            Some(limit) if limit < Duration::MAX => call.timeout(limit),
            _ => call,
        }
    }
}

impl Face for Blocking {
    type Reply<T: Send + 'static, E: FromCall> = Result<T, E>;
    type Items<T: Send + 'static, E: FromCall> = Items<T, E>;

    fn reply<T: Send + 'static, E: FromCall>(&self, call: Promise<T, E>) -> Result<T, E> {
        let mut call = self.limited(call).cancel_on_drop();
        call.get(None).map_err(own_error)
    }

    fn reply_reporting<T: Send + 'static, E: FromCall>(
        &self,
        call: Promise<T, E>,
        reporter: &Reporter,
    ) -> Result<T, E> {
        let mut call = self.limited(call).cancel_on_drop();
        reporter.get(&mut call, None).map_err(own_error)
    }

    fn items<T: Send + 'static, E: FromCall>(&self, flow: Flow<T, E>) -> Items<T, E> {
        Items::new(flow, self.limit)
    }
}

/// Endpoints return a [`Promise`]: to have many calls under way at once, and to await.
#[derive(Clone, Copy, Debug, Default)]
pub struct Promised;

impl Face for Promised {
    type Reply<T: Send + 'static, E: FromCall> = Promise<T, E>;
    type Items<T: Send + 'static, E: FromCall> = Flow<T, E>;

    fn reply<T: Send + 'static, E: FromCall>(&self, call: Promise<T, E>) -> Promise<T, E> {
        call
    }

    fn reply_reporting<T: Send + 'static, E: FromCall>(
        &self,
        call: Promise<T, E>,
        _: &Reporter,
    ) -> Promise<T, E> {
        call
    }

    fn items<T: Send + 'static, E: FromCall>(&self, flow: Flow<T, E>) -> Flow<T, E> {
        flow
    }
}
