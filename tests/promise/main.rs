//! One promise: how it settles, what runs on it, what it adopts, and what goes wrong on its way.

mod asked_again;
mod beside;
mod callback_order;
mod callbacks;
#[path = "../common/mod.rs"]
mod common;
mod depth;
mod flatten;
mod futures;
mod handlers;
mod inference;
mod panics;
mod panics_in_drops;
mod random_cycles;
mod settle;
mod state;
mod too_late;
mod trace;
mod try_now;
