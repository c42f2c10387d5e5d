//! Locks, reference counts, deques and threads that ThreadSanitizer understands where the standard library is not
//! instrumented.
//!
//! It sees no system call that puts a thread to sleep, and no fence: so locks spin, bells are counters that are
//! looked at again and again, a count that is given up is read and written in one go, with both orderings, the workers'
//! deques are behind locks, and the handles of threads are never freed.
//!
//! The hammer takes `arc.rs` and `threads.rs` for its own, too.

mod arc;
pub(crate) mod deque;
mod locks;
mod threads;

pub(crate) use arc::{Arc, Weak};
pub(crate) use locks::{Condvar, Mutex, MutexGuard, OnceLock, RwLock};

/// Threads, and what they are parked with.
pub(crate) mod thread {
    pub(crate) use super::threads::{Builder, Thread, current};
    pub(crate) use std::thread::{
        JoinHandle, ThreadId, available_parallelism, park, park_timeout, yield_now,
    };
}
