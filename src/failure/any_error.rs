//! `AnyError`: any error behind one pointer, and the way a failure travels through `?` unwrapped.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::iter;

use super::{Failure, TimedOut};
use crate::sync::Arc;

type Boxed = Box<dyn Error + Send + Sync + 'static>;

/// Any error: what `?` makes of every error type where promises have no typed error.
///
/// One pointer wide; clones share the error. It does not implement [`Error`] itself (that is what
/// lets `?` take every error); [`as_error`](AnyError::as_error) gives the one inside.
///
/// A `Failure<AnyError>` is not wrapped: its [`Failure::Error`] gives back the `AnyError` in it,
/// and a job that returns any other variant by `?` fails with that very failure.
///
/// `{}` shows the message, `{:#}` the message and its causes on one line, `{:?}` the same one below the other.
///
/// # Examples
///
/// ```
/// use asynckit::AnyError;
///
/// fn port(text: &str) -> Result<u16, AnyError> {
///     let port = text.parse()?;
///     if port == 0 {
///         return Err(AnyError::msg("port 0 is not allowed"));
///     }
///     Ok(port)
/// }
///
/// assert_eq!(port("0").unwrap_err().to_string(), "port 0 is not allowed");
/// let error = port("many").unwrap_err();
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
#[derive(Clone)]
pub struct AnyError {
    // The box in the arc keeps the pointer thin, and lets the last owner take the error out.
    error: Arc<Boxed>,
}

impl AnyError {
    /// Makes an error that is only a message.
    #[must_use]
    pub fn msg(message: impl fmt::Display) -> AnyError {
        AnyError::wrap(Box::new(Message(message.to_string())))
    }

    /// Takes over an error that is boxed already.
    ///
    /// `?` does this for every other error; for a `Box<dyn Error + Send + Sync>`, write
    /// `.map_err(AnyError::from_boxed)?`.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::AnyError;
    ///
    /// let error = AnyError::from_boxed("no route to host".into());
    /// assert_eq!(error.to_string(), "no route to host");
    /// ```
    #[must_use]
    pub fn from_boxed(error: Box<dyn Error + Send + Sync + 'static>) -> AnyError {
        let error = match error.downcast::<Failure<AnyError>>() {
            Ok(failure) => return AnyError::from_failure(*failure),
            Err(error) => error,
        };
        match error.downcast::<Shared>() {
            Ok(shared) => shared.0,
            Err(error) => AnyError::wrap(error),
        }
    }

    /// The error inside, to be asked for its [`source`](Error::source) or passed on.
    #[must_use]
    pub fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &**self.error
    }

    /// The error inside, if it is an `X`.
    #[must_use]
    pub fn downcast_ref<X: Error + 'static>(&self) -> Option<&X> {
        self.as_error().downcast_ref()
    }

    /// The failure that somebody passed on by `?`, never a [`Failure::Error`].
    pub(super) fn hidden_failure(&self) -> Option<Failure<AnyError>> {
        if self.downcast_ref::<TimedOut>().is_some() {
            return Some(Failure::TimedOut);
        }
        self.downcast_ref::<Failure<AnyError>>().cloned()
    }

    fn from_failure(failure: Failure<AnyError>) -> AnyError {
        match failure {
            Failure::Error(error) => error,
            other => AnyError::wrap(Box::new(other)),
        }
    }

    fn wrap(error: Boxed) -> AnyError {
        AnyError { error: Arc::new(error) }
    }

    /// The messages of the error and its causes. A cause that says no more than the error before
    /// it (as the one in a `Failure::Error`) is passed over.
    fn messages(&self) -> impl Iterator<Item = String> {
        let first: &(dyn Error + 'static) = self.as_error();
        let mut said = None;
        iter::successors(Some(first), |&error| error.source())
            .map(|error| error.to_string())
            .filter(move |message| said.replace(message.clone()).as_ref() != Some(message))
    }
}

impl<X: Error + Send + Sync + 'static> From<X> for AnyError {
    fn from(error: X) -> AnyError {
        match recast::<X, Failure<AnyError>>(error) {
            Ok(failure) => AnyError::from_failure(failure),
            Err(error) => AnyError::wrap(Box::new(error)),
        }
    }
}

/// The box holds the error itself where this was its last owner, else a stand-in for it: one with
/// the same message and causes, that [`AnyError::from_boxed`] knows.
impl From<AnyError> for Box<dyn Error + Send + Sync + 'static> {
    fn from(error: AnyError) -> Self {
        Arc::try_unwrap(error.error).unwrap_or_else(|error| Box::new(Shared(AnyError { error })))
    }
}

