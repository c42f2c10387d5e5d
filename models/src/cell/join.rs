//! Joins: the completion queue and the counter are the library's.

#[path = "../../../src/cell/join/counter.rs"]
pub(crate) mod counter;
#[path = "../../../src/cell/join/queue.rs"]
pub(crate) mod queue;
