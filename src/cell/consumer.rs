//! The reading end of a cell, as a safe handle.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::task::{Context, Poll, ready};

use super::body;
use super::budget;
use super::cancel;
use super::chain::Chain;
use super::executor::ExecutorHandle;
use super::header::{CellRef, Dropped, Header};
use super::later;
use super::nest;
use super::observer::Observer;
use super::park;
use super::step::{Step, Work};
use super::tables::{JobTable, LinkTable, Origin, PlainTable};
use super::waits::{self, Awaited};
use super::wave;
use super::word::{Attach, Leave, Receiver, Seen, Word};
use crate::failure::{Failure, Outcome};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::timeout::Timeout;
use crate::trace::Trace;

/// The only consumer of a cell: the tail of its chain. Dropping it detaches.
pub(crate) struct Consumer<T, E> {
    cell: CellRef,
    types: PhantomData<Outcome<T, E>>,
}

// SAFETY: the outcome goes to the thread that has the consumer, so it must be Send; all else that
// is shared with the producer is atomic.
unsafe impl<T: Send, E: Send> Send for Consumer<T, E> {}
// SAFETY: `&Consumer` only looks at the state, or cancels, by atomics; the outcome needs `&mut`.
unsafe impl<T: Send, E: Send> Sync for Consumer<T, E> {}

// The outcome is never pinned: it is taken out by value.
impl<T, E> Unpin for Consumer<T, E> {}

/// How a settled promise came to be.
struct Made;

impl Origin for Made {
    const KIND: &'static str = "settled";
}

impl<T: 'static, E: 'static> Consumer<T, E> {
    /// A consumer of a cell that is made settled.
    pub(crate) fn settled(outcome: Outcome<T, E>, location: &'static Location<'static>) -> Self {
        let table = const { &PlainTable::<Made, T, E>::TABLE };
        let header = Header::new(table, Word::settled(), Chain::under_way(), location);
        // SAFETY: nobody else has the new cell.
        unsafe { Self::from_cell(body::with_outcome(header, outcome)) }
    }

    /// The cell of a job for `executor`, and its consumer. The caller posts the job.
    pub(crate) fn job<W: Work<Ok = T, Err = E>>(
        work: W,
        executor: *mut (),
        location: &'static Location<'static>,
    ) -> (CellRef, Self) {
        let table = const { &JobTable::<W>::TABLE };
        let header = Header::new(table, Word::pending(), Chain::job(executor), location);
        let cell = body::with_work::<W, T, E>(header, work);
        // SAFETY: the new cell has no other consumer.
        (cell, unsafe { Self::from_cell(cell) })
    }

    /// Puts a link behind this cell, and gives the consumer of the link.
    pub(crate) fn then<S: Step<T, E>>(
        self,
        step: S,
        executor: ExecutorHandle,
        location: &'static Location<'static>,
    ) -> Consumer<S::Ok, S::Err> {
        let parent = self.into_root_of_more(location).into_cell();
        // SAFETY: the parent is ours until it is attached or delivered.
        unsafe {
            let up = Chain::link(parent.root().address());
            let table = const { &LinkTable::<S, T, E>::TABLE };
            let header = Header::new(table, Word::pending(), up, location);
            // ORDERING: Relaxed, `attach` publishes the cell.
            header.link.store(executor.into_link(), Ordering::Relaxed);
            let child = body::with_work::<S, S::Ok, S::Err>(header, step);
            attach(parent, Receiver::Continuation(child.address()));
            Consumer::from_cell(child)
        }
    }

    /// The cell, ready for [`observe`].
    pub(crate) fn into_observed(self, location: &'static Location<'static>) -> CellRef {
        self.into_root_of_more(location).into_cell()
    }

    /// A cell that can have a link: one without an outcome to take gives way to a new chain, since
    /// two waves must never share a root.
    #[inline]
    fn into_root_of_more(self, location: &'static Location<'static>) -> Self {
        match self.seen() {
            Seen::Pending | Seen::Settled => self,
            seen => self.replaced(seen, location),
        }
    }

    #[cold]
    fn replaced(self, seen: Seen, location: &'static Location<'static>) -> Self {
        let failure = match seen {
            Seen::Pending | Seen::Settled => return self,
            Seen::Cancelled | Seen::Arrived => Failure::Cancelled,
            Seen::TakenValue | Seen::TakenFailure => Failure::Taken,
        };
        Self::settled(Err(failure), location)
    }

