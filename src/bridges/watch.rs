//! A foreign future as a promise: watched by the global pool, whichever runtime it comes from.

use std::panic::Location;

use crate::cell::IntoOutcome;
use crate::failure::Outcome;
use crate::pool::Pool;
use crate::promise::Promise;

/// An outcome as it is.
struct Whole<T, E>(Outcome<T, E>);

impl<T: 'static, E: 'static> IntoOutcome for Whole<T, E> {
    type Ok = T;
    type Err = E;
    const KIND: &'static str = "from";

    fn into_outcome(self) -> Outcome<T, E> {
        self.0
    }
}

/// The promise for a future, which is dropped when the promise is cancelled.
pub(super) fn watch<T, E>(
    future: impl Future<Output = Outcome<T, E>> + Send + 'static,
    location: &'static Location<'static>,
) -> Promise<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    let core = Pool::global().core();
    let consumer = core.post_future(async move { Whole(future.await) }, location);
    Promise::new(consumer, core.executor())
}
