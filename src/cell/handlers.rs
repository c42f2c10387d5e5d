//! What a pending deferred does when its promise is cancelled.
//!
//! The list hangs on the `link` field of the deferred's cell, which is not queued while it is
//! pending. Handlers may cancel other promises, whose handlers cancel others: the outermost call
//! runs them all, one after the other.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::failure::{contain, drop_quietly};
use crate::sync::atomic::{AtomicPtr, Ordering};

type Handler = Box<dyn FnOnce() + Send>;

struct Node {
    handler: Handler,
    next: *mut Node,
}

/// Instead of a list: no handler will be run from here any more.
const CLOSED: usize = 1;

/// The handlers of one deferred.
pub(super) struct Handlers(Vec<Handler>);

fn closed() -> *mut () {
    std::ptr::without_provenance_mut(CLOSED)
}

/// Adds a handler; gives it back if the list is closed.
pub(super) fn add(list: &AtomicPtr<()>, handler: Handler) -> Result<(), Handler> {
    // ORDERING: Relaxed, the CAS publishes.
    let mut now = list.load(Ordering::Relaxed);
    let mut node = Box::new(Node { handler, next: std::ptr::null_mut() });
    loop {
        if now == closed() {
            return Err(node.handler);
        }
        node.next = now.cast();
        let pointer = Box::into_raw(node);
        // ORDERING: Release pairs with the Acquire of `close`: the node's fields are seen.
        match list.compare_exchange(now, pointer.cast(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return Ok(()),
            Err(seen) => now = seen,
        }
        // SAFETY: not published, still ours.
        node = unsafe { Box::from_raw(pointer) };
    }
}

/// Closes the list and takes what is in it, in the order of registration.
pub(super) fn close(list: &AtomicPtr<()>) -> Option<Handlers> {
    // ORDERING: Acquire pairs with `add`.
    let mut at = list.swap(closed(), Ordering::AcqRel);
    if at == closed() || at.is_null() {
        return None;
    }
    let mut handlers = Vec::new();
    while !at.is_null() {
        // SAFETY: `add` made the node; the swap took the whole list, so it is ours alone.
        let node = unsafe { Box::from_raw(at.cast::<Node>()) };
        handlers.push(node.handler);
        at = node.next.cast();
    }
    handlers.reverse();
    Some(Handlers(handlers))
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<VecDeque<Handler>> = const { RefCell::new(VecDeque::new()) };
}

impl Handlers {
    /// Runs them here, or leaves them to the outermost call on this thread.
    pub(super) fn run(mut self) {
        let handlers = std::mem::take(&mut self.0);
        if RUNNING.replace(true) {
            let later =
                |waiting: &RefCell<VecDeque<Handler>>| waiting.borrow_mut().extend(handlers);
            let _ = WAITING.try_with(later); // a thread that ends: dropped, as after the fact
            return;
        }
        for handler in handlers {
            contain(handler);
        }
        let next = || WAITING.try_with(|waiting| waiting.borrow_mut().pop_front()).ok().flatten();
        while let Some(handler) = next() {
            contain(handler);
        }
        RUNNING.set(false);
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for handler in self.0.drain(..) {
            drop_quietly(handler);
        }
    }
}
