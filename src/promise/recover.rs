//! What comes after a failure: `catch`, `catch_if`, `or_else`, `map_err`; and after either: `handle`.

use std::marker::PhantomData;
use std::panic::Location;

use super::{IntoPromise, Promise};
use crate::cell::{Next, Step};
use crate::failure::{AnyError, Failure, Outcome};

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Continues after any failure: an error, a panic, a cancellation further up …
    ///
    /// `f` runs on the promise's executor, next; a value passes on unchanged and does not run it. What
    /// `f` returns, a `Result` or a promise, is the outcome.
    ///
    /// ```
    /// use asynckit::{Failure, Promise};
    ///
    /// let failed: Promise<i32, String> = Promise::failed("no".to_owned());
    /// let mut caught = failed.catch(|failure| match failure {
    ///     Failure::Error(text) => Ok(text.len() as i32),
    ///     other => Err(other.to_string()),
    /// });
    /// assert_eq!(caught.get(None).unwrap(), 2);
    /// ```
    #[track_caller]
    pub fn catch<R, F>(self, f: F) -> Promise<T, E>
    where
        F: FnOnce(Failure<E>) -> R + Send + 'static,
        R: IntoPromise<Ok = T, Err = E> + 'static,
    {
        self.link(Catch(f, PhantomData), None, Location::caller())
    }

    /// Continues after a failure that `test` says yes to; other failures pass on unchanged.
    ///
    /// Both run on the promise's executor. A panic of `test` is the outcome.
    #[track_caller]
    pub fn catch_if<R, P, F>(self, test: P, f: F) -> Promise<T, E>
    where
        P: FnOnce(&Failure<E>) -> bool + Send + 'static,
        F: FnOnce(Failure<E>) -> R + Send + 'static,
        R: IntoPromise<Ok = T, Err = E> + 'static,
    {
        self.link(CatchIf(test, f, PhantomData), None, Location::caller())
    }

    /// Continues after the work's own error only; a panic, a cancellation … pass on unchanged.
    ///
    /// `f` runs on the promise's executor, next.
    #[track_caller]
    pub fn or_else<R, F>(self, f: F) -> Promise<T, E>
    where
        F: FnOnce(E) -> R + Send + 'static,
        R: IntoPromise<Ok = T, Err = E> + 'static,
    {
        self.link(OrElse(f, PhantomData), None, Location::caller())
    }

    /// Changes the work's own error; a panic, a cancellation … pass on as they are.
    ///
    /// `f` runs on the promise's executor, next.
    ///
    /// ```
    /// use asynckit::{Failure, Promise};
    ///
    /// let failed: Promise<(), &str> = Promise::failed("four");
    /// let mut mapped = failed.map_err(str::len);
    /// assert!(matches!(mapped.get(None), Err(Failure::Error(4))));
    /// ```
    #[track_caller]
    pub fn map_err<U, F>(self, f: F) -> Promise<T, U>
    where
        F: FnOnce(E) -> U + Send + 'static,
        U: Send + 'static,
    {
        self.link(MapErr(f, PhantomData), None, Location::caller())
    }

    /// Goes on with an error of any type, so that `?` takes every error in what comes next.
    ///
    /// What continues a promise has the promise's type of error. Behind this it is [`AnyError`], which `?` makes of all
    /// others: for a chain in which one step fails with another error than the one before it, and for work that returns
    /// an `anyhow::Result`, a `Result<_, String>` and the like. As [`map_err`](Self::map_err), but known to the reader.
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::new(1);
    /// let mut length = pool
    ///     .spawn(|| std::fs::read_to_string("Cargo.toml")) // fails with an io::Error
    ///     .any_error()
    ///     .then(|text| {
    ///         let first: u32 = text[..1].parse()?;         // and this with a ParseIntError
    ///         Ok(first)
    ///     });
    /// assert!(length.get(None).unwrap_err().downcast_ref::<std::num::ParseIntError>().is_some());
    /// ```
    #[track_caller]
    pub fn any_error(self) -> Promise<T>
    where
        E: Into<AnyError>,
    {
        self.map_err(E::into)
    }

    /// Continues with the outcome, whatever it is.
    ///
    /// `f` runs on the promise's executor, next. What it returns, a `Result` or a promise, is the
    /// outcome.
    #[track_caller]
    pub fn handle<R, F>(self, f: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(Outcome<T, E>) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.link(Handle(f, PhantomData), None, Location::caller())
    }
}

