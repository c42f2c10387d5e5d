//! What comes after a value: `map`, `then`, `chain`.

use std::marker::PhantomData;
use std::panic::Location;

use super::within::Within;
use super::{IntoPromise, Promise};
use crate::cell::{ExecutorHandle, Next, Step};
use crate::clock;
use crate::failure::Outcome;
use crate::pool::Pool;

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Changes the value, by a function that cannot fail.
    ///
    /// `f` runs on the promise's executor, next. A failed promise does not run it; its failure passes
    /// on unchanged. A panic of `f` is [`Failure::Panicked`](crate::Failure::Panicked).
    ///
    /// ```
    /// let pool = asynckit::Pool::new(1);
    /// let mut length = pool.run(|| "four").map(str::len);
    /// assert_eq!(length.get(None)?, 4);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn map<U, F>(self, f: F) -> Promise<U, E>
    where
        F: FnOnce(T) -> U + Send + 'static,
        U: Send + 'static,
    {
        self.link(Map(f, PhantomData), None, Location::caller())
    }

    /// Continues with the value: `f` returns a `Result`, or a promise, which is adopted.
    ///
    /// `f` runs on the promise's executor, next: on the worker that has just produced the value, when
    /// its current job or callback returns, ahead of the queue. As for failures and panics, see
    /// [`map`](Self::map).
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::new(1);
    /// let again = pool.clone();
    /// let mut answer = pool
    ///     .run(|| "6")
    ///     .then(|text| { let n: i32 = text.parse()?; Ok(n) })
    ///     .then(move |n| again.run(move || n * 7));
    /// assert_eq!(answer.get(None)?, 42);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    ///
    /// What `f` returns has the promise's type of error. Where it has another one, put
    /// [`any_error`](Self::any_error) before it, or [`map_err`](Self::map_err). A plain value is for [`map`](Self::map):
    ///
    /// ```compile_fail,E0277
    /// asynckit::Pool::global().run(|| 41).then(|n| n + 1);
    /// ```
    #[track_caller]
    pub fn then<R, F>(self, f: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(T) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.link(GoOn::<Then, _, _>::new(f), None, Location::caller())
    }

    /// As [`then`](Self::then), as a part of what was written at `location`.
    pub(crate) fn then_at<R, F>(
        self,
        location: &'static Location<'static>,
        f: F,
    ) -> Promise<R::Ok, E>
    where
        F: FnOnce(T) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.link(GoOn::<PartOfSomething, _, _>::new(f), None, location)
    }

    /// Queues `work`, which gets the value, as a job of its own.
    ///
    /// As [`then`](Self::then), but behind what the executor has queued when the value is there:
    /// long work does not keep others waiting.
    #[track_caller]
    pub fn chain<R, F>(self, work: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(T) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.link(GoOn::<Chain, _, _>::new(work), None, Location::caller())
    }

    /// As [`chain`](Self::chain), on another pool; what comes after it runs there, too.
    #[track_caller]
    pub fn chain_on<R, F>(self, pool: &Pool, work: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(T) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        let executor = pool.core().executor();
        self.link(GoOn::<Chain, _, _>::new(work), Some(executor), Location::caller())
    }
}

impl<T: 'static, E: 'static> Promise<T, E> {
    /// Puts a link behind the promise. Without an executor of its own the link has the promise's.
    pub(crate) fn link<S: Step<T, E>>(
        self,
        step: S,
        executor: Option<ExecutorHandle>,
        location: &'static Location<'static>,
    ) -> Promise<S::Ok, S::Err> {
        let (consumer, own) = self.into_parts();
        let executor = executor.unwrap_or(own);
        clock::uses(|| executor.place());
        let consumer = consumer.then(Within::current(step), executor.clone(), location);
        Promise::new(consumer, executor)
    }
}

struct Map<F, U>(F, PhantomData<fn() -> U>);
/// What a step that wants values does with an outcome.
fn value<T, U, E>(outcome: Outcome<T, E>) -> Result<T, Outcome<U, E>> {
    outcome.map_err(Err)
}

impl<T, U, E, F> Step<T, E> for Map<F, U>
where
    F: FnOnce(T) -> U + Send + 'static,
    U: 'static,
    E: 'static,
{
    type Ok = U;
    type Err = E;
    type Wanted = T;
    const KIND: &'static str = "map";
    const NEEDS_EXECUTOR: bool = true;

    fn wants(outcome: &Outcome<T, E>) -> bool {
        outcome.is_ok()
    }

    fn sort(outcome: Outcome<T, E>) -> Result<T, Outcome<U, E>> {
        value(outcome)
    }

    fn run(self, value: T) -> Next<U, E> {
        Next::Settled(Ok((self.0)(value)))
    }
}

/// How work goes on that gets a value, and gives what can be adopted.
pub(crate) trait Manner: 'static {
    /// Its name in a trace.
    const KIND: &'static str;
    /// Whether the trace of a failure that passes through tells of it.
    const IN_WAY: bool = true;
    /// Goes behind what the executor has queued.
    const QUEUED: bool = false;
}

struct Then;
struct PartOfSomething;
struct Chain;

impl Manner for Then {
    const KIND: &'static str = "then";
}

impl Manner for PartOfSomething {
    const KIND: &'static str = "then";
    const IN_WAY: bool = false;
}

impl Manner for Chain {
    const KIND: &'static str = "chain";
    const QUEUED: bool = true;
}

/// The step of such work.
pub(crate) struct GoOn<M, F, R>(F, PhantomData<fn() -> (M, R)>);

impl<M, F, R> GoOn<M, F, R> {
    pub(crate) fn new(work: F) -> Self {
        GoOn(work, PhantomData)
    }
}

impl<T, E, M, F, R> Step<T, E> for GoOn<M, F, R>
where
    M: Manner,
    F: FnOnce(T) -> R + Send + 'static,
    R: IntoPromise<Err = E> + 'static,
    R::Ok: 'static,
    E: 'static,
{
    type Ok = R::Ok;
    type Err = E;
    type Wanted = T;
    const KIND: &'static str = M::KIND;
    const IN_WAY: bool = M::IN_WAY;
    const QUEUED: bool = M::QUEUED;
    const NEEDS_EXECUTOR: bool = true;

    fn wants(outcome: &Outcome<T, E>) -> bool {
        outcome.is_ok()
    }

    fn sort(outcome: Outcome<T, E>) -> Result<T, Outcome<R::Ok, E>> {
        value(outcome)
    }

    fn run(self, value: T) -> Next<R::Ok, E> {
        (self.0)(value).adopt().0
    }
}
