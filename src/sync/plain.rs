//! The standard library's, with locks that know no poison.

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
}

/// Threads, and what they are parked with.
#[cfg(not(asynckit_tsan))]
pub(crate) mod thread {
    pub(crate) use std::thread::{
        Builder, JoinHandle, Thread, ThreadId, available_parallelism, current, park, park_timeout,
        yield_now,
    };
}

/// The clock.
pub(crate) use std::time::Instant;

pub(crate) use std::hint::spin_loop;
pub(crate) use std::thread_local;

/// A static that a scheduler makes anew for each of its schedules; here it is a static.
macro_rules! global {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;) => {
        $(#[$attribute])*
        static $name: $type = $value;
    };
}
pub(crate) use global;

/// Whether the program has ended, and a scheduler takes apart what is left of it.
#[inline]
pub(crate) fn is_torn_down() -> bool {
    false
}

/// One cell more, or less: a scheduler counts them.
#[inline]
pub(crate) fn count_cell(_: isize) {}

/// The time that it is.
#[inline]
pub(crate) fn now() -> Instant {
    Instant::now()
}
