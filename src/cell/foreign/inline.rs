//! Jobs that run inside the call that posts them: by the inline executor, or by a foreign one that
//! runs a job inside `execute`.
//!
//! Nothing nests: what is posted that way inside such a job waits in a list of this thread until
//! the outermost one is through. So a line of callbacks needs no stack, however long it is.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::NonNull;

use crate::cell::defer::trampoline;
use crate::cell::executor::handle::{ExecutorHandle, ExecutorHead, ExecutorVTable, Item, Refused};
use crate::cell::run::queued;
use crate::cell::state::context::RunContext;
use crate::cell::state::header::{Lane, Permission};
use crate::failure::contain;
use crate::sync::thread_local;

/// What the innermost `execute` of this thread was given.
#[derive(Clone, Copy)]
struct Given {
    /// 0: nothing.
    ticket: u64,
    refused: bool,
}

thread_local! {
    static GIVEN: Cell<Given> = const { Cell::new(Given { ticket: 0, refused: false }) };
    /// Whether a job is running inside the call that has posted it.
    static INLINE: Cell<bool> = const { Cell::new(false) };
    /// Whether a call further out will run what waits.
    static OUTER: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<VecDeque<(ExecutorHandle, Item)>> =
        const { RefCell::new(VecDeque::new()) };
}

/// Calls `execute`, which gets the item with this ticket. `false`: it has dropped it on this thread.
pub(super) fn give(ticket: u64, execute: impl FnOnce()) -> bool {
    let outer = GIVEN.replace(Given { ticket, refused: false });
    outermost(|| {
        contain(execute);
    });
    !GIVEN.replace(outer).refused
}

/// Whether the innermost `execute` of this thread is about this ticket.
pub(super) fn is_given(ticket: u64) -> bool {
    GIVEN.get().ticket == ticket
}

/// What `execute` was given is dropped inside of it. `false`: this is not inside of it.
pub(super) fn refuse(ticket: u64) -> bool {
    let inside = is_given(ticket);
    if inside {
        GIVEN.set(Given { ticket, refused: true });
    }
    inside
}

/// Runs a job inside the call that has posted it, or puts it off: posted once more, to `executor`,
/// when the outermost one is through.
pub(super) fn run_inside(executor: ExecutorHandle, item: Item, run: impl FnOnce(&ExecutorHandle)) {
    let mut job = Some((executor, item));
    if INLINE.get() {
        let put_off = |waiting: &RefCell<VecDeque<_>>| waiting.borrow_mut().extend(job.take());
        let _ = WAITING.try_with(put_off); // fails where the thread ends: then it nests
    }
    let Some((executor, _)) = job else { return };
    let nested = INLINE.replace(true);
    outermost(|| trampoline::afresh(|| run(&executor)));
    INLINE.set(nested);
}

/// The outermost call runs what was put off meanwhile.
fn outermost(f: impl FnOnce()) {
    let outer = OUTER.replace(true);
    f();
    if !outer {
        let nested = INLINE.replace(false);
        run_waiting();
        INLINE.set(nested);
    }
    OUTER.set(outer);
}

fn run_waiting() {
    let next = || WAITING.try_with(|waiting| waiting.borrow_mut().pop_front()).ok().flatten();
    while let Some((executor, item)) = next() {
        // SAFETY: the item was given away when it was put off, once.
        unsafe {
            if let Err(refused) = executor.post(item, Lane::Back) {
                queued::refuse(refused);
            }
        }
    }
}

/// What this thread is in the middle of.
pub(crate) struct ThisThread;

impl ThisThread {
    /// Before it blocks: runs what waits on it for the end of something further out.
    #[inline]
    pub(crate) fn flush() {
        trampoline::run_queue();
        flush();
    }

    /// Runs user code of a job in the middle of whatever the thread is doing: what it settles is delivered at once.
    pub(crate) fn afresh<R>(f: impl FnOnce() -> R) -> R {
        trampoline::afresh(f)
    }

    /// Drops user code; inside of another drop, or under a lock, later.
    pub(crate) fn drop_user<W: 'static>(work: W) {
        trampoline::drop_user(work);
    }

    /// Whether it is inside a step that must not be nested, so that blocking here would keep others waiting.
    pub(crate) fn is_settling() -> bool {
        trampoline::is_settling()
    }

    /// Whether it is in a job that runs inside the call that has posted it.
    pub(crate) fn is_inside_post() -> bool {
        INLINE.get()
    }
}

/// Before this thread waits for something: runs what waits for the end of a job that is further out.
#[inline]
pub(in crate::cell) fn flush() {
    if OUTER.get() {
        flush_now();
    }
}

#[cold]
fn flush_now() {
    let nested = INLINE.replace(false);
    run_waiting();
    INLINE.set(nested);
}

// ── The inline executor ──────────────────────────────────────────────────────────────────────────

static TABLE: ExecutorVTable = ExecutorVTable { post, retain: uncounted, release: uncounted };
static INLINE_HEAD: ExecutorHead = ExecutorHead { vtable: &TABLE };

impl ExecutorHandle {
    /// The executor that runs everything inside the call that posts it.
    pub(crate) fn inline() -> Self {
        // SAFETY: the table is for this head, which is static, looks at nothing else, and counts nothing.
        unsafe { ExecutorHandle::counted(NonNull::from(&INLINE_HEAD)) }
    }
}

/// # Safety
/// None is needed: nothing is counted.
unsafe fn uncounted(_: NonNull<ExecutorHead>) {}

/// # Safety
/// As for the table's `post`: the item is the caller's to give.
unsafe fn post(_: NonNull<ExecutorHead>, item: Item, _: Lane) -> Result<(), Refused> {
    run_inside(ExecutorHandle::inline(), item, |executor| {
        let here = RunContext::endless(executor.word());
        // SAFETY: the caller gives the item, and this executor runs it once.
        unsafe { queued::run_unlinked(item, Permission::Granted, Some(&here)) };
    });
    Ok(())
}
