//! Many promises handled as one: a list watches its items from the moment it has them.
//!
//! Each item's cell tells a slot of the list when it settles, and the slot puts itself into the
//! list's mailbox: an item costs one compare-and-swap and no allocation. The list's handle drains
//! the mailbox when it is asked; or a [`Policy`] does, on the settling threads.

use std::cell::UnsafeCell;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::body;
use super::cancel::cancel_root;
use super::claim::Kept;
use super::consumer::Consumer;
use super::header::{CellRef, Dropped};
use super::mailbox::{Armed, Mailbox};
use super::observer::{Observer, Target};
use super::park;
use super::slots::{Slot, Slots, State};
use super::wave;
use super::word::Listener;
use crate::failure::{Failure, Outcome};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::timeout::Timeout;
use crate::trace::Trace;

/// What happens to a list that nobody holds any more. Called with the right to drain, on the
/// settling thread.
pub(crate) trait Policy<T, E>: Send {
    /// An item has come; they come in the order of time.
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize);
    /// All items have come.
    fn complete(&mut self, items: &mut Items<T, E>);
    /// Nobody wants the result any more.
    fn cancelled(&mut self, items: &mut Items<T, E>);
}

/// What items, the canceller and the drainer share. The target comes first, so that its address is
/// that of the core.
#[repr(C)]
struct Core<T, E> {
    target: Target,
    mailbox: Mailbox,
    /// An entry that no item has: it asks the drainer to cancel.
    cancel: UnsafeCell<Slot>,
    cancelled: AtomicBool,
    /// Touched by whoever has the right to drain.
    drained: UnsafeCell<Drained<T, E>>,
}

// SAFETY: outcomes go from thread to thread, so they must be Send; all else is behind the right to
// drain, which the mailbox hands on.
unsafe impl<T: Send, E: Send> Sync for Core<T, E> {}
// SAFETY: as above.
unsafe impl<T: Send, E: Send> Send for Core<T, E> {}

/// The index of the entry that asks to cancel.
const CANCEL: u32 = u32::MAX;

struct Drained<T, E> {
    items: Items<T, E>,
    /// Entries that were taken from the mailbox: a list in the order of time.
    first: *mut Slot,
    last: *mut Slot,
    policy: Option<Box<dyn Policy<T, E>>>,
}

/// The way that a failure came, if it is one.
pub(crate) type Way = Option<Box<Trace>>;

/// The items of a list, by their index.
pub(crate) struct Items<T, E> {
    slots: Slots,
    arrived: usize,
    types: std::marker::PhantomData<Outcome<T, E>>,
}

// ── The items ────────────────────────────────────────────────────────────────────────────────────

impl<T, E> Items<T, E> {
    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many have come.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived
    }

    fn slot(&self, index: usize) -> &Slot {
        // SAFETY: the drainer only has `Items`; others touch the atomic `next` only.
        unsafe { &*self.slots.at(index) }
    }

    fn cell(&self, index: usize, state: State) -> Option<CellRef> {
        let slot = self.slot(index);
        if slot.state == state { slot.cell } else { None }
    }

    /// The outcome of an item that has come; `None` is cancelled, or not there.
    pub(crate) fn outcome(&self, index: usize) -> Option<&Outcome<T, E>> {
        let cell = self.cell(index, State::Arrived)?;
        // SAFETY: a cell that has arrived is the list's.
        unsafe { body::outcome(cell) }
    }

    /// Whether an item has come with a failure that is still there.
    pub(crate) fn is_failed(&self, index: usize) -> bool {
        self.slot(index).state == State::Arrived
            && self.outcome(index).is_none_or(|outcome| outcome.is_err())
    }

    /// Takes the outcome of an item that has come, and frees its cell.
    pub(crate) fn take(&mut self, index: usize) -> Option<Outcome<T, E>> {
        self.take_with_trace(index).map(|(outcome, _)| outcome)
    }

    /// Takes the outcomes of all items, which have come, in their order.
    pub(crate) fn take_all(&mut self) -> impl ExactSizeIterator<Item = Outcome<T, E>> {
        (0..self.len()).map(|index| self.take(index).unwrap_or(Err(Failure::Taken)))
    }

    /// Takes the values of all items, which have come, in their order, or the first failure.
    pub(crate) fn take_values(&mut self) -> Outcome<Vec<T>, E> {
        let mut values = Vec::with_capacity(self.len());
        for outcome in self.take_all() {
            values.push(outcome?);
        }
        Ok(values)
    }

    /// The same with the way that a failure came.
    pub(crate) fn take_with_trace(&mut self, index: usize) -> Option<(Outcome<T, E>, Way)> {
        let cell = self.cell(index, State::Arrived)?;
        // SAFETY: a cell that has arrived is the list's; it is forgotten here.
        unsafe {
            (*self.slots.at(index)).state = State::Taken;
            let outcome = body::take_outcome::<T, E>(cell);
            let header = cell.header();
            let trace = outcome.is_err().then(|| header.place.take(header.vtable().kind));
            wave::release(cell);
            Some((outcome, trace))
        }
    }

    /// An item that has not come, for a worker that waits for it.
    pub(crate) fn pending(&self, index: usize) -> Option<Kept<'_>> {
        // SAFETY: the cells of a list live until it takes them.
        self.cell(index, State::Pending).map(|cell| unsafe { Kept::new(cell) })
    }

    /// Cancels all items that have not come.
    pub(crate) fn cancel_pending(&mut self) {
        for index in 0..self.len() {
            if let Some(cell) = self.cell(index, State::Pending) {
                // SAFETY: the cells of a list live until it takes them.
                unsafe { cancel_root(cell.root()) };
            }
        }
    }
}

