//! What cells do, told without cells (`step`), and the functions that know a cell's types (`vtables`).
//!
//! `consumer` is the handle that a step may give back, a promise to follow; what can be done with it is in
//! `ends/consumer.rs`.
//!
//! # Words
//!
//! *Work*: what a job does. *Step*: what a link does with the outcome of the cell before it. *Next*: what user code has
//! come to. *FailureKind*: a failure that needs no error of the user's.
//!
//! # Rules
//!
//! 1. A new combinator is a new `Step`: no unsafe code.
//! 2. `work` is called by the cell's producer, once for each `Progress` but `Pending` and `Post`, which have touched
//!    nothing.
//! 3. User code runs inside `framed` and `catch`, and is dropped by `drop_user`.
//! 4. A failure that goes from cell to cell takes its way along (`carry`), and whether it was seen.
//! 5. What counts as unobserved is decided in `unobserved::is_reported`; `drop_outcome` only asks.

pub(in crate::cell) mod consumer;
pub(in crate::cell) mod step;
pub(in crate::cell) mod vtables;
