//! Waiting: the graph of direct waits is the library's.

#[path = "../../../src/cell/wait/graph.rs"]
#[allow(unused_unsafe, reason = "what is unsafe there is checked here")]
pub(in crate::cell) mod graph;

pub(in crate::cell) use super::engine::library::{frames, park};
