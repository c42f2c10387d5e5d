//! What a failure says of itself.

use std::error::Error;
use std::fmt;

use super::{AnyError, Failure, TimedOut};

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error(error) => error.fmt(f),
            Failure::Panicked(panic) => panic.fmt(f),
            Failure::Cancelled => f.write_str("the promise was cancelled"),
            Failure::TimedOut => TimedOut.fmt(f),
            Failure::Abandoned => f.write_str("abandoned: nobody is left to settle the promise"),
            Failure::Taken => f.write_str("the value was already taken out of this promise"),
            Failure::WouldDeadlock => f.write_str("waiting here would never end: a deadlock"),
            Failure::Empty => f.write_str("there was no promise to choose from"),
        }
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
}
