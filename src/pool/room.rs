//! How many jobs wait in a queue that has a limit.

use crate::cell::Number;

/// The queue's room, under the lock of its own.
#[derive(Default)]
pub(super) struct Room {
    /// The pool that this is about.
    pool: Option<Number>,
    /// Jobs that are queued and not started.
    pub(super) queued: usize,
}

impl Room {
    pub(super) fn of(pool: Number) -> Self {
        Room { pool: Some(pool), queued: 0 }
    }

    pub(super) fn pool(&self) -> Option<Number> {
        self.pool
    }
}
