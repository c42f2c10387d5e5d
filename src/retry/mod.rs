//! Trying again what has failed.

mod last;
mod verdict;

use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

use crate::cell::{Consumer, ExecutorHandle, Next, Step, ThisThread};
use crate::failure::{Failure, Outcome, catch, drop_quietly};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use last::Last;
use verdict::{Decide, If, Verdict, When};

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
/// tells the last error ([`TraceStep::last_error`](crate::TraceStep::last_error)). To limit each, give
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
    begin(backoff.into_iter(), If(|_: &E| true), attempt, Location::caller())
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
    begin(backoff.into_iter(), If(worth), attempt, Location::caller())
}

/// As [`retry`], for errors whose worth takes time to tell: `decide` gives a promise of it, or a `Result`.
///
/// It is given the number of each attempt that has failed, the last one too, and its error: the place to log them, to
/// renew what has expired, to ask a user. It runs on the executor of the first promise, before a pause is taken from
/// `backoff`. Where it says no, the attempt's error is the outcome; where it fails or panics, that is.
///
/// ```
/// use asynckit::{AnyError, Pool, retry_when};
/// use std::time::Duration;
///
/// let pool = Pool::new(1);
/// let renew = pool.clone();
/// let decide = move |number, error: &AnyError| {
///     eprintln!("attempt {number}: {error}");
///     renew.run(|| true) // a new token, say, and then once more
/// };
/// let mut page = retry_when([Duration::ZERO; 3], decide, move |number| {
///     pool.attempt(move || if number < 3 { Err("the token has expired")? } else { Ok(number) })
/// });
/// assert_eq!(page.get(None)?, 3);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn retry_when<T, E, R>(
    backoff: impl IntoIterator<Item = Duration, IntoIter: Send + 'static>,
    decide: impl FnMut(u32, &E) -> R + Send + 'static,
    attempt: impl FnMut(u32) -> Promise<T, E> + Send + 'static,
) -> Promise<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
    R: IntoPromise<Ok = bool, Err = E> + 'static,
{
    begin(backoff.into_iter(), When(decide), attempt, Location::caller())
}

/// As [`retry_if`], as a part of what was written at `location`.
pub(crate) fn retry_at<T, E>(
    backoff: impl IntoIterator<Item = Duration, IntoIter: Send + 'static>,
    worth: impl FnMut(&E) -> bool + Send + 'static,
    attempt: impl FnMut(u32) -> Promise<T, E> + Send + 'static,
    location: &'static Location<'static>,
) -> Promise<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    begin(backoff.into_iter(), If(worth), attempt, location)
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
    W: Decide<E>,
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
        W: Decide<E>,
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

    /// After the verdict: another attempt, after a pause if there is one, or the error.
    fn go_on<T, E>(mut self: Box<Self>, yes: bool, error: E) -> Next<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
        I: Iterator<Item = Duration> + Send + 'static,
        W: Decide<E>,
        F: FnMut(u32) -> Promise<T, E> + Send + 'static,
    {
        let (location, first) = (self.location, self.number == 1);
        match catch(|| yes.then(|| self.pauses.next()).flatten()) {
            Ok(Some(duration)) => {
                let last = self.last.clone();
                last.set(error);
                let pause = self.pause(duration);
                let again = pause.then_at(location, move |()| self.try_once());
                let again = if first { last.told_by(again, location) } else { again };
                Next::Follow(again.into_parts().0)
            }
            // What the user has given is dropped before the promise is settled.
            Ok(None) => {
                drop_quietly(self);
                Next::Same(Failure::Error(error))
            }
            Err(panic) => {
                drop_quietly(error);
                drop_quietly(self);
                Next::Settled(Err(Failure::Panicked(panic)))
            }
        }
    }

    /// The promise of a pause, whose callbacks run on the executor of the first promise.
    ///
    /// Where it would be over inside the call that makes the attempt, without an end of attempts that call
    /// would never return: then a moment passes.
    fn pause<E: Send + 'static>(&self, duration: Duration) -> Promise<(), E> {
        let moment = if ThisThread::is_inside_post() { MOMENT } else { Duration::ZERO };
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
    W: Decide<E>,
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
        let number = retrying.number;
        match catch(|| retrying.worth.decide(number, &error)) {
            Ok(Verdict::Now(yes)) => retrying.go_on(yes, error),
            Ok(Verdict::Later(verdict)) => {
                let (location, executor) = (retrying.location, retrying.executor.clone());
                let executor = executor.unwrap_or_else(|| Pool::global().core().executor());
                let again = Promise::new(verdict, executor).link(
                    (Decided(retrying, error), PhantomData),
                    None,
                    location,
                );
                Next::Follow(again.into_parts().0)
            }
            Ok(Verdict::Fails(failure)) => {
                drop_quietly((error, retrying));
                Next::Settled(Err(failure))
            }
            Err(panic) => {
                drop_quietly((error, retrying));
                Next::Settled(Err(Failure::Panicked(panic)))
            }
        }
    }
}

/// Behind a verdict that took its time.
struct Decided<I, W, F, E>(Box<Retrying<I, W, F>>, E);

impl<T, E, I, W, F> Step<bool, E> for (Decided<I, W, F, E>, PhantomData<fn() -> T>)
where
    T: Send + 'static,
    E: Send + 'static,
    I: Iterator<Item = Duration> + Send + 'static,
    W: Decide<E>,
    F: FnMut(u32) -> Promise<T, E> + Send + 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = bool;
    const KIND: &'static str = "retry";
    const IN_WAY: bool = false;

    fn wants(outcome: &Outcome<bool, E>) -> bool {
        outcome.is_ok()
    }

    fn sort(outcome: Outcome<bool, E>) -> Result<bool, Outcome<T, E>> {
        outcome.map_err(Err)
    }

    fn run(self, yes: bool) -> Next<T, E> {
        let Decided(retrying, error) = self.0;
        match retrying.go_on(yes, error) {
            Next::Same(failure) => Next::Settled(Err(failure)), // it was given none
            next => next,
        }
    }
}
