//! What came of a wait, and what a `get` says of it.

use crate::failure::Failure;

/// What came of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What was waited for has settled.
    Settled,
    /// The time was over before.
    TimedOut,
    /// It could never have ended.
    WouldDeadlock,
}

impl Waited {
    /// The failure of a `get` that has nothing.
    pub(crate) fn failure<E>(self) -> Failure<E> {
        match self {
            Waited::WouldDeadlock => Failure::WouldDeadlock,
            Waited::TimedOut | Waited::Settled => Failure::TimedOut,
        }
    }
}

impl From<bool> for Waited {
    fn from(settled: bool) -> Self {
        if settled { Waited::Settled } else { Waited::TimedOut }
    }
}