    /// Takes the outcome, if there is one.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Outcome<T, E>> {
        match self.seen() {
            Seen::Pending => None,
            Seen::Cancelled | Seen::Arrived => Some(Err(Failure::Cancelled)),
            Seen::TakenValue | Seen::TakenFailure => Some(Err(Failure::Taken)),
            // SAFETY: settled, so the cell is ours; the word remembers that the body is empty.
            Seen::Settled => unsafe {
                let outcome = body::take_written::<T, E>(self.cell);
                match &outcome {
                    Ok(_) => self.cell.header().word.taken(false),
                    Err(failure) if failure.stays() => {
                        if let Some(again) = failure.again() {
                            body::put_outcome::<T, E>(self.cell, Err(again));
                        }
                    }
                    Err(_) => {
                        self.cell.header().place.show();
                        self.cell.header().word.taken(true);
                    }
                }
                Some(outcome)
            },
        }
    }

    /// Polls as a future does: the last waker is woken.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Outcome<T, E>> {
        nest::flush(); // inside a callback this thread may be about to block
        if budget::counts() && self.is_settled() {
            ready!(budget::spend(context));
        }
        if let Some(outcome) = self.take() {
            return Poll::Ready(outcome);
        }
        // SAFETY: alive while we are its consumer; a listener that was taken out is ours.
        unsafe {
            let word = &self.cell.header().word;
            let old = word.take_listener().and_then(|old| park::into_waker(old));
            let waker = match old {
                Some(old) if old.will_wake(context.waker()) => old,
                _ => Box::new(context.waker().clone()),
            };
            let listener = park::waker(waker);
            if word.listen(listener) {
                return Poll::Pending;
            }
            park::forget(listener);
        }
        match self.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending, // not reachable: `listen` fails on a settled cell only
        }
    }
}

impl<T, E> Consumer<T, E> {
    /// The consumer of a cell.
    ///
    /// # Safety
    /// The cell is for this `T` and `E` and has no other consumer.
    pub(crate) unsafe fn from_cell(cell: CellRef) -> Self {
        Consumer { cell, types: PhantomData }
    }

    /// Gives up the handle, but not the part.
    pub(crate) fn into_cell(self) -> CellRef {
        ManuallyDrop::new(self).cell
    }

    fn seen(&self) -> Seen {
        // SAFETY: alive while we are its consumer.
        unsafe { self.cell.header().word.seen() }
    }

    /// The root of its chain.
    pub(super) fn root(&self) -> CellRef {
        // SAFETY: alive while we are its consumer.
        unsafe { self.cell.root() }
    }

    /// Whether it has settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.seen() != Seen::Pending
    }

    /// Whether it has settled with a failure.
    pub(crate) fn is_failed(&self) -> bool {
        match self.seen() {
            Seen::Pending | Seen::TakenValue => false,
            Seen::Cancelled | Seen::Arrived | Seen::TakenFailure => true,
            Seen::Settled => self.holds_failure(),
        }
    }

    /// In a settled cell: whether a failure is in the body.
    fn holds_failure(&self) -> bool {
        // SAFETY: settled, and the outcome is taken by `&mut self` only.
        unsafe { body::outcome::<T, E>(self.cell).is_some_and(Result::is_err) }
    }

    /// One word for `Debug`.
    pub(crate) fn state(&self) -> &'static str {
        match self.seen() {
            Seen::Pending => "pending",
            Seen::Settled if self.holds_failure() => "failed",
            Seen::Settled => "set",
            Seen::Cancelled | Seen::Arrived => "cancelled",
            Seen::TakenValue => "set, taken",
            Seen::TakenFailure => "failed, taken",
        }
    }

    /// Whether what has begun the chain waits for another promise.
    pub(crate) fn follows(&self) -> bool {
        // SAFETY: the root lives as long as its chain's tail.
        unsafe { self.root().header() }.up.follows()
    }

    /// What a pending chain began with: how and where it was made.
    pub(crate) fn begun_by(&self) -> Option<(&'static str, &'static Location<'static>)> {
        // SAFETY: the root lives as long as its chain's tail.
        let header = unsafe { self.root().header() };
        header.place.location().map(|place| (header.vtable().kind, place))
    }

    /// What the job that a pending chain began with is doing, for `Debug`; nothing if it began with none.
    pub(crate) fn job_state(&self) -> Option<&'static str> {
        // SAFETY: the root lives as long as its chain's tail.
        let header = unsafe { self.root().header() };
        let alone = self.root() == self.cell;
        match header.up.is_waiting() {
            _ if !header.vtable().job => None,
            true => header.up.is_queued().then_some("queued"),
            false => Some(if alone { "running" } else { "begun" }),
        }
    }

    /// Cancels the chain. `false`: it had settled.
    pub(crate) fn cancel(&self) -> bool {
        // SAFETY: alive while we are its consumer.
        unsafe { cancel::cancel(self.cell) }
    }

    /// Leaves what goes on, also where leaving would cancel it.
    pub(crate) fn detach(self) {
        let cell = self.into_cell();
        // SAFETY: the consumer's handle is gone, and this gives its part up.
        unsafe {
            match cell.header().word.leave_settled() {
                Some(leave) => leave_behind(cell, leave),
                None => leave_going_on(cell),
            }
        }
    }

    /// The way that a failure came; empty as long as there is none.
    pub(crate) fn trace(&self, failed: bool) -> Trace {
        if !failed {
            return Trace::new();
        }
        // SAFETY: settled with an outcome, so the cell is ours, and `&self` only reads. Without one a
        // late producer may be at work.
        unsafe {
            let header = self.cell.header();
            let kind = header.vtable().kind;
            match self.seen() {
                Seen::Cancelled | Seen::Arrived => header.place.made(kind),
                _ => header.place.trace(kind),
            }
        }
    }
}

