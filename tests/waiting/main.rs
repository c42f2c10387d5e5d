//! Waiting: `get` on any thread, and on a worker, where a pool must not run out of threads.

#[path = "../common/mod.rs"]
mod common;
mod cycles;
mod exhausted;
mod get;
mod helping;
mod in_pools;
mod spares;
