//! Lists: many promises of one type handled as one.
//!
//! As long as there is a [`Gather`], that is the driver; then a [`Collector`] acts on the items, on the
//! settling threads.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::task::{Context, Poll};

use super::collector::{CloseReason, Collector};
use super::engine::{self, Closer, Complete, Engine, Join, Role, Watcher};
use super::items::{Items, holds_failure};
use super::log::Log;
use super::queue::{Armed, Queue};
use super::slot::{CLOSE, Slot, State};
use super::source::Source;
use crate::cell::defer::handlers::Cancel;
use crate::cell::defer::trampoline;
use crate::cell::foreign::inline;
use crate::cell::state::header::{CellRef, Dropped};
use crate::cell::state::word::Listener;
use crate::cell::wait::graph::Awaited;
use crate::cell::wait::park;
use crate::cell::work::consumer::Consumer;
use crate::failure::{Failure, contain, drop_quietly};
use crate::sync::atomic::AtomicBool;
use crate::sync::{Arc, OnceLock};
use crate::timeout::Timeout;

/// What other threads see of a list.
pub(super) struct Shared {
    watcher: OnceLock<Watcher>,
    /// Of the first item, and the driver's.
    first: UnsafeCell<MaybeUninit<Slot>>,
}

/// What the driver of a list has.
pub(super) struct List<T, E> {
    items: Items<T, E>,
    collector: Option<Box<dyn Collector<T, E>>>,
    /// Without a handle and a collector: why what comes is dropped.
    late: Dropped,
    /// For how many items the counter was opened.
    room: usize,
}

impl<T, E> List<T, E> {
    /// Adds the items that the source wants to have ahead.
    fn refill(&mut self, log: &mut Log) {
        if self.items.recycles {
            log.forget_seen();
        }
        self.items.refill();
    }

    /// Has the collector do something. What it drops of the user's may panic.
    fn collect(&mut self, f: impl FnOnce(&mut dyn Collector<T, E>, &mut Items<T, E>)) {
        if let Some(collector) = &mut self.collector {
            contain(|| f(&mut **collector, &mut self.items));
        }
    }
}

impl<T, E> Join for List<T, E> {
    type Shared = Shared;
    type Outcomes = (T, E);

    unsafe fn has_value(cell: CellRef) -> bool {
        // SAFETY: the caller's promise; the items of a list are of its types (rule 5).
        unsafe { !holds_failure::<T, E>(cell) }
    }

    fn watcher(shared: &Shared) -> Option<&Watcher> {
        shared.watcher.get()
    }

    fn resume(&mut self, engine: &Engine<Self>) {
        if self.room > 0 {
            self.items.arrived += self.room - engine.counter.close();
            self.room = 0;
        }
    }

    unsafe fn next<'a>(&mut self, log: &mut Log, queue: &Queue) -> Option<&'a Slot> {
        loop {
            self.refill(log);
            // SAFETY: the caller's promise.
            let slot = unsafe { log.next(queue)? };
            if slot.index == CLOSE {
                return Some(slot);
            }
            self.items.enter(slot);
            if !self.items.drop_surplus(slot.index as usize) {
                return Some(slot);
            }
        }
    }

    fn arrived(&mut self, _: &Engine<Self>, slot: &Slot) {
        let index = slot.index as usize;
        if self.collector.is_none() {
            return slot.discard(self.late);
        }
        self.collect(|collector, items| collector.arrived(items, index));
        // Now that it is known whether others are wanted.
        self.items.source().iter().for_each(|source| source.seen(index));
    }

    fn closed(&mut self, _: &Engine<Self>, reason: CloseReason) {
        self.collect(|collector, items| match reason {
            CloseReason::Unwanted => collector.cancelled(items),
            CloseReason::Cancelled => collector.closed(items, Failure::Cancelled),
            CloseReason::TimedOut => collector.closed(items, Failure::TimedOut),
            CloseReason::Abandoned => collector.closed(items, Failure::Abandoned),
        });
    }

    /// Has the items counted that the collector does not have to see, but for one, which comes by the
    /// queue.
    fn all_seen(&mut self, engine: &Engine<Self>, seen: bool) -> Option<Complete> {
        if seen {
            self.collect(|collector, items| collector.all_seen(items));
        }
        if self.items.is_complete() {
            self.collect(|collector, items| collector.complete(items));
            drop_quietly(self.collector.take());
            return Some(None); // a collector settles by itself
        }
        let sees_all = self.items.source().is_some() || engine.shared.watcher.get().is_some();
        if !sees_all && self.collector.as_ref().is_some_and(|it| it.counts_values()) {
            self.room = (self.items.slots.len() - self.items.arrived).saturating_sub(1);
            engine.counter.open(self.room);
        }
        None
    }
}

/// The handle on a list, which is its driver.
pub(crate) struct Gather<T, E> {
    engine: Arc<Engine<List<T, E>>>,
    /// What a poll has left in the queue.
    armed: Option<Listener>,
}

// SAFETY: the pointer in `armed` is that of a waker, which is Send.
unsafe impl<T: Send, E: Send> Send for Gather<T, E> {}
// SAFETY: `&Gather` gives what any thread may use, and what `Awaited` reads.
unsafe impl<T: Send, E: Send> Sync for Gather<T, E> {}

impl<T: Send + 'static, E: Send + 'static> Gather<T, E> {
    pub(crate) fn new() -> Self {
        let first = UnsafeCell::new(MaybeUninit::uninit());
        let shared = Shared { watcher: OnceLock::new(), first };
        let list = List { items: Items::new(), collector: None, late: Dropped::Unseen, room: 0 };
        let engine = Engine::new(shared, list);
        let (target, first) = (Engine::target(&engine), engine.shared.first.get().cast());
        // SAFETY: we are the driver. Items and slot are parts of this engine, which stays where it is.
        unsafe { engine.role().join.items.set_engine(target, first) };
        Gather { engine, armed: None }
    }

