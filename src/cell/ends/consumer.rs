//! The reading end of a cell, as a safe handle.

use std::panic::Location;
use std::task::{Context, Poll, ready};

use crate::budget;
use crate::cell::executor::handle::ExecutorHandle;
use crate::cell::foreign::inline;
use crate::cell::run::cancel;
use crate::cell::run::run_loop;
use crate::cell::state::body;
use crate::cell::state::chain::Chain;
use crate::cell::state::header::{CellRef, Header};
use crate::cell::state::observer::Observer;
use crate::cell::state::word::{Attach, Receiver, Seen, Word};
use crate::cell::wait::graph::Awaited;
use crate::cell::wait::park;
use crate::cell::work::consumer::Consumer;
use crate::cell::work::step::{Step, Work};
use crate::cell::work::vtables::{JobTable, LinkTable, Origin, PlainTable};
use crate::failure::{Failure, Outcome};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::timeout::Timeout;
use crate::trace::Trace;

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
        // SAFETY: the new cell is the caller's alone.
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
    /// two run loops must never share a root.
    #[inline]
    pub(in crate::cell) fn into_root_of_more(self, location: &'static Location<'static>) -> Self {
        match self.seen() {
            Seen::Pending | Seen::Settled => self,
            _ => self.replaced(location),
        }
    }

    #[cold]
    fn replaced(mut self, location: &'static Location<'static>) -> Self {
        match self.take() {
            Some(outcome) => Self::settled(outcome, location),
            None => self,
        }
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
                let outcome = body::take_written::<T, E>(self.cell());
                match &outcome {
                    Ok(_) => self.header().word.taken(false),
                    Err(failure) if failure.stays() => {
                        if let Some(again) = failure.again() {
                            body::put_outcome::<T, E>(self.cell(), Err(again));
                        }
                    }
                    Err(_) => {
                        self.header().provenance.show();
                        self.header().word.taken(true);
                    }
                }
                Some(outcome)
            },
        }
    }

    /// Polls as a future does: the last waker is woken.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Outcome<T, E>> {
        inline::flush(); // inside a callback this thread may be about to block
        if budget::counts() && self.is_settled() {
            ready!(budget::spend(context));
        }
        if let Some(outcome) = self.take() {
            return Poll::Ready(outcome);
        }
        let word = &self.header().word;
        // SAFETY: a listener that was taken out is ours.
        unsafe {
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
    fn header(&self) -> &Header {
        // SAFETY: alive while we are its consumer.
        unsafe { self.cell().header() }
    }

    fn seen(&self) -> Seen {
        self.header().word.seen()
    }

    /// What the chain began with.
    fn root(&self) -> &Header {
        // SAFETY: the root lives as long as its chain's tail.
        unsafe { self.cell().root().header() }
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
        unsafe { body::outcome::<T, E>(self.cell()).is_some_and(Result::is_err) }
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
        self.root().up.follows()
    }

    /// What a pending chain began with: how and where it was made.
    pub(crate) fn begun_by(&self) -> Option<(&'static str, &'static Location<'static>)> {
        let header = self.root();
        header.provenance.location().map(|place| (header.vtable().kind, place))
    }

    /// Whether what a pending chain began with has run, or has settled: its callbacks are queued, or run.
    pub(crate) fn has_begun(&self) -> bool {
        !self.root().up.is_waiting()
    }

    /// What the job that a pending chain began with is doing, for `Debug`; nothing if it began with none.
    pub(crate) fn job_state(&self) -> Option<&'static str> {
        let header = self.root();
        let alone = self.header().is_root();
        match header.up.is_waiting() {
            _ if !header.vtable().job => None,
            true => header.up.is_queued().then_some("queued"),
            false => Some(if alone { "running" } else { "begun" }),
        }
    }

    /// Cancels the chain. `false`: it had settled.
    pub(crate) fn cancel(&self) -> bool {
        // SAFETY: alive while we are its consumer.
        unsafe { cancel::cancel(self.cell()) }
    }

    /// Leaves what goes on, also where leaving would cancel it.
    pub(crate) fn detach(self) {
        let cell = self.into_cell();
        // SAFETY: the consumer's handle is gone, and this gives its part up.
        unsafe { cancel::detach(cell) };
    }

    /// The way that a failure came; empty as long as there is none.
    pub(crate) fn trace(&self, failed: bool) -> Trace {
        if !failed {
            return Trace::new();
        }
        let (header, kind) = (self.header(), self.header().vtable().kind);
        match self.seen() {
            Seen::Cancelled | Seen::Arrived => header.provenance.made(kind), // a late producer may be at work
            // SAFETY: settled with an outcome, so the cell is ours, and `&self` only reads.
            _ => unsafe { header.provenance.trace(kind) },
        }
    }
}

// SAFETY: the consumer keeps its cell, and waiting does not give it up.
unsafe impl<T, E> Awaited for Consumer<T, E> {
    fn is_settled(&self) -> bool {
        Consumer::is_settled(self)
    }

    fn tail(&self) -> Option<CellRef> {
        Some(self.cell())
    }

    fn wait(&mut self, timeout: Timeout, called: &AtomicBool) -> bool {
        park::wait(&self.header().word, timeout, called) // `&mut self` makes this the only waiter
    }
}

/// Puts an observer in the consumer's place; it may be notified before this returns.
///
/// # Safety
/// The caller has the cell from [`Consumer::into_observed`], once, and owns what `observer` begins,
/// which lives until it has been notified.
pub(in crate::cell) unsafe fn observe(cell: CellRef, observer: *const Observer) {
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
        run_loop::hand_on(cell, receiver);
    }
}

impl<T, E> Drop for Consumer<T, E> {
    fn drop(&mut self) {
        // SAFETY: the consumer's handle is going.
        unsafe { cancel::leave(self.cell()) };
    }
}
