//! Cancelling: promises, what is upstream of them, shared values; handlers, cancellers, shields.

mod aborts;
mod canceller;
#[path = "../common/mod.rs"]
mod common;
mod handlers;
mod on_drop;
mod promises;
mod relays;
mod shield;
mod tokens;
mod tokens_deep;
mod upstream;
mod values;

/// For the tests that count: what the others ask for is passed on.
#[global_allocator]
static ALLOCATOR: common::alloc::Counting = common::alloc::Counting;
