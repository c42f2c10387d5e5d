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
use std::task::{Context, Poll};

use crate::budget;
use crate::cell::defer::trampoline;
use crate::cell::executor::handle::{ExecutorHandle, Item};
use crate::cell::run::polled::{borrowed, cancelled};
use crate::cell::state::body;
use crate::cell::state::chain::Chain;
use crate::cell::state::header::{
    CellRef, FailureKind, Header, Permission, Progress, TaskTable, VTable,
};
use crate::cell::state::schedule::Schedule;
use crate::cell::state::task::Core;
use crate::cell::state::word::Word;
use crate::cell::wait::frames::framed;
use crate::cell::work::consumer::Consumer;
use crate::cell::work::step::Next;
use crate::cell::work::vtables::{abandon, done, fail, plain};
use crate::failure::{Failure, Outcome, Panic, catch};
use crate::telemetry;

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
        task: Some(TaskTable { core: offset_of!(Task<F, T, E>, core), cancelled }),
        layout: body::layout_of::<Task<F, T, E>>(),
        work: work_task::<F, T, E>,
        ..plain::<T, E>(F::Output::KIND)
    };
}

impl<T: 'static, E: 'static> Consumer<T, E> {
    /// A new future for `executor`, a pool, and the consumer of its promise. The caller posts the item.
    pub(crate) fn future<F>(
        future: F,
        executor: ExecutorHandle,
        location: &'static Location<'static>,
    ) -> (Item, Self)
    where
        F: Future<Output: IntoOutcome<Ok = T, Err = E>> + Send + 'static,
    {
        debug_assert!(!executor.is_counted(), "the future keeps no handle");
        let table = const { &FutureTable::<F, T, E>::TABLE };
        let chain = Chain::deferred();
        let _ = chain.claim(ptr::null_mut()); // under way at once; the schedule has its own
        let header = Header::new(table, Word::pending(), chain, location);
        let core = Core { schedule: Schedule::queued(), executor: executor.into_link() };
        let work = MaybeUninit::new(Within { context: telemetry::Context::current(), future });
        let cell =
            body::boxed(Task::<F, T, E> { header, outcome: MaybeUninit::uninit(), core, work });
        // SAFETY: the new cell has no other consumer, and its outcome is where a cell's outcome is.
        (Item::Task(cell), unsafe { Self::from_cell(cell) })
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
