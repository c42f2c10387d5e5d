//! What has to wait for the end of a step, and the end of cells.
//!
//! `trampoline`: one queue for each thread, so that nothing that user code sets off nests without end. `free`: how
//! cells end. `handlers`: the list of a deferred's cancellation handlers (lock-free). `followed`: where that list is
//! while a deferred follows another promise.
//!
//! # Words
//!
//! *Shield*: a step of ours inside of which user code is dropped or told; what that sets off waits for its end.
//! *Quiet*: under a lock, where no user code may run at all. *Flush*: before a thread blocks, it runs what waits.
//!
//! # Rules
//!
//! 1. User code is dropped by `drop_user`, `drop_in_place` or `discard` only: not inside of another drop, nor
//!    where it is quiet.
//! 2. What runs inside `shield` does not unwind: it aborts.
//! 3. A thread that is about to block flushes first; what waits may be what it is waiting for.
//! 4. The list of handlers is closed once; the closer has all of them, and from then on nothing is added.
//! 5. `Bounce` holds the function that does what was put off, so that this room knows none of the later ones.
//! 6. `free_root` and `free` are called by `free.rs`, the run loop and the follower only, each with the cell's body
//!    empty.

pub(in crate::cell) mod followed;
pub(in crate::cell) mod free;
pub(in crate::cell) mod handlers;
pub(in crate::cell) mod trampoline;
