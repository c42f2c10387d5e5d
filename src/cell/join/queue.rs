//! The completion queue: settled items come in, in the order of time, and their *driver* takes them out.
//!
//! One party has the *driver's role*: the list's handle, or, once it has armed the queue with
//! [`Armed::Driver`], the next item that comes. So what happens to a join happens in one place at a
//! time, without a lock; an item costs one compare-and-swap, and one more if it drives.
//!
//! ```text
//!   EMPTY (there is a driver) ── push ──► entry ──► entry … ── take ──► EMPTY
//!     │  ▲
//!    arm disarm (the time is over)
//!     ▼  │
//!   THREAD, WAKER + pointer: the next push wakes it, with its entry in the marker's place
//!   DRIVER ── push ──► EMPTY: it drives, beginning with its entry
//! ```
//!
//! A queue can be *watched* from some moment on: each push from then on tells the watcher of its entry
//! before the entry is in the queue, no push before it does. A flag beside the state says which a push is.

use crate::cell::state::word::Listener;
use crate::sync::atomic::{AtomicPtr, Ordering};

type Pointer = *mut ();

/// The low bits: what the pointer is, and whether the queue is watched.
const KIND: usize = 0b011;
const WATCHED: usize = 0b100;
const THREAD: usize = 1;
const WAKER: usize = 2;
const DRIVER: usize = 3;

/// What the next entry finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// A consumer that is to be woken; the listener is then the pusher's.
    Listener(Listener),
    /// The driver's role.
    Driver,
}

/// The queue. Its one consumer is the driver.
pub(crate) struct Queue(AtomicPtr<()>);

fn pointer(head: Pointer) -> Pointer {
    head.map_addr(|address| address & !(KIND | WATCHED))
}

fn decode(head: Pointer) -> Option<Armed> {
    match head.addr() & KIND {
        THREAD => Some(Armed::Listener(Listener::Thread(pointer(head)))),
        WAKER => Some(Armed::Listener(Listener::Waker(pointer(head)))),
        DRIVER => Some(Armed::Driver),
        _ => None,
    }
}

fn encode(armed: Armed) -> Pointer {
    let (pointer, kind) = match armed {
        Armed::Listener(Listener::Thread(pointer)) => (pointer, THREAD),
        Armed::Listener(Listener::Waker(pointer)) => (pointer, WAKER),
        Armed::Driver => (std::ptr::null_mut(), DRIVER),
    };
    pointer.map_addr(|address| address | kind)
}

/// The same, watched as `head` is.
fn like(head: Pointer, pointer: Pointer) -> Pointer {
    pointer.map_addr(|address| address | head.addr() & WATCHED)
}

impl Queue {
    /// An empty one; the caller is the driver.
    pub(crate) fn new() -> Self {
        Queue(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// Any thread: brings an entry, which keeps the next one in `next`; calls `tell` first, once, if the
    /// queue is watched. Gives what it has found: for [`Armed::Driver`] the caller is the driver, and has
    /// the entry still: it is not in the queue.
    #[must_use]
    pub(crate) fn push(
        &self,
        entry: Pointer,
        next: &AtomicPtr<()>,
        tell: impl FnOnce(),
    ) -> Option<Armed> {
        debug_assert_eq!(entry.addr() & (KIND | WATCHED), 0, "an entry needs its low bits");
        let mut tell = Some(tell);
        // ORDERING: Acquire pairs with `watch`: the watcher is seen.
        let mut head = self.0.load(Ordering::Acquire);
        loop {
            if head.addr() & WATCHED != 0 {
                tell.take().into_iter().for_each(|tell| tell());
            }
            let armed = decode(head);
            let null = std::ptr::null_mut();
            let behind = if armed.is_some() { null } else { pointer(head) };
            let now = if armed == Some(Armed::Driver) { null } else { entry };
            // ORDERING: Relaxed, published by the CAS.
            next.store(behind, Ordering::Relaxed);
            // ORDERING: Release pairs with the Acquire of `take`: the entry and its outcome are
            // seen. Acquire pairs with the Release of `arm`: who was armed is seen whole, and what
            // the last driver did; where it fails, as above.
            let now = like(head, now);
            match self.0.compare_exchange(head, now, Ordering::AcqRel, Ordering::Acquire) {
                Ok(before) => return decode(before),
                Err(seen) => head = seen,
            }
        }
    }

    /// Nothing is in it, as the driver would write it, who alone changes the flag.
    fn empty(&self) -> Pointer {
        // ORDERING: Relaxed, the driver's role was handed on with what the last driver wrote.
        like(self.0.load(Ordering::Relaxed), std::ptr::null_mut())
    }

    /// Driver: takes all entries, the newest first.
    pub(crate) fn take(&self) -> Pointer {
        // ORDERING: Relaxed, the swap decides.
        let head = self.0.load(Ordering::Relaxed);
        if pointer(head).is_null() {
            return std::ptr::null_mut();
        }
        // ORDERING: Acquire pairs with `push`.
        pointer(self.0.swap(like(head, std::ptr::null_mut()), Ordering::Acquire))
    }

    /// Driver, once: has the queue watched from now on. Gives the entries that have come before, as
    /// [`take`](Self::take) does.
    pub(crate) fn watch(&self) -> Pointer {
        let watched = std::ptr::without_provenance_mut(WATCHED);
        // ORDERING: Release pairs with the Acquire of `push`: the watcher is seen. Acquire as in `take`.
        pointer(self.0.swap(watched, Ordering::AcqRel))
    }

    /// Driver that has found nothing: has `armed` found by the next entry, and gives its role up, or
    /// goes to sleep on it. `false`: something has come.
    #[must_use]
    pub(crate) fn arm(&self, armed: Armed) -> bool {
        let empty = self.empty();
        // ORDERING: Release pairs with `push`: the next driver sees what this one did.
        let armed = like(empty, encode(armed));
        self.0.compare_exchange(empty, armed, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Driver that has armed the queue for itself: takes that back. `false`: an entry has come, and its
    /// pusher owns the listener now.
    #[must_use]
    pub(crate) fn disarm(&self, armed: Armed) -> bool {
        let empty = self.empty();
        let armed = like(empty, encode(armed));
        // ORDERING: Acquire pairs with the Release of `arm`: the driver sees what it did before.
        self.0.compare_exchange(armed, empty, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Driver, also one that sleeps: whether there is nothing to take.
    pub(crate) fn is_empty(&self) -> bool {
        // ORDERING: Relaxed, a hint; `take` acquires.
        let head = self.0.load(Ordering::Relaxed);
        pointer(head).is_null() || decode(head).is_some()
    }
}
