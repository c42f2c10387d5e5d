//! How much a future may be given in one poll: one that reads what is always there would else never
//! leave its worker to others.

use std::cell::Cell;
use std::ptr;
use std::task::{Context, Poll};

use crate::sync::thread_local;

/// So many outcomes are given in a poll, as many as callbacks run in a row; then the queue has its turn.
const IN_A_POLL: u32 = 64;

thread_local! {
    /// The data of the waker of the future that is being polled on this thread, and what it has left.
    static NOW: Cell<(*const (), u32)> = const { Cell::new((ptr::null(), 0)) };
}

/// Polls the future whose waker has this data. `poll` must not unwind.
pub(crate) fn polled<R>(task: *const (), poll: impl FnOnce() -> R) -> R {
    let outer = NOW.replace((task, IN_A_POLL));
    let result = poll();
    NOW.set(outer);
    result
}

/// Whether a future of a pool is being polled on this thread.
#[inline]
pub(crate) fn counts() -> bool {
    !NOW.get().0.is_null()
}

/// The task is about to be given an outcome that is there. Pending: it has had enough in this poll, and was
/// woken for another one.
///
/// It tells only the future of a pool, by its own waker: a caller that polls once to see whether something is there,
/// or blocks on it in the middle of a poll, is not concerned.
pub(crate) fn spend(context: &Context<'_>) -> Poll<()> {
    let (task, left) = NOW.get();
    if task.is_null() || task != context.waker().data() {
        return Poll::Ready(());
    }
    if left == 0 {
        NOW.set((task, IN_A_POLL)); // once: what does not return to the worker goes on
        context.waker().wake_by_ref();
        return Poll::Pending;
    }
    NOW.set((task, left - 1));
    Poll::Ready(())
}

/// As [`spend`] by a caller that does not know whether there will be an outcome; with [`refund`] where there
/// was none.
pub(crate) fn refund(context: &Context<'_>) {
    let (task, left) = NOW.get();
    if task == context.waker().data() {
        NOW.set((task, (left + 1).min(IN_A_POLL)));
    }
}
