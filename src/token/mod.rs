//! Cancelling what belongs together: a source, its tokens, and what they reach.
//!
//! | file | idea |
//! | --- | --- |
//! | `shared` | what the handles of one token have in common: handlers by number, and the tokens above |
//! | `run` | handlers are run, however deep they nest |
//! | `source` | the handle that cancels |
//! | `by` | promises that a token cancels |
//! | `spawn` | work that is told when its promise is cancelled |

mod by;
mod run;
mod shared;
mod source;
mod spawn;

use std::fmt;

pub use source::CancelSource;

use crate::failure::{AnyError, CancelReason, Failure, Outcome, drop_quietly};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::Arc;
use crate::timeout::Timeout;
use run::Handler;
use shared::{Refused, Shared};

/// Tells work that it is not wanted any more.
///
/// A [`CancelSource`] cancels its tokens; [`Promise::cancel_by`] has a token cancel a promise.
/// [`Pool::spawn_cancellable`] gives one to its work, which its promise cancels. Clones are handles on the same token.
/// It goes along to wherever it is needed, as .NET's `CancellationToken`, the `AbortSignal` of JavaScript and Go's
/// context do.
///
/// ```
/// use asynckit::{CancelSource, Pool};
/// use std::time::Duration;
///
/// let (pool, source) = (Pool::new(2), CancelSource::new());
/// let token = source.token();
/// let mut heartbeat = pool.attempt(move || {
///     while !token.wait(Duration::from_millis(1)) { /* something now and then */ }
///     Ok(token.check()?) // the failure, with the reason
/// });
/// source.cancel_for("the window was closed");
/// let failure = heartbeat.get(None).unwrap_err();
/// assert_eq!(failure.to_string(), "the promise was cancelled: the window was closed");
/// ```
#[derive(Clone)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

impl CancelToken {
    fn new() -> Self {
        CancelToken { shared: Arc::new(Shared::new()) }
    }

    /// A token that is cancelled as soon as one of these is, for that one's reason; never, where there is none.
    ///
    /// ```
    /// use asynckit::{CancelSource, CancelToken};
    ///
    /// let (request, server) = (CancelSource::new(), CancelSource::new());
    /// let either = CancelToken::any([request.token(), server.token()]);
    /// server.cancel();
    /// assert!(either.is_cancelled() && !request.is_cancelled());
    /// ```
    pub fn any(tokens: impl IntoIterator<Item = CancelToken>) -> CancelToken {
        let linked = CancelToken::new();
        tokens.into_iter().for_each(|token| Shared::link(&token.shared, &linked.shared));
        linked
    }

    /// A source of its own, which is cancelled with this token; cancelling it does not cancel this one.
    ///
    /// ```
    /// let server = asynckit::CancelSource::new();
    /// let request = server.token().child();
    /// request.cancel();
    /// assert!(!server.is_cancelled());
    ///
    /// let request = server.token().child();
    /// server.cancel();
    /// assert!(request.is_cancelled());
    /// ```
    #[must_use]
    pub fn child(&self) -> CancelSource {
        CancelSource::of(CancelToken::any([self.clone()]))
    }

    /// Whether it was cancelled. Long work asks this now and then, and ends.
    pub fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled()
    }

    /// Why it was cancelled, where that was told.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        self.shared.reason()
    }

    /// An error once it was cancelled: `token.check()?` ends work that is wanted no more.
    ///
    /// # Errors
    /// [`Failure::Cancelled`], or [`Failure::CancelledFor`] where a reason was told.
    pub fn check(&self) -> Outcome<()> {
        if self.is_cancelled() { Err(self.failure()) } else { Ok(()) }
    }

    /// The failure of what it has cancelled.
    fn failure<E>(&self) -> Failure<E> {
        self.reason().map_or(Failure::Cancelled, Failure::CancelledFor)
    }

    /// Has `f` called when it is cancelled, inside that call; at once, if it was before.
    ///
    /// Handlers add up, and run in the order of registration, with no lock held; panics are
    /// contained. [`CancelReason::current`] tells them why. One that is left over when the last handle on the token,
    /// or the job that it belongs to, has gone is dropped.
    pub fn on_cancel(&self, f: impl FnOnce() + Send + 'static) {
        match self.shared.add(Handler::Call(Box::new(f))) {
            Ok(_) => {}
            Err(Refused::Cancelled(handler)) => {
                CancelReason::during(self.reason(), || handler.run());
            }
            Err(Refused::Over(handler)) => drop_quietly(handler),
        }
    }

    /// A promise that is set when the token is cancelled.
    ///
    /// Callbacks run on [`Pool::global`]. It leaves nothing behind in the token when it is dropped.
    ///
    /// # Errors
    /// It fails with [`Failure::Abandoned`] when no handle on the token is left, nor on its source.
    ///
    /// ```
    /// let source = asynckit::CancelSource::new();
    /// let mut told = source.token().cancelled().map(|()| "told");
    /// source.cancel();
    /// assert_eq!(told.get(None)?, "told");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn cancelled(&self) -> Promise<()> {
        let (deferred, promise) = Pool::global().deferred_cancel_on_drop::<(), AnyError>();
        self.shared.add_leaving(deferred);
        promise
    }

    /// Waits until it is cancelled. `false`: the time is over, nothing is left that could cancel it, or all threads of the
    /// pool would wait, without a limit, while work is queued.
    ///
    /// A sleep that ends when the work is wanted no more. On a worker of a pool another thread takes its place meanwhile.
    #[track_caller]
    pub fn wait(&self, timeout: impl Into<Timeout>) -> bool {
        if !self.is_cancelled() {
            self.cancelled().wait(timeout);
        }
        self.is_cancelled()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_cancelled(), self.reason()) {
            (true, Some(reason)) => write!(f, "CancelToken(cancelled: {reason})"),
            (true, None) => f.write_str("CancelToken(cancelled)"),
            (false, _) => f.write_str("CancelToken(wanted)"),
        }
    }
}
