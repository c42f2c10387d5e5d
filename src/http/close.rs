//! Closing a session, and what becomes of what is under way.

use super::core::Core;
use super::stage::Stage;
use crate::{Shutdown, Timeout};

/// What [`Session::close`](super::Session::close) did with the requests that were there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// How many ended by themselves, with whatever outcome.
    pub finished: usize,
    /// How many had not been sent, and never were.
    pub cancelled: usize,
    /// How many were sent, and were aborted at the deadline.
    pub aborted: usize,
}

/// Ends a session.
pub(super) fn close(core: &Core, how: Shutdown, timeout: Timeout) -> CloseReport {
    core.stage.advance(Stage::Closing);
    let (mut waiting, mut under_way) = core.census.count();
    let all = waiting + under_way;
    let mut cancelled = 0;
    if how == Shutdown::CancelQueued {
        core.stage.advance(Stage::Emptied);
        cancelled = waiting;
    }
    let mut aborted = 0;
    if !core.census.wait_for_none(timeout) {
        (waiting, under_way) = core.census.count();
        core.stage.advance(Stage::Over);
        aborted = under_way;
        cancelled = cancelled.max(waiting);
        core.census.wait_for_none(Timeout::from(None)); // they have been told
    }
    core.engine.kept.close_idle();
    CloseReport { finished: all.saturating_sub(cancelled + aborted), cancelled, aborted }
}
