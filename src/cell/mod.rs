//! The core: one allocation for a promise, its work, its outcome and its place in a chain.
//!
//! This folder and the pool's handling of cells are the only unsafe code of the crate. The rest sees
//! [`Consumer`], [`Producer`] and the traits [`Work`] and [`Step`].
//!
//! # The cell
//!
//! ```text
//!   ┌──────┬───────┬───────┬──────┬──────┬───────────────────────────┐
//!   │ word │ table │ place │ link │  up  │ work, later the outcome   │
//!   └──────┴───────┴───────┴──────┴──────┴───────────────────────────┘
//!     who    what    where   queue  root
//! ```
//!
//! | file | idea |
//! | --- | --- |
//! | `word` | the state word: producer against consumer (no unsafe code) |
//! | `chain` | the chain word: start, claim, cancel, follow, end (no unsafe code) |
//! | `header`, `body`, `place` | the memory of a cell |
//! | `compressed`, `indexed` | references to statics, and traces, in 32 bits |
//! | `step` | the traits of what cells do (no unsafe code) |
//! | `tables` | the functions that know a cell's types |
//! | `schedule` | the schedule word of a future: woken, queued, polled, gone (no unsafe code) |
//! | `task`, `budget` | futures as jobs, in one allocation; what one is given in a poll (no unsafe code) |
//! | `wave`, `later` | settling, link after link, in a loop; what has to wait for its end |
//! | `queued` | what an executor does with what it was given |
//! | `follow`, `followed`, `cancel`, `handlers` | adopting a promise; cancelling upwards |
//! | `waits` | the graph of direct waits: helping, circles, shared values that lose an owner |
//! | `frames` | the chains whose user code is on this thread's stack |
//! | `executor`, `lasting` | where user code runs, as one word; pools are named by numbers |
//! | `posted`, `nest` | executors that are not ours; jobs inside the call that posts them |
//! | `park`, `observer` | whom a settled cell tells |
//! | `mailbox`, `tally`, `entries`, `slots`, `items`, `source`, `policy`, `drained`, `drain`, `gather` | many cells told to one list |
//! | `bundle`, `inputs` | a few cells of different types told to one join |
//! | `shared`, `reference`, `holders`, `owner`, `waiters`, `branches` | one cell told to many |
//! | `consumer`, `producer` | the two ends, as safe handles |
//!
//! # Who frees what
//!
//! The last of a cell's two parties to arrive frees it, and the state word says which that is. A
//! chain's root is freed with the chain's last cell, unless a queue or a deferred still refers to
//! it: then by them (`REFERRED`, `OVER`). An inner chain is ended by its follower, or by whoever was
//! using its root at that moment (`BUSY`). The cell of a join's result is a part of the join's block,
//! and freeing it gives up a reference to that (`give_up` in its table).

mod body;
mod branches;
mod budget;
mod bundle;
mod cancel;
mod chain;
mod compressed;
mod consumer;
mod drain;
mod drained;
mod entries;
mod executor;
mod follow;
mod followed;
mod frames;
mod gather;
mod handlers;
mod header;
mod holders;
mod indexed;
mod inputs;
mod items;
mod lasting;
mod later;
mod local;
mod mailbox;
mod nest;
mod observer;
mod owner;
mod park;
mod place;
mod policy;
mod posted;
mod producer;
mod queued;
mod reference;
mod schedule;
mod shared;
mod slots;
mod source;
mod step;
mod tables;
mod tally;
mod task;
mod waiters;
mod waits;
mod wave;
mod word;

pub(crate) use budget::{refund, spend};
pub(crate) use bundle::join;
pub(crate) use consumer::Consumer;
pub(crate) use drain::Ender;
pub(crate) use executor::{ExecutorHandle, Item, Refused, ShutDown};
pub(crate) use gather::Gather;
pub(crate) use header::{CellRef, Lane, Turn};
pub(crate) use items::{Items, Way};
pub(crate) use lasting::{Lasting, Number};
pub(crate) use later::{afresh, drop_user, flush, is_settling, quietly};
pub(crate) use local::{Draining, Local, Waiting, drains};
pub(crate) use nest::{inline, is_inside};
pub(crate) use owner::Owner;
pub(crate) use policy::{Ended, Policy, Tallied};
pub(crate) use posted::{Counted, Execute, Posted};
pub(crate) use producer::Producer;
pub(crate) use queued::{Here, abandon, is_waiting, needs_its_executor, run, start};
pub(crate) use reference::Reference;
pub(crate) use shared::Shared;
pub(crate) use source::{Rest, Source};
pub(crate) use step::{Depends, Next, Step, Work};
pub(crate) use tables::Origin;
pub(crate) use task::{IntoOutcome, task};
pub(crate) use waiters::{BranchTurn, Ticket};
pub(crate) use waits::{Awaited, Circle, claim, claim_root, wait_for};
