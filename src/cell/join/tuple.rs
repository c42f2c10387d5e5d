//! Tuples and arrays: promises of different types joined, until all have values or one has failed; in one
//! allocation, the engine.
//!
//! ```text
//!   ┌────────┬─────────────────┬─────────┬───────────────────┬─────────┬─────┬──────────┐
//!   │ target │ the result cell │ handler │ a slot each input │ queue … │ log │ producer │
//!   └────────┴─────────────────┴─────────┴───────────────────┴─────────┴─────┴──────────┘
//! ```
//!
//! The values stay in their cells until all have come. Three have a reference to the engine: the run,
//! until all inputs have come; the result's cell, until it would be freed; and its cancellation handler,
//! whose memory is in the engine, too.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit, offset_of};
use std::panic::Location;

use super::collector::CloseReason;
use super::engine::{self, Complete, Engine, Join};
use super::inputs::Inputs;
use super::slot::{Slot, State};
use crate::cell::defer::free;
use crate::cell::defer::handlers::Node;
use crate::cell::ends::producer::Producer;
use crate::cell::state::body::Part;
use crate::cell::state::header::{CellRef, Dropped, VTable};
use crate::cell::work::consumer::Consumer;
use crate::cell::work::vtables::{Origin, PlainTable, way_of};
use crate::failure::{Failure, drop_quietly};
use crate::sync::Arc;

/// What other threads see of the join.
#[repr(C)]
pub(super) struct Shared<I: Inputs<N>, const N: usize> {
    /// The result's cell.
    result: Part<I::Values, I::Err>,
    /// The result's cancellation handler: the handlers' list's.
    handler: UnsafeCell<MaybeUninit<Node>>,
    /// The driver's. Made in place, since there may be very many.
    slots: UnsafeCell<[MaybeUninit<Slot>; N]>,
}

/// What the driver of the join has.
pub(super) struct Tuple<I: Inputs<N>, const N: usize> {
    /// `None` once the result is settled.
    producer: Option<Producer<I::Values, I::Err>>,
    /// How many inputs have not come.
    missing: usize,
    /// The first input that has come cancelled, as long as another failure may have come with it.
    cancelled: Option<u32>,
    /// The result was settled as cancelled, because an input was.
    was_cancelled: bool,
}

/// Joins the inputs: all values, or the first failure in time.
pub(crate) fn join<O: Origin, I: Inputs<N>, const N: usize>(
    inputs: I,
    location: &'static Location<'static>,
) -> Consumer<I::Values, I::Err> {
    let cells = inputs.into_cells(location);
    let shared = Shared::<I, N> {
        result: Part::new(),
        handler: UnsafeCell::new(MaybeUninit::uninit()),
        slots: UnsafeCell::new([const { MaybeUninit::uninit() }; N]),
    };
    let join = Tuple { producer: None, missing: N, cancelled: None, was_cancelled: false };
    let engine = Engine::<Tuple<I, N>>::new(shared, join);
    // SAFETY: we are the driver until `run`. Part, node and slots stay where they are: their references to
    // the engine keep the part and the node, the run's keeps the slots (rule 1). A reference is made for
    // the cell, for `give_up_result`. The cells are the inputs', one by one.
    unsafe {
        let address = Arc::as_ptr(&engine).cast_mut();
        let table = const { &ResultTable::<O, I, N>::TABLE };
        let part = &raw mut (*address).shared.result;
        let (mut producer, result) = Producer::pair_in(part, table, location);
        Arc::increment_strong_count(address);
        producer.waits_in(engine.shared.handler.get().cast(), engine.clone());
        engine.role().join.producer = Some(producer);
        for (index, cell) in cells.into_iter().enumerate() {
            let slot = engine.shared.slots.get().cast::<Slot>().add(index);
            slot.write(Slot::new(Engine::target(&engine), index as u32));
            (*slot).hold(cell);
        }
        engine.shared.slots().iter().for_each(|slot| slot.observe());
        engine::run(engine);
        result
    }
}

impl<I: Inputs<N>, const N: usize> Shared<I, N> {
    fn slots(&self) -> &[Slot; N] {
        // SAFETY: `join` has made them before anything else is done with the engine.
        unsafe { &*self.slots.get().cast() }
    }
}

/// The table of the result's cell.
struct ResultTable<O, I, const N: usize>(PhantomData<(O, I)>);

impl<O: Origin, I: Inputs<N>, const N: usize> ResultTable<O, I, N> {
    const TABLE: VTable = VTable {
        give_up: Some(give_up_result::<I, N>),
        ..PlainTable::<O, I::Values, I::Err>::TABLE
    };
}

