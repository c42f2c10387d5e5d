//! Draining: what a list's items set off when they settle.
//!
//! Each item's cell tells a slot of the list when it settles, and the slot puts itself into the list's
//! mailbox, or takes the right to drain out of it: no allocation. The list's handle drains the mailbox
//! when it is asked; or a [`Policy`] does, on the settling threads.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use super::drained::{Drained, END};
use super::entries::Entries;
use super::handlers::Cancel;
use super::header::CellRef;
use super::items::{Items, holds_failure};
use super::later;
use super::mailbox::{Armed, Mailbox};
use super::observer::{Observer, Target};
use super::park;
use super::policy::{Ended, Policy, Tallied};
use super::slots::Slot;
use super::source::Source;
use super::tally::Tally;
use super::wave::Delivery;
use super::word::Listener;
use crate::failure::{Failure, contain, drop_quietly};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Arc, OnceLock, Weak};

/// What items, the canceller and the drainer share. The target comes first, so that its address is
/// that of the core.
#[repr(C)]
pub(super) struct Core<T, E> {
    target: Target,
    mailbox: Mailbox,
    /// Of items that the policy does not have to see.
    tally: Tally,
    /// Whether failures are tallied, too. Set once, before any item is.
    all_are_tallied: AtomicBool,
    /// Between the mailbox and the drainer, if somebody wants to see the items pass.
    tap: OnceLock<Tap<T, E>>,
    /// An entry that no item has: it asks the drainer to end the list.
    end: UnsafeCell<Slot>,
    /// The slot of the first item.
    first: UnsafeCell<MaybeUninit<Slot>>,
    /// Why, as an [`Ended`]; 0 as long as nobody has asked. The first one counts.
    ended: AtomicUsize,
    /// Touched by whoever has the right to drain.
    pub(super) drained: UnsafeCell<Drained<T, E>>,
}

// SAFETY: outcomes go from thread to thread, so they must be Send; all else is behind the right to
// drain, which the mailbox hands on.
unsafe impl<T: Send, E: Send> Sync for Core<T, E> {}
// SAFETY: as above.
unsafe impl<T: Send, E: Send> Send for Core<T, E> {}

const CANCELLED: usize = Ended::Cancelled as usize;
const TIMED_OUT: usize = Ended::TimedOut as usize;
const ABANDONED: usize = Ended::Abandoned as usize;

/// Is told how many items have come, and how many of them have failed; by one thread at a time.
pub(crate) type Watcher = Box<dyn Fn(usize, usize) + Send + Sync>;

/// With a tap, whoever has the right to drain the mailbox shows the items to the watcher and sends
/// them on at once, also while the drainer does not look.
struct Tap<T, E> {
    watcher: Watcher,
    /// Tells which items count, if the list grows.
    source: Option<Arc<dyn Source<T, E>>>,
    onward: Mailbox,
}

// ── Draining ─────────────────────────────────────────────────────────────────────────────────────

/// An item's cell has settled: its slot goes to the drainer.
unsafe fn notify<T, E>(observer: *const Observer, cell: CellRef) -> Option<Delivery> {
    // SAFETY: the observer is a slot's first field, and the core lives until all items have come;
    // afterwards it is used only by who was given the right to drain.
    unsafe {
        let slot = observer.cast_mut().cast::<Slot>();
        let core = (*observer).target.cast::<Core<T, E>>();
        if (*core).tally.is_open() && (*core).tallies(cell) {
            (*slot).come(); // the cell is not ours any more
            if (*core).tally.count() {
                return None;
            }
        }
        // The push gives the list away: only with the right to drain it is touched again.
        match (*core).mailbox.push(slot.cast(), &(*slot).next) {
            Some(Armed::Policy) => match (*core).tap.get() {
                Some(tap) => pass_on(core, tap, Entries::one(slot)),
                None => drain(core, Entries::one(slot)),
            },
            armed => wake(armed),
        }
    }
    None // a policy settles by itself
}

/// Gives an entry to the drainer.
unsafe fn push<T, E>(core: *const Core<T, E>, slot: *mut Slot) {
    // SAFETY: the caller keeps the core, and has a slot that is in no mailbox.
    unsafe {
        match (*core).outlet().push(slot.cast(), &(*slot).next) {
            Some(Armed::Policy) => drain(core, Entries::one(slot)),
            armed => wake(armed),
        }
    }
}

unsafe fn wake(armed: Option<Armed>) {
    // SAFETY: what the mailbox gives is the caller's.
    unsafe {
        match armed {
            Some(Armed::Thread(thread)) => park::wake(Listener::Thread(thread)),
            Some(Armed::Waker(waker)) => park::wake(Listener::Waker(waker)),
            Some(Armed::Policy) | None => {}
        }
    }
}

/// With the right to drain the mailbox before the tap: sends on what has come and what comes, and gives
/// the right up.
unsafe fn pass_on<T, E>(core: *const Core<T, E>, tap: &Tap<T, E>, mut entries: Entries) {
    // SAFETY: the core is alive as long as an item is here; then our reference keeps it. An entry
    // that was sent on is not touched any more.
    unsafe {
        Arc::increment_strong_count(core);
        loop {
            let (come, failed) = entries.count(tap.source.as_deref());
            (tap.watcher)(come, failed); // also when none counts: the total may have changed
            entries.for_each(|slot| push(core, slot));
            if (*core).mailbox.arm(Armed::Policy) {
                break;
            }
            entries = Entries::of(&(*core).mailbox);
        }
        Arc::decrement_strong_count(core);
    }
}

