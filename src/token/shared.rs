//! What the handles of one token have in common.

use std::collections::BTreeMap;

use super::run::{self, Handler};
use crate::cell::ThisThread;
use crate::deferred::Deferred;
use crate::failure::{AnyError, CancelReason};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, Weak};
use crate::time::Guard;

pub(super) struct Shared {
    cancelled: AtomicBool,
    state: Mutex<State>,
}

struct State {
    /// In the order of registration. `None` once they have run, or can run no more.
    handlers: Option<BTreeMap<u64, Handler>>,
    /// The number of the next one.
    next: u64,
    reason: Option<CancelReason>,
    /// Its places in all tokens that cancel this one: also those above of those above, for what is in between may go.
    above: Vec<Registration>,
    /// Cancels it when its time has come.
    timer: Option<Guard>,
}

/// Why a handler was not taken.
pub(super) enum Refused {
    /// The token was cancelled before.
    Cancelled(Handler),
    /// It can be cancelled no more.
    Over(Handler),
}

impl Shared {
    pub(super) fn new() -> Self {
        let handlers = Some(BTreeMap::new());
        let state = State { handlers, next: 0, reason: None, above: Vec::new(), timer: None };
        Shared { cancelled: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// No user code runs under this lock, nor is dropped.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        // ORDERING: Acquire pairs with `cancel`: what the canceller did before is seen.
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn reason(&self) -> Option<CancelReason> {
        if self.is_cancelled() { self.lock().reason.clone() } else { None }
    }

    /// Adds a handler. Gives its number.
    pub(super) fn add(&self, handler: Handler) -> Result<u64, Refused> {
        let mut state = self.lock();
        let number = state.next;
        if let Some(handlers) = &mut state.handlers {
            handlers.insert(number, handler);
            state.next += 1;
            return Ok(number);
        }
        drop(state);
        Err(if self.is_cancelled() { Refused::Cancelled(handler) } else { Refused::Over(handler) })
    }

    /// Takes a handler out, if it has not run.
    pub(super) fn remove(&self, number: u64) {
        let handler = self.lock().handlers.as_mut().and_then(|all| all.remove(&number));
        drop(handler); // it is of ours, and not dropped under the lock
    }

    /// Has `deferred` settled by a cancellation; it leaves when its promise is wanted no more.
    pub(super) fn add_leaving(self: &Arc<Self>, mut deferred: Deferred<(), AnyError>) {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        if state.handlers.is_some() {
            let me = Arc::downgrade(self);
            deferred.on_cancel(move || {
                if let Some(me) = me.upgrade() {
                    me.remove(number);
                }
            });
        }
        if let Some(handlers) = &mut state.handlers {
            handlers.insert(number, Handler::Settle(deferred));
            return;
        }
        drop(state);
        if self.is_cancelled() {
            deferred.resolve(());
        }
    }

    /// Has `above`, and all that cancels it, cancel `below`.
    pub(super) fn link(above: &Arc<Shared>, below: &Arc<Shared>) {
        above.add_everywhere(|| Handler::Child(Arc::downgrade(below)), |place| below.hang(place));
    }

    /// Adds a handler here and in all tokens above, of which nothing is kept; at once, if one was cancelled.
    pub(super) fn add_everywhere(
        self: &Arc<Self>,
        handler: impl Fn() -> Handler,
        mut keep: impl FnMut(Registration),
    ) {
        let above: Vec<_> = self.lock().above.iter().map(|place| place.token.clone()).collect();
        let above = above.iter().filter_map(Weak::upgrade);
        for token in std::iter::once(Arc::clone(self)).chain(above) {
            match token.add(handler()) {
                Ok(number) => keep(Registration { token: Arc::downgrade(&token), number }),
                Err(Refused::Cancelled(handler)) => {
                    return CancelReason::during(token.reason(), || handler.run());
                }
                Err(Refused::Over(_)) => {}
            }
        }
    }

    fn hang(&self, place: Registration) {
        let mut state = self.lock();
        if state.handlers.is_some() {
            state.above.push(place);
            return;
        }
        drop(state); // it was cancelled meanwhile
        drop(place);
    }

    /// Has it cancelled by this timer instead of the one before; dropped if there is nothing to cancel.
    pub(super) fn set_timer(&self, timer: Option<Guard>) {
        let mut state = self.lock();
        let old = match &state.handlers {
            Some(_) => std::mem::replace(&mut state.timer, timer),
            None => timer,
        };
        drop(state);
        drop(old);
    }

    /// Cancels it; handlers run in here.
    pub(super) fn cancel(&self, reason: Option<CancelReason>) {
        let mut state = self.lock();
        let Some(handlers) = state.handlers.take() else { return };
        state.reason.clone_from(&reason);
        // ORDERING: Release pairs with `is_cancelled`.
        self.cancelled.store(true, Ordering::Release);
        let (above, timer) = (std::mem::take(&mut state.above), state.timer.take());
        drop(state);
        drop((above, timer)); // not under the lock: each takes another one
        run::all(handlers.into_values(), reason.as_ref());
    }

    /// It can be cancelled no more.
    pub(super) fn close(&self) {
        let left = self.lock().handlers.take();
        ThisThread::drop_user(left);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        ThisThread::drop_user(self.state.get_mut().handlers.take());
    }
}

/// A handler's place, which is given up when this is dropped. Keeps nothing.
pub(super) struct Registration {
    token: Weak<Shared>,
    number: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(token) = self.token.upgrade() {
            token.remove(self.number);
        }
    }
}
