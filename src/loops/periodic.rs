//! Now and then: `repeat_every`, `repeat_after`.

use std::marker::PhantomData;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::cell::{Consumer, ExecutorHandle};
use crate::clock;
use crate::failure::{Failure, catch, drop_quietly};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use crate::relay::CancelOnDrop;

/// What a run of periodic work is told; see [`Pool::repeat_every`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tick {
    /// Which run it is, counted from 1.
    pub number: u64,
    /// How many runs were left out since the one before, because that took too long, or the pool was busy. Always 0 with
    /// fixed pauses.
    pub missed: u64,
}

impl Pool {
    /// Calls `f` at a fixed rate, until what this returns is dropped.
    ///
    /// It is called on this pool, the first time after one `period`, as with JavaScript's `setInterval`, and returns a
    /// promise, or a `Result`; the next run is not before that has settled. A run that takes longer than the period leaves
    /// out those that it has made late: the times stay those of the first one and whole periods, and
    /// [`Tick::missed`] tells how many there were. Between the runs it costs no thread.
    ///
    /// Dropping the result stops it: nothing more is begun, and the promise of a run that is under way is cancelled (see
    /// [`Promise::cancel`]). It is a promise, too, for [`cancel_by`](Promise::cancel_by) and the like behind
    /// [`into_inner`](CancelOnDrop::into_inner): that of the first failure, which ends it. It never has a value. The pool is not kept: where it
    /// is dropped, `f` goes on on [`Pool::global`], as all callbacks do. A period of zero counts as a microsecond.
    ///
    /// # Errors
    /// The first failure, or a panic of `f`; [`Failure::Abandoned`] when the pool was shut down.
    ///
    /// ```
    /// use asynckit::{AnyError, Pool};
    /// use std::{sync::mpsc::channel, time::Duration};
    ///
    /// let (pool, (sender, receiver)) = (Pool::new(1), channel());
    /// let ticking = pool.repeat_every(Duration::from_millis(1), move |tick| {
    ///     sender.send(tick.number)?;
    ///     Ok::<(), AnyError>(())
    /// });
    /// assert!(receiver.iter().take(3).eq([1, 2, 3]));
    /// drop(ticking); // and it stops
    /// ```
    #[track_caller]
    pub fn repeat_every<R, F>(&self, period: Duration, f: F) -> CancelOnDrop<(), R::Err>
    where
        F: FnMut(Tick) -> R + Send + 'static,
        R: IntoPromise<Ok = ()> + 'static,
        R::Err: Send + 'static,
    {
        self.repeat(period, true, f, Location::caller())
    }

    /// As [`repeat_every`](Self::repeat_every), with a fixed pause between the end of a run and the next one.
    #[track_caller]
    pub fn repeat_after<R, F>(&self, pause: Duration, f: F) -> CancelOnDrop<(), R::Err>
    where
        F: FnMut(Tick) -> R + Send + 'static,
        R: IntoPromise<Ok = ()> + 'static,
        R::Err: Send + 'static,
    {
        self.repeat(pause, false, f, Location::caller())
    }

    fn repeat<R, F>(
        &self,
        period: Duration,
        at_rate: bool,
        f: F,
        location: &'static Location<'static>,
    ) -> CancelOnDrop<(), R::Err>
    where
        F: FnMut(Tick) -> R + Send + 'static,
        R: IntoPromise<Ok = ()> + 'static,
        R::Err: Send + 'static,
    {
        let period = period.max(SHORTEST);
        let times = Times { period, at_rate, due: clock::now().checked_add(period) };
        let executor = self.core().executor();
        let ticking = Ticking { f, times, number: 0, executor, location, types: PhantomData };
        Box::new(ticking).wait().cancel_on_drop()
    }
}

const SHORTEST: Duration = Duration::from_micros(1);

/// When the runs are due.
struct Times {
    period: Duration,
    at_rate: bool,
    /// `None`: never.
    due: Option<Instant>,
}

impl Times {
    /// How long it is until the next run.
    fn pause(&self, now: Instant) -> Duration {
        self.due.map_or(Duration::MAX, |due| due.saturating_duration_since(now))
    }

    /// A run begins. Gives how many others should have begun by now.
    fn begin(&mut self, now: Instant) -> u64 {
        let Some(due) = self.due.filter(|_| self.at_rate) else { return 0 };
        let late = now.saturating_duration_since(due);
        if late < self.period {
            self.due = due.checked_add(self.period);
            return 0;
        }
        let (late, period) = (late.as_nanos(), self.period.as_nanos());
        let into = Duration::from_nanos(u64::try_from(late % period).unwrap_or(0));
        self.due = now.checked_add(self.period.saturating_sub(into));
        u64::try_from(late / period).unwrap_or(u64::MAX)
    }

    /// A run is through.
    fn end(&mut self, now: Instant) {
        if !self.at_rate {
            self.due = now.checked_add(self.period);
        }
    }
}

/// What goes from run to run.
struct Ticking<F, R> {
    f: F,
    times: Times,
    /// That of the last run.
    number: u64,
    executor: ExecutorHandle,
    location: &'static Location<'static>,
    types: PhantomData<fn() -> R>,
}

impl<F, R> Ticking<F, R>
where
    F: FnMut(Tick) -> R + Send + 'static,
    R: IntoPromise<Ok = ()> + 'static,
    R::Err: Send + 'static,
{
    fn wait(self: Box<Self>) -> Promise<(), R::Err> {
        let pause = Promise::delay(self.times.pause(clock::now())).into_parts().0;
        let location = self.location;
        Promise::new(pause, self.executor.clone()).then_at(location, move |()| self.run())
    }

    fn run(mut self: Box<Self>) -> Promise<(), R::Err> {
        self.number += 1;
        let tick = Tick { number: self.number, missed: self.times.begin(clock::now()) };
        match catch(|| (self.f)(tick).into_promise()) {
            Ok(promise) => {
                let (done, location) = (promise.into_parts().0, self.location);
                Promise::new(done, self.executor.clone()).then_at(location, move |()| {
                    self.times.end(clock::now());
                    self.wait()
                })
            }
            Err(panic) => {
                let (location, executor) = (self.location, self.executor.clone());
                drop_quietly(self);
                let consumer = Consumer::settled(Err(Failure::Panicked(panic)), location);
                Promise::new(consumer, executor)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn at_a_fixed_rate_times_stay_on_the_grid_and_missed_ones_are_counted() {
        let start = sync::now();
        let mut times = Times { period: ms(10), at_rate: true, due: Some(start + ms(10)) };
        assert_eq!(times.begin(start + ms(10)), 0);
        assert_eq!(times.begin(start + ms(29)), 0, "late, but in its own period");
        assert_eq!(times.pause(start + ms(29)), ms(1));
        assert_eq!(times.begin(start + ms(65)), 3, "those of 40, 50 and 60");
        times.end(start + ms(66));
        assert_eq!(times.due, Some(start + ms(70)));
        assert_eq!(times.pause(start + ms(80)), Duration::ZERO);
    }

    #[test]
    fn with_a_fixed_pause_it_counts_from_the_end() {
        let start = sync::now();
        let mut times = Times { period: ms(10), at_rate: false, due: Some(start + ms(10)) };
        assert_eq!(times.begin(start + ms(90)), 0);
        times.end(start + ms(95));
        assert_eq!(times.pause(start + ms(95)), ms(10));
        let mut never = Times { period: Duration::MAX, at_rate: false, due: None };
        never.end(start);
        assert_eq!((never.begin(start), never.pause(start)), (0, Duration::MAX));
    }
}
