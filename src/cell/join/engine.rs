//! The join engine: many cells told to one, whatever is made of them.
//!
//! Each item's cell tells a slot of the engine when it settles, and the slot goes into the completion
//! queue, or its thread takes the driver's role out of it: no allocation. The driver has what only one
//! thread may touch, and acts on what has come; what that is says a [`Join`], of which there are two:
//! lists and tuples.

use std::cell::UnsafeCell;

use super::CloseReason;
use super::counter::Counter;
use super::log::Log;
use super::queue::{Armed, Queue};
use super::slot::{CLOSE, Slot};
use crate::cell::defer::handlers::Cancel;
use crate::cell::defer::trampoline;
use crate::cell::run::run_loop;
use crate::cell::state::header::CellRef;
use crate::cell::state::observer::Delivery;
use crate::cell::state::observer::{Observer, Target};
use crate::cell::wait::park;
use crate::failure::drop_quietly;
use crate::sync::{Arc, OnceLock, Weak};

/// What is made of the items. Methods with `&mut self` are called by the driver; nothing here unwinds.
pub(super) trait Join: Sized {
    /// What other threads see of it, too: each part of it says how.
    type Shared;
    /// What goes from thread to thread with the items.
    type Outcomes;

    /// Whether an item has a value, and so is counted only where there is room in the counter.
    ///
    /// # Safety
    /// The settled cell is the caller's, and that of an item of the engine.
    unsafe fn has_value(_: CellRef) -> bool {
        false
    }
    /// What is told of each item that is about to come, if the queue is watched.
    fn watcher(_: &Self::Shared) -> Option<&Watcher> {
        None
    }

    /// The driver has got its role back.
    fn resume(&mut self, _: &Engine<Self>) {}
    /// The next entry that has come.
    ///
    /// # Safety
    /// As for [`Log::next`].
    unsafe fn next<'a>(&mut self, log: &mut Log, queue: &Queue) -> Option<&'a Slot> {
        // SAFETY: the caller's promise.
        unsafe { log.next(queue) }
    }
    /// An item has come; they come in the order of time.
    fn arrived(&mut self, engine: &Engine<Self>, slot: &Slot);
    /// The join was closed.
    fn closed(&mut self, engine: &Engine<Self>, reason: CloseReason);
    /// Nothing else has come so far: the driver is about to give its role up, unless all items have come.
    /// `seen`: something has come since this was asked last.
    fn all_seen(&mut self, engine: &Engine<Self>, seen: bool) -> Option<Complete>;
}

/// Is told of items that have come: their indices, and whether they have failed.
pub(crate) type Watcher = Box<dyn Fn(&mut dyn Iterator<Item = (usize, bool)>) + Send + Sync>;

/// All items have come: the result, if it is to be handed on.
pub(super) type Complete = Option<Delivery>;

/// What items, handle, canceller and driver share. The target comes first, so that its address is that
/// of the engine.
#[repr(C)]
pub(super) struct Engine<J: Join> {
    target: Target,
    pub(super) shared: J::Shared,
    pub(super) queue: Queue,
    /// Of items that the driver does not have to see.
    pub(super) counter: Counter,
    /// An entry that no item has: it asks the driver to close the join.
    close: Slot,
    /// Why; the first one counts.
    reason: OnceLock<CloseReason>,
    role: UnsafeCell<Role<J>>,
}

/// What only the driver touches.
pub(super) struct Role<J> {
    pub(super) log: Log,
    pub(super) join: J,
}

// SAFETY: outcomes go from thread to thread, so they must be Send; slots, and all else that is not atomic,
// are behind the driver's role, which the queue hands on (rule 2).
unsafe impl<J: Join> Sync for Engine<J> where J::Outcomes: Send {}
// SAFETY: as above.
unsafe impl<J: Join> Send for Engine<J> where J::Outcomes: Send {}

impl<J: Join> Engine<J> {
    /// A new one, of which the caller is the driver.
    pub(super) fn new(shared: J::Shared, join: J) -> Arc<Self> {
        let engine = Arc::new(Engine {
            target: Target { notify: notify::<J> },
            shared,
            queue: Queue::new(),
            counter: Counter::closed(),
            close: Slot::new(std::ptr::null(), CLOSE),
            reason: OnceLock::new(),
            role: UnsafeCell::new(Role { log: Log::new(), join }),
        });
        let close = Slot::new(Self::target(&engine), CLOSE);
        // SAFETY: nothing else has the engine yet.
        unsafe { (&raw mut (*Arc::as_ptr(&engine).cast_mut()).close).write(close) };
        engine
    }

    /// What its slots tell.
    pub(super) fn target(this: &Arc<Self>) -> *const Target {
        Arc::as_ptr(this).cast()
    }

    /// What the driver touches, to look at.
    ///
    /// # Safety
    /// The caller is the driver, or has it lent, and has nothing from [`role`](Self::role).
    pub(super) unsafe fn look(&self) -> &Role<J> {
        // SAFETY: the caller's promise.
        unsafe { &*self.role.get() }
    }

