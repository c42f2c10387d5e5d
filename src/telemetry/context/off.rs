//! Without the feature `context`: nothing is carried.

/// Where a job or a callback was attached: nothing.
#[derive(Clone, Copy)]
pub(crate) struct Context;

impl Context {
    #[inline]
    pub(crate) fn current() -> Self {
        Context
    }

    #[inline]
    pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }
}
