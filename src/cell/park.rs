//! Waiting for a cell to settle: a parked thread or a task's waker, behind the state word.

use std::sync::Arc;
use std::task::Waker;
use std::thread::{self, Thread};

use super::word::{Listener, Seen, Word};
use crate::failure::contain;
use crate::timeout::{Deadline, Timeout};

/// A waiting thread first yields this often: a settled promise is then seen without a system call,
/// and on a busy core the thread that settles it gets the core. Long spinning would keep it away.
const YIELDS: u32 = 16;

thread_local! {
    /// Shared, because the waiter may be gone before whoever has settled unparks it.
    static THREAD: Arc<Thread> = Arc::new(thread::current());
}

fn this_thread() -> Arc<Thread> {
    THREAD.try_with(Arc::clone).unwrap_or_else(|_| Arc::new(thread::current()))
}

fn into_listener(thread: Arc<Thread>) -> Listener {
    Listener::Thread(Arc::into_raw(thread).cast_mut().cast())
}

/// A waker as a listener.
pub(super) fn waker(waker: Box<Waker>) -> Listener {
    Listener::Waker(Box::into_raw(waker).cast())
}

/// Whom a listener names, back from its pointer.
enum Named {
    Thread(Arc<Thread>),
    Waker(Box<Waker>),
}

/// # Safety
/// The caller took the listener out of the word, or never got it in.
unsafe fn name(listener: Listener) -> Named {
    // SAFETY: the pointers are made above only; who takes one out of the word owns it.
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
pub(super) unsafe fn wake(listener: Listener) {
    // SAFETY: the caller's promise.
    match unsafe { name(listener) } {
        Named::Thread(thread) => thread.unpark(),
        // Foreign code, which may panic; nobody here could use that.
        Named::Waker(waker) => {
            contain(|| waker.wake());
        }
    }
}

/// Drops a listener that is not to be woken.
///
/// # Safety
/// As for [`wake`].
pub(super) unsafe fn forget(listener: Listener) {
    // SAFETY: the caller's promise.
    let named = unsafe { name(listener) };
    contain(|| match named {
        Named::Thread(thread) => drop(thread),
        Named::Waker(waker) => drop(waker),
    });
}

/// The waker that a listener names, to be put back or dropped.
///
/// # Safety
/// As for [`wake`].
pub(super) unsafe fn into_waker(listener: Listener) -> Option<Box<Waker>> {
    // SAFETY: the caller's promise.
    match unsafe { name(listener) } {
        Named::Thread(_) => None,
        Named::Waker(waker) => Some(waker),
    }
}

/// Waits until the word is settled, by its only consumer. `false`: the time is over.
pub(super) fn wait(word: &Word, timeout: Timeout) -> bool {
    let pending = || word.seen() == Seen::Pending;
    if !pending() {
        return true;
    }
    if timeout.is_poll() {
        return false;
    }
    let deadline = timeout.start();
    if yielding(word) {
        return true;
    }
    if let Some(left) = word.take_listener() {
        // SAFETY: taken out of the word; a waker of an earlier poll, which nobody polls now.
        unsafe { forget(left) };
    }
    park(word, deadline)
}

/// Gives others the core for a moment. `true`: the word is settled now.
pub(super) fn yielding(word: &Word) -> bool {
    for _ in 0..YIELDS {
        thread::yield_now();
        if word.seen() != Seen::Pending {
            return true;
        }
    }
    false
}

fn park(word: &Word, deadline: Deadline) -> bool {
    let listener = into_listener(this_thread());
    if !word.listen(listener) {
        // SAFETY: it never got into the word.
        unsafe { forget(listener) };
        return true;
    }
    loop {
        match deadline.remaining() {
            Some(_) if deadline.is_never() => thread::park(),
            Some(left) => thread::park_timeout(left),
            None if word.unlisten(listener) => {
                // SAFETY: taken back out of the word.
                unsafe { forget(listener) };
                return false;
            }
            None => return true,
        }
        if word.seen() != Seen::Pending {
            return true;
        }
    }
}
