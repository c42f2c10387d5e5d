//! Time: delays, timeouts, pauses between attempts.

mod backoff;
mod coalesce;
#[path = "../common/mod.rs"]
mod common;
mod delay;
mod loops;
mod more_control;
mod paced;
mod retry;
mod timeout;
