//! Depth: whatever a promise hangs behind, or is owned by, a line of thousands of them ends in 64 KiB of stack, however
//! it ends.
//!
//! A table of rows (`rows/`: one for each public combinator, at least) times ends (`table.rs`). What overflows kills its
//! process: each row runs in a child, which names its cells before it begins with them. A new combinator is a new row;
//! `complete.rs` fails until there is one.

#[path = "../common/mod.rs"]
mod common;

mod children;
mod complete;
mod rows;
mod table;
mod things;
mod world;
