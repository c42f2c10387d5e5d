//! What has to wait on this thread until something further out is through: run loops that user code has
//! set off, the drops of user code inside of another one's, cancellation handlers and wakers that nest
//! deep, and all of that where a lock is held.
//!
//! One queue for all, so that nothing nests without end: whatever user code drops or settles, the
//! outermost [`shield`] of the thread goes on with it, in a loop.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use super::handlers::{Handler, Handlers};
use crate::cell::executor::handle::Refused;
use crate::cell::state::header::{CellRef, Dropped};
use crate::cell::state::observer::Delivery;
use crate::failure::{AbortOnUnwind, contain, drop_quietly};
use crate::sync::thread_local;

// What this thread is doing, in one word: shields are many.
/// It is inside a step that must not be nested.
const ACTIVE: u32 = 1;
/// User code must not run, nor be dropped.
const QUIET: u32 = 2;
/// User code is being dropped.
const DROPPING: u32 = 4;
/// Something waits in the queue: a look at this costs less than one at that.
const WAITS: u32 = 8;
/// One cancellation handler, or waker, on the stack.
const HANDLER: u32 = 16;
/// So deep nest cancellation handlers that cancel other promises, and wakers that settle them.
const NEST: u32 = 4 * HANDLER;

thread_local! {
    static NOW: Cell<u32> = const { Cell::new(0) };
    static QUEUE: RefCell<VecDeque<Bounce>> = const { RefCell::new(VecDeque::new()) };
}

/// Something of ours that was put off, because it may run user code.
pub(in crate::cell) enum Bounce {
    /// A settled cell is to be handed on, by this.
    Deliver(Delivery, unsafe fn(Delivery)),
    /// An executor has refused this, which is to be settled by this.
    Refuse(Refused, unsafe fn(Refused)),
    /// A settled cell, the last of its chain, is to be freed with its outcome.
    Discard(CellRef, Dropped, unsafe fn(CellRef, Dropped)),
    /// User code is to be dropped.
    Drop(Box<dyn Erased>),
    /// A cancellation handler is to be run.
    Handle(Handler),
    /// A task is to be woken.
    Wake(Waker),
}

/// Any type: all that is done with one is to drop it.
pub(in crate::cell) trait Erased {}

impl<W> Erased for W {}

impl Bounce {
    fn run(self) {
        match self {
            // SAFETY: `hand_on` put it there with its caller's promise.
            Bounce::Deliver(delivery, deliver) => unsafe { deliver(delivery) },
            // SAFETY: `refuse` put it there with its caller's promise.
            Bounce::Refuse(refused, end) => unsafe { end(refused) },
            // SAFETY: `discard` put it there with its caller's promise.
            Bounce::Discard(cell, why, discard) => unsafe { discard(cell, why) },
            Bounce::Drop(work) => dropping(|| drop_quietly(work)),
            Bounce::Handle(handler) => call(|| handler.run()),
            Bounce::Wake(waker) => call(|| waker.wake()),
        }
    }
}

#[inline]
fn is(flags: u32) -> bool {
    NOW.get() & flags != 0
}

/// Does something with other flags than before, and puts those back; but not whether something waits.
#[inline]
fn with_flags<R>(change: impl FnOnce(u32) -> u32, f: impl FnOnce() -> R) -> R {
    let outer = NOW.get();
    NOW.set(change(outer));
    let abort = AbortOnUnwind;
    let result = f();
    mem::forget(abort);
    NOW.set(outer & !WAITS | NOW.get() & WAITS);
    result
}

/// Runs something of ours that drops user code: what this sets off waits until it is through, so that
/// nothing nests. `f` must not unwind: that aborts.
#[inline]
pub(crate) fn shield<R>(f: impl FnOnce() -> R) -> R {
    if is(ACTIVE) {
        return with_flags(|now| now, f);
    }
    with_flags(
        |now| now | ACTIVE,
        || {
            let result = f();
            run_queue();
            result
        },
    )
}

/// Runs something of ours under a lock: user code that this would run (run loops, handlers, the drops of
/// closures) waits until `f` is through. `f` must not unwind: that aborts.
pub(crate) fn quietly<R>(f: impl FnOnce() -> R) -> R {
    shield(|| with_flags(|now| now | QUIET, f))
}

/// Runs user code of a job in the middle of whatever this thread is doing: what it settles is
/// delivered at once.
pub(crate) fn afresh<R>(f: impl FnOnce() -> R) -> R {
    with_flags(|now| now & WAITS, f)
}

/// Whether this thread is inside a step that must not be nested, so that blocking here would keep
/// others waiting.
#[inline]
pub(crate) fn is_settling() -> bool {
    is(ACTIVE)
}

// ── Putting things off ───────────────────────────────────────────────────────────────────────────

