//! Trying again what has failed.

use std::panic::Location;
use std::time::Duration;

use crate::cell::{self, Consumer, ExecutorHandle, Items, Next, Origin, Policy, Producer, Step};
use crate::failure::{Failure, Outcome, catch, drop_quietly};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::relay::relay;
use crate::sync::{Arc, Mutex, StdArc};
use crate::trace::TraceStep;
use crate::unobserved::message;

/// Tries until it succeeds or the pauses have come to an end.
///
/// `attempt` gets the number of the attempt, from 1 on. The first one is made inside this call; each
/// further one, after the next pause of `backoff`, on the executor of the first one's promise. There
/// is one attempt more than there are pauses, and the outcome of the last one is the outcome. Any
/// iterator of durations is a backoff: a [`Backoff`](crate::Backoff), an array, one of another crate
/// (such as what a builder of backon builds).
///
/// Only [`Failure::Error`] is retried. All else is final: a panic, in `attempt` also, a cancellation,
/// a timeout. To retry those too, make errors of them with [`catch`](Promise::catch). A pause costs
/// no thread, and ten thousand attempts need no more memory than two. Cancelling the promise, in a
/// pause too, starts nothing more, and cancels the attempt or the pause.
///
/// To limit the attempts together, give the whole a [`timeout`](Promise::timeout): the trace of its failure
/// tells the last error ([`TraceStep::last_error`]). To limit each, give
/// one to the promise that `attempt` returns, and make an error of it, or it is final.
///
/// # Errors
/// The last attempt's failure, with the way that it came. [`Failure::Abandoned`] if the executor was
/// closed before a further attempt.
///
/// ```
/// use asynckit::{Backoff, Pool, retry};
/// use std::time::Duration;
///
/// let pool = Pool::new(1);
/// let backoff = Backoff::exponential(Duration::from_millis(1)).full_jitter().times(4);
/// let mut lucky = retry(backoff, move |number| {
///     pool.spawn(move || if number < 3 { Err(format!("not {number}")) } else { Ok(number) })
/// });
/// assert!(matches!(lucky.get(None), Ok(3)));
/// ```
#[track_caller]
pub fn retry<T, E>(
    backoff: impl IntoIterator<Item = Duration, IntoIter: Send + 'static>,
    attempt: impl FnMut(u32) -> Promise<T, E> + Send + 'static,
) -> Promise<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    begin(backoff.into_iter(), |_: &E| true, attempt, Location::caller())
}

/// As [`retry`], for the errors that are worth it: what `worth` says no to is the outcome.
///
/// `worth` is asked about the error of each attempt, before a pause is taken from `backoff`; both on
/// the executor of the first promise. A panic of either is final.
///
/// ```
/// use asynckit::{Failure, Promise, retry_if};
/// use std::{io, time::Duration};
///
/// let transient = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
/// let mut answer = retry_if([Duration::ZERO; 9], transient, |_| {
///     Promise::<(), _>::failed(io::ErrorKind::NotFound.into())
/// });
/// assert!(matches!(answer.get(None), Err(Failure::Error(e)) if !transient(&e)));
/// ```
#[track_caller]
pub fn retry_if<T, E>(
    backoff: impl IntoIterator<Item = Duration, IntoIter: Send + 'static>,
    worth: impl FnMut(&E) -> bool + Send + 'static,
    attempt: impl FnMut(u32) -> Promise<T, E> + Send + 'static,
) -> Promise<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    begin(backoff.into_iter(), worth, attempt, Location::caller())
}

fn begin<T, E, I, W, F>(
    pauses: I,
    worth: W,
    attempt: F,
    location: &'static Location<'static>,
) -> Promise<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
    I: Iterator<Item = Duration> + Send + 'static,
    W: FnMut(&E) -> bool + Send + 'static,
    F: FnMut(u32) -> Promise<T, E> + Send + 'static,
{
    let (number, executor, last) = (0, None, Last::default());
    Box::new(Retrying { pauses, worth, attempt, number, executor, last, location }).try_once()
}

/// As short as a pause can be that is not over at once.
const MOMENT: Duration = Duration::from_nanos(1);

/// What goes from attempt to attempt.
struct Retrying<I, W, F> {
    pauses: I,
    worth: W,
    attempt: F,
    /// The number of the last attempt that was made.
    number: u32,
    /// That of the first promise.
    executor: Option<ExecutorHandle>,
    /// The error of the last attempt.
    last: Last,
    location: &'static Location<'static>,
}

