//! Shared values: one cell told to many.
//!
//! `value`: the shared part, which takes the consumer's place as an observer. `counts`: its word, how many hold it and whether
//! it has settled (no unsafe code). `reference`: one count for what keeps its memory. `owner`: the handle that keeps the
//! value wanted. `waiters`: the list of listeners and branches. `branches`: how a branch runs once the value is there.
//!
//! # Words
//!
//! *Feeder*: the cell that gives the value. *Owner*: a handle that has not cancelled. *Branch*: a job that waits for the
//! value. *Ticket*: a place in the list. *Series*: branches that run one after the other, in the order of their tickets.
//!
//! # Rules
//!
//! 1. The outcome stays in the feeder, and is read there; it is not taken.
//! 2. Where there never was a waiter in the list, settling is one exchange of the word; else it is done under the lock.
//! 3. No user code runs under the lock: listeners are told behind it.
//! 4. The last owner that goes cancels the feeder's chain; the last handle abandons a value that was never set.
//! 5. The last reference frees the shared part, and with it the feeder.

pub(in crate::cell) mod branches;
pub(in crate::cell) mod counts;
pub(in crate::cell) mod owner;
pub(in crate::cell) mod reference;
pub(in crate::cell) mod value;
pub(in crate::cell) mod waiters;
