//! Many promises handled as one: lists, tuples, and jobs that start when their inputs are there.

mod after_looks;
mod any;
mod cancel;
#[path = "../common/mod.rs"]
mod common;
mod completed;
mod consequences;
mod failures;
mod growing;
mod join;
mod keyed;
mod keyed_more;
mod looked_at;
mod panics_in_drops;
mod progress;
mod race;
mod rest;
mod set;
mod size;
mod some;
mod spawn_with;
mod tuples;
mod won;
