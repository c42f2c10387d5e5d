//! What a failure says of itself.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;

use super::{AnyError, Failure, timed_out};

/// What people say of an error whose type they know; `None` for other types.
pub(crate) fn readable<E: 'static>(error: &E) -> Option<String> {
    let error: &dyn Any = error;
    if let Some(error) = error.downcast_ref::<AnyError>() {
        Some(format!("{error:#}"))
    } else if let Some(error) = error.downcast_ref::<String>() {
        Some(error.clone())
    } else if let Some(error) = error.downcast_ref::<&'static str>() {
        Some((*error).to_owned())
    } else if let Some(error) = error.downcast_ref::<io::Error>() {
        Some(error.to_string())
    } else {
        let error = error.downcast_ref::<Box<dyn Error + Send + Sync>>()?;
        Some(error.to_string())
    }
}

impl<E> Failure<E> {
    /// What happened to the promise; nothing where the work has ended with an error or a panic.
    fn text(&self) -> &'static str {
        match self {
            Failure::Error(_) | Failure::Panicked(_) => "",
            Failure::Cancelled | Failure::CancelledFor(_) => "the promise was cancelled",
            Failure::TimedOut => timed_out::TEXT,
            Failure::Abandoned => "abandoned: nobody is left to settle the promise",
            Failure::Taken => "the value was already taken out of this promise",
            Failure::WouldDeadlock => "waiting here would never end: a deadlock",
            Failure::Empty => "there was no promise to choose from",
        }
    }

    /// The variant's name.
    fn name(&self) -> &'static str {
        match self {
            Failure::Error(_) => "Error",
            Failure::Panicked(_) => "Panicked",
            Failure::Cancelled => "Cancelled",
            Failure::CancelledFor(_) => "CancelledFor",
            Failure::TimedOut => "TimedOut",
            Failure::Abandoned => "Abandoned",
            Failure::Taken => "Taken",
            Failure::WouldDeadlock => "WouldDeadlock",
            Failure::Empty => "Empty",
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error(error) => error.fmt(f),
            Failure::Panicked(panic) => panic.fmt(f),
            Failure::CancelledFor(reason) => write!(f, "{}: {reason}", self.text()),
            other => f.write_str(other.text()),
        }
    }
}

/// For people: a `main` that returns a failure, and an `unwrap`, show this. It says what happened, and what to do about
/// it; an error says of itself what it is. `{:#?}` shows the variant and what is in it.
impl<E: fmt::Debug + 'static> fmt::Debug for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return match self {
                Failure::Error(error) => f.debug_tuple(self.name()).field(error).finish(),
                Failure::Panicked(panic) => f.debug_tuple(self.name()).field(panic).finish(),
                Failure::CancelledFor(why) => f.debug_tuple(self.name()).field(why).finish(),
                other => f.write_str(other.name()),
            };
        }
        let advice = match self {
            Failure::Error(error) => return fmt_error(error, f),
            Failure::Panicked(panic) => return write!(f, "the work {panic}"),
            Failure::CancelledFor(reason) => return write!(f, "{}: {reason}", self.text()),
            Failure::Cancelled => {
                "by `cancel`, or because what it belongs to was cancelled or has failed"
            }
            Failure::TimedOut => {
                "that of a `get`: then `is_set()` says no, the work goes on, and it may be asked again; or that of the \
                 promise, by `timeout`: then it has failed for good"
            }
            Failure::Abandoned => {
                "its `Deferred` was dropped unsettled, its executor has dropped the job, or its pool was shut down"
            }
            Failure::Taken => {
                "an outcome is there once; `share` makes a value for many readers of it"
            }
            Failure::WouldDeadlock => {
                "a job waits for itself, or all threads of the pool wait: go on with `then` or `chain` in place of \
                 `get`, or let the pool have more `max_spare_workers`"
            }
            Failure::Empty => "the race of an empty list",
        };
        write!(f, "{} ({advice})", self.text())
    }
}

/// An error as people say it, if that is known, else as its `Debug` does.
fn fmt_error<E: fmt::Debug + 'static>(error: &E, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let any: &dyn Any = error;
    match readable(error) {
        Some(text) if !any.is::<AnyError>() => f.write_str(&text),
        _ => error.fmt(f),
    }
}

/// The work's own error shows through: the text is its text, and the source is its source.
impl<E: Error + 'static> Error for Failure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Failure::Error(error) => error.source(),
            _ => None,
        }
    }
}

// `AnyError` is no `Error`, and being of this crate will not become one unnoticed: no overlap.
impl Error for Failure<AnyError> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Failure::Error(error) => error.as_error().source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// The texts of an error and its sources, as reporters print them.
    fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
        std::iter::successors(Some(error), |&error| error.source())
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_works_own_error_shows_through_once() {
        let outer = || Outer(io::Error::other("cable cut"));
        let told = ["cannot load the page", "cable cut"];
        assert_eq!(chain(&Failure::Error(outer())), told);
        let dynamic = Failure::Error(AnyError::from(outer()));
        assert_eq!(chain(&dynamic), told);
        assert!(dynamic.downcast_ref::<Outer>().is_some());
        // Also where a typed failure has gone through `?`, and where a failure is in a failure.
        assert_eq!(chain(AnyError::from(Failure::Error(outer())).as_error()), told);
        assert_eq!(chain(&Failure::Error(Failure::Error(outer()))), told);
        assert!(Failure::<io::Error>::Cancelled.source().is_none());
        assert!(Failure::<AnyError>::Cancelled.source().is_none());
        assert!(Failure::Cancelled.downcast_ref::<io::Error>().is_none());
    }

    fn debug<E: fmt::Debug + 'static>(failure: Failure<E>) -> String {
        format!("{failure:?}")
    }

    #[test]
    fn debug_is_for_people() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(debug(Failure::Error(missing)), "No such file or directory (os error 2)");
        assert_eq!(debug(Failure::Error("no page")), "no page");
        assert_eq!(debug(Failure::Error("no page".to_owned())), "no page");
        assert_eq!(
            debug(Failure::Error(Box::<dyn Error + Send + Sync>::from("no page"))),
            "no page"
        );
        let any = AnyError::from(Outer(io::Error::other("cable cut")));
        assert_eq!(debug(Failure::Error(any)), "cannot load the page\n    caused by: cable cut");
        assert_eq!(debug(Failure::Error(Some(7))), "Some(7)");

        let panic = super::super::catch(|| panic!("boom")).expect_err("it panics");
        assert_eq!(
            debug(Failure::<AnyError>::Panicked(panic.clone())),
            format!("the work {panic}")
        );
        for failure in [Failure::Cancelled, Failure::TimedOut, Failure::Abandoned, Failure::Taken] {
            let (text, debug) = (failure.to_string(), debug::<AnyError>(failure));
            assert!(debug.starts_with(&format!("{text} (")) && debug.ends_with(')'), "{debug}");
        }
    }

    #[test]
    fn alternate_debug_shows_the_variant() {
        assert_eq!(format!("{:#?}", Failure::Error(7)), "Error(\n    7,\n)");
        assert_eq!(format!("{:#?}", Failure::<AnyError>::WouldDeadlock), "WouldDeadlock");
    }
}
