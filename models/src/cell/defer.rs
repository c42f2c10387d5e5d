//! What waits for the end of a step: the list of cancellation handlers is the library's.

#[path = "../../../src/cell/defer/handlers.rs"]
pub(crate) mod handlers;

#[cfg(test)]
pub(in crate::cell) use super::engine::library::{followed, free, trampoline};
