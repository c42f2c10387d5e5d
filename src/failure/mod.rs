//! `Failure`: every way in which a promise can fail, in one enum.

mod any_error;
mod convert;
mod kept;
mod panic;
mod place;
mod reason;
mod recast;
mod show;
mod timed_out;

use std::any::Any;
use std::error::Error;

pub use any_error::AnyError;
pub use panic::Panic;
pub(crate) use panic::{AbortOnUnwind, catch, contain, drop_quietly};
pub(crate) use place::watch as watch_panics;
pub use reason::CancelReason;
use recast::recast;
pub(crate) use show::readable;
pub use timed_out::TimedOut;

/// What a settled promise has: its value, or the way in which it failed.
pub type Outcome<T, E = AnyError> = Result<T, Failure<E>>;

/// Every way in which a promise can fail.
///
/// The work's own error is in [`Failure::Error`], as it was returned. All other variants say what
/// became of the promise.
///
/// # Examples
///
/// ```
/// use asynckit::{Failure, Outcome};
/// use std::io;
///
/// fn advice(outcome: Outcome<String, io::Error>) -> &'static str {
///     match outcome {
///         Ok(_) => "read it",
///         Err(Failure::TimedOut) => "ask again, the promise is still there",
///         Err(Failure::Error(io)) if io.kind() == io::ErrorKind::NotFound => "look elsewhere",
///         Err(_) => "give up",
///     }
/// }
///
/// assert_eq!(advice(Err(Failure::Cancelled)), "give up");
/// assert_eq!(advice(Err(Failure::Error(io::ErrorKind::NotFound.into()))), "look elsewhere");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Failure<E = AnyError> {
    /// The work returned this error.
    Error(E),
    /// The work, or a callback on the way, panicked.
    Panicked(Panic),
    /// The promise was cancelled.
    Cancelled,
    /// The promise was cancelled by a [`CancelSource`](crate::CancelSource), which has told why.
    /// [`is_cancelled`](Failure::is_cancelled) is true of both.
    CancelledFor(CancelReason),
    /// The time limit passed: that of the call, as of [`get`](crate::Promise::get), then the promise is
    /// as it was, and the call may be made again; or that of the promise itself, by
    /// [`timeout`](crate::Promise::timeout), then it has failed for good. `is_set()` tells which.
    TimedOut,
    /// Nobody is left who could settle the promise: its `Deferred` was dropped unsettled, or its
    /// pool was shut down before the work ran, or its future waits and the last waker was dropped.
    Abandoned,
    /// The value, the error or the panic was already taken out of this promise. All other failures are
    /// given each time they are asked for.
    Taken,
    /// The wait could never have ended: what it waits for is waiting for it. Or it would have left what
    /// is queued in its pool to nobody: all threads wait, and no other may be started.
    WouldDeadlock,
    /// There was no promise to choose from: the race of nothing.
    Empty,
}

impl<E> Failure<E> {
    /// The failure of work that returned `error`: mostly [`Failure::Error`]. An [`AnyError`] in
    /// which `?` has hidden a failure gives back that failure.
    pub(crate) fn from_error(error: E) -> Failure<E>
    where
        E: 'static,
    {
        let any: &dyn Any = &error;
        let hidden = any.downcast_ref().and_then(AnyError::hidden_failure);
        // `E` is `AnyError` where there is a hidden failure, so this cast does not lose it.
        match hidden.and_then(|failure| recast(failure).ok()) {
            Some(failure) => failure,
            None => Failure::Error(error),
        }
    }

    /// Changes the work's own error, and keeps every other failure as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::Failure;
    ///
    /// let failure = Failure::Error(404).map_error(|status| format!("status {status}"));
    /// assert_eq!(failure.to_string(), "status 404");
    /// assert!(Failure::<u16>::Cancelled.map_error(|status| status + 1).is_cancelled());
    /// ```
    #[must_use]
    pub fn map_error<F>(self, change: impl FnOnce(E) -> F) -> Failure<F> {
        match self.sort() {
            Ok(error) => Failure::Error(change(error)),
            Err(other) => other,
        }
    }

