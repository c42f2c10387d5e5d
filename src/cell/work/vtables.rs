//! The tables of functions that know a cell's types.

use std::marker::PhantomData;

use super::step::{Next, Step, Work};
use crate::cell::defer::free::drop_outcome as drop_unseen;
use crate::cell::defer::trampoline::{drop_user, shield};
use crate::cell::state::body;
use crate::cell::state::dependency::Depends;
use crate::cell::state::header::{
    CellRef, Dropped, FailureKind, Header, Lane, Permission, Progress, VTable,
};
use crate::cell::wait::frames::framed;
use crate::failure::{Failure, Outcome, Panic, catch, contain, drop_quietly};
use crate::telemetry;
use crate::trace::Trace;
use crate::unobserved;

/// How a promise without work came to be.
pub(crate) trait Origin {
    /// Its name in a trace.
    const KIND: &'static str;
    /// Whether its chain is cancelled when the consumer leaves.
    const FRAGILE: bool = false;
}

/// The table of a cell that a producer settles, or that was made settled.
pub(in crate::cell) struct PlainTable<O, T, E>(PhantomData<(O, T, E)>);

impl<O: Origin, T: 'static, E: 'static> PlainTable<O, T, E> {
    pub(in crate::cell) const TABLE: VTable =
        VTable { fragile: O::FRAGILE, ..plain::<T, E>(O::KIND) };
}

/// A root without work, of this kind.
pub(in crate::cell) const fn plain<T: 'static, E: 'static>(kind: &'static str) -> VTable {
    VTable {
        kind,
        in_way: true,
        root: true,
        job: false,
        fragile: false,
        needs_executor: true,
        task: None,
        layout: body::layout::<(), T, E>(),
        give_up: None,
        work: no_work,
        dependency: no_dependency,
        move_outcome: move_outcome::<T, E>,
        fail: fail::<T, E>,
        drop_outcome: drop_outcome::<T, E>,
    }
}

/// The table of a job with the work `W`.
pub(in crate::cell) struct JobTable<W>(PhantomData<W>);

impl<W: Work> JobTable<W> {
    pub(in crate::cell) const TABLE: VTable = VTable {
        job: true,
        layout: body::layout::<W, W::Ok, W::Err>(),
        work: work_job::<W>,
        dependency: dependency_of_job::<W>,
        ..plain::<W::Ok, W::Err>(W::KIND)
    };
}

/// The table of a link with the step `S` behind a cell of `T` and `E`.
pub(in crate::cell) struct LinkTable<S, T, E>(PhantomData<(S, T, E)>);

impl<S: Step<T, E>, T: 'static, E: 'static> LinkTable<S, T, E> {
    pub(in crate::cell) const TABLE: VTable = VTable {
        in_way: S::IN_WAY,
        root: false,
        needs_executor: S::NEEDS_EXECUTOR,
        layout: body::layout::<S, S::Ok, S::Err>(),
        work: work_link::<S, T, E>,
        ..plain::<S::Ok, S::Err>(S::KIND)
    };
}

/// The `work` of cells that have none.
///
/// # Safety
/// None is needed.
unsafe fn no_work(_: CellRef, _: Option<CellRef>, _: Permission) -> Progress {
    Progress::Settled
}

/// The `dependency` of cells that wait for no shared value.
///
/// # Safety
/// None is needed.
unsafe fn no_dependency(_: CellRef) -> Option<Depends> {
    None
}

/// # Safety
/// The cell is a job's with a `W`, which the caller holds in place.
unsafe fn dependency_of_job<W: Work>(cell: CellRef) -> Option<Depends> {
    // SAFETY: the caller holds the work in place.
    unsafe { body::work::<W>(cell) }.dependency()
}

/// The `work` of a job.
///
/// # Safety
/// The cell was made with a `W`; the caller has started or claimed it, so that it is the producer.
unsafe fn work_job<W: Work>(cell: CellRef, _: Option<CellRef>, turn: Permission) -> Progress {
    // SAFETY: the caller has started or claimed the job, so the work is its own, once.
    unsafe {
        let work = body::take_work::<W>(cell);
        match turn {
            Permission::Granted | Permission::Next => {
                done(cell, framed(cell, || catch(|| work.run())))
            }
            Permission::Cancelled => {
                drop_user(work);
                Progress::Settled
            }
            Permission::Refused(_) | Permission::Denied => {
                drop_user(work);
                abandon::<W::Ok, W::Err>(cell, turn);
                Progress::Settled
            }
        }
    }
}

