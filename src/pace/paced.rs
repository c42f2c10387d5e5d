//! Of the calls of a while one is made: `debounce`, `throttle`.

use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use super::after;
use super::period::{Edges, Ended, Periods, Waiting};
use crate::cell::{ExecutorHandle, Origin, Producer, ThisThread};
use crate::clock;
use crate::failure::{AnyError, Failure};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use crate::sync::{Arc, Mutex, MutexGuard};
use crate::value::AsyncValue;

/// A function of whose calls only some are made; by [`Pool::debounce`] and [`Pool::throttle`].
///
/// Clones are handles on the same. What waits to be made is made also when they are gone.
pub struct Paced<A: Send + 'static, T: 'static, E: 'static = AnyError> {
    shared: Arc<Shared<A, T, E>>,
}

struct Shared<A: Send + 'static, T: 'static, E: 'static> {
    /// Taken at the end.
    call: Option<Function<A, T, E>>,
    executor: ExecutorHandle,
    wait: Duration,
    /// Each call begins the time anew.
    quiet: bool,
    location: &'static Location<'static>,
    periods: Mutex<Periods<A, T, E>>,
}

type Function<A, T, E> = Box<dyn Fn(A) -> Promise<T, E> + Send + Sync>;

struct Call;

impl Origin for Call {
    const KIND: &'static str = "paced";
}

impl Pool {
    /// A function that is called when it was quiet for a while: of the calls before that, the last one is made.
    ///
    /// As lodash's `debounce`: for what a user types, for files that change, for windows that are resized. All calls of such
    /// a burst get the same [`AsyncValue`], that of the call which is made; [`Paced::edges`] has the first one made, or both.
    /// `f` is called on this pool, and returns a `Result` or a promise; where it takes longer than the quiet, calls overlap (a [`Serial`](crate::Serial) or a
    /// [`Limiter`](crate::Limiter) in `f` holds them apart). A quiet of zero lasts until a worker is free.
    ///
    /// Between the calls it costs no thread. The pool is not kept; when it is shut down, what waits fails with
    /// [`Failure::Abandoned`].
    ///
    /// ```
    /// use asynckit::{AnyError, Pool};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(1);
    /// let search = pool.debounce(Duration::from_millis(20), |text: &str| Ok::<_, AnyError>(text.to_uppercase()));
    /// search.call("h");
    /// search.call("he");
    /// let found = search.call("hello");
    /// assert_eq!(found.get(None)?, "HELLO"); // one call
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn debounce<A, R, F>(&self, quiet: Duration, f: F) -> Paced<A, R::Ok, R::Err>
    where
        A: Send + 'static,
        F: Fn(A) -> R + Send + Sync + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + Sync + 'static,
        R::Err: Clone + Send + Sync + 'static,
    {
        self.paced(quiet, true, f, Location::caller())
    }

    /// A function that is called no more than once in an interval: at once, and at the end of the interval with the last
    /// argument that has come in it.
    ///
    /// As lodash's `throttle`: for progress that is shown, a position that is sent. Calls in an interval get the
    /// [`AsyncValue`] of the one that is made at its end; with [`Paced::edges`] none is, and they get that of the one at its
    /// begin. The times are those at which `f` is queued on this pool. To make all calls, but not too many at once, there is
    /// [`Limiter::rate`](crate::Limiter::rate). Otherwise as [`debounce`](Self::debounce).
    ///
    /// ```
    /// use asynckit::{AnyError, Pool};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(1);
    /// let show = pool.throttle(Duration::from_millis(20), |percent: u32| Ok::<_, AnyError>(percent));
    /// let shown: Vec<_> = (0..=100).map(|percent| show.call(percent)).collect();
    /// assert_eq!(shown[0].get(None)?, &0);
    /// assert_eq!(shown[100].get(None)?, &100);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn throttle<A, R, F>(&self, interval: Duration, f: F) -> Paced<A, R::Ok, R::Err>
    where
        A: Send + 'static,
        F: Fn(A) -> R + Send + Sync + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + Sync + 'static,
        R::Err: Clone + Send + Sync + 'static,
    {
        self.paced(interval, false, f, Location::caller()).edges(true, true)
    }

