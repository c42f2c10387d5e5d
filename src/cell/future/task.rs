//! Futures as jobs: the cell of the promise is the task, in one allocation.
//!
//! ```text
//!   ┌────────┬─────────┬────────────────────┬─────────────────┐
//!   │ header │ outcome │ schedule, executor │ context, future │
//!   └────────┴─────────┴────────────────────┴─────────────────┘
//! ```
//!
//! Other than in a job the outcome has a place of its own: wakers refer to the schedule for as long as
//! they like, also when the outcome was taken. What is queued is the cell, each time.

use std::future::Future;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit, offset_of};
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use super::schedule::{Left, Popped, Schedule};
use crate::budget;
use crate::cell::defer::free::lost;
use crate::cell::defer::trampoline;
use crate::cell::executor::handle::{ExecutorHandle, Item};
use crate::cell::run::queued;
use crate::cell::run::run_loop;
use crate::cell::state::body;
use crate::cell::state::chain::Chain;
use crate::cell::state::context::RunContext;
use crate::cell::state::header::{
    CellRef, FailureKind, Header, Lane, Permission, Progress, TaskTable, VTable,
};
use crate::cell::state::word::Word;
use crate::cell::wait::frames::framed;
use crate::cell::work::consumer::Consumer;
use crate::cell::work::step::Next;
use crate::cell::work::vtables::{abandon, done, fail, plain};
use crate::failure::{Failure, Outcome, Panic, catch};
use crate::telemetry;

/// What is known without the types.
struct Core {
    schedule: Schedule,
    executor: ExecutorHandle,
}

#[repr(C)]
struct Task<F, T, E> {
    header: Header,
    outcome: MaybeUninit<Outcome<T, E>>,
    core: Core,
    work: MaybeUninit<Within<F>>,
}

/// The future, and the context that it was spawned in.
struct Within<F> {
    context: telemetry::Context,
    future: F,
}

/// What a future may give.
pub(crate) trait IntoOutcome {
    /// The value.
    type Ok: 'static;
    /// The error.
    type Err: 'static;
    /// The name of such a future in a trace.
    const KIND: &'static str;
    /// The outcome of the promise.
    fn into_outcome(self) -> Outcome<Self::Ok, Self::Err>;
}

impl<T: 'static, E: 'static> IntoOutcome for Result<T, E> {
    type Ok = T;
    type Err = E;
    const KIND: &'static str = "spawn_future";

    fn into_outcome(self) -> Outcome<T, E> {
        self.map_err(Failure::from_error)
    }
}

struct FutureTable<F, T, E>(PhantomData<(F, T, E)>);

impl<F, T, E> FutureTable<F, T, E>
where
    F: Future<Output: IntoOutcome<Ok = T, Err = E>> + Send + 'static,
    T: 'static,
    E: 'static,
{
    const TABLE: VTable = VTable {
        job: true,
        task: Some(TaskTable {
            core: offset_of!(Task<F, T, E>, core),
            is_fresh,
            pop,
            claim,
            run,
            cancelled,
        }),
        layout: body::layout_of::<Task<F, T, E>>(),
        work: work_task::<F, T, E>,
        ..plain::<T, E>(F::Output::KIND)
    };
}

impl<T: 'static, E: 'static> Consumer<T, E> {
    /// A new future for `executor`, and the consumer of its promise. The caller posts the item.
    pub(crate) fn future<F>(
        future: F,
        executor: ExecutorHandle,
        location: &'static Location<'static>,
    ) -> (Item, Self)
    where
        F: Future<Output: IntoOutcome<Ok = T, Err = E>> + Send + 'static,
    {
        let table = const { &FutureTable::<F, T, E>::TABLE };
        let chain = Chain::deferred();
        let _ = chain.claim(ptr::null_mut()); // under way at once; the schedule has its own
        let header = Header::new(table, Word::pending(), chain, location);
        let core = Core { schedule: Schedule::queued(), executor };
        let work = MaybeUninit::new(Within { context: telemetry::Context::current(), future });
        let cell =
            body::boxed(Task::<F, T, E> { header, outcome: MaybeUninit::uninit(), core, work });
        // SAFETY: the new cell has no other consumer, and its outcome is where a cell's outcome is.
        (Item::Task(cell), unsafe { Self::from_cell(cell) })
    }
}

