//! Who waits for a shared value: a list behind a lock, because a time-out must be able to leave it. No
//! user code runs under the lock.

use std::collections::VecDeque;

use super::consumer::Consumer;
use super::executor::ExecutorHandle;
use super::header::{CellRef, Lane};
use super::mailbox::Armed;
use super::nest;
use super::park;
use super::shared::Shared;
use super::upstream::is_wanted;
use super::word::Listener;
use crate::failure::{Failure, Outcome, contain};
use crate::sync::MutexGuard;
use crate::sync::atomic::AtomicBool;
use crate::timeout::Timeout;
use crate::trace::Trace;

/// The place of somebody who waits.
pub(crate) type Ticket = u64;

pub(super) struct Waiting<T, E> {
    pub(super) next: Ticket,
    /// By their tickets, ascending. `None` where there never was one, so that it is quickly dropped.
    pub(super) entries: Option<VecDeque<(Ticket, Waiter<T, E>)>>,
    /// Branches that run one after the other, once the value is there.
    pub(super) series: Option<VecDeque<(Ticket, Waiter<T, E>)>>,
    pub(super) current: Option<Ticket>,
    pub(super) advancing: bool,
    pub(super) cancelled: bool,
}

impl<T, E> Waiting<T, E> {
    pub(super) fn new() -> Self {
        Waiting {
            next: 0,
            entries: None,
            series: None,
            current: None,
            advancing: false,
            cancelled: false,
        }
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.next += 1;
        self.next - 1
    }

    /// Puts somebody into the list.
    pub(super) fn enter(&mut self, ticket: Ticket, waiter: Waiter<T, E>) {
        self.entries.get_or_insert_default().push_back((ticket, waiter));
    }

    /// All who are in the list.
    pub(super) fn each(&self) -> impl Iterator<Item = &(Ticket, Waiter<T, E>)> {
        self.entries.iter().flatten()
    }
}

/// A function that gets the outcome, and the way of a failure, on the settling thread.
pub(crate) type Copier<T, E> = Box<dyn FnOnce(&Outcome<T, E>, Option<Box<Trace>>) + Send>;

pub(super) enum Waiter<T, E> {
    Listener(Listener),
    /// With the cell of the promise that gets the copy, which its producer in the function keeps.
    Copy {
        copy: Copier<T, E>,
        promise: CellRef,
    },
    Branch {
        cell: CellRef,
        lane: Lane,
        executor: Option<ExecutorHandle>,
    },
}

// SAFETY: a listener's pointer is that of a thread or a waker, which are Send; a cell is Send.
unsafe impl<T, E> Send for Waiter<T, E> {}

impl<T: 'static, E: 'static> Shared<T, E> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting<T, E>> {
        self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Adds somebody; gives him back if it has settled.
    fn add(&self, waiter: Waiter<T, E>) -> Result<Ticket, Waiter<T, E>> {
        let mut waiting = self.lock();
        if !self.holders.wait() {
            return Err(waiter);
        }
        let ticket = waiting.ticket();
        waiting.enter(ticket, waiter);
        Ok(ticket)
    }

    pub(super) fn remove(&self, ticket: Ticket) -> Option<Waiter<T, E>> {
        let mut waiting = self.lock();
        let entries = waiting.entries.as_mut()?;
        let place = entries.binary_search_by_key(&ticket, |entry| entry.0).ok()?;
        entries.remove(place).map(|entry| entry.1)
    }

    /// Waits until it has settled. `false`: the time is over, or this thread is called.
    pub(super) fn wait(&self, timeout: Timeout, called: &AtomicBool) -> bool {
        let ticket = std::cell::Cell::new(None);
        let listen = |armed| {
            let added = self.add(Waiter::Listener(park::listener(armed)));
            ticket.set(added.ok());
            ticket.get().is_some()
        };
        let unlisten = |_: Armed| ticket.get().is_some_and(|ticket| self.remove(ticket).is_some());
        park::wait_for(|| self.is_settled(), listen, unlisten, timeout, called)
    }

    /// Has the waker woken; `None`: it has settled.
    pub(crate) fn listen(&self, waker: &std::task::Waker) -> Option<Ticket> {
        nest::flush(); // inside a callback this thread may be about to block
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

    /// Somebody who listens does so no more.
    pub(crate) fn unlisten(&self, ticket: Ticket) {
        if let Some(Waiter::Listener(listener)) = self.remove(ticket) {
            // SAFETY: taken out of the list.
            unsafe { park::forget(listener) };
        }
    }

    /// Has the function that `make` gives for its ticket called with the outcome, on the settling
    /// thread; at once, without a ticket, if it has settled. It has the producer of `promise`.
    pub(crate) fn copy(
        &self,
        promise: &Consumer<T, E>,
        make: impl FnOnce(Option<Ticket>) -> Copier<T, E>,
    ) {
        let promise = promise.root();
        let mut waiting = self.lock();
        if !self.holders.wait() {
            drop(waiting);
            return self.call(make(None));
        }
        let ticket = waiting.ticket();
        let copy = make(Some(ticket));
        waiting.enter(ticket, Waiter::Copy { copy, promise });
    }

    pub(super) fn call(&self, copy: Copier<T, E>) {
        let outcome = self.outcome().flatten();
        if matches!(outcome, Some(Err(_))) {
            self.mark_seen();
        }
        let trace = matches!(outcome, Some(Err(_))).then(|| Box::new(self.trace()));
        contain(|| copy(outcome.unwrap_or(&Err(Failure::Cancelled)), trace));
    }

    /// The copy with this ticket is not wanted any more.
    pub(crate) fn forget_copy(&self, ticket: Ticket) {
        drop(self.remove(ticket));
        self.cancel_if_unwanted(true);
    }
}

impl<T, E> Waiter<T, E> {
    pub(super) fn is_waiting(&self) -> bool {
        // SAFETY: the list's reference keeps the cell.
        matches!(self, Waiter::Branch { cell, .. } if unsafe { cell.header().up.is_waiting() })
    }

    /// Whether it wants the value still. To be called under the lock, which keeps the cell.
    pub(super) fn is_owner(&self, depth: u32) -> bool {
        let cell = match self {
            Waiter::Listener(_) => return false, // its handle counts
            Waiter::Copy { promise: cell, .. } | Waiter::Branch { cell, .. } => *cell,
        };
        // SAFETY: the function has the producer of the one, the list a reference to the other.
        let up = unsafe { &cell.header().up };
        if !up.hold_work() {
            return false; // cancelled
        }
        // SAFETY: neither started nor cancelled before it is released.
        let wanted = unsafe { is_wanted(cell, depth) };
        up.release_work();
        wanted
    }
}
