//! The wave: a settled cell is handed to the next link, which settles, and so on, in a loop.
//!
//! Nothing here recurses, however long the chain is. A worker's loop runs the callbacks of its own
//! executor one after the other; everybody else only passes outcomes on, and posts the first link
//! whose callback has to run. User code that is dropped on the way may settle something else: that
//! wave waits in a list of this thread until the current step is through.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;

use super::body;
use super::executor::{ExecutorHandle, Item};
use super::follow;
use super::handlers;
use super::header::{CellRef, Dropped, Lane, Turn, Worked};
use super::nest;
use super::observer;
use super::park;
use super::task;
use super::upstream::Upstream;
use super::word::{Receiver, Settle};
use crate::failure::drop_quietly;

/// The thread of an executor that is running its items.
pub(crate) struct Here {
    /// The executor's address.
    pub(crate) executor: *mut (),
    /// How many callbacks may still run in a row without a trip through the queue.
    pub(crate) left: Cell<u32>,
}

/// A settled cell, and the link that receives it.
type Step = (CellRef, CellRef);

/// A settled cell, and what receives it.
type Delivery = (CellRef, Receiver);

thread_local! {
    /// Whether this thread is inside a step that must not be nested.
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    /// Whether user code must not be dropped just now.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// What waits for that.
    static DROPS: RefCell<Vec<Box<dyn Send>>> = const { RefCell::new(Vec::new()) };
    /// Whether there is something in it.
    static SOME_DROPS: Cell<bool> = const { Cell::new(false) };
    /// Whether some waves wait for that step: a look at this costs less than one at the list.
    static SOME_WAIT: Cell<bool> = const { Cell::new(false) };
    /// The waves that wait.
    static WAITING: RefCell<VecDeque<Later>> = const { RefCell::new(VecDeque::new()) };
}

// ── What an executor calls ───────────────────────────────────────────────────────────────────────

/// Runs an item on a thread of its executor. Whether it was a job that nobody else had claimed.
///
/// # Safety
/// The item was posted to that executor, and is run once.
pub(crate) unsafe fn run(item: Item, here: &Here) -> bool {
    // SAFETY: the caller's promise; the queue's use of the link is over.
    unsafe {
        if let Item::Link(child) = item {
            clear_link(child);
        }
        run_unlinked(item, here)
    }
}

/// As [`run`], for an executor that does not link its items: a link still has its executor.
///
/// # Safety
/// As for [`run`].
pub(super) unsafe fn run_unlinked(item: Item, here: &Here) -> bool {
    // SAFETY: a queued item keeps its cells alive: the job by `REFERRED`, the others by being the
    // producer's.
    unsafe {
        match item {
            Item::Start(root) => {
                if root.chain().start() {
                    return start(root, Turn::Granted, Some(here));
                }
                lost(root);
            }
            Item::Settled(parent) => {
                if let Some(Receiver::Continuation(child)) = parent.header().word.receiver() {
                    let child = CellRef::from_address(child);
                    wave((parent, child), Turn::Granted, Some(here));
                }
            }
            Item::Link(child) => wave((child.root(), child), Turn::Granted, Some(here)),
            Item::Chained(root) => match take_link(root) {
                Some(step) => wave(step, Turn::Granted, Some(here)),
                None => lost(root),
            },
            Item::Task(root) => {
                return task::pop(root) && task::run(root, Turn::Granted, Some(here));
            }
        }
    }
    false
}

/// Runs a job that the caller has claimed or started, and what comes of it. Whether it is through:
/// a future may have to be polled again.
///
/// # Safety
/// The caller has won [`Chain::start`](super::chain::Chain::start) or `claim`, or has claimed a task.
pub(crate) unsafe fn start(root: CellRef, turn: Turn, here: Option<&Here>) -> bool {
    // SAFETY: the caller is the job's producer.
    unsafe {
        if root.header().vtable().task.is_some() {
            return task::run(root, turn, here);
        }
        let worked = (root.header().vtable().work)(root, None, turn);
        settle_job(root, worked, here);
    }
    true
}

