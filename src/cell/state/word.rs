//! The state word of a cell: which of its two parties has arrived, and what the other has to tell.
//!
//! A cell has a *producer* (it will settle the outcome) and a *consumer* (it holds the promise, or
//! is the continuation that took the promise's place). The word is the whole protocol between them:
//! no reference count, no lock. Each transition is one method here, returns the duty of its caller,
//! and is raced against the others by the loom models in `models/`.
//!
//! ```text
//!                 attach, listen                     settle (no RMW once something is attached)
//!   EMPTY ───────────────────────► CONTINUATION|child ─────────► the loop goes on, cell is freed
//!     │  ◄─── unlisten ─────────── OBSERVER|list ──────────────► the observer owns the cell
//!     │                            THREAD|parker, WAKER|box ───► SETTLED, woken
//!     ├── settle ─► SETTLED ── take ─► TAKEN_VALUE, TAKEN_FAILURE
//!     ├── leave ──► GONE ───── settle: the producer drops the outcome and frees
//!     └── cancel ─► CANCELLED ── the loop arrives ─► ARRIVED (no outcome in the body)
//! ```
//!
//! | value | meaning | owner of the cell |
//! | --- | --- | --- |
//! | `EMPTY` | pending, nothing to tell | both |
//! | `SETTLED` | the outcome is in the body | consumer |
//! | `GONE` | the consumer has left | producer |
//! | `CANCELLED` | the consumer has settled it as cancelled, the producer has not arrived | both |
//! | `ARRIVED` | settled as cancelled, the producer is through, no outcome in the body | consumer |
//! | `TAKEN_…` | the outcome was taken out of the body | consumer |
//! | `CONTINUATION`, `OBSERVER` + pointer | what receives the cell when it settles | producer |
//! | `THREAD`, `WAKER` + pointer | a waiter; the pointer is its taker's | both |

use crate::sync::atomic::{AtomicPtr, Ordering};

use super::duties::Pointer;
pub(crate) use super::duties::{Attach, Leave, Listener, Receiver, Seen, Settle};

const TAG: usize = 0b111;
const CONTINUATION: usize = 1;
const OBSERVER: usize = 2;
const THREAD: usize = 3;
const WAKER: usize = 4;

// Values without a pointer have the tag 0; all are below any address that an allocator gives out.
const EMPTY: usize = 0;
const SETTLED: usize = 8;
const GONE: usize = 16;
const CANCELLED: usize = 24;
const ARRIVED: usize = 32;
const TAKEN_VALUE: usize = 40;
const TAKEN_FAILURE: usize = 48;

/// The state word.
pub(crate) struct Word(AtomicPtr<()>);

fn plain(value: usize) -> Pointer {
    std::ptr::without_provenance_mut(value)
}

fn tagged(pointer: Pointer, tag: usize) -> Pointer {
    debug_assert_eq!(pointer.addr() & TAG, 0, "a tagged pointer needs its low bits");
    pointer.map_addr(|address| address | tag)
}

fn untagged(pointer: Pointer) -> Pointer {
    pointer.map_addr(|address| address & !TAG)
}

fn receiver(value: Pointer) -> Option<Receiver> {
    match value.addr() & TAG {
        CONTINUATION => Some(Receiver::Continuation(untagged(value))),
        OBSERVER => Some(Receiver::Observer(untagged(value))),
        _ => None,
    }
}

fn listener(value: Pointer) -> Option<Listener> {
    match value.addr() & TAG {
        THREAD => Some(Listener::Thread(untagged(value))),
        WAKER => Some(Listener::Waker(untagged(value))),
        _ => None,
    }
}

impl Receiver {
    fn word(self) -> Pointer {
        match self {
            Receiver::Continuation(pointer) => tagged(pointer, CONTINUATION),
            Receiver::Observer(pointer) => tagged(pointer, OBSERVER),
        }
    }
}

impl Listener {
    fn word(self) -> Pointer {
        match self {
            Listener::Thread(pointer) => tagged(pointer, THREAD),
            Listener::Waker(pointer) => tagged(pointer, WAKER),
        }
    }
}