struct Catch<F, R>(F, PhantomData<fn() -> R>);
struct CatchIf<P, F, R>(P, F, PhantomData<fn() -> R>);
struct OrElse<F, R>(F, PhantomData<fn() -> R>);
struct MapErr<F, U>(F, PhantomData<fn() -> U>);
struct Handle<F, R>(F, PhantomData<fn() -> R>);

/// What a step that wants failures does with an outcome.
fn failure<T, E>(outcome: Outcome<T, E>) -> Result<Failure<E>, Outcome<T, E>> {
    match outcome {
        Ok(value) => Err(Ok(value)),
        Err(failure) => Ok(failure),
    }
}

/// What a step that wants errors does with an outcome; the others get a new type.
fn error<T, E, U>(outcome: Outcome<T, E>) -> Result<E, Outcome<T, U>> {
    match outcome {
        Ok(value) => Err(Ok(value)),
        Err(failure) => failure.sort().map_err(Err),
    }
}

impl<T, E, F, R> Step<T, E> for Catch<F, R>
where
    F: FnOnce(Failure<E>) -> R + Send + 'static,
    R: IntoPromise<Ok = T, Err = E> + 'static,
    T: 'static,
    E: 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Failure<E>;
    const KIND: &'static str = "catch";

    fn wants(outcome: &Outcome<T, E>) -> bool {
        outcome.is_err()
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Failure<E>, Outcome<T, E>> {
        failure(outcome)
    }

    fn run(self, failure: Failure<E>) -> Next<T, E> {
        (self.0)(failure).adopt().0
    }
}

impl<T, E, P, F, R> Step<T, E> for CatchIf<P, F, R>
where
    P: FnOnce(&Failure<E>) -> bool + Send + 'static,
    F: FnOnce(Failure<E>) -> R + Send + 'static,
    R: IntoPromise<Ok = T, Err = E> + 'static,
    T: 'static,
    E: 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Failure<E>;
    const KIND: &'static str = "catch_if";

    fn wants(outcome: &Outcome<T, E>) -> bool {
        outcome.is_err()
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Failure<E>, Outcome<T, E>> {
        failure(outcome)
    }

    fn run(self, failure: Failure<E>) -> Next<T, E> {
        if (self.0)(&failure) { (self.1)(failure).adopt().0 } else { Next::Same(failure) }
    }
}

impl<T, E, F, R> Step<T, E> for OrElse<F, R>
where
    F: FnOnce(E) -> R + Send + 'static,
    R: IntoPromise<Ok = T, Err = E> + 'static,
    T: 'static,
    E: 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = E;
    const KIND: &'static str = "or_else";

    fn wants(outcome: &Outcome<T, E>) -> bool {
        matches!(outcome, Err(Failure::Error(_)))
    }

    fn sort(outcome: Outcome<T, E>) -> Result<E, Outcome<T, E>> {
        error(outcome)
    }

    fn run(self, error: E) -> Next<T, E> {
        (self.0)(error).adopt().0
    }
}

impl<T, E, U, F> Step<T, E> for MapErr<F, U>
where
    F: FnOnce(E) -> U + Send + 'static,
    T: 'static,
    U: 'static,
{
    type Ok = T;
    type Err = U;
    type Wanted = E;
    const KIND: &'static str = "map_err";

    fn wants(outcome: &Outcome<T, E>) -> bool {
        matches!(outcome, Err(Failure::Error(_)))
    }

    fn sort(outcome: Outcome<T, E>) -> Result<E, Outcome<T, U>> {
        error(outcome)
    }

    fn run(self, error: E) -> Next<T, U> {
        Next::Same(Failure::from_error((self.0)(error)))
    }
}

impl<T, E, F, R> Step<T, E> for Handle<F, R>
where
    F: FnOnce(Outcome<T, E>) -> R + Send + 'static,
    R: IntoPromise<Err = E> + 'static,
    R::Ok: 'static,
    E: 'static,
{
    type Ok = R::Ok;
    type Err = E;
    type Wanted = Outcome<T, E>;
    const KIND: &'static str = "handle";

    fn wants(_: &Outcome<T, E>) -> bool {
        true
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Outcome<T, E>, Outcome<R::Ok, E>> {
        Ok(outcome)
    }

    fn run(self, outcome: Outcome<T, E>) -> Next<R::Ok, E> {
        (self.0)(outcome).adopt().0
    }
}