/// Settles a job that has worked, and runs what comes of it.
///
/// # Safety
/// The caller is the job's producer, and gives that part up.
pub(super) unsafe fn settle_job(root: CellRef, worked: Worked, here: Option<&Here>) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(step) = finish(root, worked) {
            let turn = turn_for(step.1, here);
            wave(step, turn, here);
        }
    }
}

/// Settles an item that no executor will run: its promise fails with `Abandoned`, unless its
/// callback runs wherever it is.
///
/// # Safety
/// The item is the caller's.
pub(crate) unsafe fn abandon(item: Item) {
    // SAFETY: the caller's promise; the queue's use of the link is over.
    unsafe {
        if let Item::Link(child) = item {
            clear_link(child);
        }
        end(item, Turn::Closed);
    }
}

/// Settles an item that its executor has refused, as abandoned: its callback runs nowhere.
///
/// # Safety
/// The item is the caller's, and was in no queue that links items.
pub(super) unsafe fn refuse(item: Item) {
    later(Later::Refuse(item));
}

unsafe fn end(item: Item, turn: Turn) {
    // SAFETY: as in `run`.
    unsafe {
        match item {
            Item::Start(root) => {
                if root.chain().start() {
                    let _ = start(root, turn, None);
                } else {
                    lost(root);
                }
            }
            Item::Settled(parent) => {
                if let Some(Receiver::Continuation(child)) = parent.header().word.receiver() {
                    wave((parent, CellRef::from_address(child)), turn, None);
                }
            }
            Item::Link(child) => wave((child.root(), child), turn, None),
            Item::Chained(root) => match take_link(root) {
                Some(step) => wave(step, turn, None),
                None => lost(root),
            },
            Item::Task(root) => {
                if task::pop(root) {
                    task::run(root, turn, None);
                }
            }
        }
    }
}

/// Whether a queued item is a job that nobody has started or claimed.
pub(crate) fn is_waiting(item: Item) -> bool {
    // SAFETY: a queued item keeps its cell alive.
    unsafe {
        match item {
            Item::Start(root) => root.header().up.is_waiting(),
            Item::Task(root) => task::is_fresh(root),
            Item::Settled(_) | Item::Link(_) | Item::Chained(_) => false,
        }
    }
}

/// Whether a queued item is a link of a chain of one of `roots`.
pub(crate) fn is_link_of(item: Item, roots: &[CellRef]) -> bool {
    // SAFETY: a queued item keeps its cells alive; the parent's word names the link.
    let root = unsafe {
        match item {
            Item::Start(_) | Item::Task(_) => return false,
            Item::Link(child) => child.root(),
            Item::Chained(root) => root,
            Item::Settled(parent) => match parent.header().word.receiver() {
                Some(Receiver::Continuation(child)) => CellRef::from_address(child).root(),
                _ => return false,
            },
        }
    };
    roots.contains(&root)
}

/// Takes the link for which its root was queued, with the cell before it.
unsafe fn take_link(root: CellRef) -> Option<Step> {
    // SAFETY: the queue's item keeps the root.
    unsafe {
        let link = root.header().up.take_link()?;
        Some(step_of_link(root, CellRef::from_address(link)))
    }
}

/// What `queue_link` has left: the root's own word names the cell before the link, unless that is the
/// root.
unsafe fn step_of_link(root: CellRef, link: CellRef) -> Step {
    // SAFETY: the caller has taken the link, and is its producer.
    match unsafe { root.header().word.receiver() } {
        Some(Receiver::Continuation(cell)) if cell != link.address() => {
            // SAFETY: the address of a cell.
            (unsafe { CellRef::from_address(cell) }, link)
        }
        _ => (root, link),
    }
}

/// Passes a cancellation on from a link that was queued.
///
/// # Safety
/// The caller has claimed the link of this root, which is kept meanwhile.
pub(super) unsafe fn give_up_link(root: CellRef, link: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        let (parent, child) = step_of_link(root, link);
        hand_on(parent, Receiver::Continuation(child.address()));
    }
}

