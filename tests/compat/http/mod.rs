//! `asynckit::http::Session` against real servers on the loopback interface.
//!
//! Tests and servers tell each other by channels what has happened; only servers that are slow on purpose sleep. A test
//! that hangs fails by its name after [`support::PATIENCE`].

mod answers;
mod bars;
mod bodies;
mod closing;
mod connections;
mod cookies;
mod download_ends;
mod downloads;
mod failures;
mod fairness;
mod files;
mod giving_up;
mod limits;
mod redirects;
mod requests;
mod retries;
mod streams;
mod support;
mod threads;
mod turns;
