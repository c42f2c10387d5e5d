//! The waiters of a shared value: a list behind a lock, because a time-out must be able to leave it. No
//! user code runs under the lock.

use std::collections::VecDeque;

use super::value::Shared;
use crate::cell::executor::handle::ExecutorHandle;
use crate::cell::foreign::inline;
use crate::cell::state::dependency::Ticket;
use crate::cell::state::header::{CellRef, Lane};
use crate::cell::state::word::Listener;
use crate::cell::wait::frames;
use crate::cell::wait::park;
use crate::sync::atomic::AtomicBool;
use crate::sync::{Arc, MutexGuard};
use crate::timeout::Timeout;

/// The waiters by their tickets, ascending. One that has left leaves a gap.
type Entries = Vec<(Ticket, Option<Waiter>)>;

/// So many gaps are left where they are: then as many as there are others.
const FEW_GAPS: usize = 32;

#[derive(Default)]
pub(super) struct Waiting {
    next: Ticket,
    /// `None` where there never was one, so that it is quickly dropped.
    entries: Option<Entries>,
    gaps: usize,
    /// How many branches among them are owners.
    pub(super) owners: usize,
    /// Branches that run one after the other, once the value is there.
    pub(super) series: Option<VecDeque<(Ticket, Branch)>>,
    /// The one whose turn it is, and its cell, which is only compared.
    pub(super) current: Option<(Ticket, CellRef)>,
    pub(super) advancing: bool,
    pub(super) cancelled: bool,
    /// Whether a reader was shown the failure: made when one was, or a branch has it.
    pub(super) shown: Option<Arc<AtomicBool>>,
}

impl Waiting {
    pub(super) fn ticket(&mut self) -> Ticket {
        self.next += 1;
        self.next - 1
    }

    /// Puts a waiter into the list; a branch is an owner.
    pub(super) fn enter(&mut self, ticket: Ticket, waiter: Waiter) {
        self.owners += usize::from(matches!(waiter, Waiter::Branch(_)));
        self.entries.get_or_insert_default().push((ticket, Some(waiter)));
    }

    /// All waiters, in the order in which they came.
    pub(super) fn take_all(&mut self) -> Vec<(Ticket, Waiter)> {
        (self.gaps, self.owners) = (0, 0);
        let entries = self.entries.take().unwrap_or_default();
        entries.into_iter().filter_map(|(ticket, waiter)| Some((ticket, waiter?))).collect()
    }

    /// Whether this thread is in a callback of the series, while others wait for their turn: what it attaches
    /// comes behind those.
    pub(super) fn is_in_series(&self) -> bool {
        let Some(series) = self.series.as_ref().filter(|series| !series.is_empty()) else {
            return false;
        };
        let running = frames::running();
        let runs = |cell: CellRef| running.contains(&cell);
        // Out of its turn: one that a worker has waited for.
        !running.is_empty()
            && (self.current.is_some_and(|(_, cell)| runs(cell))
                || series.iter().any(|(_, branch)| runs(branch.cell)))
    }

    fn place(&mut self, ticket: Ticket) -> Option<&mut Option<Waiter>> {
        let entries = self.entries.as_mut()?;
        let place = entries.binary_search_by_key(&ticket, |entry| entry.0).ok()?;
        Some(&mut entries[place].1)
    }

    /// A branch in the list is no owner any more. `false`: it was none, or is not in the list.
    #[must_use]
    pub(super) fn disown(&mut self, ticket: Ticket) -> bool {
        let Some(Some(Waiter::Branch(branch))) = self.place(ticket) else { return false };
        let owner = std::mem::replace(&mut branch.owner, false);
        self.owners -= usize::from(owner);
        owner
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.place(ticket)?.take()?;
        self.owners -= usize::from(matches!(&waiter, Waiter::Branch(branch) if branch.owner));
        self.gaps += 1;
        if let Some(entries) =
            self.entries.as_mut().filter(|all| self.gaps > FEW_GAPS.max(all.len() / 2))
        {
            entries.retain(|entry| entry.1.is_some());
            self.gaps = 0;
        }
        Some(waiter)
    }
}

pub(super) enum Waiter {
    Listener(Listener),
    Branch(Branch),
}

/// A job that waits for the value.
pub(super) struct Branch {
    /// With a reference of its own.
    pub(super) cell: CellRef,
    pub(super) turn: BranchTurn,
    pub(super) executor: Option<ExecutorHandle>,
    /// Whether it keeps the value wanted: until its promise is dropped.
    pub(super) owner: bool,
}

/// When a branch runs, once the value is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BranchTurn {
    /// One after the other, in the order of registration, ahead of the queue.
    Series,
    /// Behind what its executor has queued.
    Queued,
    /// At once, on the settling thread.
    Here,
}

impl BranchTurn {
    pub(super) fn lane(self) -> Lane {
        if self == BranchTurn::Queued { Lane::Back } else { Lane::Next }
    }
}

// SAFETY: a listener's pointer is that of a thread or a waker, which are Send; a cell is Send.
unsafe impl Send for Waiter {}

impl<T: 'static, E: 'static> Shared<T, E> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }

    /// Adds a waiter; gives it back if the value has settled.
    fn add(&self, waiter: Waiter) -> Result<Ticket, Waiter> {
        let mut waiting = self.lock();
        if !self.counts.wait() {
            return Err(waiter);
        }
        let ticket = waiting.ticket();
        waiting.enter(ticket, waiter);
        Ok(ticket)
    }

    pub(super) fn remove(&self, ticket: Ticket) -> Option<Waiter> {
        self.lock().remove(ticket)
    }

    /// Waits until it has settled. `false`: the time is over, or this thread is called.
    pub(super) fn wait(&self, timeout: Timeout, called: &AtomicBool) -> bool {
        let ticket = std::cell::Cell::new(None);
        let listen = |listener| {
            let added = self.add(Waiter::Listener(listener));
            ticket.set(added.ok());
            ticket.get().is_some()
        };
        let unlisten = |_| ticket.get().is_some_and(|ticket| self.remove(ticket).is_some());
        park::wait_for(|| self.is_settled(), listen, unlisten, timeout, called)
    }

    /// Has the waker woken; `None`: it has settled.
    pub(crate) fn listen(&self, waker: &std::task::Waker) -> Option<Ticket> {
        inline::flush(); // inside a callback this thread may be about to block
        let listener = park::waker(Box::new(waker.clone()));
        match self.add(Waiter::Listener(listener)) {
            Ok(ticket) => Some(ticket),
            Err(_) => {
                // SAFETY: it never got in.
                unsafe { park::forget(listener) };
                None
            }
        }
    }

    /// A listener is to be woken no more.
    pub(crate) fn unlisten(&self, ticket: Ticket) {
        if let Some(Waiter::Listener(listener)) = self.remove(ticket) {
            // SAFETY: taken out of the list.
            unsafe { park::forget(listener) };
        }
    }
}
