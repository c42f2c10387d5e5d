//! Loom models of the protocols in `asynckit`.
//!
//! The protocol files are compiled from the library's own sources; only what they import as
//! `crate::sync` is another here: loom's primitives in place of those of `std`. README.md says what is
//! modelled, and which mistakes the models were seen to catch.
#![allow(
    dead_code,
    unused_imports,
    reason = "the models use a part of the files that they include"
)]

mod cell;
mod failure;
mod sync;
mod timeout;

#[path = "../../src/pool/inbox.rs"]
mod inbox;
#[path = "../../src/pool/sleep.rs"]
mod sleep;

#[cfg(test)]
mod chain_models;
#[cfg(test)]
mod inbox_models;
#[cfg(test)]
mod list_models;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod schedule_models;
#[cfg(test)]
mod shared_models;
#[cfg(test)]
mod word_models;

/// Runs `model` under all executions with at most `preemptions` of them forced on a thread, and says
/// how many there were.
#[cfg(test)]
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let mut builder = loom::model::Builder::new();
    // The environment can ask for fewer or more, for all models at once.
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    let executions = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&executions);
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        sync::begin();
        model();
    });
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    println!("{name}: {} executions", executions.load(Ordering::Relaxed));
}
