//! Executors that are not pools: what users write, and the inline one.
//!
//! `posted`: what a foreign executor is given to run. `inline`: jobs that run inside the call that posts them.
//!
//! # Rules
//!
//! 1. A `Posted` is the owner of its item: run once, or refused by its drop.
//! 2. One job runs inside the call that has posted it at a time, on each thread; what is posted meanwhile is posted
//!    once more behind it.
//! 3. `execute` is the user's: a panic of it is contained, and what it had is refused then.
//! 4. A thread that blocks, or polls, runs first what was put off here (`flush`).

pub(in crate::cell) mod inline;
pub(in crate::cell) mod posted;
