//! Waiting: `get` on any thread, and on a worker, where a pool must not run out of threads.

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod cycles;
mod cycles_in_use;
mod get;
mod helping;
mod in_pools;
mod spares;
