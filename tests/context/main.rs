//! What goes along with user code: values by keys, and what hooks find. The hooks of a process stay: a program of its own.

#[path = "../common/mod.rs"]
mod common;
mod hooks;
mod keys;
mod travels;

/// For the tests that count: what the others ask for is passed on.
#[global_allocator]
static ALLOCATOR: common::alloc::Counting = common::alloc::Counting;