/// The `work` of a link.
///
/// # Safety
/// The cell was made with an `S`, the parent for this `T` and `E`. The caller is the producer of the one and owns the
/// other, which is settled.
unsafe fn work_link<S: Step<T, E>, T: 'static, E: 'static>(
    cell: CellRef,
    parent: Option<CellRef>,
    turn: Permission,
) -> Progress {
    let Some(parent) = parent else { return Progress::Settled };
    // SAFETY: the run loop owns the settled parent, made for this `T` and `E`, and produces the cell.
    unsafe {
        if !S::ALWAYS && cell.chain().is_cancelled() {
            return give_up::<S, T, E>(cell, parent);
        }
        let wanted = match body::outcome::<T, E>(parent) {
            Some(outcome) => S::wants(outcome),
            None => S::wants(&Err(Failure::Cancelled)),
        };
        if !wanted {
            return pass::<S, T, E>(cell, parent);
        }
        match turn {
            Permission::Next if S::QUEUED => Progress::Post(Lane::Back),
            Permission::Denied => Progress::Post(if S::QUEUED { Lane::Back } else { Lane::Next }),
            Permission::Refused(_) => refuse::<S, T, E>(cell, parent, turn),
            _ => run_step::<S, T, E>(cell, parent),
        }
    }
}

/// The user's function gets what it asks for.
///
/// # Safety
/// As for [`work_link`], and once: step and outcome are taken.
unsafe fn run_step<S: Step<T, E>, T: 'static, E: 'static>(
    cell: CellRef,
    parent: CellRef,
) -> Progress {
    // SAFETY: as in `work_link`; step and outcome are taken once.
    unsafe {
        let mut step = body::take_work::<S>(cell);
        let outcome = body::take_outcome::<T, E>(parent);
        let failed = outcome.is_err();
        if failed && S::TAKES_WAY {
            step.came_by(Some(way_of(parent.header())));
        }
        let next = match S::sort(outcome) {
            Ok(wanted) => framed(cell.root(), || catch(|| step.run(wanted))),
            Err(passed) => Ok(Next::Settled(passed)), // not reachable: `wants` has said yes
        };
        if failed && matches!(next, Ok(Next::Settled(Err(_)) | Next::Same(_)) | Err(_)) {
            carry(parent, cell, matches!(next, Ok(Next::Same(_))));
            if S::LOOKS {
                cell.header().provenance.set_seen();
                cell.header().provenance.show();
            }
        }
        done(cell, next)
    }
}

/// The outcome passes by.
///
/// # Safety
/// As for [`run_step`].
unsafe fn pass<S: Step<T, E>, T, E>(cell: CellRef, parent: CellRef) -> Progress {
    // SAFETY: as in `run_step`.
    unsafe {
        let step = body::take_work::<S>(cell);
        let passing = body::outcome::<T, E>(parent).unwrap_or(&Err(Failure::Cancelled));
        shield(|| contain(|| step.passed_by(passing)));
        // What `wants` has refused, `sort` passes on.
        let sorted = S::sort(body::take_outcome::<T, E>(parent));
        let outcome = sorted.err().unwrap_or(Err(Failure::Cancelled));
        if outcome.is_err() {
            carry(parent, cell, true);
        }
        body::put_outcome(cell, outcome);
    }
    Progress::Settled
}

/// The chain was cancelled: the step and what has come are dropped.
///
/// # Safety
/// As for [`run_step`].
unsafe fn give_up<S: Step<T, E>, T: 'static, E: 'static>(
    cell: CellRef,
    parent: CellRef,
) -> Progress {
    // SAFETY: as in `run_step`.
    unsafe {
        drop_user(body::take_work::<S>(cell));
        drop_user(body::take_outcome::<T, E>(parent));
        fail::<S::Ok, S::Err>(cell, FailureKind::Cancelled);
    }
    Progress::Settled
}

/// The user's function gets neither the outcome nor a thread: a failure in it is reported.
///
/// # Safety
/// As for [`run_step`].
unsafe fn refuse<S: Step<T, E>, T, E>(
    cell: CellRef,
    parent: CellRef,
    turn: Permission,
) -> Progress {
    // SAFETY: as in `run_step`.
    unsafe {
        drop_user(body::take_work::<S>(cell));
        drop_unseen(parent, Dropped::Unseen);
        abandon::<S::Ok, S::Err>(cell, turn);
    }
    Progress::Settled
}

/// Leaves `Abandoned` in the body. Its way begins where the pool was shut down that has refused the cell.
///
/// # Safety
/// The caller is the producer of a cell made for this `T` and `E`, whose body is empty.
pub(in crate::cell) unsafe fn abandon<T, E>(cell: CellRef, turn: Permission) {
    // SAFETY: the caller produces the cell, whose body is empty.
    unsafe {
        if let Permission::Refused(Some(location)) = turn {
            let mut way = Box::new(Trace::new());
            way.push("shutdown", location);
            let header = cell.header();
            header.provenance.put(way, header.vtable().kind, Trace::push);
        }
        fail::<T, E>(cell, FailureKind::Abandoned);
    }
}