/// A queue lets go of a job that somebody else has claimed.
///
/// # Safety
/// The caller has the queue's reference, and gives it up.
pub(super) unsafe fn lost(root: CellRef) {
    // SAFETY: the caller has the queue's reference.
    unsafe {
        if root.header().up.drop_reference() {
            body::free(root);
        }
    }
}

unsafe fn clear_link(child: CellRef) {
    // ORDERING: Relaxed, the link is the caller's.
    // SAFETY: as in `run`.
    let link = unsafe { &child.header().link };
    link.store(std::ptr::null_mut(), std::sync::atomic::Ordering::Relaxed);
}

// ── What everybody else calls ────────────────────────────────────────────────────────────────────

/// Settles a cell whose outcome is in its body, from outside of an executor's loop.
///
/// # Safety
/// The caller is the cell's producer, and is through with it.
pub(crate) unsafe fn settle_outside(cell: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(step) = settled(cell, cell.header().word.settle()) {
            hand_on(step.0, Receiver::Continuation(step.1.address()));
        }
    }
}

/// As [`settle_outside`] for a cell without an outcome, which counts as cancelled.
///
/// # Safety
/// As for `settle_outside`.
pub(crate) unsafe fn settle_without_outcome(cell: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        let duty = cell.header().word.settle_without_outcome();
        if duty == Settle::Gone {
            release(cell);
        } else if duty == Settle::Before {
            lost(cell); // in place of the deferred, which did not look at the chain word
        } else if let Some(step) = settled(cell, duty) {
            hand_on(step.0, Receiver::Continuation(step.1.address()));
        }
    }
}

/// Hands a settled cell to what its word names, from outside of an executor's loop.
///
/// # Safety
/// The caller gives the cell away.
pub(crate) unsafe fn hand_on(cell: CellRef, receiver: Receiver) {
    later(Later::Deliver((cell, receiver)));
}

unsafe fn deliver((cell, receiver): Delivery) {
    // SAFETY: the caller of `hand_on` gave the cell away, once.
    unsafe {
        match receiver {
            Receiver::Continuation(child) => {
                wave((cell, CellRef::from_address(child)), Turn::Denied, None);
            }
            Receiver::Observer(observer) => observer::notify(observer, cell),
        }
    }
}

/// Runs something of ours that drops user code: the waves that this sets off wait until it is
/// through, so that nothing nests. `f` must not unwind.
pub(crate) fn shield<R>(f: impl FnOnce() -> R) -> R {
    let outer = ACTIVE.replace(true);
    let result = f();
    if !outer {
        flush_waves();
        ACTIVE.set(false);
    }
    result
}

/// Runs something of ours that may cancel, under a lock: user code that this would run (waves,
/// handlers, the drops of closures) waits until `f` is through. `f` must not unwind.
pub(crate) fn quietly<R>(f: impl FnOnce() -> R) -> R {
    shield(|| {
        let outer = QUIET.replace(true);
        let result = handlers::deferred(f);
        if !outer {
            QUIET.set(false);
            if SOME_DROPS.replace(false) {
                let dropped = DROPS.try_with(RefCell::take).unwrap_or_default();
                dropped.into_iter().for_each(drop_quietly);
            }
            handlers::run_deferred();
        }
        result
    })
}

/// Drops user code, or leaves that to the end of [`quietly`].
pub(super) fn drop_later<W: Send + 'static>(work: W) {
    if QUIET.get() && DROPS.try_with(|_| ()).is_ok() {
        SOME_DROPS.set(true);
        DROPS.with(|drops| drops.borrow_mut().push(Box::new(work)));
    } else {
        drop_quietly(work);
    }
}

/// Whether this thread is inside a step that must not be nested, so that blocking here would keep
/// others waiting.
pub(crate) fn is_settling() -> bool {
    ACTIVE.get()
}

/// Before this thread blocks: runs what waits on it for the end of something further out.
#[inline]
pub(crate) fn flush() {
    flush_waves();
    handlers::flush();
    nest::flush();
}