impl Word {
    /// The word of a pending cell.
    pub(crate) fn pending() -> Self {
        Word(AtomicPtr::new(plain(EMPTY)))
    }

    /// The word of a cell that is made with its outcome.
    pub(crate) fn settled() -> Self {
        Word(AtomicPtr::new(plain(SETTLED)))
    }

    // ── The producer's transitions; each is made once ────────────────────────────────────────

    /// Producer: the outcome is in the body.
    pub(crate) fn settle(&self) -> Settle {
        // ORDERING: Acquire pairs with the Release of `attach`, `listen`, `leave` and `cancel`: the
        // receiver's fields, and the consumer's last use of the cell, happen before what follows.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            if let Some(receiver) = receiver(now) {
                return Settle::Deliver(receiver); // only the producer is left: no RMW
            }
            match now.addr() {
                GONE => return Settle::Gone,
                CANCELLED => return Settle::Cancelled,
                _ => match self.swap_in(now, plain(SETTLED)) {
                    Ok(before) => return listener(before).map_or(Settle::Kept, Settle::Wake),
                    Err(seen) => now = seen,
                },
            }
        }
    }

    /// Producer of a chain of one cell: as [`settle`](Self::settle), but only while the consumer
    /// has attached nothing and has not left. `Err`: nothing was changed.
    pub(crate) fn settle_alone(&self) -> Result<Option<Listener>, ()> {
        self.settle_pending(SETTLED).ok_or(())
    }

    /// Puts `value` where at most a listener is, and gives that. `None`: nothing was changed.
    fn settle_pending(&self, value: usize) -> Option<Option<Listener>> {
        // ORDERING: Acquire as in `settle` and `seen`.
        let mut now = self.0.load(Ordering::Acquire);
        while now.addr() == EMPTY || listener(now).is_some() {
            match self.swap_in(now, plain(value)) {
                Ok(before) => return Some(listener(before)),
                Err(seen) => now = seen,
            }
        }
        None
    }

    /// Canceller that has claimed the root: settles it with no outcome in the body, which counts
    /// as cancelled.
    pub(crate) fn settle_without_outcome(&self) -> Settle {
        // ORDERING: as in `settle`.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            if let Some(receiver) = receiver(now) {
                // ORDERING: Relaxed, the cell is the caller's alone; the receiver gets it from here.
                self.0.store(plain(ARRIVED), Ordering::Relaxed);
                return Settle::Deliver(receiver);
            }
            match now.addr() {
                GONE => return Settle::Gone,
                // Its deferred was faster, by `settle_alone`.
                SETTLED => return Settle::Before,
                _ => {}
            }
            match self.swap_in(now, plain(ARRIVED)) {
                Ok(before) => return listener(before).map_or(Settle::Kept, Settle::Wake),
                Err(seen) => now = seen,
            }
        }
    }

    /// Producer, after [`Settle::Cancelled`] and after it has dropped the outcome. `false`: the
    /// consumer has left meanwhile, and the cell is the caller's to free.
    #[must_use]
    pub(crate) fn arrive(&self) -> bool {
        self.swap_in(plain(CANCELLED), plain(ARRIVED)).is_ok()
    }

    /// Receiver of a settled cell: whether there is an outcome in its body.
    pub(crate) fn has_outcome(&self) -> bool {
        // ORDERING: Relaxed, the receiver got the cell from the thread that wrote this.
        self.0.load(Ordering::Relaxed).addr() != ARRIVED
    }

    // ── The consumer's transitions ───────────────────────────────────────────────────────────

    /// Consumer: how things stand.
    pub(crate) fn seen(&self) -> Seen {
        // ORDERING: Acquire pairs with the Release of `settle`: the outcome can be read.
        match self.0.load(Ordering::Acquire).addr() {
            SETTLED => Seen::Settled,
            CANCELLED => Seen::Cancelled,
            ARRIVED => Seen::Arrived,
            TAKEN_VALUE => Seen::TakenValue,
            TAKEN_FAILURE => Seen::TakenFailure,
            _ => Seen::Pending,
        }
    }

    /// Consumer: `receiver` takes its place.
    pub(crate) fn attach(&self, receiver: Receiver) -> Attach {
        // ORDERING: Acquire as in `seen`.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            match now.addr() {
                EMPTY => {}
                SETTLED => return Attach::Settled,
                _ if listener(now).is_some() => {}
                _ => return Attach::WithoutOutcome,
            }
            match self.swap_in(now, receiver.word()) {
                Ok(before) => return Attach::Attached(listener(before)),
                Err(seen) => now = seen,
            }
        }
    }

    /// Consumer that owns the settled cell: hands it to `receiver`.
    pub(crate) fn hand_to(&self, receiver: Receiver) {
        // ORDERING: Relaxed, the cell is the caller's alone.
        self.0.store(receiver.word(), Ordering::Relaxed);
    }

    /// The receiver that is in place, for the thread that was given the cell.
    pub(crate) fn receiver(&self) -> Option<Receiver> {
        // ORDERING: Acquire pairs with the Release of `attach`, for a producer that looks before
        // it settles.
        receiver(self.0.load(Ordering::Acquire))
    }

    /// Producer, or any thread that keeps the cell: whether the consumer has left.
    pub(crate) fn is_left(&self) -> bool {
        // ORDERING: Relaxed, a hint.
        self.0.load(Ordering::Relaxed).addr() == GONE
    }

    /// Consumer: `listener` is to be woken. `false`: settled, or there is a listener already.
    #[must_use]
    pub(crate) fn listen(&self, listener: Listener) -> bool {
        self.swap_in(plain(EMPTY), listener.word()).is_ok()
    }

    /// Consumer: takes its listener back. `false`: the producer owns it now.
    #[must_use]
    pub(crate) fn unlisten(&self, listener: Listener) -> bool {
        self.swap_in(listener.word(), plain(EMPTY)).is_ok()
    }

    /// Consumer: a listener that was left there, taken back.
    #[must_use]
    pub(crate) fn take_listener(&self) -> Option<Listener> {
        // ORDERING: Acquire as in `seen`.
        let now = self.0.load(Ordering::Acquire);
        listener(now)?;
        self.swap_in(now, plain(EMPTY)).ok().and_then(listener)
    }

    /// Consumer: leaves for good, if the cell has settled and the run loop has arrived.
    pub(crate) fn leave_settled(&self) -> Option<Leave> {
        // ORDERING: Acquire as in `seen`.
        Self::owned(self.0.load(Ordering::Acquire))
    }

    /// Consumer: leaves for good.
    pub(crate) fn leave(&self) -> Leave {
        if let Some(owned) = self.leave_settled() {
            return owned;
        }
        // ORDERING: Release, so that the producer frees after the consumer's last use; Acquire as
        // in `seen`, for the case that it has settled meanwhile.
        let before = self.0.swap(plain(GONE), Ordering::AcqRel);
        Self::owned(before).unwrap_or_else(|| Leave::Pending(listener(before)))
    }

    fn owned(value: Pointer) -> Option<Leave> {
        match value.addr() {
            SETTLED => Some(Leave::Outcome),
            ARRIVED | TAKEN_VALUE | TAKEN_FAILURE => Some(Leave::Bare),
            _ => None,
        }
    }

    /// Consumer: settles the cell as cancelled. `None`: it was settled, nothing has changed. Else
    /// the listener to wake.
    pub(crate) fn cancel(&self) -> Option<Option<Listener>> {
        self.settle_pending(CANCELLED)
    }

    /// Consumer that has taken the outcome out of the settled cell.
    pub(crate) fn taken(&self, failure: bool) {
        let value = if failure { TAKEN_FAILURE } else { TAKEN_VALUE };
        // ORDERING: Relaxed, the consumer owns the cell.
        self.0.store(plain(value), Ordering::Relaxed);
    }

    /// Gives what was there, by the pointer that was stored: one that was loaded before may be that of
    /// something freed, in whose place something else is now.
    fn swap_in(&self, from: Pointer, to: Pointer) -> Result<Pointer, Pointer> {
        // ORDERING: Release publishes what the caller wrote before (an outcome, a receiver, a
        // listener, its last use of the cell); Acquire pairs with the other party's Release.
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
    }
}
