//! The writing end of a cell that has no work, as a safe handle.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;

use crate::cell::defer::followed;
use crate::cell::defer::free;
use crate::cell::defer::handlers::{self, Cancel, Handler, Handlers, Node};
use crate::cell::defer::trampoline;
use crate::cell::run::follow;
use crate::cell::run::run_loop;
use crate::cell::state::body::{self, Part};
use crate::cell::state::chain::Chain;
use crate::cell::state::header::{CellRef, Dropped, FailureKind, Header, VTable};
use crate::cell::state::observer::Delivery;
use crate::cell::state::word::Word;
use crate::cell::wait::park;
use crate::cell::work::consumer::Consumer;
use crate::cell::work::vtables::{Origin, PlainTable};
use crate::failure::{Outcome, contain};
use crate::sync::Arc;
use crate::sync::atomic::AtomicPtr;
use crate::trace::Trace;

/// The only producer of a cell. Dropping it settles the cell as abandoned.
pub(crate) struct Producer<T, E> {
    cell: CellRef,
    /// Whether a cancellation handler was ever added: else the list need not be looked at.
    has_handlers: bool,
    /// Invariant, because it only writes: a producer of `fn(&'static str)` must not be had from one of
    /// `for<'a> fn(&'a str)`.
    types: PhantomData<*mut Outcome<T, E>>,
}

// SAFETY: an outcome is given from the thread that has the producer, so it must be Send; all else
// that is shared with the consumer is atomic.
unsafe impl<T: Send, E: Send> Send for Producer<T, E> {}
// SAFETY: `&Producer` only looks at the chain word.
unsafe impl<T: Send, E: Send> Sync for Producer<T, E> {}

impl<T: 'static, E: 'static> Producer<T, E> {
    /// Both ends of a new cell.
    pub(crate) fn pair<O: Origin>(location: &'static Location<'static>) -> (Self, Consumer<T, E>) {
        let table = const { &PlainTable::<O, T, E>::TABLE };
        let header = Header::new(table, Word::pending(), Chain::deferred(), location);
        let cell = body::with_work::<(), T, E>(header, ());
        let producer = Producer { cell, has_handlers: false, types: PhantomData };
        // SAFETY: the new cell has no other consumer.
        (producer, unsafe { Consumer::from_cell(cell) })
    }

    /// Both ends of a new cell in memory that is there.
    ///
    /// # Safety
    /// As for [`body::in_part`], and the table is a [`PlainTable`] of this `T` and `E` with such a
    /// `give_up`.
    pub(in crate::cell) unsafe fn pair_in(
        part: *mut Part<T, E>,
        table: &'static VTable,
        location: &'static Location<'static>,
    ) -> (Self, Consumer<T, E>) {
        let header = Header::new(table, Word::pending(), Chain::deferred(), location);
        // SAFETY: the caller's promise; the new cell has no other consumer.
        unsafe {
            let cell = body::in_part(header, part);
            let producer = Producer { cell, has_handlers: false, types: PhantomData };
            (producer, Consumer::from_cell(cell))
        }
    }

    /// Settles the cell. An outcome that comes after a cancellation is dropped.
    // Inline, so that the outcome is made where it stays: copied at once it would be waited for.
    #[inline]
    pub(crate) fn settle(self, outcome: Outcome<T, E>) {
        let this = ManuallyDrop::new(self);
        this.close_handlers();
        // SAFETY: we are the producer, and nothing is in the body of a pending deferred.
        unsafe {
            body::put_outcome(this.cell, outcome);
            if !publish(this.cell) {
                Self::take_back(this.cell);
            }
        }
    }

    /// As [`settle`](Self::settle), for a caller that is in the run loop. Gives what is to be handed on.
    pub(in crate::cell) fn settle_in_wave(self, outcome: Outcome<T, E>) -> Option<Delivery> {
        let this = ManuallyDrop::new(self);
        this.close_handlers();
        // SAFETY: as in `settle`.
        unsafe {
            body::put_outcome(this.cell, outcome);
            match publish_in_wave(this.cell) {
                Ok(settled) => settled,
                Err(()) => {
                    Self::take_back(this.cell);
                    None
                }
            }
        }
    }

    /// The cell was cancelled before: its outcome is dropped.
    ///
    /// # Safety
    /// The caller is the producer, has put the outcome, and gives its part up.
    #[cold]
    unsafe fn take_back(cell: CellRef) {
        // SAFETY: the caller's promise.
        unsafe {
            let late: Outcome<T, E> = body::take_written(cell);
            free::lost(cell);
            trampoline::drop_user(late);
        }
    }

    /// Settles the cell with the failure of an item of a list, which came by the way `trace`.
    pub(crate) fn settle_by_way(
        self,
        outcome: Outcome<T, E>,
        trace: Option<Box<Trace>>,
        index: usize,
    ) {
        self.came_by(trace, |trace, kind, at| trace.push_item(kind, at, index));
        self.settle(outcome);
    }

    /// Settles the cell with the outcome of another one, whose failure came by the way `trace`.
    pub(crate) fn settle_after(self, outcome: Outcome<T, E>, trace: Option<Box<Trace>>) {
        self.came_by(trace, Trace::push);
        self.settle(outcome);
    }

    /// Settles the cell with the outcome of the job that it stands for, which was made at the same
    /// place: the way is the job's.
    pub(crate) fn settle_for(self, outcome: Outcome<T, E>, trace: Option<Box<Trace>>) {
        self.came_by(trace, |_, _, _| ());
        self.settle(outcome);
    }

