//! Of the calls of a while one is made, with all arguments.

use std::fmt;
use std::mem;
use std::panic::Location;
use std::time::Duration;

use super::after;
use crate::cell::{ExecutorHandle, Origin, Producer, ThisThread};
use crate::clock;
use crate::failure::{AnyError, Failure, Outcome, catch};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use crate::sync::{Arc, Mutex, MutexGuard};

/// A function that is called once with the arguments of many calls; by [`Pool::coalesce`].
///
/// Clones are handles on the same. Calls that wait are made also when they are gone; those for a time that never comes
/// ([`Duration::MAX`]) are abandoned then.
pub struct Coalesced<A: Send + 'static, T: Send + 'static, E: Send + 'static = AnyError> {
    shared: Arc<Shared<A, T, E>>,
}

struct Shared<A: Send + 'static, T: Send + 'static, E: Send + 'static> {
    /// Taken at the end.
    call: Option<Function<A, T, E>>,
    executor: ExecutorHandle,
    window: Duration,
    state: Mutex<State<A, T, E>>,
}

type Function<A, T, E> = Box<dyn Fn(Vec<A>) -> Promise<Vec<T>, E> + Send + Sync>;
type Batch<A, T, E> = Vec<(A, Producer<T, E>)>;

struct State<A, T, E> {
    at_most: usize,
    batch: Batch<A, T, E>,
    /// That of the batch.
    number: u64,
    timer: Option<Promise<()>>,
}

struct Call;

impl Origin for Call {
    const KIND: &'static str = "coalesced";
}

impl Pool {
    /// A function of one argument of which many calls become one, with all arguments of a while.
    ///
    /// DataLoader's batching: a hundred callers that each want one row ask the database once. `f` gets the arguments in the
    /// order of the calls, and gives as many values, in that order, by a `Result` or a promise. It is called on this pool
    /// when the `window` is over, which the first call opens, or as soon as there are [`at_most`](Coalesced::at_most)
    /// arguments. A window of zero lasts until a worker is free. Calls may overlap.
    ///
    /// Between the calls it costs no thread. The pool is not kept; when it is shut down, what waits fails with
    /// [`Failure::Abandoned`].
    ///
    /// ```
    /// use asynckit::{AnyError, Pool, join};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(1);
    /// let names = pool.coalesce(Duration::from_millis(5), |ids: Vec<u32>| {
    ///     Ok::<_, AnyError>(ids.iter().map(|id| format!("name {id}")).collect()) // one query for all of them
    /// });
    /// let mut both = join((names.call(3), names.call(7)));
    /// assert_eq!(both.get(None)?, ("name 3".into(), "name 7".into()));
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    pub fn coalesce<A, T, R, F>(&self, window: Duration, f: F) -> Coalesced<A, T, R::Err>
    where
        A: Send + 'static,
        T: Send + 'static,
        F: Fn(Vec<A>) -> R + Send + Sync + 'static,
        R: IntoPromise<Ok = Vec<T>> + 'static,
        R::Err: Clone + Send + 'static,
    {
        let call: Function<A, T, R::Err> = Box::new(move |all| f(all).into_promise());
        let (at_most, batch) = (usize::MAX, Vec::new());
        let state = Mutex::new(State { at_most, batch, number: 1, timer: None });
        let (call, executor) = (Some(call), self.core().executor());
        Coalesced { shared: Arc::new(Shared { call, executor, window, state }) }
    }
}

impl<A, T, E> Coalesced<A, T, E>
where
    A: Send + 'static,
    T: Send + 'static,
    E: Clone + Send + 'static,
{
    /// No more than so many arguments at once: with the last one, the call is made. 0 counts as 1.
    #[must_use]
    pub fn at_most(self, count: usize) -> Self {
        self.shared.lock().at_most = count.max(1);
        self
    }

    /// A promise of the value for this argument, by the next call that is made.
    ///
    /// Never makes the call inside of this. An argument whose promise was cancelled before the call, or dropped with nothing
    /// behind it, is left out; a call that is made goes on when all have cancelled.
    ///
    /// # Errors
    /// Each gets a clone of the call's failure; its panic is one, and so is another number of values than of arguments.
    #[track_caller]
    pub fn call(&self, argument: A) -> Promise<T, E> {
        let shared = &self.shared;
        let (producer, consumer) = Producer::pair::<Call>(Location::caller());
        let mut state = shared.lock();
        state.batch.push((argument, producer));
        let (number, is_first) = (state.number, state.batch.len() == 1);
        let full = state.batch.len() >= state.at_most;
        let batch = if full { Some(state.take()) } else { None };
        drop(state);
        match batch {
            Some(batch) => shared.queue(batch),
            None if is_first => shared.arm(number),
            None => {}
        }
        Promise::new(consumer, shared.executor.clone())
    }

    /// Makes the call now, if arguments wait.
    pub fn flush(&self) {
        let batch = self.shared.lock().take();
        if !batch.0.is_empty() {
            self.shared.queue(batch);
        }
    }
}

impl<A, T, E> State<A, T, E> {
    /// The batch, and what would tell that its time is over.
    fn take(&mut self) -> (Batch<A, T, E>, Option<Promise<()>>) {
        self.number += 1;
        (mem::take(&mut self.batch), self.timer.take())
    }
}

