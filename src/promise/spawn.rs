//! Work on a pool: the one place where pool and promise meet.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::within::Within;
use super::{IntoPromise, Promise};
use crate::cell::{CellRef, Next, Work};
use crate::clock;
use crate::failure::AnyError;
use crate::pool::{Placed, Pool};

/// Queues work on [`Pool::global`]; see [`Pool::spawn`].
#[track_caller]
pub fn spawn<R, F>(work: F) -> Promise<R::Ok, R::Err>
where
    F: FnOnce() -> R + Send + 'static,
    R: IntoPromise + 'static,
    R::Ok: Send + 'static,
    R::Err: Send + 'static,
{
    Pool::global().spawn(work)
}

impl Pool {
    /// Queues work, and hands back a promise of its result at once.
    ///
    /// The work returns a `Result`, or a promise, which is adopted. A panic in it is
    /// [`Failure::Panicked`](crate::Failure::Panicked), and the worker lives on. If the pool is shut
    /// down, the promise fails with [`Failure::Abandoned`](crate::Failure::Abandoned).
    ///
    /// ```
    /// use asynckit::{Failure, Pool};
    ///
    /// let pool = Pool::new(2);
    /// let mut number = pool.spawn(|| "42".parse::<i32>());
    /// assert!(matches!(number.get(None), Ok(42)));
    /// ```
    ///
    /// In `spawn(|| Ok(42))` nothing says what type the error has, and the compiler asks for it. [`run`](Self::run) is for
    /// work that cannot fail, [`attempt`](Self::attempt) for work that fails with any error; else name the promise's
    /// type: `Promise<i32>` fails with any error, `Promise<i32, io::Error>` with that one.
    #[track_caller]
    pub fn spawn<R, F>(&self, work: F) -> Promise<R::Ok, R::Err>
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + 'static,
        R::Err: Send + 'static,
    {
        self.post(Spawn(work, PhantomData), Location::caller())
    }

