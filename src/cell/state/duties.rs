//! What the state word is told, and the duties that it gives to its callers.

pub(super) type Pointer = *mut ();

/// A waiter for the cell, by a pointer that its taker owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// A parked thread.
    Thread(Pointer),
    /// A task's waker.
    Waker(Pointer),
}

/// What receives the cell when it settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// The cell of the next link.
    Continuation(Pointer),
    /// A list or a shared value.
    Observer(Pointer),
}

/// The duty of a producer that has settled.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settle {
    /// Nothing: the consumer owns the cell.
    Kept,
    /// Wake it; the consumer owns the cell.
    Wake(Listener),
    /// Hand the cell on; it is the receiver's now.
    Deliver(Receiver),
    /// The consumer is gone: drop the outcome and free the cell.
    Gone,
    /// It was settled before by a deferred alone, which has gone: its reference is to be dropped.
    Before,
    /// The consumer has settled the cell itself: drop the outcome, then call [`Word::arrive`](super::word::Word::arrive).
    Cancelled,
}

/// What became of an attempt to attach a receiver.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attach {
    /// It is in place; a listener that was there before is the caller's to drop.
    Attached(Option<Listener>),
    /// Settled already: the caller owns the cell and its outcome.
    Settled,
    /// Settled without an outcome to take: see [`Word::seen`](super::word::Word::seen).
    WithoutOutcome,
}

/// What a consumer finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not settled.
    Pending,
    /// Settled, and the outcome is in the body.
    Settled,
    /// Settled by a cancellation that the run loop has not reached.
    Cancelled,
    /// Settled by a cancellation; no outcome in the body.
    Arrived,
    /// The value was taken.
    TakenValue,
    /// The failure was taken.
    TakenFailure,
}

/// The duty of a consumer that has left.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Nothing but to drop the listener: the producer frees the cell.
    Pending(Option<Listener>),
    /// Drop the outcome and free the cell.
    Outcome,
    /// Free the cell; its body is empty.
    Bare,
}
