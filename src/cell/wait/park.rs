//! Waiting for a cell to settle: a parked thread or a task's waker, behind the state word.

use std::task::Waker;

use crate::cell::defer::trampoline;
use crate::cell::state::word::{Listener, Seen, Word};
use crate::giving_way::wait_a_moment;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, Thread};
use crate::sync::{Arc, thread_local};
use crate::timeout::Timeout;

thread_local! {
    /// Shared, because the waiter may be gone before the producer unparks it.
    static THREAD: Arc<Thread> = Arc::new(thread::current());
}

fn this_thread() -> Arc<Thread> {
    THREAD.try_with(Arc::clone).unwrap_or_else(|_| Arc::new(thread::current()))
}

/// A waker as a listener.
pub(in crate::cell) fn waker(waker: Box<Waker>) -> Listener {
    Listener::Waker(Box::into_raw(waker).cast())
}

/// What a listener names, back from its pointer.
enum Named {
    Thread(Arc<Thread>),
    Waker(Box<Waker>),
}

/// # Safety
/// The caller took the listener out of the word, or never got it in.
unsafe fn name(listener: Listener) -> Named {
    // SAFETY: the pointers are made above only; the taker of one out of the word owns it.
    unsafe {
        match listener {
            Listener::Thread(thread) => Named::Thread(Arc::from_raw(thread.cast())),
            Listener::Waker(waker) => Named::Waker(Box::from_raw(waker.cast())),
        }
    }
}

/// Wakes a listener.
///
/// # Safety
/// The caller took it out of the word.
pub(in crate::cell) unsafe fn wake(listener: Listener) {
    // SAFETY: the caller's promise.
    match unsafe { name(listener) } {
        Named::Thread(thread) => thread.unpark(),
        Named::Waker(waker) => trampoline::wake(*waker),
    }
}

/// Drops a listener that is not to be woken.
///
/// # Safety
/// As for [`wake`].
pub(in crate::cell) unsafe fn forget(listener: Listener) {
    // SAFETY: the caller's promise.
    match unsafe { name(listener) } {
        Named::Thread(thread) => drop(thread),
        Named::Waker(waker) => trampoline::drop_user(waker),
    }
}

/// The waker that a listener names, to be put back or dropped.
///
/// # Safety
/// As for [`wake`].
pub(in crate::cell) unsafe fn into_waker(listener: Listener) -> Option<Box<Waker>> {
    // SAFETY: the caller's promise.
    match unsafe { name(listener) } {
        Named::Thread(_) => None,
        Named::Waker(waker) => Some(waker),
    }
}

/// Waits until the word is settled, by its only consumer. `false`: as in [`wait_for`].
pub(in crate::cell) fn wait(word: &Word, timeout: Timeout, called: &AtomicBool) -> bool {
    let ready = || word.seen() != Seen::Pending;
    if !ready() && !timeout.is_poll() {
        if let Some(left) = word.take_listener() {
            // SAFETY: taken out of the word; a waker of an earlier poll, which is not polled now.
            unsafe { forget(left) };
        }
    }
    let listen = |listener| word.listen(listener);
    let unlisten = |listener| word.unlisten(listener);
    wait_for(ready, listen, unlisten, timeout, called)
}

/// Waits until `ready`. `listen` has this thread unparked when it becomes so, and fails if it is;
/// `unlisten` takes that back, and fails if the listener was taken to be woken. `false`: the
/// time is over, or this thread was unparked after `called` was set.
pub(in crate::cell) fn wait_for(
    ready: impl Fn() -> bool,
    listen: impl Fn(Listener) -> bool,
    unlisten: impl Fn(Listener) -> bool,
    timeout: Timeout,
    called: &AtomicBool,
) -> bool {
    if ready() || timeout.is_poll() {
        return ready();
    }
    let deadline = timeout.start();
    if wait_a_moment(&ready) {
        return true;
    }
    let thread = Listener::Thread(Arc::into_raw(this_thread()).cast_mut().cast());
    if !listen(thread) {
        // SAFETY: it never got in.
        unsafe { forget(thread) };
        return true;
    }
    loop {
        // ORDERING: Relaxed, ordered by the unparking; without that nothing is lost.
        let remaining = if called.load(Ordering::Relaxed) { None } else { deadline.remaining() };
        match remaining {
            Some(left) => deadline.clock().park(left, || ready() || called.load(Ordering::Relaxed)),
            None if unlisten(thread) => {
                // SAFETY: taken back.
                unsafe { forget(thread) };
                return false;
            }
            None => return true,
        }
        if ready() {
            return true;
        }
    }
}
