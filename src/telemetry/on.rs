//! With the feature `tracing`: what users would want to hear of is an event. A subscriber is foreign code: it is called with no lock held, and may panic.

use std::fmt::Display;

use tracing::{debug, error, warn};

use crate::failure::contain;
use crate::trace::Trace;

pub(crate) fn panicked(kind: &'static str, message: &str) {
    contain(|| error!(target: "asynckit", kind, message, "user code panicked"));
}

pub(crate) fn abandoned(kind: &'static str) {
    contain(|| warn!(target: "asynckit", kind, "a promise was abandoned"));
}

pub(crate) fn spare_worker(pool: &str, live: usize) {
    contain(
        || debug!(target: "asynckit", pool, live, "a spare worker stands in for a blocked one"),
    );
}

pub(crate) fn shutdown(pool: &str, abandoned: usize) {
    contain(|| debug!(target: "asynckit", pool, abandoned, "a pool is shutting down"));
}

/// A failure was dropped unseen, and there is no hook.
pub(crate) fn unobserved(unobserved: &dyn Display, trace: &Trace) {
    contain(|| error!(target: "asynckit", %unobserved, %trace, "a failure was dropped unseen"));
}