/// Puts something off until the outermost [`shield`] of this thread ends.
pub(in crate::cell) fn bounce(what: Bounce) {
    if !is(ACTIVE) {
        shield(|| what.run());
    } else if let Err(what) = push(what) {
        what.run(); // the thread ends, and its queue is gone: then it nests
    }
}

/// `Err`: the thread ends, and its queue is gone.
fn push(what: Bounce) -> Result<(), Bounce> {
    let mut what = Some(what);
    let _ = QUEUE.try_with(|queue| queue.borrow_mut().extend(what.take()));
    if let Some(what) = what {
        return Err(what);
    }
    NOW.set(NOW.get() | WAITS);
    Ok(())
}

/// Runs what waits on this thread.
#[inline]
pub(in crate::cell) fn run_queue() {
    if is(WAITS) {
        run_waiting();
    }
}

#[cold]
fn run_waiting() {
    let next = || QUEUE.try_with(|queue| queue.borrow_mut().pop_front()).ok().flatten();
    while let Some(what) = next() {
        with_flags(|now| now | ACTIVE, || what.run());
    }
    NOW.set(NOW.get() & !WAITS);
}

// ── Drops of user code ───────────────────────────────────────────────────────────────────────────

#[inline]
pub(super) fn dropping<R>(f: impl FnOnce() -> R) -> R {
    with_flags(|now| now | DROPPING, f)
}

/// Whether user code must not be dropped just now: inside of another such drop it would nest.
#[inline]
pub(super) fn must_wait() -> bool {
    is(DROPPING | QUIET)
}

/// Drops user code; inside of another drop, or under a lock, later.
pub(crate) fn drop_user<W: 'static>(work: W) {
    if !mem::needs_drop::<W>() {
        return;
    }
    if must_wait() {
        bounce(Bounce::Drop(Box::new(work)));
    } else {
        shield(|| dropping(|| drop_quietly(work)));
    }
}

/// Drops user code that must not be moved: in place, at once.
///
/// # Safety
/// As for [`std::ptr::drop_in_place`].
pub(in crate::cell) unsafe fn drop_in_place<W>(work: *mut W) {
    // SAFETY: the caller's promise.
    shield(|| dropping(|| contain(|| unsafe { std::ptr::drop_in_place(work) })));
}

// ── Cancellation handlers and wakers ─────────────────────────────────────────────────────────────

/// Runs cancellation handlers, or leaves them to a call further out, if they must wait or nest deep.
pub(in crate::cell) fn handle(handlers: Handlers) {
    if nests_deep() {
        // Where the thread ends there is no queue: they are dropped, as after the fact.
        handlers.for_each(|handler| drop(push(Bounce::Handle(handler))));
        return;
    }
    handlers.for_each(|handler| call(|| handler.run()));
    run_queue_outermost();
}

/// Wakes a task, or leaves that to a call further out, as with handlers: whatever a waker owns is
/// dropped by that.
pub(in crate::cell) fn wake(waker: Waker) {
    if !nests_deep() {
        call(|| waker.wake());
        run_queue_outermost();
    } else if let Err(wake) = push(Bounce::Wake(waker)) {
        wake.run(); // the thread ends, and its queue is gone: then it nests
    }
}

/// Whether the next handler must wait. There may be more on the stack than so many: inside of the last one
/// a [`shield`] may have run one that had waited.
fn nests_deep() -> bool {
    is(QUIET) || NOW.get() >= NEST
}

/// Behind handlers: runs what waits, unless something further out will.
fn run_queue_outermost() {
    if NOW.get() < HANDLER && !is(ACTIVE) {
        run_queue();
    }
}

fn call(f: impl FnOnce()) {
    with_flags(
        |now| now + HANDLER,
        || {
            contain(f);
        },
    );
}

#[cfg(test)]
mod children {
    use super::shield;

    const IS_CHILD: &str = "ASYNCKIT_TEST_UNWINDS";

    /// Else the thread would put off for ever what it settles.
    #[test]
    fn a_panic_of_our_own_inside_of_a_step_aborts() {
        if std::env::var_os(IS_CHILD).is_some() {
            return shield(|| panic!("of our own"));
        }
        let this = std::env::current_exe().expect("this program is somewhere");
        let child = std::process::Command::new(this)
            .args([
                "--exact",
                "cell::defer::trampoline::children::a_panic_of_our_own_inside_of_a_step_aborts",
            ])
            .env(IS_CHILD, "yes")
            .output()
            .expect("it starts");
        let (status, said) = (child.status, String::from_utf8_lossy(&child.stdout).into_owned());
        // A test that only fails exits with a code.
        assert!(!status.success() && status.code() != Some(101), "{status}: {said}");
    }
}
