//! The run loop: a settled cell is handed to the next link, which settles, and so on, in a loop.
//!
//! Nothing here recurses, however long the chain is. A worker's loop runs the callbacks of its own
//! executor one after the other; everybody else only passes outcomes on, and posts the first link
//! whose callback has to run. User code that is dropped on the way may settle something else: that
//! run loop waits in a list of this thread until the current step is through.

use super::follow;
use crate::cell::defer::free::{discard, drop_outcome, lost, release};
use crate::cell::defer::trampoline::{Bounce, bounce, is_settling, shield};
use crate::cell::executor::handle::{ExecutorHandle, Item, clear_link};
use crate::cell::state::body;
use crate::cell::state::context::RunContext;
use crate::cell::state::header::{CellRef, Dropped, Lane, Permission, Progress};
use crate::cell::state::observer::{self, Delivery};
use crate::cell::state::word::{Receiver, Settle};
use crate::cell::wait::park;
use crate::sync::atomic::Ordering;

/// A settled cell, and the link that receives it.
pub(super) type Step = (CellRef, CellRef);

/// Settles a cell whose outcome is in its body, from outside of an executor's loop.
///
/// # Safety
/// The caller is the cell's producer, and is through with it.
pub(crate) unsafe fn settle_outside(cell: CellRef) {
    // SAFETY: the caller's promise.
    unsafe {
        hand_on_settled(settled(cell, cell.header().word.settle()));
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
        } else {
            hand_on_settled(settled(cell, duty));
        }
    }
}

/// Hands a settled cell to what its word names, from outside of an executor's loop.
///
/// # Safety
/// The caller gives the cell away.
pub(crate) unsafe fn hand_on(cell: CellRef, receiver: Receiver) {
    if is_settling() {
        bounce(Bounce::Deliver((cell, receiver), deliver));
    } else {
        // SAFETY: the caller's promise. By a direct call: this is the way of most outcomes.
        shield(|| unsafe { deliver((cell, receiver)) });
    }
}

/// Hands on what has settled, if there is something.
///
/// # Safety
/// As for [`hand_on`].
pub(in crate::cell) unsafe fn hand_on_settled(settled: Option<Delivery>) {
    if let Some((cell, receiver)) = settled {
        // SAFETY: the caller's promise.
        unsafe { hand_on(cell, receiver) };
    }
}

/// Hands a settled cell to its receiver.
///
/// # Safety
/// The cell is the caller's, which gives it away; its word names the receiver.
pub(super) unsafe fn deliver((cell, receiver): Delivery) {
    // SAFETY: the caller of `hand_on` gave the cell away, once.
    unsafe {
        match receiver {
            Receiver::Continuation(child) => {
                run_links((cell, CellRef::from_address(child)), Permission::Denied, None);
            }
            Receiver::Observer(observer) => hand_on_settled(observer::notify(observer, cell)),
        }
    }
}

// ── The loop itself ──────────────────────────────────────────────────────────────────────────────

/// Runs link after link, until there is none behind what has settled, or one has to be queued.
///
/// # Safety
/// The step is the caller's: it owns the settled parent, and is the producer of the child. `turn` is right on this
/// thread.
pub(super) unsafe fn run_links(step: Step, turn: Permission, here: Option<&RunContext>) {
    let (mut step, mut turn) = (step, turn);
    loop {
        // SAFETY: the run loop owns the settled parent and is the producer of the child.
        unsafe {
            let Some(next) = link(step, turn, here) else { return };
            turn = turn_for(next.1, here);
            step = next;
        }
    }
}

/// One link: works, is settled, and gives the next step.
///
/// # Safety
/// As for [`run_links`].
// Always inline: a part of the loop, which is what most outcomes go through. A call of it is 23 instructions more for
// each link.
#[inline(always)]
unsafe fn link((parent, child): Step, turn: Permission, here: Option<&RunContext>) -> Option<Step> {
    // SAFETY: as in `run_links`.
    unsafe {
        if child.header().is_following() {
            follow::arrive(parent, child);
            return finish(child, Progress::Settled);
        }
        let mut progress = (child.header().vtable().work)(child, Some(parent), turn);
        // ORDERING: Relaxed, the link is the producer's.
        let executor = || child.header().link.load(Ordering::Relaxed);
        if matches!(progress, Progress::Post(_))
            && here.is_some_and(|it| it.runs_queued(executor()))
        {
            progress = (child.header().vtable().work)(child, Some(parent), Permission::Granted);
        }
        if let Progress::Post(lane) = progress {
            let tired = here.is_some_and(|here| here.left.get() == 0);
            let refused = post(parent, child, if tired { Lane::Back } else { lane }).err()?;
            progress = (child.header().vtable().work)(child, Some(parent), refused);
        }
        let link = child.header().link.load(Ordering::Relaxed);
        ExecutorHandle::release_link(link);
        if parent != child.root() {
            body::free(parent);
        }
        finish(child, progress)
    }
}

