//! What a token does when it is cancelled. Handlers may cancel other tokens, and those others: deep inside of each other
//! they are put off until the outermost cancellation of the thread goes on, in a loop.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::shared::Shared;
use crate::cell::{CloseReason, Closer};
use crate::deferred::Deferred;
use crate::failure::{AnyError, CancelReason};
use crate::sync::{Arc, OnceLock, Weak, thread_local};

/// What is done at a cancellation.
pub(super) enum Handler {
    /// A function of the user's is called.
    Call(Box<dyn FnOnce() + Send>),
    /// A promise is cancelled, and told why.
    End(Closer, Arc<OnceLock<CancelReason>>),
    /// A token below is cancelled, too.
    Child(Weak<Shared>),
    /// A promise is set.
    Settle(Deferred<(), AnyError>),
}

impl Handler {
    /// Does it, inside of [`CancelReason::during`], which contains panics.
    pub(super) fn run(self) {
        match self {
            Handler::Call(call) => call(),
            Handler::End(ender, why) => {
                if let Some(reason) = CancelReason::current() {
                    let _ = why.set(reason); // the first one counts
                }
                ender.close(CloseReason::Cancelled);
            }
            Handler::Child(child) => {
                if let Some(child) = child.upgrade() {
                    child.cancel(CancelReason::current());
                }
            }
            Handler::Settle(deferred) => deferred.resolve(()),
        }
    }
}

/// Cancellations nest so deep on the stack, and no deeper.
const NEST: usize = 4;

type Waiting = (Handler, Option<CancelReason>);

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static QUEUE: RefCell<VecDeque<Waiting>> = const { RefCell::new(VecDeque::new()) };
}

/// Runs the handlers one after the other, with no lock held.
pub(super) fn all(handlers: impl Iterator<Item = Handler>, reason: Option<&CancelReason>) {
    let depth = DEPTH.get();
    DEPTH.set(depth + 1);
    for handler in handlers {
        match put_off(depth, (handler, reason.cloned())) {
            Ok(()) => {}
            Err(now) => one(now),
        }
    }
    if depth == 0 {
        let next = || QUEUE.try_with(|queue| queue.borrow_mut().pop_front()).ok().flatten();
        while let Some(waiting) = next() {
            one(waiting);
        }
    }
    DEPTH.set(depth);
}

/// `Err`: it is to be run now, because it does not nest deep, or because the thread ends and its queue is gone.
fn put_off(depth: usize, waiting: Waiting) -> Result<(), Waiting> {
    let mut waiting = Some(waiting);
    if depth >= NEST {
        let _ = QUEUE.try_with(|queue| queue.borrow_mut().extend(waiting.take()));
    }
    waiting.map_or(Ok(()), Err)
}

fn one((handler, reason): Waiting) {
    CancelReason::during(reason, || handler.run());
}
