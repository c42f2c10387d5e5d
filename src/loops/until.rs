//! Again, until a value is right: `repeat_until`.

use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

use crate::cell::{Next, Step};
use crate::failure::{Failure, Outcome, drop_quietly};
use crate::promise::Promise;
use crate::retry::retry_at;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};

/// Makes attempts until the value of one is right, with these pauses in between.
///
/// For what has to be asked again and again: whether a server is up, a job is through, a file is there. `attempt` gets the
/// number of the attempt, from 1 on; the first one is made inside this call, all further ones on the executor of the
/// first one's promise, as `done` is called, which says whether the value is right. Pauses come from any iterator of
/// durations, as for [`retry`](crate::retry()): a [`Backoff`](crate::Backoff), an array, or
/// `std::iter::repeat(Duration::ZERO)` for a loop without any. They cost no thread. Cancelling the promise ends it, in a pause too.
///
/// # Errors
/// The first failure of an attempt, or a panic of `attempt`, of `done`, or of the pauses: it is not made again. With
/// [`retry`](crate::retry()) in `attempt` it is. [`Failure::TimedOut`] when the pauses have come to an end, and no value
/// was right. [`Failure::Abandoned`] if the executor was closed before a further attempt.
///
/// ```
/// use asynckit::{Backoff, Pool, repeat_until};
/// use std::time::Duration;
///
/// let pool = Pool::new(1);
/// let pauses = Backoff::exponential(Duration::from_millis(1)).cap(Duration::from_secs(5)).times(9);
/// let mut percent = repeat_until(pauses, |percent| *percent >= 100, move |number| pool.run(move || 30 * number));
/// assert_eq!(percent.get(None)?, 120);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn repeat_until<T, E>(
    pauses: impl IntoIterator<Item = Duration, IntoIter: Send + 'static>,
    mut done: impl FnMut(&T) -> bool + Send + 'static,
    mut attempt: impl FnMut(u32) -> Promise<T, E> + Send + 'static,
) -> Promise<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    let location = Location::caller();
    let right = Arc::new(AtomicBool::new(false));
    let found = Arc::clone(&right);
    let go_on = move |got: &Got<T, E>| match got {
        Got::Value(value) => {
            let yes = done(value);
            // ORDERING: Relaxed, the outcome that is decided here is published after it.
            right.store(yes, Ordering::Relaxed);
            !yes
        }
        Got::Error(_) => false,
    };
    let ask = move |number| attempt(number).link(Ask(PhantomData), None, location);
    retry_at(pauses, go_on, ask, location).link(Found(found), None, location)
}

/// What an attempt came to: for the retry behind it all of that is an error.
enum Got<T, E> {
    Value(T),
    Error(E),
}

/// Behind an attempt: its value as an error.
struct Ask<T, E>(PhantomData<fn() -> (T, E)>);

impl<T: Send + 'static, E: Send + 'static> Step<T, E> for Ask<T, E> {
    type Ok = T;
    type Err = Got<T, E>;
    type Wanted = Outcome<T, E>;
    const KIND: &'static str = "repeat_until";
    const IN_WAY: bool = false;

    fn wants(_: &Outcome<T, E>) -> bool {
        true
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Outcome<T, E>, Outcome<T, Got<T, E>>> {
        Ok(outcome)
    }

    fn run(self, outcome: Outcome<T, E>) -> Next<T, Got<T, E>> {
        match outcome {
            Ok(value) => Next::Settled(Err(Failure::Error(Got::Value(value)))),
            Err(failure) => Next::Same(failure.map_error(Got::Error)),
        }
    }
}

/// Behind the last attempt: the value, if it was right.
struct Found(Arc<AtomicBool>);

impl<T: Send + 'static, E: Send + 'static> Step<T, Got<T, E>> for Found {
    type Ok = T;
    type Err = E;
    type Wanted = Got<T, E>;
    const KIND: &'static str = "repeat_until";
    const IN_WAY: bool = false;

    fn wants(outcome: &Outcome<T, Got<T, E>>) -> bool {
        matches!(outcome, Err(Failure::Error(_)))
    }

    fn sort(outcome: Outcome<T, Got<T, E>>) -> Result<Got<T, E>, Outcome<T, E>> {
        match outcome {
            Ok(value) => Err(Ok(value)),
            Err(failure) => failure.sort().map_err(Err),
        }
    }

    fn run(self, got: Got<T, E>) -> Next<T, E> {
        match got {
            // ORDERING: Relaxed, as where it is set.
            Got::Value(value) if self.0.load(Ordering::Relaxed) => Next::Settled(Ok(value)),
            Got::Value(value) => {
                drop_quietly(value);
                Next::Settled(Err(Failure::TimedOut))
            }
            Got::Error(error) => Next::Same(Failure::Error(error)),
        }
    }
}
