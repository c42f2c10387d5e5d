//! Without the feature `tracing`: no hook is built in.

use super::hook::ContextHook;

/// None.
pub(super) static BUILT_IN: &[&dyn ContextHook] = &[];