    fn paced<A, R, F>(
        &self,
        wait: Duration,
        quiet: bool,
        f: F,
        location: &'static Location<'static>,
    ) -> Paced<A, R::Ok, R::Err>
    where
        A: Send + 'static,
        F: Fn(A) -> R + Send + Sync + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + Sync + 'static,
        R::Err: Clone + Send + Sync + 'static,
    {
        let call: Function<_, _, _> = Box::new(move |argument| f(argument).into_promise());
        let call = Some(call);
        let (executor, periods) = (self.core().executor(), Mutex::new(Periods::new()));
        Paced { shared: Arc::new(Shared { call, executor, wait, quiet, location, periods }) }
    }
}

impl<A, T, E> Paced<A, T, E>
where
    A: Send + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Which calls are made: the one that comes first, at once; the last one, when the time is over; or both.
    ///
    /// A single call is made once in any case. With neither, it is as if nothing was said of the last one.
    ///
    /// ```
    /// use asynckit::{AnyError, Pool};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(1);
    /// let save = pool
    ///     .debounce(Duration::from_secs(60), |name: &'static str| Ok::<_, AnyError>(name))
    ///     .edges(true, false);
    /// assert_eq!(save.call("first").get(None)?, &"first"); // no need to wait for a minute
    /// assert_eq!(save.call("second").get(None)?, &"first");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[must_use]
    pub fn edges(self, leading: bool, trailing: bool) -> Self {
        self.shared.lock().edges = Edges { leading, trailing: trailing || !leading };
        self
    }

    /// Calls it with this argument, unless another call is made in its place; gives the value of the one that is made.
    ///
    /// Never makes the call inside of this. An argument in whose place another one is taken is dropped. Cancelling the value
    /// takes nothing back: [`cancel`](Self::cancel) does.
    ///
    /// # Errors
    /// Those of the call; a panic of it is one.
    pub fn call(&self, argument: A) -> AsyncValue<T, E> {
        let shared = &self.shared;
        let due = clock::now().checked_add(shared.wait);
        let mut periods = shared.lock();
        let edges = periods.edges;
        let Some(period) = &mut periods.now else {
            let waiting = shared.waiting(argument);
            let value = waiting.value.clone();
            let period = periods.begin(due);
            let number = period.number;
            let first = if edges.leading {
                period.made = Some(value.clone());
                Some(waiting)
            } else {
                period.next = Some(waiting);
                None
            };
            drop(periods);
            shared.arm(number, shared.wait);
            first.into_iter().for_each(|first| shared.make(first));
            return value;
        };
        if shared.quiet {
            period.due = due;
        }
        let (value, left_out) = match (&mut period.next, &period.made) {
            (Some(next), _) => {
                (next.value.clone(), std::mem::replace(&mut next.argument, argument))
            }
            (None, Some(made)) if !edges.trailing => (made.clone(), argument),
            (next, _) => return next.insert(shared.waiting(argument)).value.clone(),
        };
        drop(periods);
        ThisThread::drop_user(left_out);
        value
    }

    /// Makes the call that waits now, if one does.
    ///
    /// ```
    /// use asynckit::{AnyError, Pool};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(1);
    /// let save = pool.debounce(Duration::from_secs(60), |text: &'static str| Ok::<_, AnyError>(text.len()));
    /// let saved = save.call("text");
    /// save.flush(); // the program is about to end
    /// assert_eq!(saved.get(None)?, &4);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    pub fn flush(&self) {
        let mut periods = self.shared.lock();
        if periods.now.as_ref().is_some_and(|period| period.next.is_some()) {
            let timer = periods.now.as_mut().and_then(|period| period.timer.take());
            let ended = periods.make(self.shared.spaced());
            self.shared.ended(ended, periods);
            timer.into_iter().for_each(|timer| timer.cancel());
        }
    }

    /// Drops the call that waits, if one does: its value fails with [`Failure::Cancelled`]. The next call is the first of a
    /// new while. A call that is made goes on.
    pub fn cancel(&self) {
        let period = self.shared.lock().now.take();
        let Some(period) = period else { return };
        period.timer.into_iter().for_each(|timer| timer.cancel());
        if let Some(Waiting { argument, producer, value }) = period.next {
            ThisThread::drop_user(argument);
            producer.settle(Err(Failure::Cancelled));
            ThisThread::drop_user(value);
        }
        ThisThread::drop_user(period.made);
    }
}

