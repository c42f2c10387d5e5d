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
//! # The rooms
//!
//! Each says in its `mod.rs` what it is for, what its words mean, and its rules. A file uses those of its own room, and
//! rooms further up in this table.
//!
//! | room | idea |
//! | --- | --- |
//! | `state` | one cell: its memory, its header, its two words |
//! | `executor` | where callbacks run, as one word; what goes into a queue |
//! | `defer` | what waits for the end of a step; the end of cells |
//! | `wait` | parked threads and wakers; what waits for what |
//! | `work` | what cells do; the functions that know their types |
//! | `run` | the loop, cancelling, following; what executors do with items |
//! | `future` | futures as jobs |
//! | `foreign` | executors that are not pools |
//! | `ends` | consumer and producer, as safe handles |
//! | `shared` | one cell told to many |
//! | the files here | many cells told to one: lists and joins |
//!
//! # Who frees what
//!
//! The last of a cell's two parties to arrive frees it, and the state word says which that is. A
//! chain's root is freed with the chain's last cell, unless a queue or a deferred still refers to
//! it: then by them (`REFERRED`, `OVER`). An inner chain is ended by its follower, or by whoever was
//! using its root at that moment (`BUSY`). The cell of a join's result is a part of the join's block,
//! and freeing it gives up a reference to that (`give_up` in its table).

mod bundle;
mod defer;
mod drain;
mod drained;
mod ends;
mod entries;
mod executor;
mod foreign;
mod future;
mod gather;
mod inputs;
mod items;
mod mailbox;
mod policy;
mod run;
mod shared;
mod slots;
mod source;
mod state;
mod tally;
mod wait;
mod work;

pub(crate) use bundle::join;
pub(crate) use defer::trampoline::{afresh, drop_user, is_settling, quietly};
pub(crate) use drain::Ender;
pub(crate) use ends::producer::Producer;
pub(crate) use executor::handle::{ExecutorHandle, Item, Refused};
pub(crate) use executor::lasting::{Lasting, Number};
pub(crate) use foreign::inline::{flush_all as flush, inline, is_inside};
pub(crate) use foreign::local::{Draining, Local, Waiting, drains};
pub(crate) use foreign::posted::{Counted, Execute, Posted};
pub(crate) use future::budget::{refund, spend};
pub(crate) use future::task::{IntoOutcome, task};
pub(crate) use gather::Gather;
pub(crate) use items::{Items, Way};
pub(crate) use policy::{Ended, Policy, Tallied};
pub(crate) use run::queued::{abandon, is_waiting, needs_its_executor, run, start};
pub(crate) use shared::owner::Owner;
pub(crate) use shared::reference::Reference;
pub(crate) use shared::value::Shared;
pub(crate) use shared::waiters::BranchTurn;
pub(crate) use source::{Rest, Source};
pub(crate) use state::context::{IN_A_ROW, RunContext};
pub(crate) use state::dependency::{Depends, Ticket};
pub(crate) use state::header::{CellRef, Lane, Permission, ShutDown};
pub(crate) use wait::graph::{Awaited, Circle, claim, claim_root, wait_for};
pub(crate) use work::consumer::Consumer;
pub(crate) use work::step::{Next, Step, Work};
pub(crate) use work::vtables::Origin;

// The names by which the files of the join, which are not in a room yet, know those of the rooms.
use defer::handlers;
use ends::producer;
use foreign::inline as nest;
use run::cancel;
use state::{body, header, observer, word};
use wait::{graph as waits, park};
use work::vtables as tables;

mod consumer {
    pub(super) use super::ends::consumer::observe;
    pub(super) use super::work::consumer::Consumer;
}

mod later {
    pub(super) use super::defer::free::discard;
    pub(super) use super::defer::trampoline::{drop_user, shield};
}

mod wave {
    pub(super) use super::defer::free::release;
    pub(super) use super::run::run_loop::hand_on_settled;
    pub(super) use super::state::observer::Delivery;
}
