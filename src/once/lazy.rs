//! A value with the function that makes it.

use std::fmt;

use super::AsyncOnce;
use crate::failure::AnyError;
use crate::promise::IntoPromise;
use crate::value::AsyncValue;

/// A value that the first caller begins, with the function that makes it: see [`AsyncOnce`].
///
/// As [`LazyLock`](std::sync::LazyLock), and .NET's `AsyncLazy`; but a failure is forgotten, and the next caller tries again.
///
/// ```
/// use asynckit::{AsyncLazy, Pool};
///
/// let pool = Pool::new(1);
/// let greeting = AsyncLazy::<String>::new(move || pool.run(|| "hello".to_owned())); // nothing has begun
/// assert_eq!(greeting.get().get(None)?, "hello");
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub struct AsyncLazy<T: 'static, E: 'static = AnyError> {
    once: AsyncOnce<T, E>,
    make: Make<T, E>,
}

/// Gives the value, and begins it.
type Make<T, E> = Box<dyn Fn(&AsyncOnce<T, E>) -> AsyncValue<T, E> + Send + Sync>;

impl<T, E> AsyncLazy<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// A value that `make` is going to make; it returns a promise or a `Result`.
    #[track_caller]
    pub fn new<R>(make: impl Fn() -> R + Send + Sync + 'static) -> Self
    where
        R: IntoPromise<Ok = T, Err = E>,
    {
        let make = move |once: &AsyncOnce<T, E>| once.get_or_init(&make);
        AsyncLazy { once: AsyncOnce::new(), make: Box::new(make) }
    }

    /// The value, which the first caller begins, and the next one behind a failure: see [`AsyncOnce::get_or_init`].
    pub fn get(&self) -> AsyncValue<T, E> {
        (self.make)(&self.once)
    }

    /// Forgets the value: the next caller begins anew.
    pub fn forget(&self) {
        drop(self.once.take());
    }
}

impl<T: 'static, E: 'static> fmt::Debug for AsyncLazy<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncLazy").field(&self.once).finish()
    }
}
