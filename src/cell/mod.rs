//! The core: one allocation for a promise, its work, its outcome and its place in a chain.
//!
//! This folder and the pool's handling of cells are the only unsafe code of the crate. The rest sees
//! [`Consumer`], [`Producer`] and the traits [`Work`] and [`Step`].
//!
//! # The cell
//!
//! ```text
//!   ┌─────────┬───────┬────────────┬───────┬──────┬───────────────────────────┐
//!   │  word   │ table │ provenance │ link  │  up  │ work, later the outcome   │
//!   └─────────┴───────┴────────────┴───────┴──────┴───────────────────────────┘
//!     parties   what       where     queue   root
//! ```
//!
//! # The rooms
//!
//! Each says in its `mod.rs` what it is for, what its words mean, and its rules. A file uses those of its own room, and
//! rooms further up in this table.
//!
//! | room | idea |
//! | --- | --- |
//! | `state` | one cell: its memory, its header, its words |
//! | `executor` | where callbacks run, as one word; what goes into a queue |
//! | `defer` | what waits for the end of a step; the end of cells |
//! | `wait` | parked threads and wakers; what waits for what |
//! | `work` | what cells do; the functions that know their types |
//! | `run` | the loop, cancelling, following; what executors do with items |
//! | `future` | futures as jobs |
//! | `foreign` | executors that are not pools |
//! | `ends` | consumer and producer, as safe handles |
//! | `shared` | one cell told to many |
//! | `join` | many cells told to one: lists, tuples and arrays |
//!
//! # Who frees what
//!
//! The last of a cell's two parties to arrive frees it, and the state word says which that is. A
//! chain's root is freed with the chain's last cell, unless a queue or a deferred still refers to
//! it: then by them (`REFERRED`, `OVER`). An inner chain is ended by its follower, or by whoever was
//! using its root at that moment (`BUSY`). The cell of a joined tuple is a part of the join's engine,
//! and freeing it gives up a reference to that (`give_up` in its table).

mod defer;
mod ends;
mod executor;
mod foreign;
mod future;
mod join;
mod run;
mod shared;
mod state;
mod wait;
mod work;

pub(crate) use defer::trampoline::quietly;
pub(crate) use ends::producer::Producer;
pub(crate) use executor::handle::{ExecutorHandle, Item, Refused};
pub(crate) use executor::lasting::{Lasting, Number};
pub(crate) use foreign::inline::ThisThread;
pub(crate) use foreign::posted::{Counted, Execute, Posted};
pub(crate) use future::task::IntoOutcome;
pub(crate) use join::{CloseReason, Closer, Collector, Gather, Items, Rest, Source, Way, join};
pub(crate) use shared::owner::Owner;
pub(crate) use shared::reference::Reference;
pub(crate) use shared::value::Shared;
pub(crate) use shared::waiters::BranchTurn;
pub(crate) use state::context::RunContext;
pub(crate) use state::dependency::{Depends, Ticket};
pub(crate) use state::header::{CellRef, Lane, ShutDown};
pub(crate) use wait::graph::Awaited;
pub(crate) use work::consumer::Consumer;
pub(crate) use work::step::{Next, Step, Work};
pub(crate) use work::vtables::Origin;
