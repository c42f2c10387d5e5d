//! `AnyError`: any error behind one pointer, and the way a failure travels through `?` unwrapped.

use std::error::Error;
use std::fmt;

use super::kept::{Described, Message, Shared, messages};
use super::{Failure, TimedOut};
use crate::sync::Arc;

type Boxed = Box<dyn Error + Send + Sync + 'static>;

/// Any error: what `?` makes of every error type where promises have no typed error.
///
/// `?` takes every [`Error`] that is `Send` and `Sync`, and what else is one once it is boxed: a `String`, a `&str`, a
/// `Box<dyn Error + Send + Sync>`, an `anyhow::Error`, an `eyre::Report`. One pointer wide; clones share the error. It
/// does not implement [`Error`] itself (that is what lets `?` take every error); [`as_error`](AnyError::as_error) gives
/// the one inside.
///
/// Where a function returns something else, `?` takes an `AnyError` into a `Box<dyn Error>` and a `String`. The language
/// does not let it into the others; write
///
/// | from | into | |
/// | --- | --- | --- |
/// | `AnyError` | `Box<dyn Error + Send + Sync>` | `.map_err(AnyError::into_boxed)?` |
/// | `AnyError` | `anyhow::Error`, `eyre::Report` | `.map_err(Failure::from)?` |
/// | `Box<dyn Error>` | `AnyError` | `.map_err(AnyError::from_local)?` |
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
///         Err("port 0 is not allowed")?;
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

    /// Takes over an error that is boxed already, as `?` does.
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
        #[cfg(feature = "http")]
        let error = match error.downcast::<Failure<crate::http::Error>>() {
            Ok(failure) => return AnyError::from_failure(failure.into_any()),
            Err(error) => error,
        };
        match error.downcast::<Shared>() {
            Ok(shared) => shared.0,
            Err(error) => AnyError::wrap(error),
        }
    }

    /// Keeps the messages of an error that may not leave its thread, and of its causes.
    ///
    /// A `Box<dyn Error>` does not say that it is `Send`, so a promise cannot carry it. Where the function that makes it
    /// is yours, let it return a `Box<dyn Error + Send + Sync>`: then `?` is enough, and the error itself goes along.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::{AnyError, Pool};
    /// use std::error::Error;
    ///
    /// fn read() -> Result<u32, Box<dyn Error>> {
    ///     Ok("many".parse()?)
    /// }
    ///
    /// let mut number = Pool::global().attempt(|| {
    ///     let number = read().map_err(AnyError::from_local)?;
    ///     Ok(number + 1)
    /// });
    /// assert_eq!(number.get(None).unwrap_err().to_string(), "invalid digit found in string");
    /// ```
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
    pub fn from_local(error: Box<dyn Error>) -> AnyError {
        AnyError::wrap(Box::new(Described::of(&*error)))
    }

    /// The error inside, boxed, for functions that return a `Box<dyn Error + Send + Sync>`.
    ///
    /// The box holds the error itself where this was its last owner, else a stand-in for it: one with the same message
    /// and causes, that [`AnyError::from_boxed`] knows.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::AnyError;
    /// use std::error::Error;
    ///
    /// fn port(text: &str) -> Result<u16, AnyError> {
    ///     Ok(text.parse()?)
    /// }
    ///
    /// fn address(text: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    ///     let port = port(text).map_err(AnyError::into_boxed)?;
    ///     Ok(format!("localhost:{port}"))
    /// }
    ///
    /// assert!(address("many").unwrap_err().is::<std::num::ParseIntError>());
    /// ```
    #[must_use]
    pub fn into_boxed(self) -> Box<dyn Error + Send + Sync + 'static> {
        Arc::try_unwrap(self.error).unwrap_or_else(|error| Box::new(Shared(AnyError { error })))
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
}

// Not for `X: Error`: that would leave out `String` and the boxes. `AnyError` is no such `X`, or this would overlap with
// `From<AnyError> for AnyError`; that is why no `?` takes it into a `Box<dyn Error + Send + Sync>`.
impl<X: Into<Boxed>> From<X> for AnyError {
    fn from(error: X) -> AnyError {
        AnyError::from_boxed(error.into())
    }
}

/// As [`AnyError::into_boxed`].
impl From<AnyError> for Box<dyn Error + 'static> {
    fn from(error: AnyError) -> Self {
        error.into_boxed()
    }
}

/// The message and its causes, on one line.
impl From<AnyError> for String {
    fn from(error: AnyError) -> String {
        format!("{error:#}")
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self.as_error(), f);
        }
        for (index, message) in messages(self.as_error()).enumerate() {
            let colon = if index == 0 { "" } else { ": " };
            write!(f, "{colon}{message}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, message) in messages(self.as_error()).enumerate() {
            match index {
                0 => write!(f, "{message}")?,
                _ => write!(f, "\n    caused by: {message}")?,
            }
        }
        Ok(())
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
        assert!(outer().into_boxed().is::<Outer>());
        let plain: Box<dyn Error> = outer().into();
        assert!(plain.is::<Outer>());
    }

    #[test]
    fn one_of_many_owners_gets_a_stand_in() {
        let error = outer();
        let boxed = error.clone().into_boxed();
        assert_eq!(boxed.to_string(), "cannot load the page");
        assert!(boxed.source().is_some_and(|cause| cause.is::<io::Error>()));
        let back = AnyError::from(boxed);
        assert!(Arc::ptr_eq(&error.error, &back.error));
    }

    #[test]
    fn question_mark_takes_what_is_an_error_in_a_box() {
        fn text(text: &str) -> Result<(), AnyError> {
            Err(text)?;
            Ok(())
        }
        fn string() -> Result<(), AnyError> {
            Err("no".to_owned())?;
            Ok(())
        }
        fn boxed() -> Result<(), AnyError> {
            Err(Boxed::from(Outer(io::Error::other("cable cut"))))?;
            Ok(())
        }
        assert_eq!(text("no").unwrap_err().to_string(), "no");
        assert_eq!(string().unwrap_err().to_string(), "no");
        assert!(boxed().unwrap_err().downcast_ref::<Outer>().is_some());
    }

    #[test]
    fn question_mark_takes_it_into_a_box() {
        fn main_like() -> Result<(), Box<dyn Error>> {
            Err(outer())?;
            Ok(())
        }
        fn text() -> Result<(), String> {
            Err(outer())?;
            Ok(())
        }
        assert!(main_like().expect_err("it fails").is::<Outer>());
        assert_eq!(text().expect_err("it fails"), "cannot load the page: cable cut");
    }

    #[test]
    fn is_one_pointer_and_goes_anywhere() {
        fn anywhere<T: Send + Sync + Clone + 'static>() {}
        anywhere::<AnyError>();
        assert_eq!(size_of::<Option<AnyError>>(), size_of::<usize>());
    }
}