impl<T, E> Drop for Items<T, E> {
    fn drop(&mut self) {
        for index in 0..self.len() {
            if let Some(cell) = self.cell(index, State::Arrived) {
                // SAFETY: a cell that has arrived is the list's; it is dropped once.
                unsafe {
                    wave::drop_outcome(cell, Dropped::Superseded);
                    wave::release(cell);
                }
            }
        }
    }
}

// ── Draining ─────────────────────────────────────────────────────────────────────────────────────

impl<T, E> Drained<T, E> {
    /// Takes what has come into the list of entries.
    fn fetch(&mut self, mailbox: &Mailbox) {
        let mut newest = mailbox.take().cast::<Slot>();
        let (mut list, last) = (std::ptr::null_mut::<Slot>(), newest);
        while !newest.is_null() {
            // SAFETY: an entry of the mailbox is a slot of this list, and is the drainer's now.
            unsafe {
                let next = (*newest).next.load(Ordering::Relaxed);
                (*newest).next.store(list.cast(), Ordering::Relaxed);
                list = newest;
                newest = next.cast();
            }
        }
        if list.is_null() {
            return;
        }
        if self.first.is_null() {
            self.first = list;
        } else {
            // SAFETY: `last` is a slot of this list.
            unsafe { (*self.last).next.store(list.cast(), Ordering::Relaxed) };
        }
        self.last = last;
    }

    /// The next entry, in the order of time.
    fn next(&mut self, mailbox: &Mailbox) -> Option<u32> {
        if self.first.is_null() {
            self.fetch(mailbox);
        }
        if self.first.is_null() {
            return None;
        }
        // SAFETY: as in `fetch`.
        unsafe {
            let slot = self.first;
            self.first = (*slot).next.load(Ordering::Relaxed).cast();
            (*slot).state = State::Arrived;
            if (*slot).index != CANCEL {
                self.items.arrived += 1;
            }
            Some((*slot).index)
        }
    }
}

/// An item's cell has settled: its slot goes into the mailbox.
unsafe fn notify<T, E>(observer: *const Observer, _: CellRef) {
    // SAFETY: the observer is a slot's first field, and the core lives until all items have come.
    unsafe {
        let slot = observer.cast_mut().cast::<Slot>();
        let core = (*observer).target.cast::<Core<T, E>>();
        push(core, slot);
    }
}

unsafe fn push<T, E>(core: *const Core<T, E>, slot: *mut Slot) {
    // SAFETY: the caller has a slot that is not in the mailbox; what the mailbox gives is ours.
    unsafe {
        match (*core).mailbox.push(slot.cast(), &(*slot).next) {
            None => {}
            Some(Armed::Thread(thread)) => park::wake(Listener::Thread(thread)),
            Some(Armed::Waker(waker)) => park::wake(Listener::Waker(waker)),
            Some(Armed::Policy) => drain(core),
        }
    }
}

/// With the right to drain: has the policy act, until there is nothing to do; gives the right up.
unsafe fn drain<T, E>(core: *const Core<T, E>) {
    // SAFETY: the right to drain makes `drained` ours; the run's reference keeps the core.
    unsafe {
        let drained = &mut *(*core).drained.get();
        let Some(mut policy) = drained.policy.take() else { return };
        loop {
            while let Some(index) = drained.next(&(*core).mailbox) {
                match index {
                    CANCEL => policy.cancelled(&mut drained.items),
                    index => policy.arrived(&mut drained.items, index as usize),
                }
            }
            if drained.items.arrived == drained.items.len() {
                policy.complete(&mut drained.items);
                drop(policy);
                drop(Arc::from_raw(core)); // the run's reference
                return;
            }
            drained.policy = Some(policy);
            if (*core).mailbox.arm(Armed::Policy) {
                return;
            }
            let Some(again) = drained.policy.take() else { return };
            policy = again;
        }
    }
}

// ── The handle ───────────────────────────────────────────────────────────────────────────────────

/// The handle on a list, which has the right to drain.
pub(crate) struct Gather<T: Send + 'static, E: Send + 'static> {
    core: Arc<Core<T, E>>,
    /// What a poll has left in the mailbox.
    armed: Option<Armed>,
}