    /// The items.
    pub(crate) fn items(&mut self) -> &mut Items<T, E> {
        &mut self.role().join.items
    }

    /// Adds an item, which is watched from now on.
    pub(crate) fn watch(&mut self, item: Consumer<T, E>, location: &'static Location<'static>) {
        let item = item.into_root_of_more(location);
        let place = self.items().slots.len();
        self.items().watch(place, item);
    }

    /// Has the list grow: its items come from `source`.
    pub(crate) fn feed(&mut self, source: Arc<dyn Source<T, E>>) {
        self.items().source = Some(source);
        self.refill();
    }

    /// Adds the items that the source wants to have ahead.
    pub(crate) fn refill(&mut self) {
        let Role { log, join } = self.role();
        join.refill(log);
    }

    /// The next item that has come, in the order of time.
    pub(crate) fn next(&mut self) -> Option<usize> {
        self.disarm(); // what is in the queue for a waker is no entry
        // SAFETY: the handle is the driver, and keeps the engine; the queue is no part of the role.
        let slot = unsafe {
            let Role { log, join } = self.engine.role();
            join.next(log, &self.engine.queue)?
        };
        Some(slot.index as usize)
    }

    /// The list's outcome was given: failures that are left are not reported.
    pub(crate) fn set_got(&mut self) {
        self.role().join.late = Dropped::Superseded;
    }

    /// Has [`next`](Self::next) begin again with the first item that has come.
    pub(crate) fn rewind(&mut self) {
        self.role().log.rewind();
    }

    /// Shows the items to `watcher` from now on, once, on the settling threads; what has come so far
    /// at once.
    pub(crate) fn tap(&mut self, watcher: Watcher) {
        self.disarm();
        let watcher = self.engine.shared.watcher.get_or_init(|| watcher);
        // SAFETY: the handle is the driver; entries are slots of the list, whose cells are its own (rule
        // 3) and of its types (rule 5), unless they were taken.
        trampoline::shield(|| unsafe {
            let log = &mut self.engine.role().log;
            log.add_newest_first(self.engine.queue.watch());
            let fails = |cell| holds_failure::<T, E>(cell);
            let come = log.each().filter(|slot| slot.state() != State::Void);
            watcher(
                &mut come.map(|slot| (slot.index as usize, slot.entry_cell().is_some_and(fails))),
            );
        });
    }

    /// Polls for an item that has come and was not asked for.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        inline::flush(); // inside a callback this thread may be about to block
        self.disarm();
        let listener = park::waker(Box::new(context.waker().clone()));
        if self.engine.queue.arm(Armed::Listener(listener)) {
            self.armed = Some(listener);
            return Poll::Pending;
        }
        // SAFETY: it did not get into the queue.
        unsafe { park::forget(listener) };
        Poll::Ready(())
    }

    /// What closes the list from anywhere, once a collector has it; owns nothing of it.
    pub(crate) fn closer(&self) -> Closer {
        Closer::new(&self.engine)
    }

    /// What cancels the list, once a collector has it.
    pub(crate) fn canceller(&self) -> Arc<dyn Cancel> {
        self.engine.clone()
    }

    /// Gives the list to a collector, which hears of all items, also of those that the handle has looked
    /// at.
    pub(crate) fn hand_to(mut self, mut collector: Box<dyn Collector<T, E>>) {
        if !collector.ends_at_failure() {
            self.items().source().iter().for_each(|source| source.carry_on());
        }
        self.rewind();
        let items = self.items();
        items.source().iter().for_each(|source| source.watch());
        trampoline::shield(|| contain(|| collector.begin(items)));
        self.role().join.collector = Some(collector); // dropping the handle gives up the role
    }
}

impl<T, E> Gather<T, E> {
    fn role(&mut self) -> &mut Role<List<T, E>> {
        // SAFETY: the handle is the driver.
        unsafe { self.engine.role() }
    }

    fn disarm(&mut self) {
        if let Some(listener) = self.armed.take() {
            if self.engine.queue.disarm(Armed::Listener(listener)) {
                // SAFETY: taken back out of the queue.
                unsafe { park::forget(listener) };
            }
        }
    }
}

/// Waits until an item has come that was not asked for.
// SAFETY: only `take` frees the cells of items.
unsafe impl<T: Send + 'static, E: Send + 'static> Awaited for Gather<T, E> {
    fn is_settled(&self) -> bool {
        // SAFETY: the handle is the driver, and lends it to look.
        let is_seen = unsafe { self.engine.look().log.is_seen() };
        !self.engine.queue.is_empty() || !is_seen
    }

    fn tail(&self) -> Option<CellRef> {
        None // many
    }

    fn wait(&mut self, timeout: Timeout, called: &AtomicBool) -> bool {
        self.disarm();
        let queue = &self.engine.queue;
        let arm = |listener| queue.arm(Armed::Listener(listener));
        let disarm = |listener| queue.disarm(Armed::Listener(listener));
        park::wait_for(|| !queue.is_empty(), arm, disarm, timeout, called)
    }
}

impl<T, E> Drop for Gather<T, E> {
    /// The driver's role goes to the collector; without one, what comes is dropped.
    fn drop(&mut self) {
        self.disarm();
        let List { items, collector, late, .. } = &mut self.role().join;
        if collector.is_none() {
            trampoline::drop_user(items.halt());
            items.slots.each().for_each(|slot| slot.cancel(true));
            items.slots.each().for_each(|slot| slot.discard(*late));
        }
        // SAFETY: the handle was the driver, and uses nothing any more.
        unsafe { engine::run(Arc::clone(&self.engine)) };
    }
}
