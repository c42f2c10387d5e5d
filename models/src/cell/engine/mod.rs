//! As much of the library as the protocols need: cells, the run loop that completes a chain, and the two
//! kinds of handles, with every cell, closure, outcome and listener counted.
//!
//! Cancelling, following and the graph of direct waits are the library's own files; what they import has the
//! same name here. The rest does with the duties that the protocol files return what the library does with them,
//! and nothing else: there are no types, no executors and no panics here.

mod cell;
pub(in crate::cell) mod library;
mod links;
mod parker;
mod producer;
mod promise;
pub(in crate::cell) mod run_loop;
mod value;
mod world;

use library::{frames, header};

pub(crate) use cell::Result;
pub(crate) use producer::{Deferred, Pool, Queued};
pub(crate) use promise::Promise;
pub(crate) use value::Value;
pub(crate) use world::World;