/// Runs user code of a job in the middle of whatever this thread is doing: what it settles is
/// delivered at once.
pub(crate) fn afresh<R>(f: impl FnOnce() -> R) -> R {
    let outer = ACTIVE.replace(false);
    let result = f();
    ACTIVE.set(outer);
    result
}

/// Something of ours that was put off, because it may run user code.
pub(super) enum Later {
    /// A settled cell is to be handed on.
    Deliver(Delivery),
    /// An executor has refused this.
    Refuse(Item),
    /// The right to drain a list was borrowed, and is to be given back.
    Resume(Arc<dyn Upstream>),
    /// This may be the last reference.
    Drop(Arc<dyn Upstream>),
}

impl Later {
    fn run(self) {
        match self {
            // SAFETY: `hand_on` put it there with its caller's promise.
            Later::Deliver(delivery) => unsafe { deliver(delivery) },
            // SAFETY: `refuse` put it there with its caller's promise.
            Later::Refuse(item) => unsafe { end(item, Turn::Refused) },
            Later::Resume(upstream) => upstream.resume(),
            Later::Drop(upstream) => drop(upstream),
        }
    }
}

/// Puts something off until the outermost [`shield`] of this thread ends.
pub(super) fn later(what: Later) {
    let mut what = Some(what);
    let put_off = |waiting: &RefCell<VecDeque<Later>>| {
        SOME_WAIT.set(true);
        waiting.borrow_mut().extend(what.take());
    };
    if !ACTIVE.get() || WAITING.try_with(put_off).is_err() {
        what.into_iter().for_each(|what| shield(|| what.run()));
    }
}

/// Runs the waves that wait on this thread.
#[inline]
fn flush_waves() {
    if SOME_WAIT.get() {
        run_waiting();
    }
}

#[cold]
fn run_waiting() {
    let next = || WAITING.try_with(|waiting| waiting.borrow_mut().pop_front()).ok().flatten();
    while let Some(what) = next() {
        what.run();
    }
    SOME_WAIT.set(false);
}

// ── The wave itself ──────────────────────────────────────────────────────────────────────────────

unsafe fn wave(step: Step, turn: Turn, here: Option<&Here>) {
    let (mut step, mut turn) = (step, turn);
    loop {
        // SAFETY: the wave owns the settled parent and is the producer of the child.
        unsafe {
            let Some(next) = link(step, turn, here) else { return };
            turn = turn_for(next.1, here);
            step = next;
        }
    }
}

/// One link: works, is settled, and gives the next step.
unsafe fn link((parent, child): Step, turn: Turn, here: Option<&Here>) -> Option<Step> {
    // SAFETY: as in `wave`.
    unsafe {
        if child.header().vtable().following {
            follow::arrive(parent, child);
            return finish(child, Worked::Settled);
        }
        let mut worked = (child.header().vtable().work)(child, Some(parent), turn);
        if let Worked::Post(lane) = worked {
            let tired = here.is_some_and(|here| here.left.get() == 0);
            let refused = post(parent, child, if tired { Lane::Back } else { lane }).err()?;
            worked = (child.header().vtable().work)(child, Some(parent), refused);
        }
        let link = child.header().link.load(std::sync::atomic::Ordering::Relaxed);
        ExecutorHandle::release_link(link);
        if parent != child.root() {
            body::free(parent);
        }
        finish(child, worked)
    }
}

/// The child as an item: if it can be, so that a canceller can claim it.
unsafe fn item_for(parent: CellRef, child: CellRef) -> Item {
    // SAFETY: as in `wave`. The word of a root that was handed on is nobody's, so it can keep the parent.
    unsafe {
        let root = child.root();
        if parent != root && root.header().up.can_queue_link() {
            root.header().word.hand_to(Receiver::Continuation(parent.address()));
        }
        if root.header().up.queue_link(child.address()) {
            Item::Chained(root)
        } else if parent == root {
            Item::Link(child)
        } else {
            Item::Settled(parent)
        }
    }
}

