//! The promise: a value that arrives later, with one owner.

mod beside;
mod get;
mod into_promise;
mod observe;
mod poll;
mod recover;
mod spawn;
mod state;
mod then;
mod try_now;
mod within;

use std::fmt;
use std::panic::Location;

pub use into_promise::{Adopted, IntoPromise};
pub use spawn::{PoolFull, spawn};
pub use state::PromiseState;
pub(crate) use then::{GoOn, Manner};
pub(crate) use within::Within;

use crate::cell::{Consumer, ExecutorHandle};
use crate::failure::{AnyError, Failure, Outcome};
use crate::pool::Pool;
use crate::trace::Trace;

/// A value that arrives later, with one owner.
///
/// The work behind it starts at once, not when somebody waits. Methods that pass the promise on take
/// it by value, so nothing needs `Clone`; [`share`](Promise::share) makes a value for many readers
/// of it. From sync code [`get`](Promise::get) brings the value, or the failure; in async code
/// `.await` does, on any runtime.
///
/// Callbacks run on the promise's executor: the pool that it was spawned on, [`Pool::global`] for
/// promises that were made by hand. They never run inside the call that attaches them, nor inside
/// the call that settles the promise.
///
/// Dropping a promise does not stop the work: it detaches, and a failure that nobody has seen goes
/// to the [unobserved hook](crate::set_unobserved_hook).
///
/// ```
/// use asynckit::{Pool, Promise};
/// use std::time::Duration;
///
/// let pool = Pool::new(2);
/// let mut length: Promise<usize> = pool
///     .spawn(|| Ok(std::fs::read_to_string("Cargo.toml")?))
///     .map(|text| text.len());
/// assert!(length.get(Duration::from_secs(5))? > 0);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[must_use = "a dropped promise goes on, but nobody sees its value"]
pub struct Promise<T, E = AnyError> {
    consumer: Consumer<T, E>,
    executor: ExecutorHandle,
}

impl<T: 'static, E: 'static> Promise<T, E> {
    /// A promise that has the value already.
    ///
    /// Nothing here says what type the error has; with the `<_>` it is any error, [`AnyError`].
    ///
    /// ```
    /// use asynckit::Promise;
    ///
    /// let mut promise = Promise::<_>::ready(41).map(|n| n + 1);
    /// assert_eq!(promise.get(None)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn ready(value: T) -> Self {
        Self::settled(Ok(value))
    }

    /// A promise that has failed already.
    #[track_caller]
    pub fn failed(error: E) -> Self {
        Self::settled(Err(Failure::from_error(error)))
    }

    /// A promise that has settled already, with whatever outcome.
    #[track_caller]
    pub fn settled(outcome: Outcome<T, E>) -> Self {
        let consumer = Consumer::settled(outcome, Location::caller());
        Promise { consumer, executor: Pool::global().core().executor() }
    }

    /// Whether it has settled with a failure, taken or not.
    pub fn is_error(&self) -> bool {
        self.consumer.is_failed()
    }

    /// The way that a failure came: the places of spawn, then, chain … that it passed.
    ///
    /// Empty as long as there is no failure; also after `get`, `try_get` or `await` has taken it.
    pub fn trace(&self) -> Trace {
        self.consumer.trace(self.is_error())
    }
}

impl<T, E> Promise<T, E> {
    pub(crate) fn new(consumer: Consumer<T, E>, executor: ExecutorHandle) -> Self {
        Promise { consumer, executor }
    }

    pub(crate) fn into_parts(self) -> (Consumer<T, E>, ExecutorHandle) {
        (self.consumer, self.executor)
    }

    /// Whether it has settled, with a value or a failure, taken or not; true for ever after.
    pub fn is_set(&self) -> bool {
        self.consumer.is_settled()
    }

    /// Lets what is behind the promise go on without it, also where dropping the promise would cancel it.
    ///
    /// Most promises do so when they are dropped; those of
    /// [`deferred_cancel_on_drop`](Pool::deferred_cancel_on_drop), and of `http` sessions, do not. A failure
    /// that comes later goes to the [unobserved hook](crate::set_unobserved_hook).
    ///
    /// ```
    /// let (deferred, promise) = asynckit::Pool::global().deferred_cancel_on_drop::<u32, String>();
    /// promise.detach();
    /// assert!(!deferred.is_cancelled());
    /// # deferred.resolve(1);
    /// ```
    pub fn detach(self) {
        self.into_parts().0.detach();
    }

    /// Cancels the promise and all that it waits for upstream.
    ///
    /// It has failed with [`Failure::Cancelled`] when this returns, unless it had settled. Queued
    /// work never runs and its closure is dropped at once; work that runs is not interrupted, and its
    /// result is dropped. On the way only `finally` and `inspect` run.
    ///
    /// ```
    /// let pool = asynckit::Pool::new(0);
    /// let mut never = pool.run(|| unreachable!());
    /// never.cancel();
    /// assert!(never.get(None).unwrap_err().is_cancelled());
    /// ```
    pub fn cancel(&self) {
        self.consumer.cancel();
    }
}

/// Says whether it is pending, set or failed, what a pending one waits for, and whether that job is queued, running, or
/// begun, where there are callbacks behind it; the value need not be `Debug`.
impl<T, E> fmt::Debug for Promise<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Promise({}", self.consumer.state())?;
        if !self.is_set() {
            match self.consumer.begun_by() {
                _ if self.consumer.follows() => f.write_str(", follows another promise")?,
                Some((kind, location)) => match self.consumer.job_state() {
                    Some(job) => write!(f, ", waits for {kind} at {location}, {job}")?,
                    None if self.consumer.has_begun() => {
                        write!(f, ", waits for a callback behind {kind} at {location}")?;
                    }
                    None => write!(f, ", waits for {kind} at {location}")?,
                },
                None => {}
            }
        }
        f.write_str(")")
    }
}
