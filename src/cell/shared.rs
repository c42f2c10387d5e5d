//! A value with many owners: a layer above the cell, which has one consumer.
//!
//! The shared part is that consumer. The outcome stays in the cell and is read there. Who waits is
//! in a list behind a lock, because a time-out must be able to leave it; no user code runs under the
//! lock.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::Arc;

use super::body;
use super::cancel::cancel_root;
use super::consumer::{self, Consumer};
use super::executor::{ExecutorHandle, Item};
use super::header::{CellRef, Dropped, Lane, Turn};
use super::mailbox::Armed;
use super::observer::{Observer, Target};
use super::owner::Owners;
use super::park;
use super::producer::Producer;
use super::step::Work;
use super::upstream::{Awaited, Kept, Upstream};
use super::wave::{self, Later};
use super::word::Listener;
use crate::failure::{Failure, Outcome, contain};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::timeout::Timeout;
use crate::trace::Trace;

/// The place of somebody who waits.
pub(crate) type Ticket = u64;

/// The shared part.
#[repr(C)]
pub(crate) struct Shared<T: 'static, E: 'static> {
    /// First, so that its address is that of the shared part.
    observer: Observer,
    target: Target,
    /// The tail of the chain that gives the value. Ours when `settled`; alive as long as we are.
    feeder: CellRef,
    settled: AtomicBool,
    /// It was settled as cancelled before the feeder has come.
    unwanted: AtomicBool,
    pub(super) owners: Owners,
    /// Somebody has looked at the failure.
    seen: AtomicBool,
    executor: ExecutorHandle,
    setter: Mutex<Option<Producer<T, E>>>,
    waiting: Mutex<Waiting<T, E>>,
}

// SAFETY: the outcome is read by reference on any thread and dropped on the last one.
unsafe impl<T: Send + Sync, E: Send + Sync> Sync for Shared<T, E> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, E: Send + Sync> Send for Shared<T, E> {}

struct Waiting<T, E> {
    next: Ticket,
    /// By their tickets, ascending.
    entries: VecDeque<(Ticket, Waiter<T, E>)>,
    /// Branches that run one after the other, once the value is there.
    series: VecDeque<(Ticket, Waiter<T, E>)>,
    current: Option<Ticket>,
    advancing: bool,
    cancelled: bool,
}

/// A function that gets the outcome, and the way of a failure, on the settling thread.
pub(crate) type Copier<T, E> = Box<dyn FnOnce(&Outcome<T, E>, Option<Box<Trace>>) + Send>;

enum Waiter<T, E> {
    Listener(Listener),
    Copy(Copier<T, E>),
    Branch { cell: CellRef, lane: Lane, executor: Option<ExecutorHandle> },
}

// SAFETY: a listener's pointer is that of a thread or a waker, which are Send; a cell is Send.
unsafe impl<T, E> Send for Waiter<T, E> {}

