//! Time: delays, timeouts, pauses between attempts.

mod backoff;
#[cfg(feature = "test-clock")]
mod clock;
#[cfg(feature = "test-clock")]
mod clock_paths;
mod coalesce;
#[path = "../common/mod.rs"]
mod common;
mod delay;
mod loops;
mod more_control;
mod paced;
mod retry;
mod timeout;