/// Gives the child to its executor; else says how it goes on here.
unsafe fn post(parent: CellRef, child: CellRef, lane: Lane) -> Result<(), Turn> {
    // SAFETY: as in `wave`; a pending link's `link` is its executor.
    unsafe {
        // ORDERING: Relaxed, the link is the producer's.
        let executor = child.header().link.load(std::sync::atomic::Ordering::Relaxed);
        let item = item_for(parent, child);
        let (posted, turn) = match ExecutorHandle::counted_in_link(executor) {
            // By a handle of our own: the child may be gone before this returns.
            Some(executor) => (executor.post(item, lane), Turn::Refused),
            None => (ExecutorHandle::post_to_link(executor, item, lane), Turn::Closed),
        };
        match posted {
            Ok(()) => Ok(()),
            Err(Item::Chained(root)) if take_link(root).is_none() => {
                lost(root); // a canceller has claimed it
                Ok(())
            }
            Err(item) => {
                if matches!((item, turn), (Item::Link(_), Turn::Closed)) {
                    clear_link(child);
                }
                Err(turn)
            }
        }
    }
}

fn turn_for(child: CellRef, here: Option<&Here>) -> Turn {
    let Some(here) = here else { return Turn::Denied };
    // ORDERING: Relaxed, the link is the producer's.
    // SAFETY: the wave is the producer of `child`.
    let executor = unsafe { child.header().link.load(std::sync::atomic::Ordering::Relaxed) };
    if executor != here.executor || here.left.get() == 0 {
        return Turn::Denied;
    }
    here.left.set(here.left.get() - 1);
    Turn::Next
}

unsafe fn finish(cell: CellRef, worked: Worked) -> Option<Step> {
    // SAFETY: the caller is the cell's producer.
    unsafe {
        let cell = match worked {
            Worked::Settled => cell,
            Worked::Follow(inner) => follow::follow(cell, inner)?,
            Worked::Pending | Worked::Post(_) => return None,
        };
        settled(cell, cell.header().word.settle())
    }
}

/// Acts on the duty of a producer that has settled.
unsafe fn settled(cell: CellRef, duty: Settle) -> Option<Step> {
    // SAFETY: the caller is the cell's producer; each arm has what the word gave it.
    unsafe {
        match duty {
            Settle::Kept | Settle::Before => None,
            Settle::Wake(listener) => {
                park::wake(listener);
                None
            }
            Settle::Deliver(Receiver::Continuation(child)) => {
                Some((cell, CellRef::from_address(child)))
            }
            Settle::Deliver(receiver @ Receiver::Observer(_)) => {
                hand_on(cell, receiver);
                None
            }
            Settle::Gone => {
                let cancelled = cell.chain().is_cancelled();
                let why = if cancelled { Dropped::Superseded } else { Dropped::Unseen };
                drop_outcome(cell, why);
                release(cell);
                None
            }
            Settle::Cancelled => {
                drop_outcome(cell, Dropped::Superseded);
                if !cell.header().word.arrive() {
                    release(cell);
                }
                None
            }
        }
    }
}

/// Drops an outcome, by whoever owns the cell.
///
/// # Safety
/// The caller owns the cell, and the outcome was not taken.
pub(crate) unsafe fn drop_outcome(cell: CellRef, why: Dropped) {
    // SAFETY: the caller's promise.
    unsafe {
        if cell.header().word.has_outcome() {
            shield(|| (cell.header().vtable().drop_outcome)(cell, why));
        }
    }
}

/// Frees the last cell of a chain, and ends the chain.
///
/// # Safety
/// The caller owns the cell, whose body is empty.
#[inline]
pub(crate) unsafe fn release(tail: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        let root = tail.root();
        if root != tail {
            body::free(tail);
        }
        end_chain(root);
    }
}

/// The chain has no cell but its root any more.
///
/// # Safety
/// The caller has freed the chain's last cell.
#[inline]
pub(crate) unsafe fn end_chain(root: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        if root.header().up.end() {
            body::free(root);
        }
    }
}
