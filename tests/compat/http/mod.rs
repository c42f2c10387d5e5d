//! `asynckit::http::Session` against real servers on the loopback interface.
//!
//! Nothing here sleeps: tests and servers tell each other by channels what has happened, and a test that
//! hangs fails by its name after [`support::PATIENCE`].

mod answers;
mod failures;
mod giving_up;
mod support;
mod threads;
