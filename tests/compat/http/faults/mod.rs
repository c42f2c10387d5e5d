//! Servers with faults, one file a fault. What is also one, and stands elsewhere: truncation, garbage and silence in
//! `failures.rs`, endless bodies in `bodies.rs`, 503 and 429 in `retries.rs`, redirects in `redirects.rs`, floods in
//! `fairness.rs`, bad certificates in `tls.rs`.

mod bombs;
mod delays;
mod large_heads;
#[cfg(target_os = "linux")]
mod leftovers;
mod lengths;
mod resets;
mod to_plain;