/// Leaves in the body what user code has come to, or says what is to be followed.
///
/// # Safety
/// As for [`abandon`].
pub(in crate::cell) unsafe fn done<T, E>(
    cell: CellRef,
    next: Result<Next<T, E>, Panic>,
) -> Progress {
    let outcome = match next {
        Ok(Next::Settled(outcome)) => outcome,
        Ok(Next::Same(failure)) => Err(failure),
        Ok(Next::Follow(inner)) => return Progress::Follow(inner.into_cell()),
        Ok(Next::Failed(failure, trace)) => {
            // SAFETY: the caller produces the cell.
            unsafe {
                let header = cell.header();
                header.provenance.put(trace, header.vtable().kind, Trace::push);
            }
            Err(failure)
        }
        Err(panic) => {
            // SAFETY: the caller produces the cell.
            telemetry::panicked(unsafe { cell.header() }.vtable().kind, panic.message());
            Err(Failure::Panicked(panic))
        }
    };
    // SAFETY: the caller produces the cell, whose work it has taken.
    unsafe { body::put_outcome(cell, outcome) };
    Progress::Settled
}

/// The failure of `from` has come to `to`: so has the way that it came, and, where it is the `same`
/// failure, that it was seen.
///
/// # Safety
/// The caller owns the settled `from`, and is the producer of `to`.
unsafe fn carry(from: CellRef, to: CellRef, same: bool) {
    // SAFETY: the caller owns the settled `from` and produces `to`.
    unsafe {
        let (from, to) = (from.header(), to.header());
        if from.word.has_outcome() {
            let own = Some(to.vtable().kind).filter(|_| to.vtable().in_way);
            to.provenance.take_over(own, &from.provenance, from.vtable().kind, same);
        }
    }
}

/// Takes the way of the failure that a cell has settled with.
///
/// # Safety
/// The caller owns the settled cell.
pub(in crate::cell) unsafe fn way_of(header: &Header) -> Box<Trace> {
    let kind = header.vtable().kind;
    match header.word.has_outcome() {
        // SAFETY: the caller's promise.
        true => unsafe { header.provenance.take(kind) },
        false => Box::new(header.provenance.made(kind)), // a late producer may be at work
    }
}

/// The table's `move_outcome`.
///
/// # Safety
/// As for [`carry`]; both cells were made for this `T` and `E`, the outcome is taken once, and the body of `to` is empty.
unsafe fn move_outcome<T, E>(from: CellRef, to: CellRef) {
    // SAFETY: the caller owns the settled `from` and produces `to`, whose body is empty; both were
    // made for this `T` and `E`.
    unsafe {
        let outcome = body::take_outcome::<T, E>(from);
        if outcome.is_err() {
            carry(from, to, true);
        }
        body::put_outcome(to, outcome);
    }
}

/// The table's `fail`.
///
/// # Safety
/// As for [`abandon`].
pub(in crate::cell) unsafe fn fail<T, E>(cell: CellRef, fate: FailureKind) {
    if fate == FailureKind::Abandoned {
        // SAFETY: the caller produces the cell.
        telemetry::abandoned(unsafe { cell.header() }.vtable().kind);
    }
    let failure = match fate {
        FailureKind::Cancelled => Failure::Cancelled,
        FailureKind::Abandoned => Failure::Abandoned,
        FailureKind::Taken => Failure::Taken,
        FailureKind::WouldDeadlock => Failure::WouldDeadlock,
    };
    // SAFETY: the caller produces the cell, whose body is empty.
    unsafe { body::put_outcome::<T, E>(cell, Err(failure)) };
}

/// The table's `drop_outcome`.
///
/// # Safety
/// The caller owns a cell made for this `T` and `E`, whose outcome was not taken, once.
unsafe fn drop_outcome<T: 'static, E: 'static>(cell: CellRef, why: Dropped) {
    // SAFETY: the caller owns the outcome; once.
    let outcome: Outcome<T, E> = unsafe { body::take_written(cell) };
    match &outcome {
        Err(failure) if why == Dropped::Unseen && unobserved::is_reported(failure) => {
            // SAFETY: the caller owns the settled cell.
            let trace = unsafe {
                let header = cell.header();
                header.provenance.take(header.vtable().kind)
            };
            if !trace.is_seen() {
                unobserved::report(failure, *trace);
            }
        }
        _ => {}
    }
    drop_quietly(outcome);
}