    /// Queues work that cannot fail: no `Ok(…)` around its value.
    ///
    /// ```
    /// let pool = asynckit::Pool::new(2);
    /// assert_eq!(pool.run(|| 6 * 7).get(None)?, 42);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn run<T, F>(&self, work: F) -> Promise<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.post(Run(work, PhantomData), Location::caller())
    }

    /// Queues work that may fail with any error: no type to write down for it.
    ///
    /// As [`spawn`](Self::spawn) for closures: the errors that `?` meets in one may become anything, so that `spawn` has
    /// to be told into what. Here they become an [`AnyError`].
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::new(2);
    /// let mut lines = pool.attempt(|| {
    ///     let text = std::fs::read_to_string("Cargo.toml")?;
    ///     Ok(text.lines().count())
    /// });
    /// assert!(lines.get(None)? > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn attempt<T, F>(&self, work: F) -> Promise<T>
    where
        F: FnOnce() -> Result<T, AnyError> + Send + 'static,
        T: Send + 'static,
    {
        self.spawn(work)
    }

    /// Runs a future on the pool, and hands back a promise of its result at once.
    ///
    /// A worker polls it, at once and whenever it was woken, never two of them at a time; between the
    /// polls it takes no thread. It may be woken from any thread. It brings no reactor along: what
    /// needs tokio's belongs on tokio (see the feature `tokio`). A panic in it is
    /// [`Failure::Panicked`](crate::Failure::Panicked). It does not count for the
    /// [`queue_limit`](crate::PoolBuilder::queue_limit).
    ///
    /// When it was given some dozens of outcomes in one poll, of promises, values and streams of this crate that
    /// were there already, it is told to come again, behind what is queued: a loop over such starves
    /// nobody.
    ///
    /// Cancelling the promise drops the future, on one of the pool's workers; at once, if it was never
    /// polled. Dropping the promise detaches: the future goes on. A future that waits, and whose last waker was
    /// dropped, can never go on: it is dropped, and its promise fails with
    /// [`Failure::Abandoned`](crate::Failure::Abandoned). When the pool is shut down, it does not
    /// wait for what the future waits for: a future that is woken later is dropped where it is woken, and
    /// its promise fails with [`Failure::Abandoned`](crate::Failure::Abandoned).
    ///
    /// ```
    /// use asynckit::{AnyError, Pool};
    ///
    /// let pool = Pool::new(2);
    /// let (six, seven) = (pool.run(|| 6), pool.run(|| 7));
    /// let mut product = pool.spawn_future(async move { Ok::<_, AnyError>(six.await? * seven.await?) });
    /// assert_eq!(product.get(None)?, 42);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn spawn_future<T, E, F>(&self, future: F) -> Promise<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let core = self.core();
        clock::uses(|| core.executor().place());
        Promise::new(core.post_future(future, Location::caller()), core.executor())
    }

    /// Queues work if there is room for it, and else hands it back.
    ///
    /// There is room as long as fewer jobs are queued than the pool's
    /// [`queue_limit`](crate::PoolBuilder::queue_limit); those that run, callbacks and `chain` do not
    /// count. [`wait_for_room`](Pool::wait_for_room) waits for it. `spawn` may exceed the limit.
    ///
    /// # Errors
    /// [`PoolFull`], with the work in it.
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::builder().workers(0).queue_limit(1).build()?;
    /// let first = pool.try_spawn(|| Ok::<_, asynckit::AnyError>(1));
    /// assert!(first.is_ok());
    /// let work = pool.try_spawn(|| Ok::<_, asynckit::AnyError>(2)).unwrap_err().into_inner();
    /// assert_eq!(work()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn try_spawn<R, F>(&self, work: F) -> Result<Promise<R::Ok, R::Err>, PoolFull<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + 'static,
        R::Err: Send + 'static,
    {
        let core = self.core();
        let Some(place) = core.try_take_place() else { return Err(PoolFull { work }) };
        clock::uses(|| core.executor().place());
        let work = Placed { place, work: Within::current(Spawn(work, PhantomData)) };
        Ok(Promise::new(core.post_work(work, Location::caller(), |_| ()), core.executor()))
    }

    /// Queues work of any kind.
    pub(crate) fn post<W: Work>(
        &self,
        work: W,
        location: &'static Location<'static>,
    ) -> Promise<W::Ok, W::Err> {
        self.post_after(work, location, |_| ())
    }

    /// The same, after `ready` was shown the job's root.
    pub(crate) fn post_after<W: Work>(
        &self,
        work: W,
        location: &'static Location<'static>,
        ready: impl FnOnce(CellRef),
    ) -> Promise<W::Ok, W::Err> {
        let (core, work) = (self.core(), Within::current(work));
        clock::uses(|| core.executor().place());
        let consumer = if core.is_limited() {
            core.post_work(Placed { place: core.take_place(), work }, location, ready)
        } else {
            core.post_work(work, location, ready)
        };
        Promise::new(consumer, core.executor())
    }
}

/// The queue has no room for a job: see [`Pool::try_spawn`].
pub struct PoolFull<F> {
    work: F,
}

impl<F> PoolFull<F> {
    /// The work, which was not queued.
    pub fn into_inner(self) -> F {
        self.work
    }
}

impl<F> fmt::Debug for PoolFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolFull")
    }
}

impl<F> fmt::Display for PoolFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue of the pool is full")
    }
}

impl<F> std::error::Error for PoolFull<F> {}

struct Spawn<F, R>(F, PhantomData<fn() -> R>);
struct Run<F, T>(F, PhantomData<fn() -> T>);

impl<F, R> Work for Spawn<F, R>
where
    F: FnOnce() -> R + Send + 'static,
    R: IntoPromise + 'static,
    R::Ok: 'static,
    R::Err: 'static,
{
    type Ok = R::Ok;
    type Err = R::Err;
    const KIND: &'static str = "spawn";

    fn run(self) -> Next<R::Ok, R::Err> {
        (self.0)().adopt().0
    }
}

impl<F, T> Work for Run<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: 'static,
{
    type Ok = T;
    type Err = AnyError;
    const KIND: &'static str = "run";

    fn run(self) -> Next<T, AnyError> {
        Next::Settled(Ok((self.0)()))
    }
}