    fn came_by(
        &self,
        trace: Option<Box<Trace>>,
        add: impl FnOnce(&mut Trace, &'static str, &'static Location<'static>),
    ) {
        let Some(trace) = trace else { return };
        let header = self.header();
        // SAFETY: we are the producer of the cell, which is not settled: no other party reads its place.
        unsafe { header.provenance.put(trace, header.vtable().kind, add) };
    }

    /// Settles the cell with the outcome of another, as soon as that has one.
    pub(crate) fn follow(self, inner: Consumer<T, E>) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: we are the producer, and nothing is in the body.
        unsafe {
            if !this.header().up.start() {
                // The canceller takes the handlers, and may not have come to that.
                inner.cancel();
                free::lost(this.cell);
                return;
            }
            // A canceller that comes from now on finds them there.
            let handlers = if this.has_handlers { this.take_handlers() } else { None };
            handlers.into_iter().for_each(|handlers| followed::keep(this.cell, handlers));
            if let Some(cell) = follow::follow(this.cell, inner.into_cell()) {
                run_loop::settle_outside(cell);
            }
        }
    }
}

impl<T, E> Producer<T, E> {
    fn header(&self) -> &Header {
        // SAFETY: alive while we are its producer.
        unsafe { self.cell.header() }
    }

    /// Whether the consumer has cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.header().up.is_cancelled() // a deferred's cell is a root
    }

    /// Whether the promise was dropped, with nothing behind it.
    pub(crate) fn is_left(&self) -> bool {
        self.header().word.is_left()
    }

    /// Has `handler` run when the consumer cancels; at once, if it has done so.
    pub(crate) fn on_cancel(&mut self, handler: Box<dyn FnOnce() + Send>) {
        self.add(Handler::Call(handler));
    }

    /// What the promise waits for, which is cancelled when the consumer cancels.
    pub(crate) fn waits_for(&mut self, upstream: Arc<dyn Cancel>) {
        self.add(Handler::Cancel(upstream));
    }

    fn add(&mut self, handler: Handler) {
        let added = handlers::add(self.handlers(), handler);
        Self::added(added);
    }

    /// As [`waits_for`](Self::waits_for), without an allocation.
    ///
    /// # Safety
    /// `place` is memory for a node in what `upstream` keeps, and is the caller's alone.
    pub(in crate::cell) unsafe fn waits_in(&mut self, place: *mut Node, upstream: Arc<dyn Cancel>) {
        // SAFETY: the caller's promise.
        let added = unsafe { handlers::add_in(self.handlers(), place, upstream) };
        Self::added(added);
    }

    fn handlers(&mut self) -> &AtomicPtr<()> {
        self.has_handlers = true;
        &self.header().link
    }

    fn added(added: Result<(), Handler>) {
        if let Err(handler) = added {
            contain(|| handler.run());
        }
    }

    /// Nothing happens any more when this promise is cancelled. Gives the handlers, unless it was cancelled: then the canceller has them.
    pub(in crate::cell) fn take_handlers(&mut self) -> Option<Handlers> {
        self.has_handlers = false;
        handlers::close(&self.header().link)
    }

    #[inline]
    fn close_handlers(&self) {
        if self.has_handlers {
            close_list(self.header());
        }
    }
}

/// The producer is about to settle: its handlers are run if it was cancelled, by a thread that has not come to them,
/// and dropped else.
#[cold]
fn close_list(header: &Header) {
    match handlers::close(&header.link) {
        Some(handlers) if header.up.is_cancelled() => trampoline::handle(handlers),
        Some(handlers) => trampoline::drop_user(handlers),
        None => {}
    }
}

/// Makes known the outcome that is in the body. `false`: the chain was cancelled before, nothing has
/// changed, and [`free::lost`] is due when the outcome has been taken back.
///
/// # Safety
/// The caller is the producer of a deferred's cell.
// Not inline: the settling of an outcome that the caller has just made was twice as slow with it.
#[inline(never)]
unsafe fn publish(cell: CellRef) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let published = publish_in_wave(cell);
        published.map(|settled| run_loop::hand_on_settled(settled)).is_ok()
    }
}

/// As [`publish`]. Gives what is to be handed on; an error is its `false`.
///
/// # Safety
/// As for `publish`.
#[inline]
unsafe fn publish_in_wave(cell: CellRef) -> Result<Option<Delivery>, ()> {
    // SAFETY: the caller's promise.
    unsafe {
        // A chain of one cell: then a cancellation comes by the state word too, and the chain word
        // need not be won.
        let header = cell.header();
        match header.word.settle_alone() {
            Ok(None) => Ok(None),
            Ok(Some(listener)) => {
                park::wake(listener);
                Ok(None)
            }
            // Something is attached, or the consumer has left or cancelled.
            Err(()) if header.up.start() => Ok(run_loop::settled(cell, header.word.settle())),
            Err(()) => Err(()),
        }
    }
}

impl<T, E> Drop for Producer<T, E> {
    fn drop(&mut self) {
        self.close_handlers();
        // SAFETY: we are the producer, and nothing is in the body. A failure without an error of
        // the user's is dropped with no effect.
        unsafe {
            (self.header().vtable().fail)(self.cell, FailureKind::Abandoned);
            if !publish(self.cell) {
                (self.header().vtable().drop_outcome)(self.cell, Dropped::Superseded);
                free::lost(self.cell);
            }
        }
    }
}
