//! Many promises handled as one: a list watches its items from the moment it has them.
//!
//! Each item's cell tells a slot of the list when it settles, and the slot puts itself into the
//! list's mailbox: an item costs one compare-and-swap and no allocation. The list's handle drains
//! the mailbox when it is asked; or a [`Policy`] does, on the settling threads.

use std::cell::UnsafeCell;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use super::body;
use super::cancel::cancel_root;
use super::consumer::Consumer;
use super::header::{CellRef, Dropped};
use super::mailbox::{Armed, Mailbox};
use super::observer::{Observer, Target};
use super::park;
use super::slots::{Slot, Slots, State};
use super::source::{Source, Supply};
use super::upstream::{Awaited, Kept, Upstream};
use super::wave::{self, Later};
use super::word::Listener;
use crate::failure::{Failure, Outcome, drop_quietly};
use crate::sync::atomic::{AtomicUsize, Ordering};
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
    /// Whether the first failure ends it: then a list that grows starts nothing behind one.
    fn ends_at_failure(&self) -> bool {
        false
    }
    /// Somebody outside has ended the list, by an [`Ender`]: the result is to be this failure.
    fn ended(&mut self, items: &mut Items<T, E>, _failure: Failure<E>) {
        self.cancelled(items);
    }
}

/// Why a list is ended before all items have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nobody wants the result any more.
    Unwanted = 1,
    /// Somebody has cancelled it from outside.
    Cancelled,
    /// Its time is over.
    TimedOut,
    /// There is nobody who could tell it that its time is over.
    Abandoned,
}

/// What items, the canceller and the drainer share. The target comes first, so that its address is
/// that of the core.
#[repr(C)]
struct Core<T, E> {
    target: Target,
    mailbox: Mailbox,
    /// An entry that no item has: it asks the drainer to end the list.
    end: UnsafeCell<Slot>,
    /// Why, as an [`Ended`]; 0 as long as nobody has asked. The first one counts.
    ended: AtomicUsize,
    /// Touched by whoever has the right to drain.
    drained: UnsafeCell<Drained<T, E>>,
}

// SAFETY: outcomes go from thread to thread, so they must be Send; all else is behind the right to
// drain, which the mailbox hands on.
unsafe impl<T: Send, E: Send> Sync for Core<T, E> {}
// SAFETY: as above.
unsafe impl<T: Send, E: Send> Send for Core<T, E> {}

/// The index of the entry that asks to end the list.
const END: u32 = u32::MAX;

const CANCELLED: usize = Ended::Cancelled as usize;
const TIMED_OUT: usize = Ended::TimedOut as usize;
const ABANDONED: usize = Ended::Abandoned as usize;

struct Drained<T, E> {
    items: Items<T, E>,
    /// All entries that were taken from the mailbox: a list in the order of time.
    first: *mut Slot,
    last: *mut Slot,
    /// The first of them that was not asked for.
    unseen: *mut Slot,
    policy: Option<Box<dyn Policy<T, E>>>,
    /// Where the next look for work begins: all items before it have come.
    cursor: usize,
    /// Where the last look has ended.
    looked: usize,
}

/// The way that a failure came, if it is one.
pub(crate) type Way = Option<Box<Trace>>;

/// The items of a list, by their index.
pub(crate) struct Items<T, E> {
    pub(super) slots: Slots,
    pub(super) arrived: usize,
    /// Where more come from, if they do.
    pub(super) supply: Option<Box<Supply<T, E>>>,
    types: std::marker::PhantomData<Outcome<T, E>>,
}

// ── The items ────────────────────────────────────────────────────────────────────────────────────

