//! The two ends of a cell, as safe handles. All the crate outside of `cell/` and `pool/` holds cells by these.
//!
//! # Rules
//!
//! 1. A cell has one producer and one consumer; a handle that is used up gives its part away.
//! 2. The consumer reads the outcome only when the word says `SETTLED`, by `&mut`, or by `&` as long as it cannot be taken.
//! 3. A producer that is dropped settles its cell as abandoned; a consumer that is dropped leaves (`run/cancel.rs`).
//! 4. Nothing is attached to a cell without an outcome to give: a new chain begins in its place.

pub(in crate::cell) mod consumer;
pub(in crate::cell) mod producer;