    /// What the driver touches.
    ///
    /// # Safety
    /// The caller is the driver, and has no other reference from here.
    #[expect(clippy::mut_from_ref, reason = "the role makes it the caller's")]
    pub(super) unsafe fn role(&self) -> &mut Role<J> {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.role.get() }
    }
}

/// Gives up the driver's role, for good: the engine goes on by itself, until all items have come.
///
/// # Safety
/// The caller is the driver, and has nothing of it.
pub(super) unsafe fn run<J: Join>(engine: Arc<Engine<J>>) {
    // SAFETY: the caller's promise; the run's reference is given to `drive`.
    trampoline::shield(|| unsafe {
        run_loop::hand_on_settled(drive(Arc::into_raw(engine), std::ptr::null()));
    });
}

/// An item's cell has settled: its slot goes to the driver.
///
/// # Safety
/// The observer is that of a slot of such an engine, and its cell has settled; both are given away.
unsafe fn notify<J: Join>(observer: *const Observer, cell: CellRef) -> Option<Delivery> {
    let slot = observer.cast::<Slot>();
    // SAFETY: the observer is a slot's first field, and the engine lives until all items have come
    // (rule 1): counting the item, or pushing its slot, gives the engine away, and comes last.
    unsafe {
        let engine = (*observer).target.cast::<Engine<J>>();
        if (*engine).counter.is_open() && J::has_value(cell) {
            (*slot).come(); // the cell is not ours any more
            if (*engine).counter.count() {
                return None;
            }
        }
        push(engine, slot, || {
            if let Some(watcher) = J::watcher(&(*engine).shared) {
                let item = ((*slot).index as usize, !J::has_value(cell));
                watcher(&mut std::iter::once(item));
            }
        })
    }
}

/// Gives an entry to the driver, or drives.
///
/// # Safety
/// The caller has a slot of the engine that is in no queue, and gives it away; this keeps the engine.
unsafe fn push<J: Join>(
    engine: *const Engine<J>,
    slot: *const Slot,
    tell: impl FnOnce(),
) -> Option<Delivery> {
    // SAFETY: the caller's promise. The push gives the engine away: only with the driver's role it is
    // touched again. A listener that was found is ours.
    unsafe {
        match (*engine).queue.push(slot.cast_mut().cast(), &(*slot).next, tell)? {
            Armed::Driver => drive(engine, slot),
            Armed::Listener(listener) => {
                park::wake(listener);
                None
            }
        }
    }
}

/// With the driver's role, and the entry that has brought it: acts on what has come, until there is
/// nothing to do; gives the role up, and the run's reference when all items have come. The result is
/// the caller's to hand on.
///
/// # Safety
/// The caller is the driver. `entry` is null, or a slot of the engine that is in no queue.
unsafe fn drive<J: Join>(engine: *const Engine<J>, entry: *const Slot) -> Option<Delivery> {
    // SAFETY: the caller's promise; the run's reference keeps the engine, and with it the slots. The
    // role is not used after it was given up.
    unsafe {
        let (this, Role { log, join }) = (&*engine, &mut *(*engine).role.get());
        log.add(entry);
        loop {
            join.resume(this);
            let mut seen = false;
            while let Some(slot) = join.next(log, &this.queue) {
                seen = true;
                match slot.index {
                    CLOSE => join.closed(this, this.reason()),
                    _ => join.arrived(this, slot),
                }
            }
            if let Some(result) = join.all_seen(this, seen) {
                drop_quietly(Arc::from_raw(engine));
                return result;
            }
            if this.queue.arm(Armed::Driver) {
                return None;
            }
        }
    }
}

// ── Closing ──────────────────────────────────────────────────────────────────────────────────────

/// Closes a list from anywhere; owns nothing of it.
#[derive(Clone)]
pub(crate) struct Closer(Weak<dyn Close>);

impl Closer {
    pub(super) fn new<J: Join<Outcomes: Send> + 'static>(engine: &Arc<Engine<J>>) -> Self {
        let engine: Weak<Engine<J>> = Arc::downgrade(engine);
        Closer(engine)
    }

    /// Closes the list, if it is there and was not closed before.
    pub(crate) fn close(&self, reason: CloseReason) {
        if let Some(engine) = self.0.upgrade() {
            engine.close(reason);
        }
    }
}

/// An engine of whatever types, for its [`Closer`].
trait Close: Send + Sync {
    fn close(self: Arc<Self>, reason: CloseReason);
}

impl<J: Join> Engine<J> {
    fn reason(&self) -> CloseReason {
        self.reason.get().copied().unwrap_or(CloseReason::Unwanted)
    }
}

impl<J: Join<Outcomes: Send> + 'static> Close for Engine<J> {
    fn close(self: Arc<Self>, reason: CloseReason) {
        if self.reason.set(reason).is_ok() {
            // SAFETY: only one caller has set the reason, so this is the only push of this entry.
            trampoline::shield(|| unsafe {
                run_loop::hand_on_settled(push(Arc::as_ptr(&self), &self.close, || ()));
            });
        }
    }
}

impl<J: Join<Outcomes: Send> + 'static> Cancel for Engine<J> {
    fn cancel(self: Arc<Self>) {
        self.close(CloseReason::Unwanted);
    }
}
