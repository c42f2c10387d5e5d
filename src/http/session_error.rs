//! [`SessionError`]: the two errors that promises of a session may have.

use super::Error;
use crate::{AnyError, Failure};

/// The error of a session's promises: [`AnyError`], or [`http::Error`](Error). There is no other one.
///
/// An error of your own comes from either with [`Promise::map_err`](crate::Promise::map_err).
pub trait SessionError: From<Error> + Send + 'static + sealed::Sealed {
    #[doc(hidden)]
    fn of(failure: Failure) -> Failure<Self>;
}

impl SessionError for AnyError {
    fn of(failure: Failure) -> Failure {
        failure
    }
}

impl SessionError for Error {
    fn of(failure: Failure) -> Failure<Error> {
        failure.map_error(Error::from_any)
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for crate::AnyError {}
    impl Sealed for crate::http::Error {}
}

/// A failure of a [typed](super::Session::typed) session, as `?` takes it into a function without a type of error.
impl From<Failure<Error>> for Failure {
    fn from(failure: Failure<Error>) -> Failure {
        failure.into_any()
    }
}
