//! As much of the library as the protocols need: cells, the wave that completes a chain, and the two
//! kinds of handles, with every cell, closure, outcome and listener counted.
//!
//! It does with the duties that the protocol files return what the library does with them, and nothing
//! else: there are no types, no executors and no panics here.

mod cell;
mod links;
mod parker;
mod producer;
mod promise;
mod up;
mod wave;
mod world;

pub(crate) use cell::Result;
pub(crate) use producer::{Pool, Queued};
pub(crate) use promise::Promise;
pub(crate) use world::World;