/// # Safety
/// The cell is a task's, and lives while the reference is used.
unsafe fn core<'a>(cell: CellRef) -> Option<&'a Core> {
    // SAFETY: the caller's promise; the table says where the core is.
    unsafe {
        let offset = cell.header().vtable().task.as_ref()?.core;
        Some(&*cell.as_ptr().cast::<u8>().add(offset).cast::<Core>())
    }
}

/// Whether a queued future was never polled.
///
/// # Safety
/// An entry or the chain keeps the cell.
unsafe fn is_fresh(cell: CellRef) -> bool {
    // SAFETY: the caller's promise.
    unsafe { core(cell) }.is_some_and(|core| core.schedule.is_fresh())
}

// ── Polling ──────────────────────────────────────────────────────────────────────────────────────

/// A queue gives up an entry. Whether the caller has the future now, to be [`run`].
///
/// # Safety
/// The entry was taken out of the queue, once.
unsafe fn pop(cell: CellRef) -> bool {
    // SAFETY: the entry's reference keeps the cell.
    let Some(core) = (unsafe { core(cell) }) else { return false };
    match core.schedule.pop() {
        Popped::Run => true,
        Popped::Left(left) => {
            // SAFETY: the entry's reference was given up.
            unsafe { act(cell, left) };
            false
        }
    }
}

/// Takes a future that is queued for `executor`, to be [`run`] by the caller.
///
/// # Safety
/// The caller keeps the chain of the root `cell`.
unsafe fn claim(cell: CellRef, executor: *mut ()) -> bool {
    // SAFETY: the caller's promise.
    let core = unsafe { core(cell) };
    core.is_some_and(|core| core.executor.address() == executor && core.schedule.claim(false))
}

/// Polls a future, and runs what comes of it. Whether it is through.
///
/// # Safety
/// The caller has it from [`pop`] or [`claim`].
unsafe fn run(cell: CellRef, turn: Permission, here: Option<&RunContext>) -> bool {
    // SAFETY: the poller's reference keeps the cell until it is given up; the poller is the producer.
    unsafe {
        let Some(core) = core(cell) else { return false };
        let forsaken = core.schedule.is_forsaken();
        let turn = if forsaken { Permission::Refused(None) } else { turn };
        let progress = (cell.header().vtable().work)(cell, None, turn);
        if matches!(progress, Progress::Pending) {
            act(cell, core.schedule.idle());
            return false;
        }
        run_loop::settle_job(cell, progress, here);
        act(cell, core.schedule.finish());
        true
    }
}

/// Does what is left to do when a reference was given up.
///
/// # Safety
/// The schedule word has just given this to the caller, with the reference that `Free` and `Push` speak of.
unsafe fn act(cell: CellRef, left: Left) {
    // SAFETY: the word has given the caller what it acts on.
    unsafe {
        match left {
            Left::Nothing => {}
            Left::Free => lost(cell),
            Left::Push => push(cell),
        }
    }
}

/// Pushes the entry; where the executor is closed, the future is dropped, as soon as user code may
/// run on this thread.
///
/// # Safety
/// The schedule word has given the caller the entry to push, and its reference.
unsafe fn push(cell: CellRef) {
    // SAFETY: the entry is the caller's to push; its reference keeps the cell. The executor is
    // cloned, because the cell may be gone before `post` returns.
    unsafe {
        let Some(core) = core(cell) else { return };
        let executor = core.executor.clone();
        if let Err(refused) = executor.post(Item::Task(cell), Lane::Back) {
            queued::refuse(refused);
        }
    }
}

/// Polls the future once.
///
/// # Safety
/// The caller is the poller of this cell, whose future is `work`: it is there, and is not moved from now on.
#[inline]
unsafe fn poll<F: Future>(cell: CellRef, work: *mut Within<F>) -> Result<Poll<F::Output>, Panic> {
    // SAFETY: the caller's promise; the waker is not dropped, and the poller keeps the cell.
    unsafe {
        let waker = ManuallyDrop::new(borrowed(cell));
        let mut context = Context::from_waker(&waker);
        let future = Pin::new_unchecked(&mut (*work).future);
        let poll = || (*work).context.within(|| future.poll(&mut context));
        framed(cell, || budget::polled(waker.data(), || catch(poll)))
    }
}

