//! Servers with faults, one file a fault. Floods, which must not hold up others, stand in `fairness.rs`.
//!
//! `mistakes.txt` has for each test mistakes of the client that it notices.

mod bombs;
mod delays;
mod endless;
mod garbage;
mod large_heads;
#[cfg(target_os = "linux")]
mod leftovers;
mod lengths;
mod redirect_loops;
mod resets;
mod silence;
mod throttled;
mod tls;
mod to_plain;
mod truncation;
mod unavailable;
