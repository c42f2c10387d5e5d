//! Promises of work that borrows.

use std::panic::Location;

use crate::cell::{Next, Work};
use crate::pool::{Borrowed, Pool, Scope};
use crate::promise::{IntoPromise, Promise};

impl Pool {
    /// Runs `f` with a scope, in which jobs may borrow what outlives the scope.
    ///
    /// Returns, or unwinds, only when every job that was spawned in the scope has run or been
    /// dropped, with what it has captured; so it is sound in the manner of
    /// [`std::thread::scope`]. A failure cancels nobody, and a panic of `f` does not either. A worker
    /// of this pool that waits here runs the scope's queued jobs itself.
    ///
    /// Only the work borrows; what it gives must be `'static`.
    ///
    /// # Panics
    /// If `f` panics, after all jobs are through. A panic of a job is its promise's failure.
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::new(2);
    /// let words = vec!["one", "three", "eleven"];
    /// let total = pool.scope(|scope| {
    ///     let lengths: asynckit::AsyncList<usize> =
    ///         words.iter().map(|word| scope.spawn(|| Ok(word.len()))).collect();
    ///     lengths.map(|all| all.iter().sum::<usize>()).get(None)
    /// })?;
    /// assert_eq!(total, 14);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    pub fn scope<'env, R>(
        &self,
        f: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
    ) -> R {
        Scope::run(self, f)
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Queues work that may borrow; see [`Pool::scope`] and [`Pool::spawn`].
    #[track_caller]
    pub fn spawn<R, F>(&'scope self, work: F) -> Promise<R::Ok, R::Err>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: IntoPromise,
        R::Ok: Send + 'static,
        R::Err: Send + 'static,
    {
        let location = Location::caller();
        let job = self.borrow(move || work().adopt().0);
        let register = job.register();
        self.pool.post_after(Scoped(job), location, register)
    }
}

struct Scoped<T: 'static, E: 'static>(Borrowed<Next<T, E>>);

impl<T: Send + 'static, E: Send + 'static> Work for Scoped<T, E> {
    type Ok = T;
    type Err = E;
    const KIND: &'static str = "spawn";

    fn run(self) -> Next<T, E> {
        self.0.run()
    }
}

/// What a scope borrows cannot be that of its body, nor leave it with a result, a callback or the scope.
///
/// ```compile_fail,E0373
/// let pool = asynckit::Pool::new(1);
/// pool.scope(|scope| {
///     let text = String::from("of the body");
///     drop(scope.spawn(|| Ok::<_, asynckit::AnyError>(text.len())));
/// });
/// ```
///
/// ```compile_fail,E0597
/// let pool = asynckit::Pool::new(1);
/// let text = String::from("outside");
/// let mut part = pool.scope(|scope| scope.spawn(|| Ok::<&str, asynckit::AnyError>(&text)));
/// drop(part.get(None));
/// ```
///
/// ```compile_fail,E0521
/// let pool = asynckit::Pool::new(1);
/// let mut kept = None;
/// pool.scope(|scope| kept = Some(scope));
/// ```
///
/// ```compile_fail,E0597
/// let pool = asynckit::Pool::new(1);
/// let text = String::from("outside");
/// pool.scope(|scope| {
///     drop(scope.spawn(|| Ok::<u8, asynckit::AnyError>(1)).map(|_| text.len()));
/// });
/// ```
#[cfg(doctest)]
struct NothingEscapes;
