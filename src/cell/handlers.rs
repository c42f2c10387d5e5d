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

/// What is done at a cancellation.
pub(super) enum Handler {
    /// A function is called; with what the promise waits for, if it cancels that.
    Call(Box<dyn FnOnce() + Send>, Option<Arc<dyn Upstream>>),
    /// What the promise waits for is cancelled.
    Cancel(Arc<dyn Upstream>),
}

impl Handler {
    /// Does it; a panic is the caller's to contain.
    pub(super) fn run(self) {
        match self {
            Handler::Call(call, _kept) => call(),
            Handler::Cancel(upstream) => upstream.cancel(),
        }
    }

    fn upstream(&self) -> Option<&Arc<dyn Upstream>> {
        match self {
            Handler::Call(_, upstream) => upstream.as_ref(),
            Handler::Cancel(upstream) => Some(upstream),
        }
    }
}

/// An entry of the list.
pub(super) struct Node {
    handler: Handler,
    next: *mut Node,
    /// Whether it is in a box of its own; else what it cancels keeps its memory.
    boxed: bool,
}

/// Instead of a list: no handler will be run from here any more.
const CLOSED: usize = 1;
/// How deep handlers that cancel other promises nest.
const NEST: u32 = 4;
/// Somebody looks into the list, for a moment: it must not be changed.
const LOCKED: usize = 2;

/// The handlers of one deferred, in the order of registration.
pub(super) struct Handlers {
    first: *mut Node,
}

fn closed() -> *mut () {
    std::ptr::without_provenance_mut(CLOSED)
}

/// Adds a handler; gives it back if the list is closed.
pub(super) fn add(list: &AtomicPtr<()>, handler: Handler) -> Result<(), Handler> {
    let node = Box::into_raw(Box::new(Node { handler, next: std::ptr::null_mut(), boxed: true }));
    // SAFETY: a new node.
    unsafe { push(list, node) }
}

/// Adds what the promise waits for, as a handler that cancels it, without an allocation; gives it back
/// if the list is closed.
///
/// # Safety
/// `place` is memory for a node in what `upstream` keeps, which nobody else uses.
pub(super) unsafe fn add_in(
    list: &AtomicPtr<()>,
    place: *mut Node,
    upstream: Arc<dyn Upstream>,
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
        if now.addr() & LOCKED != 0 {
            crate::sync::spin_loop();
            now = list.load(Ordering::Relaxed);
            continue;
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

/// Closes the list and takes what is in it.
pub(super) fn close(list: &AtomicPtr<()>) -> Option<Handlers> {
    let mut at = list.load(Ordering::Relaxed);
    loop {
        if at == closed() {
            return None;
        }
        // ORDERING: Acquire pairs with `push`, and with the unlocking of `upstream`.
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
    let (mut first, mut newest) = (std::ptr::null_mut::<Node>(), at.cast::<Node>());
    while !newest.is_null() {
        // SAFETY: the exchange took the whole list, so it is ours alone.
        let next = unsafe { std::mem::replace(&mut (*newest).next, first) };
        (first, newest) = (newest, next);
    }
    Some(Handlers { first })
}

/// Shows what the promise waits for, if its list is not closed. `found` is a few instructions.
pub(super) fn upstream(list: &AtomicPtr<()>, mut found: impl FnMut(&Arc<dyn Upstream>)) {
    let mut now = list.load(Ordering::Relaxed);
    loop {
        if now == closed() || now.is_null() {
            return;
        }
        let free = unlocked(now);
        let locked = free.map_addr(|address| address | LOCKED);
        // ORDERING: Acquire pairs with `push`.
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
        node.handler.upstream().into_iter().for_each(&mut found);
        at = node.next;
    }
    // ORDERING: Release pairs with `close`: we are through with the nodes.
    list.store(now, Ordering::Release);
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
    pub(super) fn run(self) {
        if DEFERRED.get() || NESTED.get() == NEST {
            let later = |waiting: &RefCell<VecDeque<Handler>>| waiting.borrow_mut().extend(self);
            let _ = WAITING.try_with(later); // a thread that ends: dropped, as after the fact
            SOME_WAIT.set(true);
            return;
        }
        self.for_each(call);
        run_deferred();
    }
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

fn call(handler: Handler) {
    NESTED.set(NESTED.get() + 1);
    contain(|| handler.run());
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
        self.for_each(drop_quietly);
    }
}
