//! Shared values: their counts are the library's.

#[path = "../../../src/cell/shared/counts.rs"]
pub(crate) mod counts;
