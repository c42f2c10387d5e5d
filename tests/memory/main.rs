//! What is asked of the allocator, what is left behind, and how large things are.
//!
//! A program of its own, because the timer's queue is counted: nothing else here may use it at the same time.

mod allocations;
#[path = "../common/mod.rs"]
mod common;
mod daily;
mod lists;
mod pages;
mod retries;
mod sizes;
mod timers;

/// For the tests that count: what the others ask for is passed on.
#[global_allocator]
static ALLOCATOR: common::alloc::Counting = common::alloc::Counting;
