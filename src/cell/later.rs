//! What has to wait on this thread until something further out is through: waves that user code has
//! set off, what would run user code under a lock, the drops of closures.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::executor::Item;
use super::handlers;
use super::header::Turn;
use super::nest;
use super::queued;
use super::wave::{Delivery, deliver};
use crate::failure::drop_quietly;
use crate::sync::thread_local;

thread_local! {
    /// Whether this thread is inside a step that must not be nested.
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    /// Whether user code must not be dropped just now.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// What waits for that.
    static DROPS: RefCell<Vec<Box<dyn Send>>> = const { RefCell::new(Vec::new()) };
    /// Whether there is something in it.
    static SOME_DROPS: Cell<bool> = const { Cell::new(false) };
    /// Whether some waves wait for that step: a look at this costs less than one at the list.
    static SOME_WAIT: Cell<bool> = const { Cell::new(false) };
    /// The waves that wait.
    static WAITING: RefCell<VecDeque<Later>> = const { RefCell::new(VecDeque::new()) };
}

/// Runs something of ours that drops user code: the waves that this sets off wait until it is
/// through, so that nothing nests. `f` must not unwind.
pub(crate) fn shield<R>(f: impl FnOnce() -> R) -> R {
    let outer = ACTIVE.replace(true);
    let result = f();
    if !outer {
        flush_waves();
        ACTIVE.set(false);
    }
    result
}

/// Runs something of ours that may cancel, under a lock: user code that this would run (waves,
/// handlers, the drops of closures) waits until `f` is through. `f` must not unwind.
pub(crate) fn quietly<R>(f: impl FnOnce() -> R) -> R {
    shield(|| {
        let outer = QUIET.replace(true);
        let result = handlers::deferred(f);
        if !outer {
            QUIET.set(false);
            if SOME_DROPS.replace(false) {
                let dropped = DROPS.try_with(RefCell::take).unwrap_or_default();
                dropped.into_iter().for_each(drop_quietly);
            }
            handlers::run_deferred();
        }
        result
    })
}

/// Drops user code, or leaves that to the end of [`quietly`].
pub(super) fn drop_later<W: Send + 'static>(work: W) {
    if QUIET.get() && DROPS.try_with(|_| ()).is_ok() {
        SOME_DROPS.set(true);
        DROPS.with(|drops| drops.borrow_mut().push(Box::new(work)));
    } else {
        drop_quietly(work);
    }
}

/// Whether this thread is inside a step that must not be nested, so that blocking here would keep
/// others waiting.
pub(crate) fn is_settling() -> bool {
    ACTIVE.get()
}

/// Before this thread blocks: runs what waits on it for the end of something further out.
#[inline]
pub(crate) fn flush() {
    flush_waves();
    handlers::flush();
    nest::flush();
}

/// Runs user code of a job in the middle of whatever this thread is doing: what it settles is
/// delivered at once.
pub(crate) fn afresh<R>(f: impl FnOnce() -> R) -> R {
    let outer = ACTIVE.replace(false);
    let result = f();
    ACTIVE.set(outer);
    result
}

/// Something of ours that was put off, because it may run user code.
pub(super) enum Later {
    /// A settled cell is to be handed on.
    Deliver(Delivery),
    /// An executor has refused this.
    Refuse(Item),
}

impl Later {
    fn run(self) {
        match self {
            // SAFETY: `hand_on` put it there with its caller's promise.
            Later::Deliver(delivery) => unsafe { deliver(delivery) },
            // SAFETY: `refuse` put it there with its caller's promise.
            Later::Refuse(item) => unsafe { queued::end(item, Turn::Refused) },
        }
    }
}

/// Puts something off until the outermost [`shield`] of this thread ends.
pub(super) fn later(what: Later) {
    let mut what = Some(what);
    let put_off = |waiting: &RefCell<VecDeque<Later>>| {
        SOME_WAIT.set(true);
        waiting.borrow_mut().extend(what.take());
    };
    if !ACTIVE.get() || WAITING.try_with(put_off).is_err() {
        what.into_iter().for_each(|what| shield(|| what.run()));
    }
}

/// Runs the waves that wait on this thread.
#[inline]
fn flush_waves() {
    if SOME_WAIT.get() {
        run_waiting();
    }
}

#[cold]
fn run_waiting() {
    let next = || WAITING.try_with(|waiting| waiting.borrow_mut().pop_front()).ok().flatten();
    while let Some(what) = next() {
        what.run();
    }
    SOME_WAIT.set(false);
}
