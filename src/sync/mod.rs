//! The one door to what other threads can see: atomics, locks, threads, thread-locals, and the clock.
//!
//! Nothing else in the crate names those of the standard library, so that they can be others:
//!
//! | configuration | where the door leads |
//! | --- | --- |
//! | none | `plain`: the standard library, with locks that know no poison |
//! | `--cfg asynckit_tsan` | `instrumented`: the same, with locks, counts and deques that ThreadSanitizer understands |
//! | `--cfg asynckit_shuttle` | `controlled`: a scheduler that runs one thread at a time and chooses which |
//!
//! The protocol files (`cell/state/word.rs`, `cell/state/chain.rs`, `pool/inbox.rs`, `pool/sleep.rs` …) import nothing else
//! of the crate's that has to do with threads, so the models can compile the very same files against loom's.
//!
//! Locks are not poisoned: no user code runs under a lock of this crate, so a panic leaves nothing half-way.

#[cfg(asynckit_shuttle)]
pub mod controlled;
#[cfg(all(asynckit_tsan, not(asynckit_shuttle)))]
mod instrumented;
#[cfg(not(any(asynckit_shuttle, asynckit_tsan)))]
mod locks;
#[cfg(not(asynckit_shuttle))]
mod plain;

/// The standard library's own, where a signature of its own or of a user's asks for that.
pub(crate) use std::sync::Arc as StdArc;
/// The same for what is once in a process, whatever a scheduler begins anew.
pub(crate) use std::sync::Once as StdOnce;
/// Whether this thread unwinds: no matter of a scheduler's.
pub(crate) use std::thread::panicking;

#[cfg(asynckit_shuttle)]
pub(crate) use controlled::*;
#[cfg(all(asynckit_tsan, not(asynckit_shuttle)))]
pub(crate) use instrumented::{Arc, Condvar, Mutex, MutexGuard, OnceLock, RwLock, Weak};
#[cfg(all(asynckit_tsan, not(asynckit_shuttle)))]
pub(crate) use instrumented::{deque, thread};
#[cfg(not(any(asynckit_shuttle, asynckit_tsan)))]
pub(crate) use locks::{Arc, Condvar, Mutex, MutexGuard, OnceLock, RwLock, Weak};
#[cfg(not(asynckit_shuttle))]
pub(crate) use plain::*;

/// The queues that workers steal from. To the scheduler, each of their operations is one step.
#[cfg(any(asynckit_shuttle, not(asynckit_tsan)))]
pub(crate) use crossbeam_deque as deque;
