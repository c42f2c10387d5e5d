//! What is done to a limiter while it works: other limits, a pause, an end to what waits; and waiting for its rest.

use std::panic::Location;

use super::Limiter;
use crate::promise::{IntoPromise, Promise};
use crate::timeout::Timeout;

impl Limiter {
    /// As [`run`](Self::run), with a priority: of those that wait, the highest starts first, and of the same, the first.
    ///
    /// `run` has the priority 0; below that are the negative ones. Nothing is made older by waiting: those of a low
    /// priority wait as long as there are others. p-queue's `priority`.
    ///
    /// ```
    /// use asynckit::{Limiter, Pool, Promise};
    ///
    /// let (pool, limiter) = (Pool::new(1), Limiter::new(1));
    /// let (sender, order) = std::sync::mpsc::channel();
    /// limiter.pause();
    /// let all = [("low", -1), ("first", 0), ("second", 0), ("urgent", 9)].map(|(name, priority)| {
    ///     let (pool, sender) = (pool.clone(), sender.clone());
    ///     limiter.run_with_priority(priority, move || pool.run(move || sender.send(name).unwrap()))
    /// });
    /// limiter.resume();
    /// asynckit::join(all).get(None)?;
    /// drop(sender);
    /// assert!(order.iter().eq(["urgent", "first", "second", "low"]));
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn run_with_priority<R, F>(&self, priority: i32, call: F) -> Promise<R::Ok, R::Err>
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + 'static,
        R::Err: Send + 'static,
    {
        self.run_in_lane(priority, call, Location::caller())
    }

    /// From now on no more than `at_once` calls are under way; 0 counts as 1.
    ///
    /// A lower limit ends nothing: none starts until enough of those that are under way have settled.
    pub fn set_limit(&self, at_once: usize) {
        self.gate.change(|queue| queue.set_limit(at_once.max(1)));
    }

    /// Starts no call until [`resume`](Self::resume); those that are under way go on, and new ones wait.
    ///
    /// With its last handle a limiter that is paused abandons what waits, since nothing could resume it.
    pub fn pause(&self) {
        self.gate.change(|queue| queue.set_paused(true));
    }

    /// Goes on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.gate.change(|queue| queue.set_paused(false));
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.gate.is_paused()
    }

    /// Cancels the calls that wait, and says how many there were; those that are under way go on.
    ///
    /// Their promises have failed with [`Failure::Cancelled`](crate::Failure::Cancelled) when this returns.
    pub fn clear(&self) -> usize {
        self.gate.clear()
    }

    /// A promise of the moment in which no call is under way and none waits; at once, if that is so now.
    ///
    /// While it is [paused](Self::pause) with calls that wait, that is not so. If the limiter's pool is shut down, what
    /// waits is abandoned, so it comes then.
    ///
    /// ```
    /// use asynckit::{Limiter, Pool};
    ///
    /// let (pool, limiter) = (Pool::new(2), Limiter::new(1));
    /// for n in 0..10 {
    ///     let pool = pool.clone();
    ///     limiter.run(move || pool.run(move || println!("{n}"))).detach();
    /// }
    /// limiter.idle().get(None)?; // all are printed
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn idle(&self) -> Promise<()> {
        Promise::new(self.gate.idle(Location::caller()), self.gate.pool().executor())
    }

    /// Waits until no call is under way and none waits. `false`: the time is over.
    ///
    /// As for threads and timeouts, see [`Promise::get`].
    #[track_caller]
    pub fn wait_idle(&self, timeout: impl Into<Timeout>) -> bool {
        self.idle().wait(timeout)
    }
}
