//! What a pending deferred does when its promise is cancelled.
//!
//! The list hangs on the `link` field of the deferred's cell, which is not queued while it is
//! pending. Handlers may cancel other promises, whose handlers cancel others: some levels deep they
//! nest, the rest wait for a call further out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;

use super::upstream::Upstream;
use crate::failure::{contain, drop_quietly};
use crate::sync::atomic::{AtomicPtr, Ordering};

type Handler = Box<dyn FnOnce() + Send>;

struct Node {
    handler: Handler,
    /// What the promise waits for, where the handler would cancel that.
    upstream: Option<Arc<dyn Upstream>>,
    next: *mut Node,
}

/// Instead of a list: no handler will be run from here any more.
const CLOSED: usize = 1;
/// How deep handlers that cancel other promises nest.
const NEST: u32 = 4;
/// Somebody looks into the list, for a moment: it must not be changed.
const LOCKED: usize = 2;

/// The handlers of one deferred.
pub(super) struct Handlers {
    handlers: Vec<Handler>,
    /// Kept until the handlers have run.
    _upstream: Vec<Arc<dyn Upstream>>,
}

fn closed() -> *mut () {
    std::ptr::without_provenance_mut(CLOSED)
}

/// Adds a handler; gives it back if the list is closed.
pub(super) fn add(
    list: &AtomicPtr<()>,
    handler: Handler,
    upstream: Option<Arc<dyn Upstream>>,
) -> Result<(), Handler> {
    // ORDERING: Relaxed, the CAS publishes.
    let mut now = list.load(Ordering::Relaxed);
    let mut node = Box::new(Node { handler, upstream, next: std::ptr::null_mut() });
    loop {
        if now == closed() {
            return Err(node.handler);
        }
        if now.addr() & LOCKED != 0 {
            crate::sync::spin_loop();
            now = list.load(Ordering::Relaxed);
            continue;
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
    let mut at = list.load(Ordering::Relaxed);
    loop {
        if at == closed() {
            return None;
        }
        // ORDERING: Acquire pairs with `add`, and with the unlocking of `upstream`.
        let taken =
            list.compare_exchange(unlocked(at), closed(), Ordering::AcqRel, Ordering::Relaxed);
        match taken {
            Ok(list) => {
                at = list;
                break;
            }
            Err(seen) => at = seen,
        }
        crate::sync::spin_loop();
    }
    let mut handlers = Vec::new();
    let mut upstream = Vec::new();
    while !at.is_null() {
        // SAFETY: `add` made the node; the swap took the whole list, so it is ours alone.
        let node = unsafe { Box::from_raw(at.cast::<Node>()) };
        handlers.push(node.handler);
        upstream.extend(node.upstream);
        at = node.next.cast();
    }
    handlers.reverse();
    Some(Handlers { handlers, _upstream: upstream })
}

/// What the promise waits for, if its list is not closed.
pub(super) fn upstream(list: &AtomicPtr<()>) -> Vec<Arc<dyn Upstream>> {
    let mut found = Vec::new();
    let mut now = list.load(Ordering::Relaxed);
    loop {
        if now == closed() || now.is_null() {
            return found;
        }
        let free = unlocked(now);
        let locked = free.map_addr(|address| address | LOCKED);
        // ORDERING: Acquire pairs with `add`.
        match list.compare_exchange(free, locked, Ordering::Acquire, Ordering::Relaxed) {
            Ok(list) => {
                now = list;
                break;
            }
            Err(seen) => now = seen,
        }
        crate::sync::spin_loop();
    }
    let mut at = now.cast::<Node>();
    // SAFETY: the lock keeps the list as it is.
    while let Some(node) = unsafe { at.as_ref() } {
        found.extend(node.upstream.clone());
        at = node.next;
    }
    // ORDERING: Release pairs with `close`: we are through with the nodes.
    list.store(now, Ordering::Release);
    found
}

fn unlocked(list: *mut ()) -> *mut () {
    list.map_addr(|address| address & !LOCKED)
}

thread_local! {
    /// Handlers must not run just now.
    static DEFERRED: Cell<bool> = const { Cell::new(false) };
    /// How many handlers are on this thread's stack.
    static NESTED: Cell<u32> = const { Cell::new(0) };
    /// Whether some wait: a look at this costs less than one at the list.
    static SOME_WAIT: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<VecDeque<Handler>> = const { RefCell::new(VecDeque::new()) };
}

impl Handlers {
    /// Runs them here, or leaves them to a call further out, if they must wait or nest deep.
    pub(super) fn run(mut self) {
        let handlers = std::mem::take(&mut self.handlers);
        if DEFERRED.get() || NESTED.get() == NEST {
            let later =
                |waiting: &RefCell<VecDeque<Handler>>| waiting.borrow_mut().extend(handlers);
            let _ = WAITING.try_with(later); // a thread that ends: dropped, as after the fact
            SOME_WAIT.set(true);
            return;
        }
        handlers.into_iter().for_each(call);
        run_deferred();
    }
}

fn call(handler: Handler) {
    NESTED.set(NESTED.get() + 1);
    contain(handler);
    NESTED.set(NESTED.get() - 1);
}

/// Has handlers that `f` sets off wait for [`run_deferred`].
pub(super) fn deferred<R>(f: impl FnOnce() -> R) -> R {
    let outer = DEFERRED.replace(true);
    let result = f();
    DEFERRED.set(outer);
    result
}

/// Runs the handlers that wait, unless a call further out does.
pub(super) fn run_deferred() {
    if !DEFERRED.get() && NESTED.get() == 0 {
        flush();
    }
}

/// Runs the handlers that wait, whatever goes on further out; for a thread that is about to block.
#[inline]
pub(super) fn flush() {
    if SOME_WAIT.get() {
        run_waiting();
    }
}

#[cold]
fn run_waiting() {
    let next = || WAITING.try_with(|waiting| waiting.borrow_mut().pop_front()).ok().flatten();
    while let Some(handler) = next() {
        call(handler);
    }
    SOME_WAIT.set(false);
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            drop_quietly(handler);
        }
    }
}
