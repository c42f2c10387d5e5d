//! Promises of different types watched together, until all have values or one has failed: a join of a
//! tuple or an array, in one block.
//!
//! ```text
//!   ┌────────┬─────────────────┬─────────┬─────────────────┬───────────────────┬──────────┐
//!   │ target │ the result cell │ mailbox │ handler, ending │ a slot each input │ producer │
//!   └────────┴─────────────────┴─────────┴─────────────────┴───────────────────┴──────────┘
//! ```
//!
//! It works as a list does (see `drain`): an input's cell tells its slot when it settles, the slot puts
//! itself into the mailbox, and whoever finds that armed has the right to drain. The values stay in
//! their cells until all have come. The block, and nothing else, is allocated: it has room for the
//! result's cell and for its cancellation handler.
//!
//! Two have a reference to the block: the run, until all inputs have come, and the result's cell, until
//! it would be freed. As long as the cell has handlers, that is the reference in their list.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit, offset_of};
use std::panic::Location;

use super::body::Part;
use super::cancel::cancel_root;
use super::consumer::{self, Consumer};
use super::entries::{self, Entries};
use super::handlers::{Cancel, Node};
use super::header::{CellRef, Dropped, VTable};
use super::inputs::Inputs;
use super::items::way_of;
use super::later;
use super::mailbox::{Armed, Mailbox};
use super::observer::{Observer, Target};
use super::producer::Producer;
use super::slots::{Slot, State};
use super::tables::{Origin, PlainTable};
use super::wave::{self, Delivery};
use crate::failure::{Failure, drop_quietly};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};

/// What the inputs and the result share. The target comes first, so that its address is that of the
/// block.
#[repr(C)]
struct Block<I: Inputs<N>, const N: usize> {
    target: Target,
    /// The result's cell.
    result: Part<I::Values, I::Err>,
    mailbox: Mailbox,
    /// The result's cancellation handler.
    handler: UnsafeCell<MaybeUninit<Node>>,
    /// An entry that no input has: nobody wants the result any more.
    end: UnsafeCell<Slot>,
    /// Whether that entry is on its way.
    ended: AtomicBool,
    slots: UnsafeCell<[MaybeUninit<Slot>; N]>,
    /// Touched by whoever has the right to drain.
    drained: UnsafeCell<Drained<I, N>>,
}

// SAFETY: outcomes go from thread to thread, and are Send; all else is behind the right to drain,
// which the mailbox hands on, or atomic. The node is the handlers' list's.
unsafe impl<I: Inputs<N>, const N: usize> Sync for Block<I, N> {}
// SAFETY: as above.
unsafe impl<I: Inputs<N>, const N: usize> Send for Block<I, N> {}

struct Drained<I: Inputs<N>, const N: usize> {
    /// `None` once the result is settled.
    producer: Option<Producer<I::Values, I::Err>>,
    /// How many inputs have not come.
    missing: usize,
    /// The first input that has come cancelled, as long as another failure may have come with it.
    cancelled: Option<*mut Slot>,
    /// The result was settled as cancelled, because an input was.
    was_cancelled: bool,
}

impl<I: Inputs<N>, const N: usize> Drained<I, N> {
    fn new(missing: usize) -> Self {
        Drained { producer: None, missing, cancelled: None, was_cancelled: false }
    }

    /// Why an input that comes when the result is settled is dropped: a failure behind a cancellation may
    /// be what caused it, and is reported.
    fn late(&self) -> Dropped {
        if self.was_cancelled { Dropped::Unseen } else { Dropped::Superseded }
    }
}

/// The index of the entry that ends the join.
const END: u32 = u32::MAX;

/// Joins the inputs: all values, or the first failure in time.
pub(crate) fn join<O: Origin, I: Inputs<N>, const N: usize>(
    inputs: I,
    location: &'static Location<'static>,
) -> Consumer<I::Values, I::Err> {
    let block = Block::<I, N>::new();
    let cells = inputs.into_cells(location);
    // SAFETY: nobody else has the block; the right to drain is ours until `drain` gives it up. The slots
    // stay where they are, and the run's reference keeps the block until all inputs have come.
    unsafe {
        let address = Arc::as_ptr(&block).cast_mut();
        let target = address.cast_const().cast::<Target>();
        let table = const { &ResultTable::<O, I, N>::TABLE };
        let (mut producer, result) = Producer::pair_in(&raw mut (*address).result, table, location);
        (*block.end.get()).observer.target = target;
        for (slot, (index, cell)) in (*block).each_slot().zip((0..).zip(cells)) {
            slot.write(Slot::new(target, Some(cell), index));
        }
        producer.waits_in(block.handler.get().cast(), block.clone());
        (*block.drained.get()).producer = Some(producer);
        for (slot, cell) in block.each_slot().zip(cells) {
            consumer::observe(cell, slot.cast::<Observer>());
        }
        later::shield(|| {
            wave::hand_on_settled(drain(Arc::into_raw(block), Entries::none()));
        });
        result
    }
}

