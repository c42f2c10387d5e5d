//! What a job or a callback may return.

use std::panic::Location;

use super::Promise;
use crate::cell::{Consumer, Next};
use crate::failure::{Failure, Outcome};
use crate::pool::Pool;

/// What a job or a callback may return: a `Result`, or a promise, which is adopted.
///
/// Implemented for `Result<T, E>`, [`Promise<T, E>`](Promise), [`AsyncValue<T, E>`](crate::AsyncValue),
/// [`AsyncList<T, E>`](crate::AsyncList) and [`KeyedList<K, T, E>`](crate::KeyedList). What is returned as a promise is flattened: there is no
/// promise of a promise, as in Promises/A+.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a `Result` nor a promise",
    label = "this function has to return a `Result` or a promise, and returns `{Self}`",
    note = "for a plain value: `map` instead of `then`, `run` instead of `spawn`; or `Ok(…)` around it",
    note = "for an `Option`: `.ok_or(…)` makes it a `Result`; for a future: `spawn_future`"
)]
pub trait IntoPromise {
    /// The value.
    type Ok;
    /// The error.
    type Err;

    /// The promise for it.
    fn into_promise(self) -> Promise<Self::Ok, Self::Err>;

    /// The same for an outcome that has come at this place.
    #[doc(hidden)]
    fn promise_at(self, _: &'static Location<'static>) -> Promise<Self::Ok, Self::Err>
    where
        Self: Sized,
    {
        self.into_promise()
    }

    /// The same without an allocation where the outcome is there.
    #[doc(hidden)]
    fn adopt(self) -> Adopted<Self::Ok, Self::Err>
    where
        Self: Sized,
    {
        Adopted(Next::Follow(self.into_promise().into_parts().0))
    }
}

/// An outcome, or a promise to follow.
#[doc(hidden)]
pub struct Adopted<T, E>(pub(crate) Next<T, E>);

impl<T: 'static, E: 'static> IntoPromise for Result<T, E> {
    type Ok = T;
    type Err = E;

    #[track_caller]
    fn into_promise(self) -> Promise<T, E> {
        self.promise_at(Location::caller())
    }

    fn promise_at(self, location: &'static Location<'static>) -> Promise<T, E> {
        let consumer = Consumer::settled(outcome(self), location);
        Promise::new(consumer, Pool::global().core().executor())
    }

    fn adopt(self) -> Adopted<T, E> {
        Adopted(Next::Settled(outcome(self)))
    }
}

fn outcome<T, E: 'static>(result: Result<T, E>) -> Outcome<T, E> {
    result.map_err(Failure::from_error)
}

impl<T, E> IntoPromise for Promise<T, E> {
    type Ok = T;
    type Err = E;

    fn into_promise(self) -> Promise<T, E> {
        self
    }
}

impl<T, E> From<Consumer<T, E>> for Adopted<T, E> {
    fn from(consumer: Consumer<T, E>) -> Self {
        Adopted(Next::Follow(consumer))
    }
}
