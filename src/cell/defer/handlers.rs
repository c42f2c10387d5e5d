//! What a pending deferred does when its promise is cancelled.
//!
//! The list hangs on the `link` field of the deferred's cell, which is not queued while it is
//! pending.

use crate::failure::drop_quietly;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicPtr, Ordering};

/// What a promise waits for: the items of a list.
pub(crate) trait Cancel: Send + Sync {
    /// What comes of it is not wanted any more.
    fn cancel(self: Arc<Self>);
}

/// What is done at a cancellation.
pub(in crate::cell) enum Handler {
    /// A function is called.
    Call(Box<dyn FnOnce() + Send>),
    /// What the promise waits for is cancelled.
    Cancel(Arc<dyn Cancel>),
}

impl Handler {
    /// Does it; a panic is the caller's to contain.
    pub(in crate::cell) fn run(self) {
        match self {
            Handler::Call(call) => call(),
            Handler::Cancel(upstream) => upstream.cancel(),
        }
    }
}

/// An entry of the list.
pub(in crate::cell) struct Node {
    handler: Handler,
    next: *mut Node,
    /// Whether it is in a box of its own; else what it cancels keeps its memory.
    boxed: bool,
}

// SAFETY: the nodes are the list's own, and what is in them is Send.
unsafe impl Send for Handlers {}

/// Instead of a list: no handler will be run from here any more.
const CLOSED: usize = 1;

/// The handlers of one deferred, in the order of registration.
pub(in crate::cell) struct Handlers {
    first: *mut Node,
}

fn closed() -> *mut () {
    std::ptr::without_provenance_mut(CLOSED)
}

/// Adds a handler; gives it back if the list is closed.
pub(in crate::cell) fn add(list: &AtomicPtr<()>, handler: Handler) -> Result<(), Handler> {
    let node = Box::into_raw(Box::new(Node { handler, next: std::ptr::null_mut(), boxed: true }));
    // SAFETY: a new node.
    unsafe { push(list, node) }
}

/// Adds what the promise waits for, as a handler that cancels it, without an allocation; gives it back
/// if the list is closed.
///
/// # Safety
/// `place` is memory for a node in what `upstream` keeps, and is the caller's alone.
pub(in crate::cell) unsafe fn add_in(
    list: &AtomicPtr<()>,
    place: *mut Node,
    upstream: Arc<dyn Cancel>,
) -> Result<(), Handler> {
    let handler = Handler::Cancel(upstream);
    // SAFETY: the caller's promise; the node has the reference that keeps it.
    unsafe {
        place.write(Node { handler, next: std::ptr::null_mut(), boxed: false });
        push(list, place)
    }
}

/// # Safety
/// The node is the caller's, and gives itself up.
unsafe fn push(list: &AtomicPtr<()>, node: *mut Node) -> Result<(), Handler> {
    // ORDERING: Relaxed, the CAS publishes.
    let mut now = list.load(Ordering::Relaxed);
    loop {
        if now == closed() {
            // SAFETY: not published, still ours.
            let (handler, _) = unsafe { take(node) };
            return Err(handler);
        }
        // SAFETY: as above.
        unsafe { (*node).next = now.cast() };
        // ORDERING: Release pairs with the Acquire of `close`: the node's fields are seen.
        match list.compare_exchange(now, node.cast(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return Ok(()),
            Err(seen) => now = seen,
        }
    }
}

/// Takes a node apart: its handler, and the node behind it.
///
/// # Safety
/// The node is the caller's; it is gone afterwards.
unsafe fn take(node: *mut Node) -> (Handler, *mut Node) {
    // SAFETY: the caller's promise; a boxed node was made by `add`, the memory of another one is kept by
    // its handler.
    let node = unsafe { if (*node).boxed { *Box::from_raw(node) } else { node.read() } };
    (node.handler, node.next)
}

/// Closes the list and takes what is in it. `None`: it was closed before.
pub(in crate::cell) fn close(list: &AtomicPtr<()>) -> Option<Handlers> {
    // ORDERING: Acquire pairs with `push`: the nodes' fields are seen. Relaxed is enough for what is
    // put there: it publishes nothing.
    let taken = list.swap(closed(), Ordering::Acquire);
    if taken == closed() {
        return None;
    }
    let (mut first, mut newest) = (std::ptr::null_mut::<Node>(), taken.cast::<Node>());
    while !newest.is_null() {
        // SAFETY: the exchange took the whole list, so it is ours alone.
        let next = unsafe { std::mem::replace(&mut (*newest).next, first) };
        (first, newest) = (newest, next);
    }
    Some(Handlers { first })
}

impl Iterator for Handlers {
    type Item = Handler;

    fn next(&mut self) -> Option<Handler> {
        if self.first.is_null() {
            return None;
        }
        // SAFETY: `close` took the list, and this forgets the node.
        let (handler, next) = unsafe { take(self.first) };
        self.first = next;
        Some(handler)
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        self.for_each(drop_quietly);
    }
}