// SAFETY: the consumer keeps its cell, and waiting does not give it up.
unsafe impl<T, E> Awaited for Consumer<T, E> {
    fn is_settled(&self) -> bool {
        Consumer::is_settled(self)
    }

    fn tail(&self) -> Option<CellRef> {
        Some(self.cell)
    }

    fn wait(&mut self, timeout: Timeout, called: &AtomicBool) -> bool {
        // SAFETY: alive while we are its consumer; `&mut self` makes this the only waiter.
        park::wait(unsafe { &self.cell.header().word }, timeout, called)
    }
}

/// Puts an observer in the consumer's place; it may be notified before this returns.
///
/// # Safety
/// The caller has the cell from [`Consumer::into_observed`], once, and owns what `observer` begins,
/// which lives until it has been notified.
pub(super) unsafe fn observe(cell: CellRef, observer: *const Observer) {
    // SAFETY: the caller's promise.
    unsafe { attach(cell, Receiver::Observer(observer.cast_mut().cast())) };
}

/// Attaches a receiver to the tail of a chain, or delivers at once.
///
/// # Safety
/// The caller is the consumer of `cell` and gives that part away; the receiver is ready.
#[inline]
unsafe fn attach(cell: CellRef, receiver: Receiver) {
    // SAFETY: the caller's promise; `deliver` has what the word gave back.
    unsafe {
        match cell.header().word.attach(receiver) {
            Attach::Attached(None) => {}
            Attach::Attached(Some(listener)) => park::forget(listener),
            Attach::Settled | Attach::WithoutOutcome => deliver(cell, receiver),
        }
    }
}

/// Hands what is settled to a receiver that comes after it.
///
/// # Safety
/// As for [`attach`], and the word has told that the chain is settled.
unsafe fn deliver(cell: CellRef, receiver: Receiver) {
    // SAFETY: the caller's promise.
    unsafe {
        let header = cell.header();
        header.word.hand_to(receiver);
        if header.is_root() {
            header.up.set_under_way();
        }
        wave::hand_on(cell, receiver);
    }
}

/// The consumer of `cell` leaves.
///
/// # Safety
/// The caller is the consumer, and gives that part up.
#[inline]
pub(super) unsafe fn leave(cell: CellRef) {
    // SAFETY: the caller's promise; each arm has what the word gave it.
    unsafe {
        match cell.header().word.leave_settled() {
            Some(Leave::Bare) => wave::release(cell), // mostly: somebody has taken the outcome
            Some(leave) => leave_behind(cell, leave),
            None => leave_pending(cell),
        }
    }
}

/// As [`leave`], where the work may be wanted no more by it.
unsafe fn leave_pending(cell: CellRef) {
    // SAFETY: as in `leave`; the root lives as long as the tail.
    unsafe {
        if cell.root().header().vtable().fragile {
            cancel::cancel(cell);
        }
        leave_going_on(cell);
    }
}

/// As [`leave`], where a shared value may lose an owner by it.
unsafe fn leave_going_on(cell: CellRef) {
    // SAFETY: as in `leave`; what is held is there afterwards.
    unsafe {
        let shared = waits::shared_before(cell);
        let leave = cell.header().word.leave();
        let was_pending = matches!(leave, Leave::Pending(_));
        leave_behind(cell, leave);
        match shared {
            Some(place) if was_pending => waits::leave_shared(place),
            place => later::shield(|| drop(place)),
        }
    }
}

/// Drops what is left.
unsafe fn leave_behind(cell: CellRef, leave: Leave) {
    // SAFETY: as in `leave`.
    unsafe {
        match leave {
            Leave::Bare => wave::release(cell),
            Leave::Outcome => later::discard(cell, Dropped::Unseen),
            Leave::Pending(Some(listener)) => park::forget(listener),
            Leave::Pending(None) => {}
        }
    }
}

impl<T, E> Drop for Consumer<T, E> {
    fn drop(&mut self) {
        // SAFETY: the consumer's handle is going.
        unsafe { leave(self.cell) };
    }
}
