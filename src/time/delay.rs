//! Values that come later: `delay` and `delay_value`.

use std::panic::Location;
use std::time::Duration;

use super::timer;
use crate::cell::{Collector, Items, Origin, Producer};
use crate::clock::{self, Alarm, Clock};
use crate::failure::Outcome;
use crate::pool::Pool;
use crate::promise::Promise;
use crate::relay::relay;

struct Delay;

impl Origin for Delay {
    const KIND: &'static str = "delay";
}

struct DelayValue;

impl Origin for DelayValue {
    const KIND: &'static str = "delay_value";
}

/// A promise of nothing that is set when `duration` is over.
///
/// It costs no thread. Zero is set at once, [`Duration::MAX`] never. Cancelling it removes the timer;
/// callbacks run on [`Pool::global`], never on the timer's thread. [`Promise::delay`] is the same
/// for other types of errors.
///
/// # Errors
/// The promise fails with [`Failure::Abandoned`](crate::Failure::Abandoned) if the system has no
/// thread for the timer.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// asynckit::delay(Duration::from_millis(20)).get(None)?;
/// assert!(start.elapsed() >= Duration::from_millis(20));
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn delay(duration: Duration) -> Promise<()> {
    Promise::delay(duration)
}

impl<E: Send + 'static> Promise<(), E> {
    /// A promise of nothing that is set when `duration` is over; see [`delay`].
    ///
    /// ```
    /// use asynckit::Promise;
    /// use std::{io, time::Duration};
    ///
    /// let mut late = Promise::<(), io::Error>::delay(Duration::from_millis(1)).map(|()| "late");
    /// assert_eq!(late.get(None)?, "late");
    /// # Ok::<(), asynckit::Failure<io::Error>>(())
    /// ```
    #[track_caller]
    pub fn delay(duration: Duration) -> Self {
        if duration.is_zero() {
            return Promise::ready(());
        }
        let (producer, consumer) = Producer::pair::<Delay>(Location::caller());
        hold(producer, (), Clock::current(), duration);
        Promise::new(consumer, Pool::global().core().executor())
    }
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Holds the value back for `duration` from the moment when it is there.
    ///
    /// A failure is not held back: it passes on at once, as with bluebird's `delay`. Cancelling drops
    /// the value and removes the timer.
    ///
    /// ```
    /// use asynckit::Promise;
    /// use std::time::{Duration, Instant};
    ///
    /// let start = Instant::now();
    /// let mut late = Promise::<_>::ready(7).delay_value(Duration::from_millis(20));
    /// assert_eq!(late.get(None)?, 7);
    /// assert!(start.elapsed() >= Duration::from_millis(20));
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn delay_value(self, duration: Duration) -> Self {
        if duration.is_zero() {
            return self;
        }
        let clock = Clock::current();
        let hold_back = |producer, _: &_| HoldBack { producer: Some(producer), clock, duration };
        relay::<DelayValue, _, _, _>(self, Location::caller(), hold_back).0
    }
}

/// Settles the promise with the value when the time is over, unless it is cancelled before.
fn hold<T, E>(mut producer: Producer<T, E>, value: T, clock: Clock, duration: Duration)
where
    T: Send + 'static,
    E: Send + 'static,
{
    let key = clock::key(clock, clock.after(duration));
    producer.on_cancel(Box::new(move || timer::remove(key)));
    timer::add(key, Box::new(Held { producer, value }));
}

struct Held<T, E> {
    producer: Producer<T, E>,
    value: T,
}

impl<T: Send + 'static, E: Send + 'static> Alarm for Held<T, E> {
    /// A cancellation marks the promise first and then removes the alarm: under the timer's lock
    /// either the mark is seen, or the alarm is there to be removed. One that was dropped is found later.
    fn is_unwanted(&self) -> bool {
        self.producer.is_cancelled() || self.producer.is_left()
    }

    fn ring(self: Box<Self>) {
        self.producer.settle(Ok(self.value));
    }
}

/// Holds the value back, and lets a failure pass.
struct HoldBack<T, E> {
    producer: Option<Producer<T, E>>,
    /// That of the thread that has asked for it.
    clock: Clock,
    duration: Duration,
}

impl<T: Send + 'static, E: Send + 'static> Collector<T, E> for HoldBack<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        let Some(producer) = self.producer.take() else { return items.discard(index) };
        let Some((outcome, trace)) = items.take_with_trace(index) else { return };
        match outcome {
            Outcome::Ok(value) => hold(producer, value, self.clock, self.duration),
            failed => producer.settle_after(failed, trace),
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.producer = None;
        items.cancel_pending();
    }
}
