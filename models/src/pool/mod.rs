//! As much of a pool as decides whether a wake-up can be lost: its core and its workers. The counts and the
//! workers that wait are the library's own files; what they import has the same name here.

mod core;
mod sleep_models;
mod worker;

mod seat {
    pub(super) use super::worker::Seat;
}

#[path = "../../../src/pool/blocked.rs"]
mod blocked;
#[path = "../../../src/pool/state.rs"]
mod state;
