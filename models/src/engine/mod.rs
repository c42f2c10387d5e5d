//! As much of the library as the protocols need: cells, the wave that completes a chain, and the two
//! kinds of handles, with every cell, closure, outcome and listener counted.
//!
//! Cancelling, following and the graph of direct waits are the library's own files; what they import has the
//! same name here. The rest does with the duties that the protocol files return what the library does with them,
//! and nothing else: there are no types, no executors and no panics here.

mod cell;
mod library;
mod links;
mod parker;
mod producer;
mod promise;
mod value;
mod wave;
mod world;

#[path = "../../../src/cell/cancel.rs"]
#[allow(unused_unsafe, reason = "what is unsafe there is checked here")]
mod cancel;
#[path = "../../../src/cell/follow.rs"]
#[allow(unused_unsafe, reason = "as above")]
mod follow;
#[path = "../../../src/cell/waits.rs"]
#[allow(unused_unsafe, reason = "as above")]
mod waits;

use crate::{chain, handlers, word};
use library::{body, consumer, followed, frames, header, later, park, step, task};

pub(crate) use cell::Result;
pub(crate) use producer::{Deferred, Pool, Queued};
pub(crate) use promise::Promise;
pub(crate) use value::Value;
pub(crate) use world::World;
