//! Locks and reference counts that ThreadSanitizer understands where the standard library is not instrumented.
//!
//! It sees no system call that puts a thread to sleep, and no fence: so locks spin, bells are counters that are
//! looked at again and again, and a count that is given up is read and written in one go, with both orderings.
//! What it then still reports is in the queues of `crossbeam_deque`, which has fences of its own.

mod arc;
mod locks;

pub(crate) use arc::{Arc, Weak};
pub(crate) use locks::{Condvar, Mutex, MutexGuard, OnceLock, RwLock};
