//! [`CallError`]: calls that end without an answer, for the errors of a client to take in.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use crate::failure::{AnyError, Failure, Panic};

/// In which way a call has ended without an answer: what a [`Failure`] says besides [`Failure::Error`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallError {
    /// Something panicked on the way.
    Panicked(Panic),
    /// The call was cancelled.
    Cancelled,
    /// Its time is over.
    TimedOut,
    /// Nothing is left that could answer: the pool was shut down, for one.
    Abandoned,
    /// The answer was taken before.
    Taken,
    /// Waiting for it could never have ended.
    WouldDeadlock,
    /// There was nothing to choose from.
    Empty,
}

impl CallError {
    /// Tells the client's own error from a call that has ended without an answer.
    ///
    /// # Errors
    /// The call's error, where `failure` is not [`Failure::Error`].
    ///
    /// ```
    /// use asynckit::{Failure, face::CallError};
    ///
    /// assert_eq!(CallError::sort(Failure::Error(404)).unwrap(), 404);
    /// assert!(matches!(CallError::sort(Failure::<u16>::Cancelled), Err(CallError::Cancelled)));
    /// ```
    pub fn sort<E>(failure: Failure<E>) -> Result<E, CallError> {
        failure.sort::<Infallible>().map_err(|other| match other {
            Failure::Error(never) => match never {},
            Failure::Panicked(panic) => CallError::Panicked(panic),
            Failure::Cancelled | Failure::CancelledFor(_) => CallError::Cancelled,
            Failure::TimedOut => CallError::TimedOut,
            Failure::Abandoned => CallError::Abandoned,
            Failure::Taken => CallError::Taken,
            Failure::WouldDeadlock => CallError::WouldDeadlock,
            Failure::Empty => CallError::Empty,
        })
    }
}

/// The failure that it was.
impl<E> From<CallError> for Failure<E> {
    fn from(call: CallError) -> Self {
        match call {
            CallError::Panicked(panic) => Failure::Panicked(panic),
            CallError::Cancelled => Failure::Cancelled,
            CallError::TimedOut => Failure::TimedOut,
            CallError::Abandoned => Failure::Abandoned,
            CallError::Taken => Failure::Taken,
            CallError::WouldDeadlock => Failure::WouldDeadlock,
            CallError::Empty => Failure::Empty,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Failure::<Infallible>::from(self.clone()).fmt(f)
    }
}

impl Error for CallError {}

/// What the errors of a client implement, once: what a call that ends without an answer is among them.
///
/// ```
/// use asynckit::face::{CallError, FromCall};
///
/// enum Error {
///     NotFound,
///     Late,
///     Other(CallError),
/// }
///
/// impl FromCall for Error {
///     fn from_call(call: CallError) -> Self {
///         match call {
///             CallError::TimedOut => Error::Late,
///             other => Error::Other(other),
///         }
///     }
/// }
/// ```
///
/// The compiler says so where an endpoint's error does not:
///
/// ```compile_fail,E0277
/// use asynckit::face::{Blocking, Face, Reply};
///
/// fn endpoint<F: Face>(face: &F) -> Reply<F, u32, std::io::Error> {
///     face.reply(asynckit::Promise::ready(1))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what a call without an answer is",
    label = "the errors of a client implement `FromCall`",
    note = "a call may be cancelled, panic, or take too long: `impl FromCall for {Self}` has one function, which makes an error of that"
)]
pub trait FromCall: Send + 'static {
    /// The error for a call that has ended in this way.
    fn from_call(call: CallError) -> Self;
}

/// In a job that fails with any error, it is that very failure again.
impl FromCall for AnyError {
    fn from_call(call: CallError) -> Self {
        AnyError::from(Failure::<AnyError>::from(call))
    }
}

/// The client's own error for a failure of its promises: what the blocking face gives.
///
/// ```
/// use asynckit::{AnyError, Promise, face::own_error};
///
/// fn plainly(mut call: Promise<u32>) -> Result<u32, AnyError> {
///     call.get(None).map_err(own_error)
/// }
/// # assert_eq!(plainly(Promise::ready(1)).unwrap(), 1);
/// ```
pub fn own_error<E: FromCall>(failure: Failure<E>) -> E {
    CallError::sort(failure).unwrap_or_else(E::from_call)
}
