//! Futures as jobs: the cell of the promise is the task, in one allocation.
//!
//! `task`: the cell, its table, one poll. Which thread polls it when: `state/schedule.rs` and `run/polled.rs`.
//!
//! # Rules
//!
//! 1. One thread polls at a time: the one that has popped or claimed the future.
//! 2. There is one entry in the queue at the most.
//! 3. Wakers, the entry and the poller have a reference each; the last one to go lets go of the root.
//! 4. The future is not moved once it was polled, and is dropped in place, by its poller.
//! 5. A future whose wakers are all gone while it waits is dropped, and its promise abandoned.

pub(in crate::cell) mod task;