/// The table of the result's cell.
struct ResultTable<O, I, const N: usize>(PhantomData<(O, I)>);

impl<O: Origin, I: Inputs<N>, const N: usize> ResultTable<O, I, N> {
    const TABLE: VTable = VTable {
        give_up: Some(Block::<I, N>::give_up_result),
        ..PlainTable::<O, I::Values, I::Err>::TABLE
    };
}

impl<I: Inputs<N>, const N: usize> Block<I, N> {
    fn new() -> Arc<Self> {
        Arc::new(Block {
            target: Target { notify: notify::<I, N> },
            result: Part::new(),
            mailbox: Mailbox::new(),
            handler: UnsafeCell::new(MaybeUninit::uninit()),
            end: UnsafeCell::new(Slot::new(std::ptr::null(), None, END)),
            ended: AtomicBool::new(false),
            slots: UnsafeCell::new([const { MaybeUninit::uninit() }; N]),
            drained: UnsafeCell::new(Drained::new(N)),
        })
    }

    /// The result's cell would be freed.
    unsafe fn give_up_result(cell: CellRef) {
        // SAFETY: the cell is a part of a block, to which it has a reference since `close`. Its address
        // was made from that of the block.
        unsafe {
            let block = cell.as_ptr().byte_sub(offset_of!(Self, result)).cast::<Self>();
            drop(Arc::from_raw(block.cast_const()));
        }
    }

    /// The addresses of the slots.
    fn each_slot(&self) -> impl Iterator<Item = *mut Slot> + use<I, N> {
        let first = self.slots.get().cast::<Slot>();
        // SAFETY: within the array.
        (0..N).map(move |index| unsafe { first.add(index) })
    }
}

// ── Draining ─────────────────────────────────────────────────────────────────────────────────────

/// An input's cell has settled: its slot goes to the drainer.
unsafe fn notify<I: Inputs<N>, const N: usize>(
    observer: *const Observer,
    _: CellRef,
) -> Option<Delivery> {
    // SAFETY: the observer is a slot's first field, and the block lives until all inputs have come;
    // afterwards it is used only by who was given the right to drain.
    unsafe {
        let slot = observer.cast_mut().cast::<Slot>();
        push((*observer).target.cast::<Block<I, N>>(), slot)
    }
}

/// Gives an entry to the drainer, or drains.
unsafe fn push<I: Inputs<N>, const N: usize>(
    block: *const Block<I, N>,
    slot: *mut Slot,
) -> Option<Delivery> {
    // SAFETY: the caller keeps the block, and has a slot that is in no mailbox. Only `drain` arms it.
    unsafe {
        match (*block).mailbox.push(slot.cast(), &(*slot).next) {
            Some(Armed::Policy) => drain(block, Entries::one(slot)),
            _ => None,
        }
    }
}

/// With the right to drain, and what has come with it: acts on what comes; gives the right up, and the
/// run's reference when all inputs have come. The result, if all have values, is the caller's to hand on.
unsafe fn drain<I: Inputs<N>, const N: usize>(
    block: *const Block<I, N>,
    mut come: Entries,
) -> Option<Delivery> {
    // SAFETY: the right to drain makes `drained`, and the slots that have come, ours; the run's
    // reference keeps the block.
    unsafe {
        loop {
            let mut entry = come.first();
            while !entry.is_null() {
                let next = entries::after(entry);
                match (*entry).index {
                    END => (*block).give_up(),
                    _ => (*block).arrived(entry),
                }
                entry = next;
            }
            if (*block).drained().cancelled.is_some() {
                come = Entries::of(&(*block).mailbox);
                if !come.first().is_null() {
                    continue;
                }
                (*block).all_seen();
            }
            if (*block).drained().missing == 0 {
                let result = (*block).complete();
                drop(Arc::from_raw(block));
                return result;
            }
            if (*block).mailbox.arm(Armed::Policy) {
                return None;
            }
            come = Entries::of(&(*block).mailbox);
        }
    }
}

