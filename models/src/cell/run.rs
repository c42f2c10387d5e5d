//! How a chain runs: cancelling, leaving and following are the library's.

#[path = "../../../src/cell/run/cancel.rs"]
#[allow(unused_unsafe, reason = "what is unsafe there is checked here")]
pub(in crate::cell) mod cancel;
#[path = "../../../src/cell/run/follow.rs"]
#[allow(unused_unsafe, reason = "as above")]
pub(in crate::cell) mod follow;

pub(in crate::cell) use super::engine::run_loop;
