//! The mailbox of a list: settled items come in, in the order of time.
//!
//! One party has the *right to drain*: the list's handle, or, once it has armed the mailbox, the
//! next item that comes. So what happens to a list happens in one place at a time, without a lock;
//! an item costs one compare-and-swap, and one more if it drains.
//!
//! ```text
//!   EMPTY (somebody drains) ── push ──► entry ──► entry … ── take ──► EMPTY
//!     │  ▲
//!    arm disarm (the time is over)
//!     ▼  │
//!   THREAD, WAKER + pointer: the next push wakes it, with its entry in the marker's place
//!   POLICY ── push ──► EMPTY: it drains, beginning with its entry
//! ```

use crate::sync::atomic::{AtomicPtr, Ordering};

type Pointer = *mut ();

const TAG: usize = 0b111;
const THREAD: usize = 1;
const WAKER: usize = 2;
const POLICY: usize = 3;

/// Who is to be told of the next entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// A parked thread, by a pointer that its taker owns.
    Thread(Pointer),
    /// A task's waker, likewise.
    Waker(Pointer),
    /// Whoever pushes gets the right to drain.
    Policy,
}

/// The mailbox.
pub(crate) struct Mailbox(AtomicPtr<()>);

fn decode(value: Pointer) -> Option<Armed> {
    let pointer = value.map_addr(|address| address & !TAG);
    match value.addr() & TAG {
        THREAD => Some(Armed::Thread(pointer)),
        WAKER => Some(Armed::Waker(pointer)),
        POLICY => Some(Armed::Policy),
        _ => None,
    }
}

fn encode(armed: Armed) -> Pointer {
    match armed {
        Armed::Thread(pointer) => pointer.map_addr(|address| address | THREAD),
        Armed::Waker(pointer) => pointer.map_addr(|address| address | WAKER),
        Armed::Policy => std::ptr::without_provenance_mut(POLICY),
    }
}

impl Mailbox {
    /// An empty one; the caller has the right to drain.
    pub(crate) fn new() -> Self {
        Mailbox(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// Any thread: brings an entry, which keeps the next one in `next`. Gives who is to be told; for a
    /// policy the caller drains, and has the entry still: it is not in the mailbox.
    #[must_use]
    pub(crate) fn push(&self, entry: Pointer, next: &AtomicPtr<()>) -> Option<Armed> {
        debug_assert_eq!(entry.addr() & TAG, 0, "an entry needs its low bits");
        // ORDERING: Relaxed, the CAS decides.
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            let armed = decode(head);
            let null = std::ptr::null_mut();
            let behind = if armed.is_some() { null } else { head };
            let now = if armed == Some(Armed::Policy) { null } else { entry };
            // ORDERING: Relaxed, published by the CAS.
            next.store(behind, Ordering::Relaxed);
            // ORDERING: Release pairs with the Acquire of `take`: the entry and its outcome are
            // seen. Acquire pairs with the Release of `arm`: who was armed is seen whole, and what
            // the last drainer did.
            match self.0.compare_exchange(head, now, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(before) => return decode(before),
                Err(seen) => head = seen,
            }
        }
    }

    /// Drainer: takes all entries, the newest first.
    pub(crate) fn take(&self) -> Pointer {
        // ORDERING: Relaxed, the swap decides.
        if self.0.load(Ordering::Relaxed).is_null() {
            return std::ptr::null_mut();
        }
        // ORDERING: Acquire pairs with `push`.
        self.0.swap(std::ptr::null_mut(), Ordering::Acquire)
    }

    /// Drainer that has found nothing: has `armed` told of the next entry, and gives up the right to
    /// drain (a policy) or goes to sleep on it. `false`: something has come.
    #[must_use]
    pub(crate) fn arm(&self, armed: Armed) -> bool {
        // ORDERING: Release pairs with `push`: the next drainer sees what this one did.
        let null = std::ptr::null_mut();
        self.0.compare_exchange(null, encode(armed), Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Who has armed the mailbox for itself: takes that back. `false`: somebody has come, and owns
    /// the pointer now.
    #[must_use]
    pub(crate) fn disarm(&self, armed: Armed) -> bool {
        // ORDERING: Acquire pairs with the Release of `arm`: whoever takes the right to drain from
        // a policy sees what the last drainer did.
        let null = std::ptr::null_mut();
        self.0.compare_exchange(encode(armed), null, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Drainer, also one that sleeps: whether there is nothing to take.
    pub(crate) fn is_empty(&self) -> bool {
        // ORDERING: Relaxed, a hint; `take` acquires.
        let head = self.0.load(Ordering::Relaxed);
        head.is_null() || decode(head).is_some()
    }
}
