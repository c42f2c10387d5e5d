//! A value with many owners: a layer above the cell, which has one consumer.
//!
//! The shared part is that consumer. The outcome stays in the cell and is read there. The list of waiters is
//! in `waiters`, what comes after it in `branches`.

use std::collections::VecDeque;
use std::panic::Location;

use super::counts::{Counts, Standing};
use super::reference::Reference;
use super::waiters::{BranchTurn, Waiter, Waiting};
use crate::cell::defer::{free, trampoline};
use crate::cell::ends::consumer;
use crate::cell::ends::producer::Producer;
use crate::cell::executor::handle::ExecutorHandle;
use crate::cell::run::cancel::cancel_root;
use crate::cell::state::body;
use crate::cell::state::dependency::Ticket;
use crate::cell::state::header::{CellRef, Dropped};
use crate::cell::state::observer::Delivery;
use crate::cell::state::observer::{Observer, Target};
use crate::cell::wait::graph::{self, Awaited};
use crate::cell::wait::park;
use crate::cell::work::consumer::Consumer;
use crate::failure::Outcome;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard};
use crate::timeout::Timeout;
use crate::trace::Trace;

/// The shared part.
#[repr(C)]
pub(crate) struct Shared<T: 'static, E: 'static> {
    /// First, so that its address is that of the shared part.
    observer: Observer,
    /// Whether it has settled, and how many handles there are.
    pub(super) counts: Counts,
    /// The tail of the chain that gives the value. Ours when it has settled; alive as long as we are.
    feeder: CellRef,
    /// A reader has looked at the failure.
    seen: AtomicBool,
    pub(super) executor: ExecutorHandle,
    /// Whether there ever was something in `setter`.
    by_hand: bool,
    setter: Mutex<Option<Producer<T, E>>>,
    pub(super) waiting: Mutex<Waiting>,
}

// SAFETY: the outcome is read by reference on any thread and dropped on the last one.
unsafe impl<T: Send + Sync, E: Send + Sync> Sync for Shared<T, E> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, E: Send + Sync> Send for Shared<T, E> {}

impl<T: 'static, E: 'static> Shared<T, E> {
    /// Shares what `consumer` will get; `setter` is what settles it, if that is by hand.
    pub(crate) fn share(
        consumer: Consumer<T, E>,
        executor: ExecutorHandle,
        setter: Option<Producer<T, E>>,
        location: &'static Location<'static>,
    ) -> Reference<T, E> {
        let feeder = consumer.into_observed(location);
        let shared = Reference::new(|| Shared {
            observer: Observer { target: const { &Target { notify: notify::<T, E> } } },
            counts: Counts::one(),
            feeder,
            seen: AtomicBool::new(false),
            executor,
            by_hand: setter.is_some(),
            setter: Mutex::new(setter),
            waiting: Mutex::default(),
        });
        let observer = shared.as_ptr().cast::<Observer>();
        // SAFETY: the observer is the first field of what the holders' reference keeps until `notify`, since
        // the feeder is one of them.
        unsafe { consumer::observe(feeder, observer) };
        shared
    }

