//! A value with many owners.

mod branch;
mod outcome;
mod wait;

use std::fmt;
use std::panic::Location;

pub use wait::ValueFuture;

use crate::cell::{Origin, Owner, Producer, Shared};
use crate::failure::{AnyError, Failure, Outcome};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::trace::Trace;

/// A value that arrives later, with many owners: clones are handles on the same value.
///
/// [`Promise::share`] makes one of a promise; [`AsyncValue::new`] makes one that is set by hand, an
/// event with a value. The value is read as `&T` and stays where it is until the
/// last handle and branch are gone. Once set it never changes.
///
/// What goes on from it is a promise, with all that those have: `value.map(f).timeout(limit)`. For the value itself,
/// [`cloned`](AsyncValue::cloned) makes a promise of a clone.
///
/// ```
/// use asynckit::Pool;
///
/// let pool = Pool::new(2);
/// let text = pool.run(|| String::from("three short words")).share();
/// let words = text.then(|text| Ok(text.split(' ').count()));
/// assert_eq!(text.get(None)?.len(), 17);
/// assert_eq!(words.share().get(None)?, &3);
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub struct AsyncValue<T: 'static, E: 'static = AnyError> {
    owner: Owner<T, E>,
}

struct Event;

impl Origin for Event {
    const KIND: &'static str = "value";
}

impl<T, E> Promise<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Makes a value for many readers of the promise.
    ///
    /// The errors must be `Clone`, because every reader gets them: [`AnyError`] is; others become so
    /// by `map_err(Arc::new)`.
    #[track_caller]
    pub fn share(self) -> AsyncValue<T, E> {
        self.share_at(Location::caller())
    }

    /// The same, as a part of what was written at `location`.
    pub(crate) fn share_at(self, location: &'static Location<'static>) -> AsyncValue<T, E> {
        let (consumer, executor) = self.into_parts();
        let shared = Shared::share(consumer, executor, None, location);
        AsyncValue { owner: Owner::new(shared) }
    }
}

impl<T, E> AsyncValue<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// A value that is set by hand. Callbacks run on [`Pool::global`].
    ///
    /// If the last handle is dropped before it is set, its branches fail with
    /// [`Failure::Abandoned`].
    ///
    /// ```
    /// let event = asynckit::AsyncValue::<i32>::new();
    /// let branch = event.map(|n| n + 1);
    /// assert_eq!(event.set(41), Ok(()));
    /// assert_eq!(event.set(7), Err(7)); // the first one wins
    /// assert_eq!(branch.share().get(None)?, &42);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn new() -> Self {
        let location = Location::caller();
        let (producer, consumer) = Producer::pair::<Event>(location);
        let executor = Pool::global().core().executor();
        let shared = Shared::share(consumer, executor, Some(producer), location);
        AsyncValue { owner: Owner::new(shared) }
    }

    /// Sets the value.
    ///
    /// # Errors
    /// Gives the value back if it is set, has failed or was cancelled, or if it came from
    /// [`Promise::share`].
    pub fn set(&self, value: T) -> Result<(), T> {
        self.owner.set(value, Ok)
    }

    /// Settles it with an error.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn fail(&self, error: E) -> Result<(), E> {
        self.owner.set(error, |error| Err(Failure::from_error(error)))
    }
}

impl<T: 'static, E: 'static> AsyncValue<T, E> {
    fn outcome(&self) -> Option<Option<&Outcome<T, E>>> {
        self.owner.outcome()
    }

    /// Whether it has settled, with a value or a failure; true for ever after.
    pub fn is_set(&self) -> bool {
        self.owner.is_settled()
    }

    /// Whether it has settled with a failure.
    pub fn is_error(&self) -> bool {
        self.outcome().is_some_and(|outcome| !matches!(outcome, Some(Ok(_))))
    }

    /// The way that a failure came; empty as long as there is none.
    pub fn trace(&self) -> Trace {
        if self.is_error() { self.owner.trace() } else { Trace::new() }
    }

    /// This handle does not want the value any more.
    ///
    /// What gives the value is cancelled when no owner is left that has not cancelled: no other
    /// handle, and no branch. Until then this handle stays pending.
    pub fn cancel(&self) {
        self.owner.cancel();
    }
}

impl<T: 'static, E: 'static> Clone for AsyncValue<T, E> {
    fn clone(&self) -> Self {
        AsyncValue { owner: self.owner.clone() }
    }
}

impl<T, E> Default for AsyncValue<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    #[track_caller]
    fn default() -> Self {
        AsyncValue::new()
    }
}

/// Says whether it is pending, set or failed; the value need not be `Debug`.
impl<T, E> fmt::Debug for AsyncValue<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.outcome() {
            None => "pending",
            Some(Some(Ok(_))) => "set",
            Some(Some(Err(_))) => "failed",
            Some(None) => "cancelled",
        };
        write!(f, "AsyncValue({state})")
    }
}
