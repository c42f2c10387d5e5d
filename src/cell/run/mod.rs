//! How a chain runs: the loop, cancelling and leaving, following, and what an executor does with an item.
//!
//! `run_loop`: a settled cell is handed to the next link, which works and is settled, and so on. `follow`: a work gave a
//! promise instead of an outcome. `cancel`: from the tail to the root, and what a consumer does that leaves. `queued`:
//! the entry of executors. `polled`: futures in a queue, and their wakers. The first three call each other.
//!
//! # Words
//!
//! *Deliver*: hand a settled cell to its receiver. *Permission*: what a cell's work may do just now. *Here*: the executor
//! whose thread this is, and how many callbacks it may still run in a row. *Adopt*, *follow*: have the outcome of
//! another promise.
//!
//! # Rules
//!
//! 1. The loop owns the settled parent, and is the producer of the child; it never recurses.
//! 2. A callback runs on its executor's thread (`Granted`, `Next`) or not at all; outside of one it is posted.
//! 3. The parent is freed behind the child's work, but a root with its chain.
//! 4. A canceller settles the tail by its own word, then marks the root; a root that has not started is its own then.
//! 5. A follower attaches the inner chain first, looks for a circle then, and attaches to the inner cell last.
//! 6. An inner chain is ended by its follower, or by the thread that held its root at that moment (`BUSY`).
//! 7. An item is run once. A root that another thread has started is let go of (`lost`).

pub(in crate::cell) mod cancel;
pub(in crate::cell) mod follow;
pub(in crate::cell) mod polled;
pub(in crate::cell) mod queued;
pub(in crate::cell) mod run_loop;
