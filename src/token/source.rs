//! The handle that cancels.

use std::fmt;
use std::time::Duration;

use super::CancelToken;
use super::shared::Shared;
use crate::clock::{self, Alarm};
use crate::failure::CancelReason;
use crate::sync::{Arc, Weak};
use crate::time::Guard;

/// Cancels all that its tokens were given to; clones are handles on the same source.
///
/// Make one for what belongs together (a request, a window, the program), and hand its [`token`](Self::token) to all that
/// is begun for it. Dropping it cancels nothing.
///
/// | what is begun | how it is reached |
/// | --- | --- |
/// | any promise: of a spawn, a `retry`, a loop, a list's `join`, a limiter's `run` | [`Promise::cancel_by`](crate::Promise::cancel_by) |
/// | work that runs, also in a scope | a clone of the token in its closure: [`check`](CancelToken::check), [`is_cancelled`](CancelToken::is_cancelled) |
/// | work that blocks in something foreign | [`on_cancel`](CancelToken::on_cancel), which ends that |
/// | a wait | `get` of what [`cancel_by`](crate::Promise::cancel_by) has given; behind [`shield`](crate::Promise::shield) the work goes on |
/// | a pause | [`wait`](CancelToken::wait), with a timeout |
/// | inputs of [`map_concurrent`](crate::map_concurrent()) | `take_while(move \|_\| !token.is_cancelled())` |
///
/// ```
/// use asynckit::{AsyncList, CancelSource, Pool};
/// use std::time::Duration;
///
/// let (pool, source) = (Pool::new(0), CancelSource::new());
/// let pages: AsyncList<_> = (0..3).map(|n| pool.run(move || n)).collect();
/// let mut pages = pages.join().cancel_by(&source.token());
/// source.cancel_after(Duration::from_millis(5));
/// let failure = pages.get(None).unwrap_err();
/// assert_eq!(failure.to_string(), "the promise was cancelled: its time is over");
/// ```
#[derive(Clone)]
pub struct CancelSource {
    token: CancelToken,
}

impl CancelSource {
    /// A source of which nothing was cancelled.
    #[must_use]
    pub fn new() -> Self {
        CancelSource::of(CancelToken::new())
    }

    pub(super) fn of(token: CancelToken) -> Self {
        CancelSource { token }
    }

    /// The token, to be given along.
    #[must_use]
    pub fn token(&self) -> CancelToken {
        self.token.clone()
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Cancels all that has its tokens; once is for ever.
    ///
    /// Promises have failed with [`Failure::Cancelled`](crate::Failure::Cancelled), and what they wait for was cancelled,
    /// when this returns. Handlers run inside this call, with no lock held; deep inside of other handlers they
    /// are put off until those are through. If another thread cancels it at the same time, all that holds when both have returned.
    pub fn cancel(&self) {
        self.token.shared.cancel(None);
    }

    /// As [`cancel`](Self::cancel), and tells why: promises fail with
    /// [`Failure::CancelledFor`](crate::Failure::CancelledFor), which shows the reason.
    ///
    /// ```
    /// use asynckit::{CancelSource, Promise};
    ///
    /// let (_deferred, answer) = Promise::<u32>::deferred();
    /// let source = CancelSource::new();
    /// let mut answer = answer.cancel_by(&source.token());
    /// source.cancel_for(format!("no answer for request {}", 17));
    /// let failure = answer.get(None).unwrap_err();
    /// assert_eq!(failure.to_string(), "the promise was cancelled: no answer for request 17");
    /// ```
    pub fn cancel_for(&self, reason: impl Into<CancelReason>) {
        self.token.shared.cancel(Some(reason.into()));
    }

    /// Cancels it when `duration` is over, also if the source was dropped by then, as long as a token is there.
    ///
    /// The reason is "its time is over". A later call replaces an earlier one; zero is over at once, [`Duration::MAX`]
    /// never. It costs no thread. If the system has no thread for the timer, it is cancelled at once.
    pub fn cancel_after(&self, duration: Duration) {
        let shared = &self.token.shared;
        if duration.is_zero() {
            return shared.cancel(Some(CancelReason::from(TIME_IS_OVER)));
        }
        let at = clock::now().checked_add(duration);
        let alarm = || Box::new(TimeIsOver(Arc::downgrade(shared)));
        shared.set_timer(at.map(|at| Guard::new(at, alarm())));
    }
}

const TIME_IS_OVER: &str = "its time is over";

struct TimeIsOver(Weak<Shared>);

impl Alarm for TimeIsOver {
    fn ring(self: Box<Self>) {
        if let Some(shared) = self.0.upgrade() {
            shared.cancel(Some(CancelReason::from(TIME_IS_OVER)));
        }
    }

    fn refuse(self: Box<Self>) {
        if let Some(shared) = self.0.upgrade() {
            shared.cancel(Some(CancelReason::from("the system has no thread for its timer")));
        }
    }
}

impl Default for CancelSource {
    fn default() -> Self {
        CancelSource::new()
    }
}

impl fmt::Debug for CancelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelSource").field(&self.token).finish()
    }
}
