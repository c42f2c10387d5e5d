//! The name of a clock.

/// The clock of a thread: 0 is the system's.
///
/// A number, so that a promise that belongs to a clock does not keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clock(pub(super) u64);

impl Clock {
    /// The system's.
    pub(crate) const REAL: Clock = Clock(0);
}
