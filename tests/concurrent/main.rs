//! So much at once, and no more: `map_concurrent`, `for_each_concurrent`, folds, limiters, semaphores, barriers, channels.

mod barrier;
mod buffered;
mod channel;
#[path = "../common/mod.rs"]
mod common;
mod failures;
mod folds;
mod limiter;
mod limiter_rate;
mod limiter_steer;
mod map;
mod semaphore;
mod size;

/// For the tests that count: what the others ask for is passed on.
#[global_allocator]
static ALLOCATOR: common::alloc::Counting = common::alloc::Counting;
