//! Threads of which one runs at a time, chosen by a scheduler, with a clock that stands still until somebody
//! lets it go on: every schedule can be run again.
//!
//! A thread can be taken off before and after each access to an atomic or a lock. All accesses are
//! sequentially consistent: weaker orderings are loom's and ThreadSanitizer's.
//!
//! This is open to the package that runs programs under it, which has to use these threads and locks itself.

mod atomics;
mod execution;
mod locks;
mod threads;

pub use atomics::{atomic, spin_loop};
pub use execution::{Global, begin, cells, idle, now, point, spent, watch};
pub(crate) use execution::{count_cell, is_torn_down};
pub use locks::{Condvar, Mutex, MutexGuard, OnceLock, RwLock};
pub use std::sync::{Arc, Weak};
pub use std::time::Instant;
pub use threads::{Local, thread};

/// A static that is made anew for each schedule.
#[macro_export]
#[doc(hidden)]
macro_rules! controlled_global {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;) => {
        $(#[$attribute])*
        static $name: $crate::controlled::Global<$type> =
            $crate::controlled::Global::new(|| $value);
    };
}
pub(crate) use controlled_global as global;

/// A static of each thread.
#[macro_export]
#[doc(hidden)]
macro_rules! controlled_thread_local {
    () => {};
    ($(#[$attribute:meta])* $view:vis static $name:ident: $type:ty = const { $value:expr }; $($rest:tt)*) => {
        $crate::controlled_thread_local!($(#[$attribute])* $view static $name: $type = $value; $($rest)*);
    };
    ($(#[$attribute:meta])* $view:vis static $name:ident: $type:ty = $value:expr; $($rest:tt)*) => {
        $(#[$attribute])*
        $view static $name: $crate::controlled::Local<$type> =
            $crate::controlled::Local::new(|| $value);
        $crate::controlled_thread_local!($($rest)*);
    };
}
pub(crate) use controlled_thread_local as thread_local;
