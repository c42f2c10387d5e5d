//! Promises that a token cancels: `cancel_by`.

use std::panic::Location;

use super::CancelToken;
use super::run::Handler;
use super::shared::Registration;
use crate::cell::{Collector, Items, Origin};
use crate::failure::{CancelReason, Failure};
use crate::promise::Promise;
use crate::relay::{Relay, relay};
use crate::sync::{Arc, Mutex, OnceLock};

struct CancelBy;

impl Origin for CancelBy {
    const KIND: &'static str = "cancel_by";
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Cancels the promise, and all that it waits for upstream, when the token is cancelled; at once, if it was before.
    ///
    /// It then fails with [`Failure::Cancelled`], or with [`Failure::CancelledFor`] where a reason was told; handlers
    /// upstream get it from [`CancelReason::current`](crate::CancelReason::current). What has settled by then passes
    /// unchanged. It leaves nothing behind in the token when it has settled. Passing through here needs no worker.
    ///
    /// ```
    /// use asynckit::{Backoff, CancelSource, Promise, retry};
    /// use std::time::Duration;
    ///
    /// let source = CancelSource::new();
    /// let hour = Backoff::constant(Duration::from_secs(3600));
    /// let mut answer = retry(hour, |_| Promise::<u32, _>::failed("down")).cancel_by(&source.token());
    /// source.cancel(); // also in the pause
    /// assert!(answer.get(None).unwrap_err().is_cancelled());
    /// ```
    #[track_caller]
    pub fn cancel_by(self, token: &CancelToken) -> Self {
        if self.is_set() && !self.is_error() {
            // A failure passes through all the same: its way does not depend on when it came.
            return self;
        }
        let (why, places) = (Arc::new(OnceLock::new()), Arc::new(Places::default()));
        let (promise, ender) =
            relay::<CancelBy, _, _, _>(self, Location::caller(), |producer, _| {
                let relay = Relay::new(producer, Some(Left(Arc::clone(&places))));
                ByToken { relay, why: Arc::clone(&why) }
            });
        let handler = || Handler::End(ender.clone(), Arc::clone(&why));
        token.shared.add_everywhere(handler, |place| places.keep(place));
        promise
    }
}

/// Where a promise is known in tokens, until it has settled.
#[derive(Default)]
struct Places(Mutex<(Vec<Registration>, bool)>);

impl Places {
    fn keep(&self, place: Registration) {
        let mut places = self.0.lock();
        if places.1 {
            drop(places);
            return drop(place); // it has settled meanwhile
        }
        places.0.push(place);
    }
}

/// Dropped when the promise has settled.
struct Left(Arc<Places>);

impl Drop for Left {
    fn drop(&mut self) {
        let places = std::mem::replace(&mut *self.0.0.lock(), (Vec::new(), true));
        drop(places); // not under the lock
    }
}

/// A relay that knows why it is ended. It keeps no token: what a token's handlers own may be what the promise waits for.
struct ByToken<T, E> {
    relay: Relay<T, E, Left>,
    why: Arc<OnceLock<CancelReason>>,
}

impl<T: Send + 'static, E: Send + 'static> Collector<T, E> for ByToken<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        self.relay.arrived(items, index);
    }

    fn complete(&mut self, items: &mut Items<T, E>) {
        self.relay.complete(items);
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.relay.cancelled(items);
    }

    fn closed(&mut self, items: &mut Items<T, E>, _: Failure<E>) {
        let reason = self.why.get().cloned();
        self.relay.closed(items, reason.map_or(Failure::Cancelled, Failure::CancelledFor));
    }
}
