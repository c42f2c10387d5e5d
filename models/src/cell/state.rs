//! Cells: their words are the library's.

#[path = "../../../src/cell/state/chain.rs"]
pub(crate) mod chain;
#[path = "../../../src/cell/state/duties.rs"]
pub(crate) mod duties;
#[path = "../../../src/cell/state/schedule.rs"]
pub(crate) mod schedule;
#[path = "../../../src/cell/state/word.rs"]
pub(crate) mod word;

#[cfg(test)]
pub(in crate::cell) use super::engine::library::{body, dependency, header, task};
