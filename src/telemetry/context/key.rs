//! Values by keys that go along with user code.

use std::fmt;
use std::marker::PhantomData;

use super::carry;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

/// A value that goes along with work: a request's id, a tenant, the fields of a log.
///
/// Inside of [`with`](Self::with) it is current on the thread, and whatever is attached in there takes it along: jobs and futures that are
/// spawned, callbacks of promises, values and lists, further attempts of [`retry`](crate::retry()), runs of loops, what waits
/// for a [`Limiter`](crate::Limiter) or in a [`Serial`](crate::Serial), and what those attach in turn. It is current
/// around them wherever and whenever they run; what was attached elsewhere does not see it. That is Node's
/// `AsyncLocalStorage`, .NET's `AsyncLocal` and Python's `contextvars`.
///
/// A callback has the context of where it was attached, not that of what settles the promise. Cancellation handlers have
/// that of the thread that cancels; destructors, wakers and the jobs of an [`Executor`](crate::Executor) of the user's have what is there.
/// A `std::thread` has none until it sets one.
///
/// Attaching costs no allocation more with it; setting a value makes two. The value is dropped when the last of what takes it along
/// is through, on the thread where that is; a panic of its `Drop` is contained.
///
/// ```
/// use asynckit::{ContextKey, Pool};
///
/// static REQUEST: ContextKey<u32> = ContextKey::new();
///
/// let pool = Pool::new(2);
/// let handle = |id| {
///     REQUEST.with(id, || pool.run(|| "body").map(|body| format!("{:?}: {body}", REQUEST.get())))
/// };
/// let (mut first, mut second) = (handle(1), handle(2));
/// assert_eq!(first.get(None)?, "Some(1): body");
/// assert_eq!(second.get(None)?, "Some(2): body");
/// assert_eq!(REQUEST.get(), None);
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub struct ContextKey<T> {
    /// 0: not used yet.
    number: AtomicU64,
    value: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> ContextKey<T> {
    /// A key without a value, for a `static`.
    #[expect(clippy::new_without_default, reason = "it is made in a static")]
    #[must_use]
    pub const fn new() -> Self {
        ContextKey { number: AtomicU64::new(0), value: PhantomData }
    }

    /// Calls `f` with this value. Inside of it another `with` of the same key counts, until that is through.
    ///
    /// # Panics
    /// If `f` does; then, too, the value is current no longer.
    pub fn with<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        carry::with(self.number(), Arc::new(value), f)
    }

    /// The current value, if there is one.
    #[must_use]
    pub fn get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.read(|value| value.cloned())
    }

    /// The same without a copy of it. `f` may do as it likes, also set another value.
    pub fn read<R>(&'static self, f: impl FnOnce(Option<&T>) -> R) -> R {
        let value = carry::value(self.number());
        f(value.as_ref().and_then(|value| (**value).downcast_ref()))
    }

    fn number(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // ORDERING: Relaxed, also below: a number, and nothing else.
        let number = self.number.load(Ordering::Relaxed);
        if number != 0 {
            return number;
        }
        let own = NEXT.fetch_add(1, Ordering::Relaxed);
        match self.number.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => own,
            Err(other) => other,
        }
    }
}

impl<T> fmt::Debug for ContextKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextKey").finish_non_exhaustive()
    }
}