impl<A: Send + 'static, T: 'static, E: 'static> Shared<A, T, E> {
    /// No user code runs under this lock, nor is dropped.
    fn lock(&self) -> MutexGuard<'_, Periods<A, T, E>> {
        self.periods.lock()
    }

    /// After a call that is made, the next one has to wait until then.
    fn spaced(&self) -> Option<Option<Instant>> {
        (!self.quiet).then(|| clock::now().checked_add(self.wait))
    }
}

impl<A, T, E> Shared<A, T, E>
where
    A: Send + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn waiting(&self, argument: A) -> Waiting<A, T, E> {
        let (producer, consumer) = Producer::pair::<Call>(self.location);
        let value = Promise::new(consumer, self.executor.clone()).share_at(self.location);
        Waiting { argument, producer, value }
    }

    /// Makes the call, on the pool.
    fn make(self: &Arc<Self>, waiting: Waiting<A, T, E>) {
        let Waiting { argument, producer, value } = waiting;
        let shared = Arc::clone(self);
        let (ready, _) = Promise::<(), E>::ready(()).into_parts();
        let ready = Promise::new(ready, self.executor.clone());
        let made = ready.then_at(self.location, move |()| match &shared.call {
            Some(call) => call(argument),
            None => Promise::settled(Err(Failure::Abandoned)),
        });
        producer.follow(made.into_parts().0);
        ThisThread::drop_user(value);
    }

    /// Looks at the period again in a while.
    fn arm(self: &Arc<Self>, number: u64, left: Duration) {
        if clock::now().checked_add(left).is_none() {
            return; // never
        }
        let end = End { shared: Arc::clone(self), number };
        let timer = after(left, self.executor.clone(), move || end.come());
        let mut periods = self.lock();
        let Some(period) = periods.find(number) else {
            drop(periods);
            return timer.cancel(); // it is over
        };
        let before = period.timer.replace(timer);
        drop(periods);
        drop(before);
    }

    fn ended(
        self: &Arc<Self>,
        ended: Ended<A, T, E>,
        mut periods: MutexGuard<'_, Periods<A, T, E>>,
    ) {
        let next = periods.now.as_mut().map(|period| (period.number, self.wait));
        drop(periods);
        match ended {
            Ended::No => {}
            Ended::Later(left) => {
                next.into_iter().for_each(|(number, _)| self.arm(number, left));
            }
            Ended::Make(waiting, before) => {
                next.into_iter().for_each(|(number, wait)| self.arm(number, wait));
                self.make(waiting);
                ThisThread::drop_user(before);
            }
            Ended::Over(period) => ThisThread::drop_user(period),
        }
    }
}

/// What waits for a time that never comes is abandoned.
impl<A: Send + 'static, T: 'static, E: 'static> Drop for Shared<A, T, E> {
    fn drop(&mut self) {
        let period = self.lock().now.take();
        ThisThread::drop_user((period, self.call.take()));
    }
}

/// Comes when the time of a period is over.
struct End<A, T, E>
where
    A: Send + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    shared: Arc<Shared<A, T, E>>,
    number: u64,
}

impl<A, T, E> End<A, T, E>
where
    A: Send + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn come(mut self) {
        let spaced = self.shared.spaced();
        let mut periods = self.shared.lock();
        let ended = periods.end(self.number, clock::now(), spaced);
        self.shared.ended(ended, periods);
        self.number = 0; // no period's
    }
}

/// The pool has refused it, or the timer: what waits is abandoned.
impl<A, T, E> Drop for End<A, T, E>
where
    A: Send + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        let mut periods = self.shared.lock();
        if periods.find(self.number).is_some() {
            let period = periods.now.take();
            drop(periods);
            ThisThread::drop_user(period);
        }
    }
}

impl<A: Send + 'static, T: 'static, E: 'static> Clone for Paced<A, T, E> {
    fn clone(&self) -> Self {
        Paced { shared: Arc::clone(&self.shared) }
    }
}

impl<A: Send + 'static, T: 'static, E: 'static> fmt::Debug for Paced<A, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let periods = self.shared.lock();
        let waits = periods.now.as_ref().is_some_and(|period| period.next.is_some());
        drop(periods);
        f.write_str(if waits { "Paced(a call waits)" } else { "Paced(no call waits)" })
    }
}