    /// Whether it has settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.counts.standing() != Standing::Pending
    }

    /// The outcome, if it has settled; `Some(None)` is cancelled.
    pub(crate) fn outcome(&self) -> Option<Option<&Outcome<T, E>>> {
        match self.counts.standing() {
            Standing::Pending => None,
            Standing::Unwanted => Some(None),
            // SAFETY: settled by the feeder, so the cell is ours, and its outcome stays until we are
            // dropped.
            Standing::Settled => Some(unsafe { body::outcome::<T, E>(self.feeder) }),
        }
    }

    /// A failure was looked at: it is not reported.
    fn mark_seen(&self) {
        // ORDERING: Relaxed, the drop of the last reference is ordered by their count.
        self.seen.store(true, Ordering::Relaxed);
    }

    /// A reader is shown the failure: nor do branches report their clones of it.
    pub(crate) fn show(&self) {
        self.mark_seen();
        // ORDERING: Relaxed, as in `Trace::is_seen`.
        self.shown().store(true, Ordering::Relaxed);
    }

    /// What says whether a reader was shown the failure.
    fn shown(&self) -> Arc<AtomicBool> {
        self.lock().shown.get_or_insert_default().clone()
    }

    /// The way of a clone of the failure, for a branch, which tells of it if no reader was shown it.
    pub(crate) fn branch_trace(&self) -> Trace {
        self.mark_seen();
        let mut trace = self.trace();
        trace.set_shown_by(Some(self.shown()));
        trace
    }

    /// The way that a failure came.
    pub(crate) fn trace(&self) -> Trace {
        let standing = self.counts.standing();
        if standing == Standing::Pending {
            return Trace::new();
        }
        // SAFETY: settled with an outcome, so the cell is ours, and its place is not written any more.
        // Without one a late producer may be at work.
        unsafe {
            let header = self.feeder.header();
            let kind = header.vtable().kind;
            if standing == Standing::Settled && header.word.has_outcome() {
                header.provenance.trace(kind)
            } else {
                header.provenance.made(kind)
            }
        }
    }

    /// The tail of the chain that gives the value: alive as long as we are.
    pub(super) fn feeder(&self) -> CellRef {
        self.feeder
    }

    /// The executor of callbacks.
    pub(crate) fn executor(&self) -> &ExecutorHandle {
        &self.executor
    }

    /// Takes what settles it by hand.
    pub(crate) fn take_setter(&self) -> Option<Producer<T, E>> {
        if !self.by_hand {
            return None;
        }
        self.setter.lock().take()
    }

    // ── Settling, cancelling ─────────────────────────────────────────────────────────────────

    /// Settles by hand a value that was made for that. `Err`: it was settled before, which is there to be seen
    /// by the caller that is told so.
    pub(crate) fn set<X>(&self, of: X, make: impl FnOnce(X) -> Outcome<T, E>) -> Result<(), X> {
        if !self.by_hand {
            return Err(of);
        }
        // No user code runs under the lock of the setter, which the next caller waits for.
        let (result, waiters) = trampoline::quietly(|| {
            let mut setter = self.setter.lock();
            let Some(producer) = setter.take() else { return (Err(of), Vec::new()) };
            if producer.is_cancelled() {
                return (Err(of), self.begin(true));
            }
            let settled = producer.settle_in_wave(make(of));
            let waiters = self.begin(settled.is_none());
            if settled.is_some() {
                let _last = self.counts.leave_feeder(); // never: the caller has a handle
            }
            (Ok(()), waiters)
        });
        trampoline::shield(|| self.tell(waiters));
        result
    }

    fn settle(&self, unwanted: bool) {
        let waiters = self.begin(unwanted);
        self.tell(waiters);
    }

    /// From now on it is settled. Gives the waiters to be told: none, if it was settled before.
    fn begin(&self, unwanted: bool) -> Vec<(Ticket, Waiter)> {
        let mut waiting = self.lock();
        if self.counts.settle(unwanted) { waiting.take_all() } else { Vec::new() }
    }

    fn tell(&self, waiters: Vec<(Ticket, Waiter)>) {
        if waiters.is_empty() {
            return;
        }
        let has_value = matches!(self.outcome(), Some(Some(Ok(_))));
        let mut series = VecDeque::new();
        for (ticket, waiter) in waiters {
            match waiter {
                // SAFETY: taken out of the list.
                Waiter::Listener(listener) => unsafe { park::wake(listener) },
                Waiter::Branch(branch) if branch.turn == BranchTurn::Series && has_value => {
                    self.offer(&branch);
                    series.push_back((ticket, branch));
                }
                Waiter::Branch(branch) => self.release(branch),
            }
        }
        if !series.is_empty() {
            self.lock().series = Some(series);
            self.advance();
        }
    }

    /// Cancels what gives the value, if a handle has cancelled and no owner is left.
    pub(crate) fn cancel_if_unwanted(&self, somebody: bool) {
        let mut waiting = self.lock();
        waiting.cancelled |= somebody;
        let cancel = waiting.cancelled && self.is_unowned(&waiting);
        drop(waiting);
        if cancel {
            // SAFETY: the feeder lives as long as we do, and its root as long as the feeder.
            unsafe { cancel_root(self.feeder.root()) };
            trampoline::shield(|| self.settle(true)); // a running source does not keep it pending
        }
    }

    /// Whether it is pending, and no owner is left that has not cancelled: for good, since only the holder of a
    /// handle can become an owner.
    fn is_unowned(&self, waiting: &Waiting) -> bool {
        waiting.owners == 0 && !self.counts.any() && !self.is_settled()
    }

    /// The promise of a branch was dropped: it is no owner any more. Whether the value has lost its last owner by
    /// that, which its own source should know.
    pub(super) fn left(&self, ticket: Ticket) -> bool {
        let mut waiting = self.lock();
        waiting.disown(ticket) && self.has_lost_owner(waiting)
    }

    /// An owner has gone: the value is cancelled if that was to be done without one. Whether it has lost its last one
    /// without having been cancelled.
    fn has_lost_owner(&self, waiting: MutexGuard<'_, Waiting>) -> bool {
        let (unowned, cancelled) = (self.is_unowned(&waiting), waiting.cancelled);
        drop(waiting);
        if unowned && cancelled {
            self.cancel_if_unwanted(false);
        }
        unowned && !cancelled
    }

    /// A handle goes, or has gone, that was the last owner: see [`left`](Self::left).
    pub(super) fn handle_left(&self) {
        if self.has_lost_owner(self.lock()) {
            // SAFETY: the feeder lives as long as we do.
            let place = unsafe { graph::shared_before(self.feeder) };
            place.into_iter().for_each(graph::leave_shared);
        }
    }
}

// SAFETY: a shared value keeps its feeder as long as it lives.
unsafe impl<T: 'static, E: 'static> Awaited for &Shared<T, E> {
    fn is_settled(&self) -> bool {
        Shared::is_settled(self)
    }

    fn tail(&self) -> Option<CellRef> {
        Some(self.feeder)
    }

    fn wait(&mut self, timeout: Timeout, called: &AtomicBool) -> bool {
        Shared::wait(self, timeout, called)
    }
}

/// The feeder has settled.
///
/// # Safety
/// As for [`Target`]'s `notify`; the target is that of a `Shared<T, E>`.
unsafe fn notify<T: 'static, E: 'static>(
    observer: *const Observer,
    _: CellRef,
) -> Option<Delivery> {
    let shared = observer.cast::<Shared<T, E>>();
    // SAFETY: the holders' reference is there until the feeder has gone; the last holder gives it up.
    unsafe {
        let last = (*shared).counts.settle_alone().unwrap_or_else(|| {
            (*shared).settle(false);
            (*shared).counts.leave_feeder()
        });
        if last {
            drop(Reference::from_ptr(shared));
        }
    }
    None
}

impl<T: 'static, E: 'static> Drop for Shared<T, E> {
    fn drop(&mut self) {
        let seen = *self.seen.get_mut() || self.counts.standing() == Standing::Unwanted;
        let why = if seen { Dropped::Superseded } else { Dropped::Unseen };
        // SAFETY: the feeder was a holder until the cell had settled, so it is ours.
        unsafe { free::discard(self.feeder, why) };
    }
}