impl<T: 'static, E: 'static> Shared<T, E> {
    /// Shares what `consumer` will get; `setter` is what settles it, if that is by hand.
    pub(crate) fn new(
        consumer: Consumer<T, E>,
        executor: ExecutorHandle,
        setter: Option<Producer<T, E>>,
        location: &'static Location<'static>,
    ) -> Arc<Self> {
        let feeder = consumer.into_observed(location);
        let mut shared = Arc::new(Shared {
            observer: Observer { target: std::ptr::null() },
            target: Target { notify: notify::<T, E> },
            feeder,
            settled: AtomicBool::new(false),
            unwanted: AtomicBool::new(false),
            owners: Owners::one(),
            seen: AtomicBool::new(false),
            executor,
            setter: Mutex::new(setter),
            waiting: Mutex::new(Waiting {
                next: 0,
                entries: VecDeque::new(),
                series: VecDeque::new(),
                current: None,
                advancing: false,
                cancelled: false,
            }),
        });
        if let Some(new) = Arc::get_mut(&mut shared) {
            new.observer.target = &raw const new.target;
        }
        let observer = Arc::into_raw(Arc::clone(&shared)).cast::<Observer>();
        // SAFETY: the observer is the first field of what this reference keeps until `notify`.
        unsafe { consumer::observe(feeder, observer) };
        shared
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T, E>> {
        self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether it has settled.
    pub(crate) fn is_settled(&self) -> bool {
        // ORDERING: Acquire pairs with `settle`: the outcome can be read.
        self.settled.load(Ordering::Acquire)
    }

    /// The outcome, if it has settled; `Some(None)` is cancelled.
    pub(crate) fn outcome(&self) -> Option<Option<&Outcome<T, E>>> {
        self.is_settled().then(|| match self.is_unwanted() {
            true => None,
            // SAFETY: settled by the feeder, so the cell is ours, and its outcome stays until we are
            // dropped.
            false => unsafe { body::outcome::<T, E>(self.feeder) },
        })
    }

    /// In a settled value: whether it was cancelled before the feeder has come.
    fn is_unwanted(&self) -> bool {
        // ORDERING: Relaxed, written before `settled`.
        self.unwanted.load(Ordering::Relaxed)
    }

    /// A failure was looked at: it is not reported.
    pub(crate) fn mark_seen(&self) {
        // ORDERING: Relaxed, the last reference's drop is ordered by the `Arc`.
        self.seen.store(true, Ordering::Relaxed);
    }

    /// The way that a failure came.
    pub(crate) fn trace(&self) -> Trace {
        if !self.is_settled() {
            return Trace::new();
        }
        // SAFETY: settled with an outcome, so the cell is ours, and nobody writes its place any more.
        // Without one a late producer may be at work.
        unsafe {
            let header = self.feeder.header();
            let kind = header.vtable().kind;
            if !self.is_unwanted() && header.word.has_outcome() {
                header.place.trace(kind)
            } else {
                header.place.made(kind)
            }
        }
    }

    /// The chain that gives the value, for a worker that waits for it.
    fn kept(&self) -> Kept<'_> {
        // SAFETY: the cell lives as long as we do.
        unsafe { Kept::new(self.feeder) }
    }

    /// The executor of callbacks.
    pub(crate) fn executor(&self) -> &ExecutorHandle {
        &self.executor
    }

    /// Takes what settles it by hand.
    pub(crate) fn take_setter(&self) -> Option<Producer<T, E>> {
        self.setter.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }

    // ── Waiting ──────────────────────────────────────────────────────────────────────────────

    /// Adds somebody; gives him back if it has settled.
    fn add(&self, waiter: Waiter<T, E>) -> Result<Ticket, Waiter<T, E>> {
        let mut waiting = self.lock();
        // ORDERING: Relaxed, `settle` stores it under this lock.
        if self.settled.load(Ordering::Relaxed) {
            return Err(waiter);
        }
        let ticket = waiting.next;
        waiting.next += 1;
        waiting.entries.push_back((ticket, waiter));
        Ok(ticket)
    }

    fn remove(&self, ticket: Ticket) -> Option<Waiter<T, E>> {
        let mut waiting = self.lock();
        let place = waiting.entries.binary_search_by_key(&ticket, |entry| entry.0).ok()?;
        waiting.entries.remove(place).map(|entry| entry.1)
    }

    /// Waits until it has settled. `false`: the time is over.
    fn wait(&self, timeout: Timeout) -> bool {
        let ticket = std::cell::Cell::new(None);
        let listen = |armed| {
            let added = self.add(Waiter::Listener(park::listener(armed)));
            ticket.set(added.ok());
            ticket.get().is_some()
        };
        let unlisten = |_: Armed| ticket.get().is_some_and(|ticket| self.remove(ticket).is_some());
        park::wait_for(|| self.is_settled(), listen, unlisten, timeout)
    }

    /// Has the waker woken; `None`: it has settled.
    pub(crate) fn listen(&self, waker: &std::task::Waker) -> Option<Ticket> {
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
    /// thread; at once, without a ticket, if it has settled.
    pub(crate) fn copy(&self, make: impl FnOnce(Option<Ticket>) -> Copier<T, E>) {
        let mut waiting = self.lock();
        // ORDERING: Relaxed, as in `add`.
        if self.settled.load(Ordering::Relaxed) {
            drop(waiting);
            return self.call(make(None));
        }
        let ticket = waiting.next;
        waiting.next += 1;
        waiting.entries.push_back((ticket, Waiter::Copy(make(Some(ticket)))));
    }

    fn call(&self, copy: Copier<T, E>) {
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

    // ── Branches ─────────────────────────────────────────────────────────────────────────────

    /// Adds a branch, whose work is made with its ticket. Gives its promise's consumer.
    pub(crate) fn branch<W: Work>(
        &self,
        lane: Lane,
        executor: Option<ExecutorHandle>,
        location: &'static Location<'static>,
        work: impl FnOnce(Option<Ticket>) -> W,
    ) -> Consumer<W::Ok, W::Err> {
        let mut waiting = self.lock();
        // ORDERING: Relaxed, as in `add`.
        let settled = self.settled.load(Ordering::Relaxed);
        let ticket = waiting.next;
        waiting.next += 1;
        let work = work((!settled).then_some(ticket));
        let (cell, consumer) = Consumer::job(work, std::ptr::null_mut(), location);
        let branch = Waiter::Branch { cell, lane, executor };
        if settled {
            drop(waiting);
            self.release(branch);
        } else {
            waiting.entries.push_back((ticket, branch));
        }
        consumer
    }

    /// The work of a branch is through, or was dropped.
    pub(crate) fn branch_done(&self, ticket: Ticket) {
        if let Some(waiter) = self.remove(ticket) {
            // Dropped while it waited, so it was cancelled: the list lets go of its cell.
            if let Waiter::Branch { cell, .. } = waiter {
                // SAFETY: the list's reference.
                unsafe { wave::lost(cell) };
            }
            self.cancel_if_unwanted(true);
            return;
        }
        let mut waiting = self.lock();
        if waiting.current == Some(ticket) {
            waiting.current = None;
            drop(waiting);
            self.advance();
        }
    }

    /// Posts the next branch of the series, if none is under way.
    fn advance(&self) {
        loop {
            let mut waiting = self.lock();
            if waiting.advancing || waiting.current.is_some() {
                return;
            }
            let Some((ticket, branch)) = waiting.series.pop_front() else { return };
            let alive = branch.is_waiting();
            waiting.current = alive.then_some(ticket);
            waiting.advancing = true;
            drop(waiting);
            self.release(branch);
            self.lock().advancing = false;
        }
    }

    /// The value is there: a branch goes to its executor, or is settled here if it will not run.
    fn release(&self, branch: Waiter<T, E>) {
        let Waiter::Branch { cell, lane, executor } = branch else { return };
        let executor = executor.as_ref().unwrap_or(&self.executor);
        let has_value = matches!(self.outcome(), Some(Some(Ok(_))));
        // SAFETY: the list's reference to the job, which is given to the executor, or to the start.
        unsafe {
            if has_value {
                cell.header().up.set_executor(executor.address());
                if let Err(item) = executor.post(Item::Start(cell), lane) {
                    wave::abandon(item);
                }
            } else if cell.header().up.start() {
                wave::start(cell, Turn::Granted, None); // passes the failure on
            } else {
                wave::lost(cell);
            }
        }
    }

    // ── Settling, cancelling ─────────────────────────────────────────────────────────────────

    fn settle(&self, unwanted: bool) {
        let mut waiting = self.lock();
        // ORDERING: Relaxed, only stored under this lock.
        if self.settled.load(Ordering::Relaxed) {
            return; // cancelled before
        }
        self.unwanted.store(unwanted, Ordering::Relaxed);
        // ORDERING: Release pairs with `is_settled`: the outcome in the cell is seen.
        self.settled.store(true, Ordering::Release);
        let entries = std::mem::take(&mut waiting.entries);
        drop(waiting);
        let has_value = matches!(self.outcome(), Some(Some(Ok(_))));
        let mut series = VecDeque::new();
        for (ticket, waiter) in entries {
            match waiter {
                // SAFETY: taken out of the list.
                Waiter::Listener(listener) => unsafe { park::wake(listener) },
                Waiter::Copy(copy) => self.call(copy),
                Waiter::Branch { lane: Lane::Next, .. } if has_value => {
                    series.push_back((ticket, waiter));
                }
                Waiter::Branch { .. } => self.release(waiter),
            }
        }
        if !series.is_empty() {
            self.lock().series = series;
            self.advance();
        }
    }

    /// Cancels what gives the value, if somebody has cancelled and nobody is left who has not.
    pub(crate) fn cancel_if_unwanted(&self, somebody: bool) {
        let mut waiting = self.lock();
        waiting.cancelled |= somebody;
        let wanted = self.owners.any() || waiting.entries.iter().any(|entry| entry.1.is_owner());
        let cancel = waiting.cancelled && !wanted && !self.is_settled();
        drop(waiting);
        if cancel {
            // SAFETY: the feeder lives as long as we do, and its root as long as the feeder.
            unsafe { cancel_root(self.feeder.root()) };
            wave::shield(|| self.settle(true)); // a running source does not keep it pending
        }
    }
}

// SAFETY: a shared value keeps its feeder as long as it lives.
unsafe impl<T: 'static, E: 'static> Awaited for &Shared<T, E> {
    fn is_settled(&self) -> bool {
        Shared::is_settled(self)
    }

    fn chains(&self) -> Vec<Kept<'_>> {
        vec![self.kept()]
    }

    fn wait(&mut self, timeout: Timeout) -> bool {
        Shared::wait(self, timeout)
    }
}

impl<T: Send + Sync + 'static, E: Send + Sync + 'static> Upstream for Shared<T, E> {
    fn visit(self: Arc<Self>, visit: &mut dyn FnMut(Kept<'_>) -> bool) {
        if !self.is_settled() {
            visit(self.kept());
        }
        wave::later(Later::Drop(self));
    }
}

impl<T, E> Waiter<T, E> {
    fn is_waiting(&self) -> bool {
        // SAFETY: the list's reference keeps the cell.
        matches!(self, Waiter::Branch { cell, .. } if unsafe { cell.header().up.is_waiting() })
    }

    /// Whether it wants the value still.
    fn is_owner(&self) -> bool {
        match self {
            Waiter::Listener(_) => false, // its handle counts
            Waiter::Copy(_) => true,
            // SAFETY: the list's reference keeps the cell.
            Waiter::Branch { cell, .. } => unsafe {
                self.is_waiting() && !cell.header().word.is_left()
            },
        }
    }
}

/// The feeder has settled.
unsafe fn notify<T: 'static, E: 'static>(observer: *const Observer, _: CellRef) {
    // SAFETY: the reference that `new` gave to the observer.
    let shared = unsafe { Arc::from_raw(observer.cast::<Shared<T, E>>()) };
    shared.settle(false);
}

impl<T: 'static, E: 'static> Drop for Shared<T, E> {
    fn drop(&mut self) {
        let seen = *self.seen.get_mut() || *self.unwanted.get_mut();
        let why = if seen { Dropped::Superseded } else { Dropped::Unseen };
        // SAFETY: the observer's reference was kept until the cell had settled, so it is ours.
        unsafe {
            wave::drop_outcome(self.feeder, why);
            wave::release(self.feeder);
        }
    }
}
