//! On whose thread a step runs: an executor's, which is running what it was given.

use std::cell::Cell;

/// The thread of an executor that is running its items.
pub(crate) struct RunContext {
    /// The executor's address.
    pub(crate) executor: *mut (),
    /// How many callbacks may still run in a row without a trip through the queue.
    pub(crate) left: Cell<u32>,
    /// It waits for what it runs: then also what asks to be queued runs at once, and for as long as it
    /// takes. All that it comes to is on the way to what is waited for.
    helping: bool,
}

impl RunContext {
    /// How many callbacks run in a row, on a worker or inside one job of a foreign executor, before what is queued there
    /// has its turn. Spent in `run/run_loop.rs`, by `turn_for`; `Serial` gives way after as many jobs.
    pub(crate) const IN_A_ROW: u32 = 64;

    /// A thread that gives the executor's others their turn after so many callbacks.
    pub(crate) fn new(executor: *mut ()) -> Self {
        RunContext { executor, left: Cell::new(Self::IN_A_ROW), helping: false }
    }

    /// A thread that is inside the call that has posted the job: there is no queue to have a turn.
    pub(in crate::cell) fn endless(executor: *mut ()) -> Self {
        RunContext { executor, left: Cell::new(u32::MAX), helping: false }
    }

    /// The queue has had its turn.
    pub(crate) fn refill(&self) {
        self.left.set(Self::IN_A_ROW);
    }

    /// A worker that runs what it waits for.
    pub(crate) fn helping(executor: *mut ()) -> Self {
        RunContext { executor, left: Cell::new(u32::MAX), helping: true }
    }

    /// Whether the link behind a settled cell of this executor, which asks to be queued, is to run at
    /// once.
    pub(in crate::cell) fn runs_queued(&self, executor: *mut ()) -> bool {
        self.helping && self.executor == executor
    }
}
