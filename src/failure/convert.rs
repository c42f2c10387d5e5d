//! From one type of failure to another, as `?` asks for it.

use std::fmt;
use std::io;

use super::recast::recast;
use super::{AnyError, Failure, TimedOut};

/// The text: that of an [`AnyError`] with its causes, on one line.
impl<E: fmt::Display> From<Failure<E>> for String {
    fn from(failure: Failure<E>) -> String {
        format!("{failure:#}")
    }
}

/// The error itself where the work has returned an [`io::Error`]; else one of the kind that is nearest, with the failure
/// in it.
impl<E: Into<AnyError> + 'static> From<Failure<E>> for io::Error {
    fn from(failure: Failure<E>) -> io::Error {
        let failure = match recast::<_, Failure<io::Error>>(failure) {
            Ok(Failure::Error(error)) => return error,
            Ok(other) => other.into_any(),
            Err(failure) => failure.into_any(),
        };
        let kind = match &failure {
            Failure::Error(error) => {
                error.downcast_ref().map_or(io::ErrorKind::Other, io::Error::kind)
            }
            Failure::TimedOut => io::ErrorKind::TimedOut,
            Failure::WouldDeadlock => io::ErrorKind::Deadlock,
            _ => io::ErrorKind::Other,
        };
        match failure {
            Failure::Error(error) => match error.into_boxed().downcast() {
                Ok(error) => *error,
                Err(error) => io::Error::new(kind, error),
            },
            other => io::Error::new(kind, other),
        }
    }
}

impl<E> From<TimedOut> for Failure<E> {
    fn from(_: TimedOut) -> Failure<E> {
        Failure::TimedOut
    }
}

/// Gives back the failure that `?` has hidden in the error, else [`Failure::Error`].
impl From<AnyError> for Failure<AnyError> {
    fn from(error: AnyError) -> Failure<AnyError> {
        Failure::from_error(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Outcome;
    use std::error::Error;

    #[test]
    fn a_failure_becomes_a_string() {
        fn texts(failure: Failure<impl fmt::Display>) -> Result<(), String> {
            Err(failure)?;
            Ok(())
        }
        assert_eq!(texts(Failure::Error("full")).unwrap_err(), "full");
        let dynamic = Failure::Error(AnyError::from(io::Error::other(TimedOut)));
        assert_eq!(texts(dynamic).unwrap_err(), TimedOut.to_string());
        assert_eq!(texts(Failure::<&str>::Empty).unwrap_err(), Failure::<&str>::Empty.to_string());
    }

    #[test]
    fn a_failure_becomes_an_io_error() {
        fn kind(failure: Failure<impl Into<AnyError> + 'static>) -> io::ErrorKind {
            io::Error::from(failure).kind()
        }
        let missing = || io::Error::from_raw_os_error(2);
        assert_eq!(io::Error::from(Failure::Error(missing())).raw_os_error(), Some(2));
        let dynamic = AnyError::from(missing());
        let other_owner = Failure::Error(dynamic.clone());
        assert_eq!(kind(other_owner), io::ErrorKind::NotFound);
        assert_eq!(io::Error::from(Failure::Error(dynamic)).raw_os_error(), Some(2));
        assert_eq!(kind(Failure::<io::Error>::TimedOut), io::ErrorKind::TimedOut);
        assert_eq!(kind(Failure::<AnyError>::WouldDeadlock), io::ErrorKind::Deadlock);
        let error = io::Error::from(Failure::<io::Error>::Cancelled);
        assert_eq!(error.to_string(), Failure::<io::Error>::Cancelled.to_string());
        assert!(error.downcast::<Failure>().is_ok_and(|failure| failure.is_cancelled()));
    }

    #[test]
    fn question_mark_works_into_the_usual_error_types() {
        fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
            Err(Failure::Error(io::Error::other("cable cut")))?;
            Ok(())
        }
        fn plain() -> Result<(), Box<dyn Error>> {
            Err(Failure::<AnyError>::Cancelled)?;
            Ok(())
        }
        fn outcome() -> Outcome<()> {
            Err(AnyError::from(Failure::<AnyError>::Cancelled))?;
            Ok(())
        }
        assert!(boxed().expect_err("it fails").is::<Failure<io::Error>>());
        assert!(plain().expect_err("it fails").is::<Failure>());
        assert!(outcome().expect_err("it fails").is_cancelled());
    }
}
