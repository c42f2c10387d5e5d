//! Work that is done now, and whose outcome is a promise.

use std::panic::Location;

use super::{IntoPromise, Promise};
use crate::failure::{Failure, catch};

impl<T: 'static, E: 'static> Promise<T, E> {
    /// Calls `f` now, on this thread, and gives what it returns as a promise; a panic in it is the promise's failure.
    ///
    /// JavaScript's `Promise.try`: the begin of a chain whose first step may fail before it comes to a promise, so that
    /// there is one place for all failures. What it returns is a `Result`, whose promise is settled, or a promise, which is
    /// passed on. [`Pool::spawn`](crate::Pool::spawn) is for work that is to run elsewhere.
    ///
    /// ```
    /// use asynckit::{AnyError, Pool, Promise};
    ///
    /// fn length(name: &str) -> Promise<usize> {
    ///     Promise::try_now(|| {
    ///         let name: String = name.parse()?; // what is wrong already is a failure of the promise, too
    ///         Ok::<_, AnyError>(name)
    ///     })
    ///     .chain(|name| Ok(name.len()))
    /// }
    /// assert_eq!(length("four").get(None)?, 4);
    /// let mut failed: Promise<u8> = Promise::try_now(|| -> Result<u8, AnyError> { panic!("no") });
    /// assert!(failed.get(None).unwrap_err().is_panicked());
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn try_now<R>(f: impl FnOnce() -> R) -> Self
    where
        R: IntoPromise<Ok = T, Err = E>,
    {
        let location = Location::caller();
        match catch(|| f().promise_at(location)) {
            Ok(promise) => promise,
            Err(panic) => Promise::settled(Err(Failure::Panicked(panic))),
        }
    }
}