impl<T, E> Items<T, E> {
    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        let (surplus, missing) = self.surplus_and_missing();
        self.slots.len() - surplus + missing
    }

    /// Whether all have come, and no more will.
    pub(crate) fn is_complete(&self) -> bool {
        self.arrived + self.void() == self.slots.len()
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
        if index >= self.slots.len() {
            return None; // not made yet
        }
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
    pub(crate) fn take_all(&mut self) -> Vec<Outcome<T, E>> {
        let mut outcomes = Vec::with_capacity(self.len());
        outcomes.extend((0..self.slots.len()).filter_map(|index| self.take_counted(index)));
        outcomes
    }

    /// Takes the values of all items, which have come, in their order, or the first failure.
    pub(crate) fn take_values(&mut self) -> Outcome<Vec<T>, E> {
        let mut values = Vec::with_capacity(self.len());
        for index in 0..self.slots.len() {
            if let Some(outcome) = self.take_counted(index) {
                values.push(outcome?);
            }
        }
        Ok(values)
    }

    fn take_counted(&mut self, index: usize) -> Option<Outcome<T, E>> {
        let counts = self.slots.state(index) != State::Void;
        counts.then(|| self.take(index).unwrap_or(Err(Failure::Taken)))
    }

    /// The same with the way that a failure came.
    pub(crate) fn take_with_trace(&mut self, index: usize) -> Option<(Outcome<T, E>, Way)> {
        let cell = self.cell(index, State::Arrived)?;
        // SAFETY: a cell that has arrived is the list's; it is forgotten here.
        unsafe {
            (*self.slots.at(index)).state = State::Taken;
            let outcome = body::take_outcome::<T, E>(cell);
            let header = cell.header();
            let kind = header.vtable().kind;
            let trace = outcome.is_err().then(|| match header.word.has_outcome() {
                true => header.place.take(kind),
                false => Box::new(header.place.made(kind)), // a late producer may be at work
            });
            wave::release(cell);
            self.vacate(index);
            Some((outcome, trace))
        }
    }

    /// An item that has not come, for a worker that waits for it.
    pub(crate) fn pending(&self, index: usize) -> Option<Kept<'_>> {
        // SAFETY: the cells of a list live until it takes them.
        self.cell(index, State::Pending).map(|cell| unsafe { Kept::new(cell) })
    }

    /// Cancels all items that have not come, and starts no more.
    pub(crate) fn cancel_pending(&mut self) {
        let rest = self.halt(); // cancelled before they are abandoned
        for index in 0..self.slots.len() {
            if let Some(cell) = self.cell(index, State::Pending) {
                // SAFETY: the cells of a list live until it takes them.
                unsafe { cancel_root(cell.root()) };
            }
        }
        wave::drop_later(rest);
    }
}

