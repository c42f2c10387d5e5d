//! What an `AnyError` keeps that is not the user's own error, and how it tells its causes.

use std::error::Error;
use std::fmt;
use std::iter;

use super::AnyError;

/// So many causes are gone through: the code that names the next one is the user's, and need not end.
const MOST_CAUSES: usize = 64;

/// The messages of an error and its causes. A cause that says no more than the error before it is passed over.
pub(super) fn messages<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = String> + 'e {
    let mut said = None;
    iter::successors(Some(error), |&error| error.source())
        .take(MOST_CAUSES)
        .map(ToString::to_string)
        .filter(move |message| said.replace(message.clone()).as_ref() != Some(message))
}

/// What `AnyError::msg` keeps.
#[derive(Debug)]
pub(super) struct Message(pub(super) String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Message {}

/// What `AnyError::from_local` keeps.
#[derive(Debug)]
pub(super) struct Described {
    message: String,
    cause: Option<Box<Described>>,
}

impl Described {
    /// What `error` says.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Described {
        let told: Vec<String> = messages(error).collect();
        let mut described = Described { message: String::new(), cause: None };
        for (depth, message) in told.into_iter().rev().enumerate() {
            let cause = std::mem::replace(&mut described, Described { message, cause: None });
            described.cause = (depth > 0).then(|| Box::new(cause));
        }
        described
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Described {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let cause = self.cause.as_deref()?;
        Some(cause)
    }
}

/// An error with other owners in a box of its own.
pub(super) struct Shared(pub(super) AnyError);

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::io;

    /// Its own cause, with another text each time.
    #[derive(Debug)]
    struct Endless(Cell<u32>);

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            write!(f, "{}", self.0.get())
        }
    }

    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    #[test]
    fn an_error_of_one_thread_leaves_its_messages() {
        let cause = Described::of(&io::Error::other("cable cut"));
        let cause = Some(Box::new(cause));
        let error = Described { message: "cannot load the page".to_owned(), cause };
        let error = AnyError::from_local(Box::new(error));
        assert_eq!(format!("{error:#}"), "cannot load the page: cable cut");
        assert!(error.as_error().source().is_some_and(|cause| cause.source().is_none()));
    }

    #[test]
    fn causes_without_end_are_cut_off() {
        let error = AnyError::from_local(Box::new(Endless(Cell::new(0))));
        let told = format!("{error:#}");
        assert!(told.starts_with("1: 2: 3: ") && told.ends_with(": 64"), "{told}");
    }
}
