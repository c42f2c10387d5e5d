//! Executors that are not ours: counted handles on them, and what they are given to run.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::inline;
use crate::cell::defer::trampoline;
use crate::cell::executor::handle::{ExecutorHandle, ExecutorHead, ExecutorVTable, Item, Refused};
use crate::cell::run::queued;
use crate::cell::state::context::RunContext;
use crate::cell::state::header::{Lane, Permission};
use crate::sync;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

/// An executor behind a counted handle.
pub(crate) trait Execute: Send + Sync + 'static {
    /// Takes what is to be run; what is dropped is refused. May panic, and may run it at once.
    fn execute(&self, posted: Posted);
}

/// What a counted handle points to.
#[repr(C)]
pub(crate) struct Counted<X> {
    /// First, so that its address is that of the whole.
    head: ExecutorHead,
    executor: X,
}

impl<X: Execute> Counted<X> {
    const TABLE: ExecutorVTable =
        ExecutorVTable { post: post::<X>, retain: retain::<X>, release: release::<X> };

    /// Makes an executor that handles can be had on.
    pub(crate) fn new(executor: X) -> Arc<Self> {
        let vtable = const { &Self::TABLE };
        Arc::new(Counted { head: ExecutorHead { vtable }, executor })
    }

    /// One more handle.
    pub(crate) fn handle(this: &Arc<Self>) -> ExecutorHandle {
        let head = Arc::into_raw(Arc::clone(this)).cast_mut().cast::<ExecutorHead>();
        // SAFETY: the address of an `Arc` is not null, its table is for `Counted<X>`, which begins
        // with the head and is Send and Sync; the reference is the handle's.
        unsafe { ExecutorHandle::counted(NonNull::new_unchecked(head)) }
    }
}

impl<X> std::ops::Deref for Counted<X> {
    type Target = X;

    fn deref(&self) -> &X {
        &self.executor
    }
}

/// # Safety
/// The head is that of a `Counted<X>` in an `Arc`, on which the caller has a handle.
unsafe fn retain<X>(head: NonNull<ExecutorHead>) {
    // SAFETY: the table is that of a `Counted<X>` in an `Arc`, which the caller's handle keeps.
    unsafe { Arc::increment_strong_count(head.as_ptr().cast::<Counted<X>>()) };
}

/// # Safety
/// As for [`retain`], and the caller gives that handle up.
unsafe fn release<X: Execute>(head: NonNull<ExecutorHead>) {
    // SAFETY: as in `retain`; the caller gives the handle's reference up.
    let last = unsafe { Arc::from_raw(head.as_ptr().cast::<Counted<X>>()) };
    // The executor's own drop is foreign code.
    trampoline::drop_user(last);
}

/// # Safety
/// As for [`retain`], and the item is the caller's to give.
unsafe fn post<X: Execute>(
    head: NonNull<ExecutorHead>,
    item: Item,
    _: Lane,
) -> Result<(), Refused> {
    // SAFETY: as in `retain`; the caller keeps its handle meanwhile.
    let (counted, executor) = unsafe {
        retain::<X>(head);
        (head.cast::<Counted<X>>().as_ref(), ExecutorHandle::counted(head))
    };
    // ORDERING: Relaxed, only so that no two are the same.
    let ticket = TICKETS.fetch_add(1, Ordering::Relaxed);
    let posted = Posted { item, executor, ticket };
    match inline::give(ticket, || counted.executor.execute(posted)) {
        true => Ok(()),
        false => Err(Refused { item, shut_down: None }),
    }
}

sync::global! {
    /// 0 is never given.
    static TICKETS: AtomicU64 = AtomicU64::new(1);
}

/// A piece of work that a foreign executor was given: the owner of its item. Dropped unrun it is
/// refused.
pub(crate) struct Posted {
    item: Item,
    executor: ExecutorHandle,
    ticket: u64,
}

impl Posted {
    /// Runs it, on whatever thread this is. Inside a job that runs inside `execute` it would nest:
    /// then it is given to the executor once more, when that one is through.
    pub(crate) fn run(self) {
        let this = ManuallyDrop::new(self);
        let (item, ticket) = (this.item, this.ticket);
        // SAFETY: `this` is not dropped, and the handle is taken once.
        let executor = unsafe { std::ptr::read(&raw const this.executor) };
        if inline::is_given(ticket) {
            inline::run_inside(executor, item, |executor| {
                run(item, &RunContext::endless(executor.word()));
            });
        } else {
            trampoline::afresh(|| run(item, &RunContext::new(executor.word())));
        }
    }
}

fn run(item: Item, here: &RunContext) {
    // SAFETY: the item was posted to this executor, and its only `Posted` was used up.
    unsafe { queued::run_unlinked(item, Permission::Granted, Some(here)) };
}

impl Drop for Posted {
    fn drop(&mut self) {
        if !inline::refuse(self.ticket) {
            // SAFETY: the item is ours, and was not run.
            unsafe { queued::refuse(Refused { item: self.item, shut_down: None }) };
        }
    }
}
