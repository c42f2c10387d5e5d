//! Without the feature `tracing`: nothing is told, and no span is carried.

use std::fmt::Display;

use crate::trace::Trace;

pub(crate) fn panicked(_kind: &'static str, _message: &str) {}

pub(crate) fn abandoned(_kind: &'static str) {}

pub(crate) fn spare_worker(_pool: &str, _live: usize) {}

pub(crate) fn shutdown(_pool: &str, _abandoned: usize) {}

/// A failure was dropped unseen, and there is no hook: one line on stderr.
pub(crate) fn unobserved(unobserved: &dyn Display, trace: &Trace) {
    let way: Vec<String> = trace.steps().map(|step| step.to_string()).collect();
    eprintln!("asynckit: a failure was dropped unseen: {unobserved} ({})", way.join(", "));
}