impl<T, E> Drop for Items<T, E> {
    fn drop(&mut self) {
        for index in 0..self.slots.len() {
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
        if self.unseen.is_null() {
            self.unseen = list;
        }
        if self.first.is_null() {
            self.first = list;
        } else {
            // SAFETY: `last` is a slot of this list.
            unsafe { (*self.last).next.store(list.cast(), Ordering::Relaxed) };
        }
        self.last = last;
    }

    /// Moves the cursor to the next item that has not come.
    fn skip_arrived(&mut self) {
        while self.cursor < self.items.slots.len() && self.items.pending(self.cursor).is_none() {
            self.cursor += 1;
        }
    }

    /// The next entry, in the order of time.
    fn next(&mut self, mailbox: &Mailbox) -> Option<u32> {
        loop {
            self.items.refill();
            let index = self.next_entry(mailbox)?;
            if index == END || !self.items.drop_surplus(index as usize) {
                return Some(index);
            }
        }
    }

    fn next_entry(&mut self, mailbox: &Mailbox) -> Option<u32> {
        if self.unseen.is_null() {
            self.fetch(mailbox);
        }
        if self.unseen.is_null() {
            return None;
        }
        // SAFETY: as in `fetch`.
        unsafe {
            let slot = self.unseen;
            self.unseen = (*slot).next.load(Ordering::Relaxed).cast();
            if (*slot).state == State::Pending {
                (*slot).state = State::Arrived; // else it was taken before a policy was given
            }
            if (*slot).index != END {
                self.items.arrived += 1;
                self.skip_arrived();
            }
            Some((*slot).index)
        }
    }
}

impl<T, E> Drained<T, E> {
    /// Shows the items that have not come. The next look begins where this one has ended.
    fn visit(&mut self, visit: &mut dyn FnMut(Kept<'_>) -> bool) {
        self.skip_arrived();
        let (first, count) = (self.cursor, self.items.slots.len());
        let looked = self.looked.clamp(first, count);
        for index in (looked..count).chain(first..looked) {
            if self.items.pending(index).is_some_and(&mut *visit) {
                self.looked = index;
                return;
            }
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
                    END => end(&*core, &mut *policy, &mut drained.items),
                    index => policy.arrived(&mut drained.items, index as usize),
                }
            }
            if drained.items.is_complete() {
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

/// A worker that waits for a list borrows the right to drain.
impl<T: Send + 'static, E: Send + 'static> Upstream for Core<T, E> {
    fn visit(self: Arc<Self>, visit: &mut dyn FnMut(Kept<'_>) -> bool) {
        if !self.mailbox.disarm(Armed::Policy) {
            return wave::later(Later::Drop(self)); // somebody drains just now
        }
        // SAFETY: the mailbox was armed, so the right to drain is ours.
        unsafe { (*self.drained.get()).visit(visit) };
        if self.mailbox.arm(Armed::Policy) {
            wave::later(Later::Drop(self));
        } else {
            wave::later(Later::Resume(self)); // something has come, which may run user code
        }
    }

    fn resume(self: Arc<Self>) {
        // SAFETY: the right to drain was borrowed in `visit`, and the run is not over.
        unsafe { drain(Arc::as_ptr(&self)) };
    }
}

fn end<T, E>(core: &Core<T, E>, policy: &mut dyn Policy<T, E>, items: &mut Items<T, E>) {
    // ORDERING: Relaxed, the entry was pushed after this was written, and has come.
    let ended = core.ended.load(Ordering::Relaxed);
    match ended {
        TIMED_OUT => policy.ended(items, Failure::TimedOut),
        CANCELLED => policy.ended(items, Failure::Cancelled),
        ABANDONED => policy.ended(items, Failure::Abandoned),
        _ => policy.cancelled(items),
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
        let types = std::marker::PhantomData;
        let items = Items { slots: Slots::new(), arrived: 0, supply: None, types };
        let core = Arc::new(Core {
            target: Target { notify: notify::<T, E> },
            mailbox: Mailbox::new(),
            end: UnsafeCell::new(Slot::new(std::ptr::null(), None, END)),
            ended: AtomicUsize::new(0),
            drained: UnsafeCell::new(Drained {
                items,
                first: null,
                last: null,
                unseen: null,
                policy: None,
                cursor: 0,
                looked: 0,
            }),
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

    /// Has the list grow: its items come from `source`.
    pub(crate) fn feed(&mut self, source: Arc<dyn Source<T, E>>) {
        let target = Arc::as_ptr(&self.core).cast::<Target>();
        self.items().set_source(source, target);
    }

    /// Adds the items that the source wants to have ahead.
    pub(crate) fn refill(&mut self) {
        self.items().refill();
    }

    /// The next item that has come, in the order of time.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let mailbox: *const Mailbox = &raw const self.core.mailbox;
        // SAFETY: the core is alive; two fields of it are used.
        let index = self.drained().next(unsafe { &*mailbox })?;
        Some(index as usize)
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

    /// What tells the policy that nobody wants the result any more, from anywhere.
    pub(crate) fn canceller(&self) -> impl FnOnce() + Send + use<T, E> {
        let core = Arc::clone(&self.core);
        move || core.end(Ended::Unwanted)
    }

    /// What ends the list from anywhere, once a policy has it; owns nothing of it.
    pub(crate) fn ender(&self) -> Ender {
        let core: Weak<Core<T, E>> = Arc::downgrade(&self.core);
        Ender(core)
    }

    /// What a worker that waits for the list can look into, once a policy has it.
    pub(crate) fn upstream(&self) -> Arc<dyn Upstream> {
        self.core.clone()
    }

    /// Gives the list to a policy.
    pub(crate) fn hand_to(mut self, policy: Box<dyn Policy<T, E>>) {
        if !policy.ends_at_failure() {
            self.items().carry_on();
        }
        let drained = self.drained();
        // It hears of all items, also of those that the handle has looked at.
        drained.unseen = drained.first;
        drained.items.arrived = 0;
        drained.policy = Some(policy); // dropping the handle gives up the right to drain
    }
}

/// Ends a list from anywhere; owns nothing of it.
#[derive(Clone)]
pub(crate) struct Ender(Weak<dyn End>);

impl Ender {
    /// Ends the list, if it is there and nobody has done so.
    pub(crate) fn end(&self, why: Ended) {
        if let Some(core) = self.0.upgrade() {
            core.end(why);
        }
    }
}

/// A list of whatever types, for its [`Ender`].
trait End: Send + Sync {
    fn end(self: Arc<Self>, why: Ended);
}

impl<T: Send + 'static, E: Send + 'static> End for Core<T, E> {
    fn end(self: Arc<Self>, why: Ended) {
        // ORDERING: Relaxed, so that one caller wins; the push publishes it.
        let relaxed = Ordering::Relaxed;
        if self.ended.compare_exchange(0, why as usize, relaxed, relaxed).is_ok() {
            // SAFETY: the exchange makes this the only push of this entry.
            wave::shield(|| unsafe { push(Arc::as_ptr(&self), self.end.get()) });
        }
    }
}

/// Of how many items a waiting worker looks at the work at a time.
const LOOK: usize = 64;

/// Waits until an item has come that was not asked for.
// SAFETY: only `take` frees the cells of items.
unsafe impl<T: Send + 'static, E: Send + 'static> Awaited for Gather<T, E> {
    fn is_settled(&self) -> bool {
        // SAFETY: the handle has the right to drain, and this only reads.
        let drained = unsafe { &*self.core.drained.get() };
        !self.core.mailbox.is_empty() || !drained.unseen.is_null()
    }

    fn chains(&self) -> Vec<Kept<'_>> {
        // SAFETY: as above.
        let drained = unsafe { &*self.core.drained.get() };
        let indices = drained.cursor..drained.items.slots.len();
        indices.filter_map(|index| drained.items.pending(index)).take(LOOK).collect()
    }

    fn wait(&mut self, timeout: Timeout) -> bool {
        self.disarm();
        let arm = |armed| self.core.mailbox.arm(armed);
        let disarm = |armed| self.core.mailbox.disarm(armed);
        park::wait_for(|| !self.core.mailbox.is_empty(), arm, disarm, timeout)
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
    /// Drops the outcome of an item that has come, which nobody has seen: a failure is reported.
    pub(crate) fn drop_unseen(&mut self, index: usize) {
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
            drop_quietly(drained.items.halt());
            for index in 0..drained.items.slots.len() {
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