// SAFETY: the pointer in `armed` is that of a waker, which is Send.
unsafe impl<T: Send, E: Send> Send for Gather<T, E> {}

impl<T: Send + 'static, E: Send + 'static> Gather<T, E> {
    pub(crate) fn new() -> Self {
        let null = std::ptr::null_mut();
        let items = Items { slots: Slots::new(), arrived: 0, types: std::marker::PhantomData };
        let core = Arc::new(Core {
            target: Target { notify: notify::<T, E> },
            mailbox: Mailbox::new(),
            cancel: UnsafeCell::new(Slot::new(std::ptr::null(), None, CANCEL)),
            cancelled: AtomicBool::new(false),
            drained: UnsafeCell::new(Drained { items, first: null, last: null, policy: None }),
        });
        Gather { core, armed: None }
    }

    fn drained(&mut self) -> &mut Drained<T, E> {
        // SAFETY: the handle has the right to drain.
        unsafe { &mut *self.core.drained.get() }
    }

    /// The items.
    pub(crate) fn items(&mut self) -> &mut Items<T, E> {
        &mut self.drained().items
    }

    /// Adds an item, which is watched from now on.
    pub(crate) fn watch(&mut self, item: Consumer<T, E>, location: &'static Location<'static>) {
        let target = Arc::as_ptr(&self.core).cast::<Target>();
        let cell = item.into_observed(location);
        let slot = self.drained().items.slots.push(target, cell);
        // SAFETY: the slot stays, and the core lives until all items have come: see `Drop`.
        unsafe { super::consumer::observe(cell, slot.cast()) };
    }

    /// The next item that has come, in the order of time.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let mailbox: *const Mailbox = &raw const self.core.mailbox;
        // SAFETY: the core is alive; two fields of it are used.
        let index = self.drained().next(unsafe { &*mailbox })?;
        Some(index as usize)
    }

    /// Waits until an item has come that was not asked for. `false`: the time is over.
    pub(crate) fn wait(&mut self, timeout: Timeout) -> bool {
        self.disarm();
        let arm = |armed| self.core.mailbox.arm(armed);
        let disarm = |armed| self.core.mailbox.disarm(armed);
        park::wait_for(|| !self.core.mailbox.is_empty(), arm, disarm, timeout)
    }

    /// Polls for an item that has come and was not asked for.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.disarm();
        let armed = park::into_armed(context.waker());
        if self.core.mailbox.arm(armed) {
            self.armed = Some(armed);
            return Poll::Pending;
        }
        // SAFETY: it did not get into the mailbox.
        unsafe { park::forget_armed(armed) };
        Poll::Ready(())
    }

    fn disarm(&mut self) {
        if let Some(armed) = self.armed.take() {
            if self.core.mailbox.disarm(armed) {
                // SAFETY: taken back out of the mailbox.
                unsafe { park::forget_armed(armed) };
            }
        }
    }

    /// What cancels the list from anywhere, once a policy has it.
    pub(crate) fn canceller(&self) -> impl FnOnce() + Send + use<T, E> {
        let core = Arc::clone(&self.core);
        move || {
            // ORDERING: AcqRel, only so that one caller wins.
            if !core.cancelled.swap(true, Ordering::AcqRel) {
                // SAFETY: the swap makes this the only push of this entry.
                wave::shield(|| unsafe { push(Arc::as_ptr(&core), core.cancel.get()) });
            }
        }
    }

    /// Gives the list to a policy.
    pub(crate) fn hand_to(mut self, policy: Box<dyn Policy<T, E>>) {
        self.drained().policy = Some(policy); // dropping the handle gives up the right to drain
    }
}

/// The policy of a list that was dropped: what comes is dropped.
struct Detached;

impl<T, E> Policy<T, E> for Detached {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        items.drop_unseen(index);
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, _: &mut Items<T, E>) {}
}

impl<T, E> Items<T, E> {
    /// Drops the outcome of an item that has come, which nobody has seen.
    fn drop_unseen(&mut self, index: usize) {
        if let Some(cell) = self.cell(index, State::Arrived) {
            // SAFETY: as in `take_with_trace`.
            unsafe {
                (*self.slots.at(index)).state = State::Taken;
                wave::drop_outcome(cell, Dropped::Unseen);
                wave::release(cell);
            }
        }
    }
}

impl<T: Send + 'static, E: Send + 'static> Drop for Gather<T, E> {
    /// The right to drain goes to the policy, by default one that drops what comes.
    fn drop(&mut self) {
        self.disarm();
        let core = Arc::as_ptr(&self.core);
        let drained = self.drained();
        if drained.policy.is_none() {
            for index in 0..drained.items.len() {
                drained.items.drop_unseen(index);
            }
            drained.policy = Some(Box::new(Detached));
        }
        // SAFETY: one reference for the run, which `drain` gives up when all items have come.
        unsafe {
            Arc::increment_strong_count(core);
            wave::shield(|| drain(core));
        }
    }
}