/// With the right to drain: puts a tap before the drainer. It sees at once what has come so far.
pub(super) unsafe fn install<T, E>(core: *const Core<T, E>, watcher: Watcher) {
    // SAFETY: the caller keeps the core; `drained` is its own, and the mailbox until it is armed.
    unsafe {
        let drained = &mut *(*core).drained.get();
        drained.fetch(&(*core).mailbox);
        let source = drained.items.source();
        let (come, failed) = drained.entries.count(source.as_deref());
        if come > 0 {
            watcher(come, failed);
        }
        let onward = Mailbox::new();
        let tap = (*core).tap.get_or_init(|| Tap { watcher, source, onward });
        if !(*core).mailbox.arm(Armed::Policy) {
            pass_on(core, tap, Entries::of(&(*core).mailbox));
        }
    }
}

/// With the right to drain, and what has come with it: has the policy act, until there is nothing to do;
/// gives the right up. What a policy drops of the user's may panic.
pub(super) unsafe fn drain<T, E>(core: *const Core<T, E>, come: Entries) {
    // SAFETY: the right to drain makes `drained` ours; the run's reference keeps the core.
    unsafe {
        let mailbox = (*core).outlet();
        let drained = &mut *(*core).drained.get();
        drained.add(come);
        let Some(mut policy) = drained.policy.take() else { return };
        loop {
            drained.close(&(*core).tally);
            let mut seen = false;
            while let Some(index) = drained.next(mailbox) {
                let items = &mut drained.items;
                seen = true;
                contain(|| match index {
                    END => end(&*core, &mut *policy, items),
                    index => policy.arrived(items, index as usize),
                });
                items.seen(index as usize); // now that it is known whether others are wanted
            }
            if seen {
                contain(|| policy.all_seen(&mut drained.items));
            }
            if drained.items.is_complete() {
                contain(|| policy.complete(&mut drained.items));
                drop_quietly(policy);
                drop_quietly(Arc::from_raw(core)); // the run's reference
                return;
            }
            (*core).tally(drained, policy.tallied());
            drained.policy = Some(policy);
            if mailbox.arm(Armed::Policy) {
                return;
            }
            let Some(again) = drained.policy.take() else { return };
            policy = again;
        }
    }
}

impl<T, E> Core<T, E> {
    pub(super) fn new() -> Arc<Self> {
        let core = Arc::new(Self::empty());
        // SAFETY: the slots are a part of the core, which stays where it is, and nobody else has it yet.
        unsafe { (*core.drained.get()).items.slots.set_first(core.first.get().cast()) };
        core
    }

    fn empty() -> Self {
        Core {
            target: Target { notify: notify::<T, E> },
            mailbox: Mailbox::new(),
            tally: Tally::closed(),
            all_are_tallied: AtomicBool::new(false),
            tap: OnceLock::new(),
            end: UnsafeCell::new(Slot::new(std::ptr::null(), None, END)),
            first: UnsafeCell::new(MaybeUninit::uninit()),
            ended: AtomicUsize::new(0),
            drained: UnsafeCell::new(Drained::new()),
        }
    }

    /// Whether an item is counted only.
    ///
    /// # Safety
    /// The cell is that of an item which has settled, and was not given away.
    unsafe fn tallies(&self, cell: CellRef) -> bool {
        // ORDERING: Relaxed, who sees it too late goes to the drainer.
        let all = self.all_are_tallied.load(Ordering::Relaxed);
        // SAFETY: the caller's promise; the items of a list are of its types.
        all || unsafe { !holds_failure::<T, E>(cell) }
    }

    /// Drainer that is going to arm the mailbox for its policy: has the items counted that nobody has to
    /// see.
    fn tally(&self, drained: &mut Drained<T, E>, tallied: Tallied) {
        let sees_all = self.tap.get().is_some() || drained.items.supply.is_some();
        if !sees_all && tallied != Tallied::Nothing {
            // ORDERING: Relaxed, as in `tallies`.
            self.all_are_tallied.store(tallied == Tallied::Outcomes, Ordering::Relaxed);
            drained.open(&self.tally);
        }
    }

    /// The mailbox that the drainer empties.
    pub(super) fn outlet(&self) -> &Mailbox {
        self.tap.get().map_or(&self.mailbox, |tap| &tap.onward)
    }
}

impl<T: Send + 'static, E: Send + 'static> Cancel for Core<T, E> {
    fn cancel(self: Arc<Self>) {
        self.end(Ended::Unwanted);
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

// ── Ending ───────────────────────────────────────────────────────────────────────────────────────

/// Ends a list from anywhere; owns nothing of it.
#[derive(Clone)]
pub(crate) struct Ender(pub(super) Weak<dyn End>);

impl Ender {
    /// Ends the list, if it is there and nobody has done so.
    pub(crate) fn end(&self, why: Ended) {
        if let Some(core) = self.0.upgrade() {
            core.end(why);
        }
    }
}

/// A list of whatever types, for its [`Ender`].
pub(super) trait End: Send + Sync {
    fn end(self: Arc<Self>, why: Ended);
}

impl<T: Send + 'static, E: Send + 'static> End for Core<T, E> {
    fn end(self: Arc<Self>, why: Ended) {
        // ORDERING: Relaxed, so that one caller wins; the push publishes it.
        let relaxed = Ordering::Relaxed;
        if self.ended.compare_exchange(0, why as usize, relaxed, relaxed).is_ok() {
            // SAFETY: the exchange makes this the only push of this entry.
            later::shield(|| unsafe { push(Arc::as_ptr(&self), self.end.get()) });
        }
    }
}