impl<A: Send + 'static, T: Send + 'static, E: Send + 'static> Shared<A, T, E> {
    /// No user code runs under this lock, nor is dropped.
    fn lock(&self) -> MutexGuard<'_, State<A, T, E>> {
        self.state.lock()
    }

    /// The batch with this number, if it is there.
    fn find(&self, number: u64) -> Option<Batch<A, T, E>> {
        let mut state = self.lock();
        let (batch, timer) = if state.number == number { state.take() } else { return None };
        drop(state);
        drop(timer);
        Some(batch)
    }
}

impl<A, T, E> Shared<A, T, E>
where
    A: Send + 'static,
    T: Send + 'static,
    E: Clone + Send + 'static,
{
    /// Makes the call on the pool.
    fn queue(self: &Arc<Self>, (batch, timer): (Batch<A, T, E>, Option<Promise<()>>)) {
        let shared = Arc::clone(self);
        after(Duration::ZERO, self.executor.clone(), move || shared.make(batch)).detach();
        timer.into_iter().for_each(|timer| timer.cancel());
    }

    /// Makes the call when the window is over.
    fn arm(self: &Arc<Self>, number: u64) {
        if clock::now().checked_add(self.window).is_none() {
            return; // never
        }
        let due = Due { shared: Arc::clone(self), number };
        let timer = after(self.window, self.executor.clone(), move || due.come());
        let mut state = self.lock();
        let late = if state.number == number { state.timer.replace(timer) } else { Some(timer) };
        drop(state);
        late.into_iter().for_each(|timer| timer.cancel()); // it was made meanwhile
    }

    fn make(&self, batch: Batch<A, T, E>) {
        let is_wanted = |one: &Producer<T, E>| !one.is_cancelled() && !one.is_left();
        let (wanted, left): (Batch<A, T, E>, Batch<A, T, E>) =
            batch.into_iter().partition(|(_, producer)| is_wanted(producer));
        ThisThread::drop_user(left);
        let (arguments, producers): (Vec<A>, Vec<_>) = wanted.into_iter().unzip();
        let Some(call) = self.call.as_ref().filter(|_| !producers.is_empty()) else { return };
        let made = catch(|| call(arguments));
        let made = made.unwrap_or_else(|panic| Promise::settled(Err(Failure::Panicked(panic))));
        let (made, _) = made.into_parts();
        let told = Promise::new(made, self.executor.clone()).handle(move |outcome| {
            tell(outcome, producers);
            Ok::<(), E>(())
        });
        told.detach();
    }
}

/// Each caller gets its own value, or the failure of all.
fn tell<T, E>(outcome: Outcome<Vec<T>, E>, producers: Vec<Producer<T, E>>)
where
    T: Send + 'static,
    E: Clone + Send + 'static,
{
    let (asked, failure) = (
        producers.len(),
        match outcome {
            Ok(values) if values.len() == producers.len() => {
                let both = producers.into_iter().zip(values);
                return both.for_each(|(producer, value)| producer.settle(Ok(value)));
            }
            Ok(values) => Err(values),
            Err(failure) => Ok(failure),
        },
    );
    let failure = failure.unwrap_or_else(|values| {
        let given = values.len();
        ThisThread::drop_user(values);
        let panic = catch(|| panic!("{asked} arguments were given, and {given} values came"));
        panic.map_or_else(Failure::Panicked, |()| Failure::Abandoned)
    });
    for producer in producers {
        producer.settle(Err(failure.clone()));
    }
}

/// Comes when the window is over.
struct Due<A: Send + 'static, T: Send + 'static, E: Send + 'static> {
    shared: Arc<Shared<A, T, E>>,
    number: u64,
}

impl<A, T, E> Due<A, T, E>
where
    A: Send + 'static,
    T: Send + 'static,
    E: Clone + Send + 'static,
{
    fn come(self) {
        if let Some(batch) = self.shared.find(self.number) {
            self.shared.make(batch);
        }
    }
}

/// The pool has refused it, or the timer: what waits is abandoned.
impl<A: Send + 'static, T: Send + 'static, E: Send + 'static> Drop for Due<A, T, E> {
    fn drop(&mut self) {
        if let Some(batch) = self.shared.find(self.number) {
            ThisThread::drop_user(batch);
        }
    }
}

/// What waits for a time that never comes is abandoned.
impl<A: Send + 'static, T: Send + 'static, E: Send + 'static> Drop for Shared<A, T, E> {
    fn drop(&mut self) {
        let waiting = mem::take(&mut self.lock().batch);
        ThisThread::drop_user((waiting, self.call.take()));
    }
}

impl<A: Send + 'static, T: Send + 'static, E: Send + 'static> Clone for Coalesced<A, T, E> {
    fn clone(&self) -> Self {
        Coalesced { shared: Arc::clone(&self.shared) }
    }
}

impl<A: Send + 'static, T: Send + 'static, E: Send + 'static> fmt::Debug for Coalesced<A, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.lock().batch.len();
        write!(f, "Coalesced({waiting} arguments wait)")
    }
}
