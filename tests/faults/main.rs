//! One test for each fault of `asynckit.py` that can exist in Rust, named after it.
//!
//! These cannot exist here, by types:
//! - 19 (values mixed with `None` for what is unset): `AsyncList::get` gives a `Vec<T>` or a failure.
//! - 25 (`clear` races readers): nothing that is settled can be unset.
//! - 26 (an error stored as a value is raised): values and errors have a type each.
//! - 35 (nested values are not resolved): a promise is no argument; `then` adopts, `join` joins.
//! - 40 and 41 (features missing, weak tests) are no faults of behaviour.

#[path = "../common/mod.rs"]
mod common;
mod lists;
mod pools;
mod values;
mod waiting;