/// All of this is for whoever has the right to drain.
impl<I: Inputs<N>, const N: usize> Block<I, N> {
    /// # Safety
    /// The caller has the right to drain, and uses no other reference from here.
    #[expect(clippy::mut_from_ref, reason = "the right to drain makes it the caller's")]
    unsafe fn drained(&self) -> &mut Drained<I, N> {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.drained.get() }
    }

    /// Takes the producer, if the result is not settled, to settle it. From now on nobody finds the inputs
    /// through the result, so that their cells may be freed; and its cell has a reference to the block.
    ///
    /// # Safety
    /// As for [`drained`](Self::drained).
    unsafe fn close(&self) -> Option<Producer<I::Values, I::Err>> {
        // SAFETY: the caller's promise. The end's target is the address of the block, to which the run
        // has a reference.
        unsafe {
            let mut producer = self.drained().producer.take()?;
            match producer.take_handlers() {
                Some(handlers) => mem::forget(handlers), // their reference is the cell's from now on
                None => {
                    let block = (*self.end.get()).observer.target.cast::<Self>();
                    Arc::increment_strong_count(block);
                }
            }
            Some(producer)
        }
    }

    /// An input has come. The first failure settles the join, when the others are cancelled; a cancellation
    /// only when all that has come was seen, since a failure among it may be the cause.
    ///
    /// # Safety
    /// As for [`drained`](Self::drained); the slot is that of an input that has settled.
    unsafe fn arrived(&self, slot: *mut Slot) {
        // SAFETY: the caller's promise. The settled cell is ours.
        unsafe {
            (*slot).state = State::Arrived;
            self.drained().missing -= 1;
            let Some(cell) = (*slot).cell else { return };
            if self.drained().producer.is_none() {
                let why = self.drained().late();
                return discard(slot, cell, why);
            }
            match I::take_failure((*slot).index as usize, cell) {
                Some(Failure::Cancelled) => _ = self.drained().cancelled.get_or_insert(slot),
                Some(failure) => self.fail(slot, cell, failure),
                None => {}
            }
        }
    }

    /// Nothing else has come so far.
    ///
    /// # Safety
    /// As for [`drained`](Self::drained).
    unsafe fn all_seen(&self) {
        // SAFETY: the caller's promise. The slot's cell is ours, as long as the result is not settled.
        unsafe {
            let Some(slot) = self.drained().cancelled.take() else { return };
            let Some(cell) = (*slot).cell.filter(|_| self.drained().producer.is_some()) else {
                return;
            };
            self.drained().was_cancelled = true;
            self.fail(slot, cell, Failure::Cancelled);
        }
    }

    /// The failure of an input, which was taken, is that of the whole.
    ///
    /// # Safety
    /// As for [`drained`](Self::drained); the cell is that of the slot, and ours.
    unsafe fn fail(&self, slot: *mut Slot, cell: CellRef, failure: Failure<I::Err>) {
        // SAFETY: the caller's promise.
        unsafe {
            (*slot).state = State::Taken;
            let way = way_of(cell.header());
            let Some(producer) = self.close() else { return };
            wave::release(cell);
            self.give_up();
            producer.settle_by_way(Err(failure), way, (*slot).index as usize);
        }
    }

    /// Nobody needs the inputs any more: what has come goes, what has not is cancelled.
    ///
    /// # Safety
    /// As for [`drained`](Self::drained).
    unsafe fn give_up(&self) {
        // SAFETY: the caller's promise. A cell that has arrived is ours, and one that has not is kept
        // until its slot is taken out of the mailbox.
        unsafe {
            drop_quietly(self.close());
            self.each_in(State::Arrived)
                .for_each(|(slot, cell)| discard(slot, cell, Dropped::Superseded));
            self.each_in(State::Pending).for_each(|(_, cell)| cancel_root(cell.root()));
        }
    }

    /// The inputs in this state, when it is their turn.
    ///
    /// # Safety
    /// As for [`drained`](Self::drained).
    unsafe fn each_in(&self, state: State) -> impl Iterator<Item = (*mut Slot, CellRef)> {
        self.each_slot().filter_map(move |slot| {
            // SAFETY: the caller's promise; others than the drainer use the atomic `next` only.
            let cell = unsafe { (*slot).cell.filter(|_| (*slot).state == state) };
            Some((slot, cell?))
        })
    }

    /// All inputs have come: with values, unless the result is settled. Gives the result, if it is to
    /// be handed on.
    ///
    /// # Safety
    /// As for [`drained`](Self::drained).
    unsafe fn complete(&self) -> Option<Delivery> {
        // SAFETY: the caller's promise. All cells have arrived, and none was taken, for then the
        // producer would be gone.
        unsafe {
            let producer = self.close()?;
            let slots = self.slots.get().cast::<Slot>();
            let cells = std::array::from_fn(|index| (*slots.add(index)).cell);
            let cells = cells.map(|cell| cell.unwrap_unchecked());
            let values = I::take_values(cells);
            cells.into_iter().for_each(|cell| wave::release(cell));
            producer.settle_in_wave(Ok(values))
        }
    }
}

/// Drops the outcome of an input that has come.
///
/// # Safety
/// The settled cell of this slot is the caller's.
unsafe fn discard(slot: *mut Slot, cell: CellRef, why: Dropped) {
    // SAFETY: the caller's promise.
    unsafe {
        (*slot).state = State::Taken;
        later::discard(cell, why);
    }
}

impl<I: Inputs<N>, const N: usize> Cancel for Block<I, N> {
    fn cancel(self: Arc<Self>) {
        // ORDERING: Relaxed, only so that the entry is pushed once.
        if !self.ended.swap(true, Ordering::Relaxed) {
            // SAFETY: the swap makes this the only push of this entry.
            later::shield(|| unsafe {
                wave::hand_on_settled(push(Arc::as_ptr(&self), self.end.get()));
            });
        }
    }
}
