//! What an executor calls: to run an item, or to settle one that it will not run. And the items
//! themselves: jobs, links, futures in a queue.

use super::polled;
use super::run_loop::{run_links, settle_job};
use crate::cell::defer::free::lost;
use crate::cell::defer::trampoline::{Bounce, bounce};
use crate::cell::executor::handle::{Item, Refused, clear_link};
use crate::cell::state::context::RunContext;
use crate::cell::state::header::{CellRef, Permission};
use crate::cell::state::task;
use crate::cell::state::word::Receiver;

impl Item {
    /// Runs an item on a thread of its executor. Whether it was a job that no other thread had claimed.
    ///
    /// # Safety
    /// The item was posted to that executor, and is run once.
    pub(crate) unsafe fn run(self, here: &RunContext) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.run_linked(Permission::Granted, Some(here)) }
    }

    /// As [`run_unlinked`], for an item whose queue has used its cell's `link`.
    ///
    /// # Safety
    /// As for [`run_unlinked`], and the item was taken out of its queue.
    unsafe fn run_linked(self, turn: Permission, here: Option<&RunContext>) -> bool {
        // SAFETY: the caller's promise; the queue's use of the link is over.
        unsafe {
            if let Item::Link(child) = self {
                clear_link(child);
            }
            run_unlinked(self, turn, here)
        }
    }

    /// Whether an item is for its executor only. Else another one may run it where that is closed.
    ///
    /// # Safety
    /// The item is the caller's.
    pub(crate) unsafe fn needs_its_executor(self) -> bool {
        // SAFETY: an item keeps its cells.
        unsafe {
            let cell = match self {
                Item::Start(cell) | Item::Task(cell) | Item::Link(cell) => cell,
                Item::Settled(parent) => match parent.header().word.receiver() {
                    Some(Receiver::Continuation(child)) => CellRef::from_address(child),
                    _ => return true,
                },
            };
            cell.header().vtable().needs_executor
        }
    }

    /// Whether a queued item is a job that no thread has started or claimed.
    pub(crate) fn is_waiting(self) -> bool {
        // SAFETY: a queued item keeps its cell alive.
        unsafe {
            match self {
                Item::Start(root) => root.header().up.is_waiting(),
                Item::Task(root) => task::is_fresh(root),
                Item::Settled(_) | Item::Link(_) => false,
            }
        }
    }
}

impl Refused {
    /// Settles an item that its pool will not run: its promise fails with `Abandoned`.
    ///
    /// # Safety
    /// The item is the caller's.
    pub(crate) unsafe fn abandon(self) {
        // SAFETY: the caller's promise.
        unsafe { self.item.run_linked(Permission::Refused(self.shut_down), None) };
    }
}

impl CellRef {
    /// Runs the job of this root, which the caller has claimed, and what comes of it. Whether it is through: a
    /// future may have to be polled again.
    ///
    /// # Safety
    /// The caller has claimed it, and is on a thread of its executor.
    pub(crate) unsafe fn run_claimed(self, here: &RunContext) -> bool {
        // SAFETY: the caller's promise.
        unsafe { start(self, Permission::Granted, Some(here)) }
    }
}

/// Runs an item, or settles it in the way that `turn` says. For an executor that does not link its items: a link
/// still has its executor. Whether it was a job that no other thread had claimed.
///
/// # Safety
/// The item is the caller's, once; `turn` is right on this thread.
pub(in crate::cell) unsafe fn run_unlinked(
    item: Item,
    turn: Permission,
    here: Option<&RunContext>,
) -> bool {
    // SAFETY: a queued item keeps its cells alive: the job by `REFERRED`, the others by being the
    // producer's.
    unsafe {
        match item {
            Item::Start(root) => {
                if root.chain().start() {
                    return start(root, turn, here);
                }
                lost(root);
            }
            Item::Settled(parent) => {
                if let Some(Receiver::Continuation(child)) = parent.header().word.receiver() {
                    run_links((parent, CellRef::from_address(child)), turn, here);
                }
            }
            Item::Link(child) => run_links((child.root(), child), turn, here),
            Item::Task(root) => return polled::pop(root) && polled::run(root, turn, here),
        }
    }
    false
}

/// Runs a job that the caller has claimed or started, and what comes of it. Whether it is through:
/// a future may have to be polled again.
///
/// # Safety
/// The caller has won [`Chain::start`](crate::cell::state::chain::Chain::start) or `claim`, or has claimed a task.
pub(in crate::cell) unsafe fn start(
    root: CellRef,
    turn: Permission,
    here: Option<&RunContext>,
) -> bool {
    // SAFETY: the caller is the job's producer.
    unsafe {
        if root.header().vtable().task.is_some() {
            return polled::run(root, turn, here);
        }
        let progress = (root.header().vtable().work)(root, None, turn);
        settle_job(root, progress, here);
    }
    true
}

/// Settles an item that its executor has refused, as abandoned: its callback runs nowhere.
///
/// # Safety
/// The item is the caller's, and was in no queue that links items.
pub(in crate::cell) unsafe fn refuse(refused: Refused) {
    bounce(Bounce::Refuse(refused, end_refused));
}

/// # Safety
/// As for [`refuse`].
unsafe fn end_refused(Refused { item, shut_down }: Refused) {
    // SAFETY: the caller's promise.
    unsafe { run_unlinked(item, Permission::Refused(shut_down), None) };
}
