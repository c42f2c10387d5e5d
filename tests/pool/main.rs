//! Pools and other executors: workers, queues, shutdown, scopes, futures as jobs, callbacks elsewhere.

mod blocking;
#[path = "../common/mod.rs"]
mod common;
mod executors;
mod inline;
mod local_queue;
mod on_drop;
mod queue_limit;
mod scope;
mod scope_sound;
mod serial;
mod shown;
mod shutdown;
mod shutdown_report;
mod spawn_future;
mod spawn_future_end;
mod threads;
mod try_scope;
mod workers;
