//! `asynckit::http::Session` against real servers on the loopback interface.
//!
//! Tests and servers tell each other by channels what has happened; only servers that are slow on purpose sleep. A test
//! that hangs fails by its name after [`support::PATIENCE`].

mod adopted;
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
mod faults;
mod files;
mod giving_up;
mod http2;
mod limits;
mod proxies;
mod redirects;
mod requests;
mod retries;
mod secure;
mod streams;
mod support;
mod threads;
mod transport;
mod turns;
mod typed;