/// Gives the child to its executor; else says how it goes on here.
///
/// # Safety
/// As for [`run_links`]; both cells are given away if it is `Ok`.
unsafe fn post(parent: CellRef, child: CellRef, lane: Lane) -> Result<(), Permission> {
    // SAFETY: as in `run_links`; a pending link's `link` is its executor. The item is not touched after it
    // was given away; where it came back it is ours.
    unsafe {
        // ORDERING: Relaxed, the link is the producer's.
        let executor = child.header().link.load(Ordering::Relaxed);
        // A root that was claimed may still be linked into its queue, so the link travels instead.
        let item = if parent == child.root() { Item::Link(child) } else { Item::Settled(parent) };
        match ExecutorHandle::counted_in_link(executor) {
            // By a handle of our own: the child may be gone before this returns.
            Some(executor) => {
                executor.post(item, lane).map_err(|it| Permission::Refused(it.shut_down))
            }
            None => ExecutorHandle::post_to_link(executor, item, lane).map_err(|refused| {
                if let Item::Link(child) = item {
                    clear_link(child); // it was the queue's meanwhile
                }
                Permission::Refused(refused.shut_down)
            }),
        }
    }
}

pub(super) fn turn_for(child: CellRef, here: Option<&RunContext>) -> Permission {
    let Some(here) = here else { return Permission::Denied };
    // ORDERING: Relaxed, the link is the producer's.
    // SAFETY: the run loop is the producer of `child`.
    let executor = unsafe { child.header().link.load(Ordering::Relaxed) };
    if executor != here.executor || here.left.get() == 0 {
        return Permission::Denied;
    }
    here.left.set(here.left.get() - 1);
    Permission::Next
}

/// Settles a cell that has worked. Gives the step behind it.
///
/// # Safety
/// The caller is the cell's producer, and gives that part up; it is the consumer of what is to be followed.
#[inline]
pub(super) unsafe fn finish(cell: CellRef, progress: Progress) -> Option<Step> {
    // SAFETY: the caller is the cell's producer.
    unsafe {
        let cell = match progress {
            Progress::Settled => cell,
            Progress::Follow(inner) => follow::follow(cell, inner)?,
            Progress::Pending | Progress::Post(_) => return None,
        };
        match cell.header().word.settle() {
            Settle::Deliver(Receiver::Continuation(child)) => {
                Some((cell, CellRef::from_address(child)))
            }
            Settle::Deliver(Receiver::Observer(observer)) => tell(cell, observer),
            duty => {
                act(cell, duty);
                None
            }
        }
    }
}

/// Tells the observer of a settled cell, which may settle something in its turn, as a join does whose
/// last input this is; and so on. Gives the link behind that.
///
/// # Safety
/// The caller owns the settled cell, whose word named the observer, and gives it away.
// Not inline: the loop of links is shorter without it.
#[inline(never)]
unsafe fn tell(mut cell: CellRef, mut observer: *mut ()) -> Option<Step> {
    loop {
        // SAFETY: the run loop owns the settled cell, and gives it to its receiver.
        unsafe {
            if is_settling() {
                hand_on(cell, Receiver::Observer(observer));
                return None;
            }
            match shield(|| observer::notify(observer, cell))? {
                (cell, Receiver::Continuation(child)) => {
                    return Some((cell, CellRef::from_address(child)));
                }
                (settled, Receiver::Observer(next)) => (cell, observer) = (settled, next),
            }
        }
    }
}

/// Acts on the duty of a producer that has settled. Gives what is to be handed on.
///
/// # Safety
/// The caller is the cell's producer, and has settled it.
pub(in crate::cell) unsafe fn settled(cell: CellRef, duty: Settle) -> Option<Delivery> {
    if let Settle::Deliver(receiver) = duty {
        return Some((cell, receiver));
    }
    // SAFETY: the caller's promise.
    unsafe { act(cell, duty) };
    None
}

/// Acts on the duty of a producer that has settled, where the cell has no receiver.
///
/// # Safety
/// The caller is the cell's producer, and its word has given it this duty, once.
unsafe fn act(cell: CellRef, duty: Settle) {
    // SAFETY: the caller is the cell's producer; each arm has what the word gave it.
    unsafe {
        match duty {
            Settle::Kept | Settle::Before | Settle::Deliver(_) => {}
            Settle::Wake(listener) => park::wake(listener),
            Settle::Gone => {
                let cancelled = cell.chain().is_cancelled();
                discard(cell, if cancelled { Dropped::Superseded } else { Dropped::Unseen });
            }
            Settle::Cancelled => {
                drop_outcome(cell, Dropped::Superseded);
                if !cell.header().word.arrive() {
                    release(cell);
                }
            }
        }
    }
}

/// Settles a job that has worked, and runs what comes of it.
///
/// # Safety
/// The caller is the job's producer, and gives that part up.
pub(in crate::cell) unsafe fn settle_job(
    root: CellRef,
    progress: Progress,
    here: Option<&RunContext>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(step) = finish(root, progress) {
            let turn = turn_for(step.1, here);
            run_links(step, turn, here);
        }
    }
}
