//! A list's handle, and what was seen through it.

use crate::cell::Gather;

/// A list whose items are looked at as they come, and stay.
pub(super) struct Looked<T, E> {
    pub(super) gather: Gather<T, E>,
    /// The first item in time that was seen to have failed.
    failed: Option<usize>,
}

impl<T: Send + 'static, E: Send + 'static> Looked<T, E> {
    pub(super) fn new(gather: Gather<T, E>) -> Self {
        Looked { gather, failed: None }
    }

    /// Looks at all that has come. Gives the first item in time that has failed, and was not just
    /// cancelled, if there is one: a failure may have caused the cancellation of others.
    pub(super) fn look(&mut self) -> Option<usize> {
        while let Some(index) = self.gather.next() {
            let (before, items) = (self.failed, self.gather.items());
            let instead = |before| items.is_cancelled(before) && !items.is_cancelled(index);
            if items.is_failed(index) && before.is_none_or(instead) {
                self.failed = Some(index);
            }
        }
        self.failed
    }
}
