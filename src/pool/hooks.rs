//! What a pool's user wants done on its threads, at their begin and at their end.

use std::fmt;

use crate::failure::contain;
use crate::sync::Arc;

/// A function of the user's, or none.
#[derive(Clone, Default)]
pub(super) struct Hook(Option<Arc<dyn Fn() + Send + Sync>>);

impl Hook {
    pub(super) fn new(f: impl Fn() + Send + Sync + 'static) -> Self {
        Hook(Some(Arc::new(f)))
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Calls it. Never unwinds: the panic hook has told of a panic.
    pub(super) fn call(&self) {
        if let Some(f) = &self.0 {
            contain(|| f());
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a function" } else { "none" })
    }
}
