//! The one door to what other threads can see: atomics, locks, threads, thread-locals, and the clock.
//!
//! Nothing else in the crate names those of the standard library, so that they can be others:
//!
//! | configuration | where the door leads |
//! | --- | --- |
//! | none | `plain`: the standard library, with locks that know no poison |
//! | `--cfg asynckit_shuttle` | `controlled`: a scheduler that runs one thread at a time and chooses which |
//!
//! The protocol files (`cell/word.rs`, `cell/chain.rs`, `pool/inbox.rs`, `pool/sleep.rs` …) import nothing else
//! of the crate's that has to do with threads, so the models can compile the very same files against loom's.
//!
//! Locks are not poisoned: no user code runs under a lock of this crate, so a panic leaves nothing half-way.
//! `Arc` is the standard library's where a signature of its own or of a user's asks for that.

#[cfg(asynckit_shuttle)]
pub mod controlled;
#[cfg(not(asynckit_shuttle))]
mod locks;
#[cfg(not(asynckit_shuttle))]
mod plain;

#[cfg(asynckit_shuttle)]
pub(crate) use controlled::*;
#[cfg(not(asynckit_shuttle))]
pub(crate) use plain::*;
