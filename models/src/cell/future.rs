//! Futures: what says which of them is queued, polled or gone is the library's.

#[path = "../../../src/cell/future/schedule.rs"]
pub(crate) mod schedule;
