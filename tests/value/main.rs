//! `AsyncValue`: one value, many readers.

mod branches;
#[path = "../common/mod.rs"]
mod common;
mod dependents;
mod once;
mod outcome;
mod readers;
