//! The one place that names the synchronisation primitives.
//!
//! The protocol files (`cell/word.rs`, `cell/chain.rs`, `pool/inbox.rs`, `pool/sleep.rs`) import
//! nothing else, so the models can compile the very same files against loom's.

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
}
pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
