//! Branches of a shared value: jobs that wait for it, and then for their turn.

use std::collections::VecDeque;
use std::panic::Location;

use super::value::Shared;
use super::waiters::{Branch, BranchTurn, Waiter};
use crate::cell::defer::free;
use crate::cell::executor::handle::{ExecutorHandle, Item};
use crate::cell::run::queued;
use crate::cell::state::dependency::Ticket;
use crate::cell::state::header::Permission;
use crate::cell::work::consumer::Consumer;
use crate::cell::work::step::Work;

impl<T: 'static, E: 'static> Shared<T, E> {
    /// Adds a branch, whose work is made with its ticket. Gives its promise's consumer.
    pub(crate) fn branch<W: Work>(
        &self,
        turn: BranchTurn,
        executor: Option<ExecutorHandle>,
        location: &'static Location<'static>,
        work: impl FnOnce(Option<Ticket>) -> W,
    ) -> Consumer<W::Ok, W::Err> {
        let mut waiting = self.lock();
        let settled = !self.counts.wait();
        let late = settled && turn == BranchTurn::Series && waiting.is_in_series();
        let ticket = waiting.ticket();
        let work = work((!settled || late).then_some(ticket));
        let (cell, consumer) = Consumer::job(work, std::ptr::null_mut(), location);
        let branch = Branch { cell, turn, executor, owner: true };
        if late {
            self.offer(&branch);
            // It is there, and not empty, so that a popper will come to this.
            waiting.series.get_or_insert_default().push_back((ticket, branch));
        } else if settled {
            drop(waiting);
            self.release(branch);
        } else {
            waiting.enter(ticket, Waiter::Branch(branch));
        }
        consumer
    }

    /// The work of a branch is through, or was dropped.
    pub(crate) fn branch_done(&self, ticket: Ticket) {
        if let Some(waiter) = self.remove(ticket) {
            // Dropped while it waited, so it was cancelled: the list lets go of its cell.
            if let Waiter::Branch(Branch { cell, .. }) = waiter {
                // SAFETY: the list's reference.
                unsafe { free::lost(cell) };
            }
            self.cancel_if_unwanted(true);
            return;
        }
        let mut waiting = self.lock();
        if waiting.current.is_some_and(|current| current.0 == ticket) {
            waiting.current = None;
            drop(waiting);
            self.advance();
        }
    }

    /// Posts the next branch of the series, if none is under way.
    pub(super) fn advance(&self) {
        loop {
            let mut waiting = self.lock();
            if waiting.advancing || waiting.current.is_some() {
                return;
            }
            let first = waiting.series.as_mut().and_then(VecDeque::pop_front);
            let Some((ticket, branch)) = first else { return };
            // SAFETY: the list's reference keeps the cell.
            let alive = unsafe { branch.cell.header().up.is_waiting() };
            waiting.current = alive.then_some((ticket, branch.cell));
            waiting.advancing = true;
            drop(waiting);
            self.release(branch);
            self.lock().advancing = false;
        }
    }

    /// The value is there: a branch goes to its executor, or is settled here if it will not run.
    pub(super) fn release(&self, branch: Branch) {
        let Branch { cell, turn, executor, .. } = branch;
        let executor = executor.as_ref().unwrap_or(&self.executor);
        let has_value = matches!(self.outcome(), Some(Some(Ok(_))));
        // SAFETY: the list's reference to the job, which is given to the executor, or to the start.
        unsafe {
            if has_value && turn != BranchTurn::Here {
                cell.header().up.set_executor(executor.address());
                if let Err(refused) = executor.post(Item::Start(cell), turn.lane()) {
                    refused.abandon();
                }
            } else if cell.header().up.start() {
                let _ = queued::start(cell, Permission::Granted, None); // no user function is called
            } else {
                free::lost(cell);
            }
        }
    }

    /// The value is there, and the branch is to have its turn: a worker that waits for it may run it
    /// before that.
    pub(super) fn offer(&self, branch: &Branch) {
        let executor = branch.executor.as_ref().unwrap_or(&self.executor);
        // SAFETY: the list's reference keeps the job.
        unsafe { branch.cell.header().up.set_executor(executor.address()) };
    }
}