/// The `work` of a future's table.
///
/// # Safety
/// The cell is a `Task<F, T, E>`, of which the caller is the poller, and so the producer.
unsafe fn work_task<F, T, E>(cell: CellRef, _: Option<CellRef>, turn: Permission) -> Progress
where
    F: Future<Output: IntoOutcome<Ok = T, Err = E>> + Send + 'static,
    T: 'static,
    E: 'static,
{
    // SAFETY: the caller has the future to itself; it is not moved once it was polled, and is dropped
    // in place, once.
    unsafe {
        let work = (&raw mut (*cell.as_ptr().cast::<Task<F, T, E>>()).work).cast::<Within<F>>();
        let cancelled = cell.chain().is_cancelled();
        let next = match turn {
            Permission::Granted | Permission::Next if !cancelled => match poll(cell, work) {
                Ok(Poll::Pending) => return Progress::Pending,
                Ok(Poll::Ready(result)) => Ok(Next::Settled(result.into_outcome())),
                Err(panic) => Err(panic),
            },
            Permission::Cancelled => {
                trampoline::drop_user(work.read()); // never polled
                return Progress::Settled;
            }
            _ => {
                trampoline::drop_in_place(work);
                if cancelled {
                    fail::<T, E>(cell, FailureKind::Cancelled);
                } else {
                    abandon::<T, E>(cell, turn);
                }
                return Progress::Settled;
            }
        };
        trampoline::drop_in_place(work);
        done(cell, next)
    }
}

// ── Cancelling ──────────────────────────────────────────────────────────────────────────

/// The chain of the root `cell`, which is under way, was cancelled: a future that was never polled is
/// dropped here, any other on its executor.
///
/// # Safety
/// The caller keeps the chain.
unsafe fn cancelled(cell: CellRef) {
    // SAFETY: the caller's promise; the claimer of the future is the cell's producer.
    unsafe {
        let Some(core) = core(cell) else { return };
        if core.schedule.claim(true) {
            let _ = (cell.header().vtable().work)(cell, None, Permission::Cancelled);
            run_loop::settle_without_outcome(cell);
            act(cell, core.schedule.finish());
        } else if core.schedule.wake() {
            push(cell);
        }
    }
}

// ── Wakers ───────────────────────────────────────────────────────────────────────────────────────

static WAKER: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, release);

/// A waker without a reference of its own.
///
/// # Safety
/// The caller keeps the cell, and does not drop the waker.
unsafe fn borrowed(cell: CellRef) -> Waker {
    // SAFETY: the table's functions take the address of a task's cell, from any thread.
    unsafe { Waker::from_raw(RawWaker::new(cell.address().cast_const(), &WAKER)) }
}

/// # Safety
/// The address is that of a task's cell, kept by the caller's waker.
unsafe fn clone(address: *const ()) -> RawWaker {
    // SAFETY: the waker's reference keeps the cell.
    if let Some(core) = unsafe { core(CellRef::from_address(address.cast_mut())) } {
        core.schedule.retain();
    }
    RawWaker::new(address, &WAKER)
}

/// # Safety
/// As for [`clone`], and the waker is used up by this.
unsafe fn wake(address: *const ()) {
    // SAFETY: the waker is used up.
    unsafe {
        wake_by_ref(address);
        release(address);
    }
}

/// # Safety
/// As for [`clone`].
unsafe fn wake_by_ref(address: *const ()) {
    // SAFETY: the waker's reference keeps the cell; the entry is ours if the word says so.
    unsafe {
        let cell = CellRef::from_address(address.cast_mut());
        if core(cell).is_some_and(|core| core.schedule.wake()) {
            push(cell);
        }
    }
}

/// # Safety
/// As for [`clone`], and the waker is gone with this.
unsafe fn release(address: *const ()) {
    // SAFETY: the waker's reference keeps the cell until it is given up.
    unsafe {
        let cell = CellRef::from_address(address.cast_mut());
        if let Some(core) = core(cell) {
            act(cell, core.schedule.release());
        }
    }
}