    /// The same failure with an error of any type in it: what `?` takes on everywhere.
    ///
    /// A `Failure<E>` is an [`Error`] where `E` is one. An `anyhow::Error`, an `eyre::Report`, a
    /// `Box<dyn Error + Send + Sync>`, a `String` are none, and `?` does not take a failure of work that returns those
    /// into another type of error, except for a `String`. This makes it one that is. The failure of work that returns
    /// an [`AnyError`] needs it never.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::{Failure, Pool};
    /// use std::error::Error;
    ///
    /// fn answer() -> Result<u32, Box<dyn Error + Send + Sync>> {
    ///     Err("somebody else's error".into())
    /// }
    ///
    /// fn ask() -> Result<u32, Box<dyn Error + Send + Sync>> {
    ///     let mut answer = Pool::global().spawn(answer);
    ///     Ok(answer.get(None).map_err(Failure::into_any)?)
    /// }
    ///
    /// assert_eq!(ask().unwrap_err().to_string(), "somebody else's error");
    /// ```
    #[must_use]
    pub fn into_any(self) -> Failure<AnyError>
    where
        E: Into<AnyError>,
    {
        match self.sort() {
            Ok(error) => Failure::from_error(error.into()),
            Err(other) => other,
        }
    }

    /// Tells the work's own error from a failure that is the same for all types of errors.
    pub(crate) fn sort<F>(self) -> Result<E, Failure<F>> {
        match self {
            Failure::Error(error) => Ok(error),
            Failure::Panicked(panic) => Err(Failure::Panicked(panic)),
            Failure::Cancelled => Err(Failure::Cancelled),
            Failure::CancelledFor(reason) => Err(Failure::CancelledFor(reason)),
            Failure::TimedOut => Err(Failure::TimedOut),
            Failure::Abandoned => Err(Failure::Abandoned),
            Failure::Taken => Err(Failure::Taken),
            Failure::WouldDeadlock => Err(Failure::WouldDeadlock),
            Failure::Empty => Err(Failure::Empty),
        }
    }

    /// Whether nothing of the user's is in it: then it is given each time it is asked for.
    pub(crate) fn stays(&self) -> bool {
        match self {
            Failure::Error(_) | Failure::Panicked(_) => false,
            Failure::Cancelled
            | Failure::CancelledFor(_)
            | Failure::TimedOut
            | Failure::Abandoned
            | Failure::Taken
            | Failure::WouldDeadlock
            | Failure::Empty => true,
        }
    }

    /// The same once more, if it [`stays`](Self::stays).
    pub(crate) fn again(&self) -> Option<Failure<E>> {
        match self {
            Failure::Error(_) | Failure::Panicked(_) => None,
            Failure::Cancelled => Some(Failure::Cancelled),
            Failure::CancelledFor(reason) => Some(Failure::CancelledFor(reason.clone())),
            Failure::TimedOut => Some(Failure::TimedOut),
            Failure::Abandoned => Some(Failure::Abandoned),
            Failure::Taken => Some(Failure::Taken),
            Failure::WouldDeadlock => Some(Failure::WouldDeadlock),
            Failure::Empty => Some(Failure::Empty),
        }
    }

    /// Whether this is [`Failure::Error`]: the work returned an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self, Failure::Error(_))
    }

    /// Whether this is [`Failure::Panicked`]: the work panicked.
    #[must_use]
    pub fn is_panicked(&self) -> bool {
        matches!(self, Failure::Panicked(_))
    }

    /// Whether this is [`Failure::Cancelled`] or [`Failure::CancelledFor`]: the promise was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Failure::Cancelled | Failure::CancelledFor(_))
    }

    /// Whether this is [`Failure::TimedOut`]: the time limit passed.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Failure::TimedOut)
    }

    /// Whether this is [`Failure::Abandoned`]: nobody is left who could settle the promise.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        matches!(self, Failure::Abandoned)
    }

    /// Whether this is [`Failure::Taken`]: the value was already taken out.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Failure::Taken)
    }

    /// Whether this is [`Failure::WouldDeadlock`]: the wait could never have ended.
    #[must_use]
    pub fn is_would_deadlock(&self) -> bool {
        matches!(self, Failure::WouldDeadlock)
    }

    /// Whether this is [`Failure::Empty`]: there was no promise to choose from.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Failure::Empty)
    }
}

