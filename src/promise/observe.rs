//! What runs beside: `finally` and `inspect`. The outcome passes through.

use std::panic::Location;

use super::Promise;
use crate::cell::{Next, Step};
use crate::failure::{Failure, Outcome, catch, drop_quietly};

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Runs `f` when the promise has settled, however it has, also on the way of a cancellation.
    ///
    /// `f` runs on the promise's executor, next; if its pool is gone or was shut down, on
    /// [`Pool::global`](crate::Pool::global).
    /// The outcome passes through. A panic of `f` turns a value into
    /// [`Failure::Panicked`], and leaves a failure as it is.
    #[track_caller]
    pub fn finally<F>(self, f: F) -> Promise<T, E>
    where
        F: FnOnce() + Send + 'static,
    {
        self.link(Finally(f), None, Location::caller())
    }

    /// Shows the outcome to `f`; otherwise as [`finally`](Self::finally).
    #[track_caller]
    pub fn inspect<F>(self, f: F) -> Promise<T, E>
    where
        F: FnOnce(&Outcome<T, E>) + Send + 'static,
    {
        self.link(Inspect(f), None, Location::caller())
    }
}

struct Finally<F>(F);
struct Inspect<F>(F);
fn beside<T, E>(outcome: Outcome<T, E>, f: impl FnOnce(&Outcome<T, E>)) -> Next<T, E> {
    let panicked = catch(|| f(&outcome)).err();
    match (outcome, panicked) {
        (Ok(value), Some(panic)) => {
            drop_quietly(value);
            Next::Settled(Err(Failure::Panicked(panic)))
        }
        (Ok(value), None) => Next::Settled(Ok(value)),
        (Err(failure), _) => Next::Same(failure),
    }
}

impl<T, E, F> Step<T, E> for Finally<F>
where
    F: FnOnce() + Send + 'static,
    T: 'static,
    E: 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Outcome<T, E>;
    const KIND: &'static str = "finally";
    const ALWAYS: bool = true;

    fn wants(_: &Outcome<T, E>) -> bool {
        true
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Outcome<T, E>, Outcome<T, E>> {
        Ok(outcome)
    }

    fn run(self, outcome: Outcome<T, E>) -> Next<T, E> {
        beside(outcome, |_| (self.0)())
    }
}

impl<T, E, F> Step<T, E> for Inspect<F>
where
    F: FnOnce(&Outcome<T, E>) + Send + 'static,
    T: 'static,
    E: 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Outcome<T, E>;
    const KIND: &'static str = "inspect";
    const ALWAYS: bool = true;
    const LOOKS: bool = true;

    fn wants(_: &Outcome<T, E>) -> bool {
        true
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Outcome<T, E>, Outcome<T, E>> {
        Ok(outcome)
    }

    fn run(self, outcome: Outcome<T, E>) -> Next<T, E> {
        beside(outcome, self.0)
    }
}
