//! [`SessionError`]: the two errors that promises of a session may have.

use super::Error;
use crate::{AnyError, Failure};

/// The error of a session's promises: [`AnyError`], or [`http::Error`](Error). There is no other one.
///
/// `?` takes a failure with either into an [`AnyError`] and a `Box<dyn Error>`; into a function that returns a
/// `Failure<AnyError>`, one with an `http::Error` goes with [`Failure::into_any`].
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
