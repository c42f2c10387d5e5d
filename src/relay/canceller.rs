//! Cancelling from anywhere: `cancellable`.

use std::fmt;
use std::panic::Location;

use super::{Relay, relay};
use crate::cell::{CloseReason, Closer, Origin};
use crate::promise::Promise;

struct Cancellable;

impl Origin for Cancellable {
    const KIND: &'static str = "cancellable";
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// The promise, and what cancels it from anywhere.
    ///
    /// [`Promise::cancel`] needs the promise itself. A [`Canceller`] reaches it also while somebody
    /// waits for it, or for something that was derived from it. Passing through here needs no worker.
    ///
    /// ```
    /// use asynckit::Promise;
    /// use std::thread;
    ///
    /// let (_deferred, answer) = Promise::<u32>::deferred();
    /// let (answer, canceller) = answer.cancellable();
    /// let mut doubled = answer.map(|n| n * 2);
    /// thread::spawn(move || canceller.cancel());
    /// assert!(doubled.get(None).unwrap_err().is_cancelled());
    /// ```
    #[track_caller]
    pub fn cancellable(self) -> (Self, Canceller) {
        if self.is_set() && !self.is_error() {
            // A failure passes through all the same: its way does not depend on when it came.
            return (self, Canceller { closer: None });
        }
        let (promise, closer) =
            relay::<Cancellable, _, _, _>(self, Location::caller(), |producer, _| {
                Relay::<_, _, ()>::new(producer, None)
            });
        (promise, Canceller { closer: Some(closer) })
    }
}

/// Cancels a promise from anywhere; made by [`Promise::cancellable`].
///
/// It owns nothing: neither does it keep the promise or its value, nor does dropping it cancel.
/// Clones cancel the same promise.
#[derive(Clone)]
pub struct Canceller {
    /// `None`: there was nothing left to cancel.
    closer: Option<Closer>,
}

impl Canceller {
    /// Cancels the promise and all that it waits for upstream, unless it has settled.
    ///
    /// What is upstream, and does not run, has been cancelled when this returns, and the promise has
    /// failed with [`Failure::Cancelled`](crate::Failure::Cancelled); if another thread is cancelling
    /// it at the same time, that is so when both have returned. Cancellation handlers run inside this
    /// call, with no lock held.
    pub fn cancel(&self) {
        if let Some(closer) = &self.closer {
            closer.close(CloseReason::Cancelled);
        }
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").finish_non_exhaustive()
    }
}
