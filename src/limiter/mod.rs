//! So many calls at once, so many in a second: what clients of other people's servers need.
//!
//! | file | idea |
//! | --- | --- |
//! | `queue` | who may start, and when |
//! | `permit` | the right to be under way, and what waits for one |
//! | `steer` | other limits, a pause, an end to what waits |

mod permit;
mod queue;
mod steer;

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

use permit::{Gate, Handles, Permit, Turn};
use queue::Rate;

use crate::cell::{Consumer, ExecutorHandle, Next, Step};
use crate::failure::{Failure, Outcome, catch};
use crate::pass::{Pass, Passing};
use crate::pool::{Host, Pool};
use crate::promise::{IntoPromise, Promise};
use crate::sync::Arc;

/// Lets no more than so many calls be under way at once, or start in an interval, or both.
///
/// It wraps anything that returns a promise. A call that has to wait costs no thread; those that wait
/// start in the order in which they came. A call is under way until its promise has settled, with
/// whatever outcome; where it was cancelled while a closure of it ran, until that has returned.
///
/// Clones are handles on the same limiter. Share one among all that talks to the same server.
///
/// ```
/// use asynckit::{AsyncList, Limiter, Pool};
/// use std::time::Duration;
///
/// let pool = Pool::new(8);
/// // No more than 3 at once, and no more than 50 in any second.
/// let limiter = Limiter::new(3).per(50, Duration::from_secs(1)).on(&pool);
/// let mut answers: AsyncList<_> = (0..10)
///     .map(|n| {
///         let pool = pool.clone();
///         limiter.run(move || pool.run(move || n * n))
///     })
///     .collect();
/// assert_eq!(answers.get(None)?.len(), 10);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone)]
pub struct Limiter {
    rate: Option<(usize, Duration)>,
    gate: Arc<Handles>,
}

impl Limiter {
    /// No more than `at_once` calls are under way at a time. 0 counts as 1.
    pub fn new(at_once: usize) -> Self {
        Limiter::with(at_once.max(1), None, Pool::global().core().host())
    }

    /// No more than `starts` calls start in any `interval`, wherever one lets it begin; any number
    /// may be under way.
    ///
    /// The first `starts` may start at once, one after the other. 0 counts as 1.
    ///
    /// It holds as the calls themselves see it: an interval counts from the moment when `call` has
    /// returned its promise, for nobody can tell when in between it has begun. A `call` that does its work
    /// before it returns makes room that much later; let it spawn that.
    pub fn rate(starts: usize, interval: Duration) -> Self {
        Limiter::new(usize::MAX).per(starts, interval)
    }

    /// A new limiter that has this limit of starts as well; see [`rate`](Self::rate).
    #[must_use]
    pub fn per(self, starts: usize, interval: Duration) -> Self {
        Limiter::with(self.gate.limit(), Some((starts.max(1), interval)), self.gate.pool())
    }

    /// A new limiter with the same limits, that works on this pool instead of [`Pool::global`]: calls
    /// that had to wait start there, and callbacks of its promises run there.
    ///
    /// It does not keep the pool alive. What waits when that is [shut down](Pool::shutdown) fails with
    /// [`Failure::Abandoned`] inside that call, and so does what would have to wait later.
    #[must_use]
    pub fn on(self, pool: &Pool) -> Self {
        Limiter::with(self.gate.limit(), self.rate, pool.core().host())
    }

    fn with(at_once: usize, rate: Option<(usize, Duration)>, pool: Host) -> Self {
        let tokens = rate.map(|(starts, interval)| Rate::new(starts, interval));
        Limiter { rate, gate: Arc::new(Handles(Gate::new(at_once, tokens, pool))) }
    }

