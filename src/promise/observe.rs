//! What runs beside: `finally` and `inspect`. The outcome passes through.

use std::marker::PhantomData;
use std::panic::Location;

use super::{IntoPromise, Promise};
use crate::cell::{Consumer, Next, Step};
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

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// As [`finally`](Self::finally), for what takes its time and may fail: the outcome passes through when the promise
    /// that `f` returns has settled.
    ///
    /// Its failure, as a panic of `f`, is the outcome then, in place of a value, and of a failure, too, as with JavaScript's
    /// `finally`. A failure that gives way goes to the [unobserved hook](crate::set_unobserved_hook); to have both, look
    /// at the first one by [`inspect_then`](Self::inspect_then), or [`handle`](Self::handle). A cancellation gives way to
    /// nothing, nor does a failure to one; it does not wait, and does not reach what `f` has begun: that goes on.
    ///
    /// ```
    /// use asynckit::{Pool, Promise};
    ///
    /// let (pool, cleaner) = (Pool::new(1), Pool::new(1));
    /// let mut answer = pool.run(|| 42).finally_then(move || cleaner.run(|| println!("all is put away")));
    /// assert_eq!(answer.get(None)?, 42);
    /// let mut unsaved = Promise::<u32, &str>::ready(42).finally_then(|| Err("the disk is full"));
    /// assert_eq!(unsaved.get(None).unwrap_err().to_string(), "the disk is full");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn finally_then<R, F>(self, f: F) -> Promise<T, E>
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoPromise<Ok = (), Err = E> + 'static,
    {
        let location = Location::caller();
        let f = move |_: &Outcome<T, E>| f();
        self.link(BesideThen::<_, _, false>(f, location, PhantomData), None, location)
    }

    /// As [`finally_then`](Self::finally_then), with the outcome shown to `f`.
    #[track_caller]
    pub fn inspect_then<R, F>(self, f: F) -> Promise<T, E>
    where
        F: FnOnce(&Outcome<T, E>) -> R + Send + 'static,
        R: IntoPromise<Ok = (), Err = E> + 'static,
    {
        let location = Location::caller();
        self.link(BesideThen::<_, _, true>(f, location, PhantomData), None, location)
    }
}

struct Finally<F>(F);
struct Inspect<F>(F);
/// What goes on beside, and what comes of it is waited for.
struct BesideThen<F, R, const LOOKS: bool>(F, &'static Location<'static>, PhantomData<fn() -> R>);

impl<T, E, F, R, const LOOKS: bool> Step<T, E> for BesideThen<F, R, LOOKS>
where
    F: FnOnce(&Outcome<T, E>) -> R + Send + 'static,
    R: IntoPromise<Ok = (), Err = E> + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Outcome<T, E>;
    const KIND: &'static str = if LOOKS { "inspect_then" } else { "finally_then" };
    const ALWAYS: bool = true;
    const LOOKS: bool = LOOKS;

    fn wants(_: &Outcome<T, E>) -> bool {
        true
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Outcome<T, E>, Outcome<T, E>> {
        Ok(outcome)
    }

    fn run(self, outcome: Outcome<T, E>) -> Next<T, E> {
        let begun = catch(|| (self.0)(&outcome).into_promise());
        match (outcome, begun) {
            (Err(failure), _) if failure.is_cancelled() => Next::Same(failure),
            (outcome, Err(panic)) => {
                give_way::<LOOKS, _, _>(outcome, self.1);
                Next::Settled(Err(Failure::Panicked(panic)))
            }
            (outcome, Ok(beside)) => {
                let through = After::<LOOKS, _, _>(outcome, self.1);
                Next::Follow(beside.shield().link(through, None, self.1).into_parts().0)
            }
        }
    }
}

/// An outcome that another one takes the place of. A failure that was not shown to `f` is told of.
fn give_way<const SHOWN: bool, T, E: 'static>(
    outcome: Outcome<T, E>,
    location: &'static Location<'static>,
) where
    T: 'static,
{
    match outcome {
        Err(failure) if !SHOWN => drop(Consumer::<T, E>::settled(Err(failure), location)),
        outcome => drop_quietly(outcome),
    }
}

/// Behind what is waited for: the outcome that passes through.
struct After<const SHOWN: bool, T, E>(Outcome<T, E>, &'static Location<'static>);

impl<const SHOWN: bool, T, E> Step<(), E> for After<SHOWN, T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Outcome<(), E>;
    const KIND: &'static str = if SHOWN { "inspect_then" } else { "finally_then" };
    const IN_WAY: bool = false;

    fn wants(_: &Outcome<(), E>) -> bool {
        true
    }

    fn sort(outcome: Outcome<(), E>) -> Result<Outcome<(), E>, Outcome<T, E>> {
        Ok(outcome)
    }

    fn run(self, beside: Outcome<(), E>) -> Next<T, E> {
        match (self.0, beside) {
            (outcome, Ok(())) => Next::Settled(outcome),
            // It has not failed, it was given up.
            (Err(first), Err(failure)) if failure.is_cancelled() => Next::Settled(Err(first)),
            (outcome, Err(failure)) => {
                give_way::<SHOWN, _, _>(outcome, self.1);
                Next::Same(failure)
            }
        }
    }
}

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
