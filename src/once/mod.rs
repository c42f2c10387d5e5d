//! Values that are made once, by the first caller that wants them.
//!
//! | file | idea |
//! | --- | --- |
//! | `lazy` | the same with the function that makes it |
//! | `flight` | one for each key, as long as it is under way |
//! | `table` | entries by key, for flights and for `Memo` |
//! | `forget` | what `Memo` alone does with them |

mod flight;
#[cfg(feature = "memo")]
mod forget;
mod lazy;
mod table;

use std::fmt;
use std::panic::Location;

pub use flight::SingleFlight;
pub use lazy::AsyncLazy;
#[cfg(feature = "memo")]
pub(crate) use table::{Place, Table};

use crate::cell::{ExecutorHandle, Origin, Producer};
use crate::failure::{AnyError, Failure, catch};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use crate::sync::Mutex;
use crate::value::AsyncValue;

/// A value that is made once: the first caller begins it, all get it.
///
/// As [`OnceLock`](std::sync::OnceLock), for what takes its time: a connection, a configuration, a token. A failure is
/// forgotten: those that wait for it get it, and the next caller begins anew. So is a cancellation. What has begun goes on as
/// long as this is there, also when all callers have cancelled.
///
/// ```
/// use asynckit::{AsyncOnce, Pool};
///
/// static CONFIG: AsyncOnce<String> = AsyncOnce::new();
///
/// let config = || CONFIG.get_or_init(|| Pool::global().run(|| "read from a file".to_owned()));
/// assert_eq!(config().get(None)?, "read from a file");
/// assert_eq!(config().get(None)?.len(), 16); // the same text, not read again
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub struct AsyncOnce<T: 'static, E: 'static = AnyError> {
    value: Mutex<Option<AsyncValue<T, E>>>,
}

struct Made;

impl Origin for Made {
    const KIND: &'static str = "once";
}

impl<T: 'static, E: 'static> AsyncOnce<T, E> {
    /// Without a value.
    #[must_use]
    pub const fn new() -> Self {
        AsyncOnce { value: Mutex::new(None) }
    }

    /// The value, if it is there or under way.
    pub fn get(&self) -> Option<AsyncValue<T, E>> {
        self.value.lock().as_ref().filter(|value| !value.is_error()).cloned()
    }

    /// Forgets the value, and gives it: the next caller begins anew.
    pub fn take(&self) -> Option<AsyncValue<T, E>> {
        self.value.lock().take()
    }
}

impl<T, E> AsyncOnce<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// The value; `make` begins it, if it is neither there nor under way.
    ///
    /// `make` returns a promise or a `Result`, and is called on this thread, with nothing locked: callers that come
    /// meanwhile get the value that it is going to make. So inside of `make` it is a value that waits for itself. Callbacks of
    /// the value run on [`Pool::global`].
    ///
    /// # Errors
    /// Those of the promise; a panic of `make` is one.
    #[track_caller]
    pub fn get_or_init<R>(&self, make: impl FnOnce() -> R) -> AsyncValue<T, E>
    where
        R: IntoPromise<Ok = T, Err = E>,
    {
        let mut there = self.value.lock();
        if let Some(value) = there.as_ref().filter(|value| !value.is_error()) {
            return value.clone();
        }
        let (producer, value) = begin(Pool::global().core().executor(), Location::caller());
        let failed = there.replace(value.clone());
        drop(there);
        drop(failed);
        make_with(producer, make);
        value
    }
}

/// A value that is pending, and what makes it.
pub(crate) fn begin<T, E>(
    executor: ExecutorHandle,
    location: &'static Location<'static>,
) -> (Producer<T, E>, AsyncValue<T, E>)
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    let (producer, consumer) = Producer::pair::<Made>(location);
    (producer, Promise::new(consumer, executor).share_at(location))
}

/// Makes what the producer is for; a panic of `make` is its failure.
pub(crate) fn make_with<T, E, R>(producer: Producer<T, E>, make: impl FnOnce() -> R)
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
    R: IntoPromise<Ok = T, Err = E>,
{
    match catch(|| make().into_promise()) {
        Ok(promise) => producer.follow(promise.into_parts().0),
        Err(panic) => producer.settle(Err(Failure::Panicked(panic))),
    }
}

impl<T: 'static, E: 'static> Default for AsyncOnce<T, E> {
    fn default() -> Self {
        AsyncOnce::new()
    }
}

impl<T: 'static, E: 'static> fmt::Debug for AsyncOnce<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.lock().clone();
        match value {
            None => f.write_str("AsyncOnce(not begun)"),
            Some(value) => f.debug_tuple("AsyncOnce").field(&value).finish(),
        }
    }
}
