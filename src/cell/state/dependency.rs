//! What a job can wait for that is in no queue: a shared value, told without its types.

use super::header::CellRef;

/// The place of a waiter in a value's list.
pub(crate) type Ticket = u64;

/// What a job waits for that is in no queue: a shared value.
pub(crate) struct Depends {
    pub(crate) value: Box<dyn Dependency>,
    /// Its place among the waiters.
    pub(crate) ticket: Ticket,
}

/// A shared value, for a job that waits for it.
pub(crate) trait Dependency: Send + Sync {
    /// The tail of the chain that gives the value: kept as long as this is.
    fn tail(&self) -> CellRef;
    /// The promise of the branch in this place was dropped. Whether the pending value has lost its last owner by
    /// that.
    fn left(&self, ticket: Ticket) -> bool;
}
