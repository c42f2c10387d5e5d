//! What the crate tells of itself, and the context that goes along with user code: with the feature
//! `tracing`, or not.

#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(feature = "tracing")]
mod on;

#[cfg(not(feature = "tracing"))]
pub(crate) use off::{Context, abandoned, panicked, shutdown, spare_worker, unobserved};
#[cfg(feature = "tracing")]
pub(crate) use on::{Context, abandoned, panicked, shutdown, spare_worker, unobserved};