impl<I, W, F> Retrying<I, W, F> {
    /// Makes the next attempt; whether another one is due is decided behind it.
    ///
    /// What follows an attempt is adopted by the link behind the one before: the core takes the links
    /// in between out, so that no chain of them grows.
    fn try_once<T, E>(mut self: Box<Self>) -> Promise<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
        I: Iterator<Item = Duration> + Send + 'static,
        W: FnMut(&E) -> bool + Send + 'static,
        F: FnMut(u32) -> Promise<T, E> + Send + 'static,
    {
        self.number = self.number.saturating_add(1);
        let (number, location) = (self.number, self.location);
        match catch(|| (self.attempt)(number)) {
            Ok(promise) => {
                let (consumer, own) = promise.into_parts();
                let executor = self.executor.get_or_insert(own).clone();
                let promise = Promise::new(consumer, executor);
                match number {
                    1 => promise.link(Again::<_, _, _, true>(self), None, location),
                    _ => promise.link(Again::<_, _, _, false>(self), None, location),
                }
            }
            Err(panic) => {
                drop_quietly(self);
                let consumer = Consumer::settled(Err(Failure::Panicked(panic)), location);
                Promise::new(consumer, Pool::global().core().executor())
            }
        }
    }

    /// The promise of a pause, whose callbacks run on the executor of the first promise.
    ///
    /// Where it would be over inside the call that makes the attempt, without an end of attempts that call
    /// would never return: then a moment passes.
    fn pause<E: Send + 'static>(&self, duration: Duration) -> Promise<(), E> {
        let moment = if cell::is_inside() { MOMENT } else { Duration::ZERO };
        let duration = duration.max(moment);
        let (pause, global) = Promise::delay(duration).into_parts();
        Promise::new(pause, self.executor.clone().unwrap_or(global))
    }
}

/// Behind an attempt: makes another one after an error. All attempts are one step of the way.
struct Again<I, W, F, const FIRST: bool>(Box<Retrying<I, W, F>>);

impl<T, E, I, W, F, const FIRST: bool> Step<T, E> for Again<I, W, F, FIRST>
where
    T: Send + 'static,
    E: Send + 'static,
    I: Iterator<Item = Duration> + Send + 'static,
    W: FnMut(&E) -> bool + Send + 'static,
    F: FnMut(u32) -> Promise<T, E> + Send + 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = E;
    const KIND: &'static str = "retry";
    const IN_WAY: bool = FIRST;

    fn wants(outcome: &Outcome<T, E>) -> bool {
        matches!(outcome, Err(Failure::Error(_)))
    }

    fn sort(outcome: Outcome<T, E>) -> Result<E, Outcome<T, E>> {
        match outcome {
            Ok(value) => Err(Ok(value)),
            Err(failure) => failure.sort().map_err(Err),
        }
    }

    fn run(self, error: E) -> Next<T, E> {
        let mut retrying = self.0;
        let Retrying { worth, pauses, location, .. } = &mut *retrying;
        let (location, pause) = (*location, catch(|| worth(&error).then(|| pauses.next())));
        match pause.map(Option::flatten) {
            Ok(Some(duration)) => {
                let last = retrying.last.clone();
                last.set(error);
                let pause = retrying.pause(duration);
                let again = pause.then_at(location, move |()| retrying.try_once());
                let again = if FIRST { last.told_by(again, location) } else { again };
                Next::Follow(again.into_parts().0)
            }
            // What the user has given is dropped before the promise is settled.
            Ok(None) => {
                drop_quietly(retrying);
                Next::Same(Failure::Error(error))
            }
            Err(panic) => {
                drop_quietly(error);
                drop_quietly(retrying);
                Next::Settled(Err(Failure::Panicked(panic)))
            }
        }
    }
}

/// The error of the last attempt, for whoever ends it all while another one is made.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<Option<StdArc<str>>>>);

struct Further;

impl Last {
    fn set<E: 'static>(&self, error: E) {
        let failure = Failure::Error(error);
        let text = catch(|| message(&failure)).unwrap_or_default(); // the user's code writes it
        *self.0.lock() = Some(text.into());
        drop_quietly(failure);
    }

    /// The promise of all further attempts, which tells the error when it is cancelled.
    fn told_by<T, E>(
        self,
        promise: Promise<T, E>,
        location: &'static Location<'static>,
    ) -> Promise<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let policy = |producer, _: &_| Telling { producer: Some(producer), last: self, location };
        relay::<Further, _, _, _>(promise, location, policy).0
    }
}

impl Origin for Further {
    const KIND: &'static str = "retry";
}

/// Passes the outcome of the further attempts on.
struct Telling<T, E> {
    /// `None` once it is settled.
    producer: Option<Producer<T, E>>,
    last: Last,
    location: &'static Location<'static>,
}

impl<T: Send + 'static, E: Send + 'static> Policy<T, E> for Telling<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        let Some(producer) = self.producer.take() else { return items.discard(index) };
        if let Some((outcome, way)) = items.take_with_trace(index) {
            producer.settle_for(outcome, way);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        TraceStep::note("retry", self.location, || self.last.0.lock().clone());
        self.producer = None;
        items.cancel_pending();
    }
}
