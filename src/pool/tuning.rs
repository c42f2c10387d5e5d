//! The numbers that say how a pool shares its work. How many callbacks run in a row is `IN_A_ROW` in
//! `cell/state/context.rs`, for executors that are not pools, too.

use std::time::Duration;

/// How many items a worker takes from the shared queue at a time: few enough that another can take a
/// share, many enough that the shared words are touched seldom.
pub(super) const BATCH: usize = 32;
/// The size of a stack if the builder says nothing, as on most systems.
pub(super) const DEFAULT_STACK: usize = 2 * 1024 * 1024;
/// How many claimed jobs may lie in the queue before a worker looks for them.
pub(super) const LEFT_BEHIND: usize = 64;
/// How deep jobs that are run inside of a `get` may nest on one stack.
pub(super) const HELP_DEPTH: u32 = 128;
/// How long a thread that is more than the pool should have sleeps before it ends.
pub(super) const SPARE_IDLE: Duration = Duration::from_secs(1);
/// In [`Pool::global`](crate::Pool::global), threads beyond the number of cores, and the most of all. Python's
/// `concurrent.futures` takes the same numbers, because most jobs of a program that is not async wait for something
/// outside.
pub(super) const GLOBAL_MORE: usize = 4;
pub(super) const GLOBAL_MOST: usize = 32;
