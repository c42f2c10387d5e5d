//! Work on a pool: the one place where pool and promise meet.

use std::marker::PhantomData;
use std::panic::Location;

use super::{IntoPromise, Promise};
use crate::cell::{Next, Work};
use crate::failure::AnyError;
use crate::pool::Pool;

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

    fn post<W: Work>(
        &self,
        work: W,
        location: &'static Location<'static>,
    ) -> Promise<W::Ok, W::Err> {
        let core = self.core();
        let consumer = core.post_work(work, location);
        Promise::new(consumer, core.executor())
    }
}

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