impl Failure<AnyError> {
    /// The work's own error, if it is an `X`.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::{AnyError, Failure};
    /// use std::io;
    ///
    /// let failure = Failure::Error(AnyError::from(io::Error::other("cable cut")));
    /// assert!(failure.downcast_ref::<io::Error>().is_some());
    /// assert!(failure.downcast_ref::<std::fmt::Error>().is_none());
    /// ```
    #[must_use]
    pub fn downcast_ref<X: Error + 'static>(&self) -> Option<&X> {
        match self {
            Failure::Error(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn panicked() -> Panic {
        catch(|| panic!("boom")).expect_err("it panics")
    }

    /// One failure of each kind.
    fn all<E>(error: E) -> [Failure<E>; 9] {
        [
            Failure::Error(error),
            Failure::Panicked(panicked()),
            Failure::Cancelled,
            Failure::TimedOut,
            Failure::Abandoned,
            Failure::Taken,
            Failure::WouldDeadlock,
            Failure::Empty,
            Failure::CancelledFor("no need".into()),
        ]
    }

    fn kinds<E>(failure: &Failure<E>) -> [bool; 8] {
        [
            failure.is_error(),
            failure.is_panicked(),
            failure.is_cancelled(),
            failure.is_timed_out(),
            failure.is_abandoned(),
            failure.is_taken(),
            failure.is_would_deadlock(),
            failure.is_empty(),
        ]
    }

    #[test]
    fn each_kind_answers_to_its_own_name_only() {
        for (index, failure) in all(()).iter().enumerate() {
            let mut expected = [false; 8];
            expected[if index == 8 { 2 } else { index }] = true;
            assert_eq!(kinds(failure), expected);
            assert_eq!(kinds(&failure.clone().map_error(|()| 7)), expected);
        }
    }

    #[test]
    fn messages_are_lower_case_without_a_dot() {
        for failure in all("the disk is full") {
            let text = failure.to_string();
            assert!(text.starts_with(char::is_lowercase), "{text}");
            assert!(!text.ends_with('.'), "{text}");
        }
        assert_eq!(Failure::Error("full").to_string(), "full");
        assert!(Failure::<&str>::Panicked(panicked()).to_string().ends_with(": boom"));
    }

    #[test]
    fn any_failure_becomes_one_of_any_error() {
        for failure in all("the disk is full") {
            let (expected, text) = (kinds(&failure), failure.to_string());
            let any = failure.into_any();
            assert_eq!((kinds(&any), any.to_string()), (expected, text));
        }
        let hidden = Failure::Error(AnyError::from(Failure::<AnyError>::Cancelled));
        assert!(hidden.into_any().is_cancelled());
    }

    #[test]
    fn every_failure_comes_back_out_of_an_any_error() {
        for failure in all(AnyError::msg("full")) {
            let expected = kinds(&failure);
            let text = failure.to_string();
            let back = Failure::from_error(AnyError::from(failure));
            assert_eq!(kinds(&back), expected);
            assert_eq!(back.to_string(), text);
        }
        assert!(Failure::from(AnyError::from(TimedOut)).is_timed_out());
    }

    #[test]
    fn panic_keeps_its_payload_through_an_any_error() {
        let panicked = catch(|| std::panic::panic_any(7_u8)).expect_err("it panics");
        let back = Failure::from_error(AnyError::from(Failure::<AnyError>::Panicked(panicked)));
        let Failure::Panicked(panic) = back else {
            panic!("not the panic: {back:?}");
        };
        assert!(panic.into_payload().is_some_and(|payload| payload.is::<u8>()));
    }

    #[test]
    fn typed_errors_are_never_unwrapped() {
        assert!(Failure::from_error(()).is_error());
        assert!(Failure::from_error(TimedOut).is_error());
        assert!(Failure::from_error(Failure::<AnyError>::Cancelled).is_error());
        assert!(Failure::from_error(io::Error::other("cable cut")).is_error());
    }

    #[test]
    fn is_two_words_and_goes_anywhere() {
        fn anywhere<T: Send + Sync + Clone + 'static>() {}
        anywhere::<Failure>();
        const TWO_WORDS: usize = 2 * size_of::<usize>();
        assert_eq!(size_of::<Failure<()>>(), TWO_WORDS);
        assert_eq!(size_of::<Failure>(), TWO_WORDS);
        assert_eq!(size_of::<Outcome<(), ()>>(), TWO_WORDS);
        assert_eq!(size_of::<Outcome<u64>>(), size_of::<u64>() + align_of::<u64>());
    }
}
