//! An older library of this name, for Python, had these faults. For each that can exist in Rust there is a test, named
//! after it, which shows that it is not here.
//!
//! Others cannot exist here, by types:
//! - Values mixed with `None` for what is unset: `AsyncList::get` gives a `Vec<T>` or a failure.
//! - `clear` races readers: nothing that is settled can be unset.
//! - An error stored as a value is raised: values and errors have a type each.
//! - Nested values are not resolved: a promise is no argument; `then` adopts, `join` joins.

#[path = "../common/mod.rs"]
mod common;
mod lists;
mod pools;
mod values;
mod waiting;