/// As for `Box<dyn Error + Send + Sync>`.
impl From<AnyError> for Box<dyn Error + 'static> {
    fn from(error: AnyError) -> Self {
        Boxed::from(error)
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self.as_error(), f);
        }
        for (index, message) in self.messages().enumerate() {
            let colon = if index == 0 { "" } else { ": " };
            write!(f, "{colon}{message}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, message) in self.messages().enumerate() {
            match index {
                0 => write!(f, "{message}")?,
                _ => write!(f, "\n    caused by: {message}")?,
            }
        }
        Ok(())
    }
}

/// What `AnyError::msg` keeps.
#[derive(Debug)]
struct Message(String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Message {}

/// An error with other owners in a box of its own.
struct Shared(AnyError);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_error().source()
    }
}

/// Gives the value back as a `B` where `A` and `B` are the same type: the choice by type that
/// generic code has without specialisation. The compiler decides it once for each `A`.
pub(super) fn recast<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut slot = Some(value);
    let any: &mut dyn Any = &mut slot;
    match any.downcast_mut::<Option<B>>().and_then(Option::take) {
        Some(value) => Ok(value),
        None => Err(slot.expect("only a `B` is taken out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot load the page")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn outer() -> AnyError {
        AnyError::from(Outer(io::Error::other("cable cut")))
    }

    fn passed_on(failure: Failure) -> AnyError {
        fn job(failure: Failure) -> Result<(), AnyError> {
            Err(failure)?;
            Ok(())
        }
        job(failure).expect_err("it is passed on")
    }

    #[test]
    fn shows_message_and_causes() {
        assert_eq!(outer().to_string(), "cannot load the page");
        assert_eq!(format!("{:#}", outer()), "cannot load the page: cable cut");
        assert_eq!(format!("{:?}", outer()), "cannot load the page\n    caused by: cable cut");
        assert_eq!(format!("{:?}", AnyError::msg("no")), "no");
        // The failure and the error in it have one message between them.
        let typed = AnyError::from(Failure::Error(io::Error::other("cable cut")));
        assert_eq!(format!("{typed:?}"), "cable cut");
    }

    #[test]
    fn downcasts_to_the_error_inside() {
        let error = outer();
        assert!(error.clone().downcast_ref::<Outer>().is_some());
        assert!(error.downcast_ref::<io::Error>().is_none());
        let cause = error.as_error().source().expect("it has a cause");
        assert!(cause.is::<io::Error>());
    }

    #[test]
    fn a_failure_is_not_wrapped() {
        let inner = outer();
        let again = passed_on(Failure::Error(inner.clone()));
        assert!(Arc::ptr_eq(&inner.error, &again.error));
        let boxed = AnyError::from_boxed(Box::new(Failure::Error(inner.clone())));
        assert!(Arc::ptr_eq(&inner.error, &boxed.error));

        let hidden = passed_on(Failure::Cancelled);
        assert!(matches!(hidden.hidden_failure(), Some(Failure::Cancelled)));
        assert!(hidden.downcast_ref::<Failure>().is_some());
        assert_eq!(hidden.to_string(), Failure::<AnyError>::Cancelled.to_string());
        let twice = passed_on(Failure::Error(hidden));
        assert!(matches!(twice.hidden_failure(), Some(Failure::Cancelled)));
        assert!(outer().hidden_failure().is_none());
    }

    #[test]
    fn timed_out_becomes_the_failure_and_stays_itself() {
        let error = AnyError::from(TimedOut);
        assert!(matches!(error.hidden_failure(), Some(Failure::TimedOut)));
        assert_eq!(error.downcast_ref(), Some(&TimedOut));
    }

    #[test]
    fn last_owner_gets_the_error_itself_boxed() {
        let boxed: Box<dyn Error + Send + Sync> = outer().into();
        assert!(boxed.is::<Outer>());
        let plain: Box<dyn Error> = outer().into();
        assert!(plain.is::<Outer>());
    }

    #[test]
    fn one_of_many_owners_gets_a_stand_in() {
        let error = outer();
        let boxed: Box<dyn Error + Send + Sync> = error.clone().into();
        assert_eq!(boxed.to_string(), "cannot load the page");
        assert!(boxed.source().is_some_and(|cause| cause.is::<io::Error>()));
        let back = AnyError::from_boxed(boxed);
        assert!(Arc::ptr_eq(&error.error, &back.error));
    }

    #[test]
    fn question_mark_takes_it_into_a_box() {
        fn main_like() -> Result<(), Box<dyn Error>> {
            Err(outer())?;
            Ok(())
        }
        assert!(main_like().expect_err("it fails").is::<Outer>());
    }

    #[test]
    fn is_one_pointer_and_goes_anywhere() {
        fn anywhere<T: Send + Sync + Clone + 'static>() {}
        anywhere::<AnyError>();
        assert_eq!(size_of::<Option<AnyError>>(), size_of::<usize>());
    }

    #[test]
    fn recast_moves_only_the_same_type() {
        assert_eq!(recast::<u8, u8>(7), Ok(7));
        assert_eq!(recast::<u8, i8>(7), Err(7));
    }
}