/// The result's cell would be freed.
///
/// # Safety
/// The cell is that of a join of these inputs, and gives up its reference.
unsafe fn give_up_result<I: Inputs<N>, const N: usize>(cell: CellRef) {
    // SAFETY: the cell is a part of the engine, to which it has a reference. Its address was made from
    // that of the engine.
    unsafe {
        let part = offset_of!(Engine<Tuple<I, N>>, shared) + offset_of!(Shared<I, N>, result);
        let engine = cell.as_ptr().byte_sub(part).cast::<Engine<Tuple<I, N>>>();
        drop(Arc::from_raw(engine.cast_const()));
    }
}

impl<I: Inputs<N>, const N: usize> Join for Tuple<I, N> {
    type Shared = Shared<I, N>;
    type Outcomes = (I::Values, I::Err);

    /// The first failure settles the join, when the others are cancelled; a cancellation only when all
    /// that has come was seen, since a failure among it may be the cause.
    fn arrived(&mut self, engine: &Engine<Self>, slot: &Slot) {
        slot.enter();
        self.missing -= 1;
        if self.producer.is_none() {
            // A failure behind a cancellation may be what caused it, and is reported.
            let late = if self.was_cancelled { Dropped::Unseen } else { Dropped::Superseded };
            return slot.discard(late);
        }
        let Some(cell) = slot.cell_if(State::Arrived) else { return };
        // SAFETY: a cell that has arrived is the driver's (rule 3), and that of this input. A failure that is
        // taken here, but not the cell, is forgotten: it stays in there.
        match unsafe { I::TAKE_FAILURE[slot.index as usize](cell) } {
            Some(failure) if failure.is_cancelled() => {
                mem::forget(failure);
                self.cancelled.get_or_insert(slot.index);
            }
            Some(failure) => self.fail(engine, slot, failure),
            None => {}
        }
    }

    fn closed(&mut self, engine: &Engine<Self>, _: CloseReason) {
        drop_quietly(self.close());
        Self::let_go(engine);
    }

    fn all_seen(&mut self, engine: &Engine<Self>, _: bool) -> Option<Complete> {
        if let Some(index) = self.cancelled.take().filter(|_| self.producer.is_some()) {
            self.was_cancelled = true;
            let slot = &engine.shared.slots()[index as usize];
            let cell = slot.cell_if(State::Arrived);
            // SAFETY: as in `arrived`, where it has stayed in the cell; `fail` takes the cell now.
            let failure = cell.and_then(|cell| unsafe { I::TAKE_FAILURE[index as usize](cell) });
            self.fail(engine, slot, failure.expect("it has stayed in its cell"));
        }
        (self.missing == 0).then(|| self.complete(engine))
    }
}

impl<I: Inputs<N>, const N: usize> Tuple<I, N> {
    /// Takes the producer, if the result is not settled, to settle it. The handler's reference is given up.
    fn close(&mut self) -> Option<Producer<I::Values, I::Err>> {
        let mut producer = self.producer.take()?;
        drop(producer.take_handlers()); // ours, if the join was not cancelled
        Some(producer)
    }

    /// All inputs have come: with values, unless the result is settled.
    fn complete(&mut self, engine: &Engine<Self>) -> Complete {
        let producer = self.close()?;
        let cells = engine.shared.slots().each_ref().map(Slot::take);
        let cells = cells.map(|cell| cell.expect("an input that was taken has closed the join"));
        // SAFETY: all cells have arrived with values, were the driver's (rule 3), and are those of the inputs.
        unsafe {
            let values = I::take_values(cells);
            cells.into_iter().for_each(|cell| free::release(cell));
            producer.settle_in_wave(Ok(values))
        }
    }

    /// The failure of an input, which was taken, is that of the whole.
    fn fail(&mut self, engine: &Engine<Self>, slot: &Slot, failure: Failure<I::Err>) {
        if let (Some(producer), Some(cell)) = (self.close(), slot.take()) {
            // SAFETY: the cell has arrived, and was the driver's (rule 3); its outcome was taken.
            let way = unsafe {
                let way = Some(way_of(cell.header()));
                free::release(cell);
                way
            };
            Self::let_go(engine);
            producer.settle_by_way(Err(failure), way, slot.index as usize);
        }
    }

    /// Nobody needs the inputs any more: what has come goes, what has not is cancelled.
    fn let_go(engine: &Engine<Self>) {
        engine.shared.slots().iter().for_each(|slot| slot.discard(Dropped::Superseded));
        engine.shared.slots().iter().for_each(|slot| slot.cancel(false));
    }
}