    /// Makes `call` when its turn has come, and hands back a promise of its outcome at once.
    ///
    /// If it need not wait, `call` is made inside of this call; else on the limiter's pool. A panic of
    /// it is the outcome. Cancelling the promise takes a call that waits out of the queue, and drops
    /// it; one that is under way is cancelled.
    ///
    /// Do not wait inside of `call` for other calls of the same limiter: they may be waiting for this
    /// one to end.
    #[track_caller]
    pub fn run<R, F>(&self, call: F) -> Promise<R::Ok, R::Err>
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + 'static,
        R::Err: Send + 'static,
    {
        self.run_in_lane(0, call, Location::caller())
    }

    fn run_in_lane<R, F>(
        &self,
        priority: i32,
        call: F,
        location: &'static Location<'static>,
    ) -> Promise<R::Ok, R::Err>
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoPromise + 'static,
        R::Ok: Send + 'static,
        R::Err: Send + 'static,
    {
        let executor = self.gate.pool().executor();
        match self.gate.enter::<R::Err>(priority, location) {
            Turn::Now(permit) => begin::<_, _, true>(permit, call, executor, location),
            Turn::Later(turn) => {
                let call = Call { call, executor: executor.clone(), location, types: PhantomData };
                Promise::new(turn, executor).link(call, None, location)
            }
        }
    }

    /// How many calls are under way.
    pub fn under_way(&self) -> usize {
        self.gate.counts().0
    }

    /// How many calls wait.
    pub fn waiting(&self) -> usize {
        self.gate.counts().1
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (under_way, waiting) = self.gate.counts();
        write!(f, "Limiter({under_way} under way, {waiting} waiting)")
    }
}

/// Makes the call, which keeps its permit until it has settled.
fn begin<R, F, const IN_WAY: bool>(
    mut permit: Permit,
    call: F,
    executor: ExecutorHandle,
    location: &'static Location<'static>,
) -> Promise<R::Ok, R::Err>
where
    F: FnOnce() -> R,
    R: IntoPromise,
    R::Ok: Send + 'static,
    R::Err: Send + 'static,
{
    let made = catch(|| call().into_promise());
    // Only now: this thread may have lost its core before the call began.
    permit.start();
    match made {
        Ok(promise) => {
            let (consumer, _) = promise.into_parts();
            let link = Passing(UnderWay::<IN_WAY>(permit));
            Promise::new(consumer, executor).link(link, None, location)
        }
        Err(panic) => {
            drop(permit);
            let outcome = Err(Failure::Panicked(panic));
            Promise::new(Consumer::settled(outcome, location), executor)
        }
    }
}

/// Makes the call when the permit has come.
struct Call<F, R> {
    call: F,
    executor: ExecutorHandle,
    location: &'static Location<'static>,
    types: PhantomData<fn() -> R>,
}

impl<E, F, R> Step<Permit, E> for Call<F, R>
where
    F: FnOnce() -> R + Send + 'static,
    R: IntoPromise<Err = E> + 'static,
    R::Ok: Send + 'static,
    E: Send + 'static,
{
    type Ok = R::Ok;
    type Err = E;
    type Wanted = Permit;
    const KIND: &'static str = "limiter";
    const NEEDS_EXECUTOR: bool = true;

    fn wants(outcome: &Outcome<Permit, E>) -> bool {
        outcome.is_ok()
    }

    fn sort(outcome: Outcome<Permit, E>) -> Result<Permit, Outcome<R::Ok, E>> {
        outcome.map_err(Err)
    }

    fn run(self, permit: Permit) -> Next<R::Ok, E> {
        // This link is in the way of a failure; so is not the one that `begin` makes.
        let promise = begin::<_, _, false>(permit, self.call, self.executor, self.location);
        Next::Follow(promise.into_parts().0)
    }
}

/// Keeps the permit until the outcome has passed.
struct UnderWay<const IN_WAY: bool>(Permit);

impl<const IN_WAY: bool> Pass for UnderWay<IN_WAY> {
    const KIND: &'static str = "limiter";
    const IN_WAY: bool = IN_WAY;

    fn passed(self, _: bool) {
        drop(self.0);
    }
}
