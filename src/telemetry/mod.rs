//! What the crate tells of itself, with the feature `tracing` or without; and the context that goes along with user code.

mod context;
#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(feature = "tracing")]
mod on;

pub(crate) use context::Context;
#[cfg(feature = "context")]
pub use context::{CapturedContext, ContextHook, ContextKey, add_context_hook};
#[cfg(not(feature = "tracing"))]
pub(crate) use off::{abandoned, panicked, shutdown, spare_worker, unobserved};
#[cfg(feature = "tracing")]
pub(crate) use on::{abandoned, panicked, shutdown, spare_worker, unobserved};
