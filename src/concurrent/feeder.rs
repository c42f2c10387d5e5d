//! The source of a list whose items are made from inputs, no more than so many under way at once.
//!
//! Items are made ahead as empty promises; an input is drawn, and the user's function called, when
//! there is one and an earlier item has settled. That happens on the executor, one call at a time;
//! the list needs no lock for it, and no list has to be looked at for the work to go on.

use std::collections::VecDeque;
use std::panic::Location;

use super::plan::{Hint, Plan};
use super::under_way::{Pull, UnderWay};
use crate::cell::{Consumer, ExecutorHandle, Origin, Producer, Rest, Source};
use crate::failure::{Failure, Panic, catch, drop_quietly};
use crate::pass::Passing;
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::{Arc, Weak};
use crate::sync::{Mutex, MutexGuard};
use crate::telemetry::Context;

/// In place of a number: this place of the list is not ours.
const OTHERS: usize = usize::MAX;

struct Slot;

impl Origin for Slot {
    const KIND: &'static str = "map_concurrent";
}

/// What the list, the items that are under way and the next call share.
pub(super) struct Feeder<I, F, T, E> {
    me: Weak<Self>,
    location: &'static Location<'static>,
    /// Where the user has asked for it.
    context: Context,
    state: Mutex<State<I, F, T, E>>,
}

struct State<I, F, T, E> {
    plan: Plan,
    /// `None` while an item is being started, and when it is over.
    given: Option<Box<Given<I, F>>>,
    /// Items without an input, in their order.
    slots: VecDeque<Producer<T, E>>,
    /// By the places in the list: which item has it.
    numbers: Vec<usize>,
    /// Places whose items were taken.
    free: Vec<usize>,
    /// That of the first promise.
    executor: Option<ExecutorHandle>,
}

/// What is left: the items first, so that they are abandoned whatever the user's destructors do.
type Left<I, F, T, E> = (VecDeque<Producer<T, E>>, Option<Box<Given<I, F>>>);

impl<I, F, T, E> State<I, F, T, E> {
    /// Whether this place of the list is ours.
    fn is_own(&self, place: usize) -> bool {
        self.numbers.get(place).is_some_and(|number| *number != OTHERS)
    }

    /// Nothing more is started. What is left is dropped when nothing is locked.
    fn finish(&mut self, end: Option<usize>) -> Left<I, F, T, E> {
        self.plan.finish(end);
        (std::mem::take(&mut self.slots), self.given.take())
    }
}

/// What the user has given.
struct Given<I, F> {
    inputs: I,
    f: F,
    /// The iterator has said that it was at its end, and was not: what it says counts for nothing.
    lies: bool,
}

/// What has come of an input.
enum Started<T, E> {
    Promise(Promise<T, E>),
    /// The user's function has panicked.
    Panicked(Panic),
    /// There was no input.
    End,
    /// The user's iterator has panicked, which ends it.
    Broken(Panic),
}

impl<I: Iterator, F> Given<I, F> {
    fn start<T, E>(&mut self) -> Started<T, E>
    where
        F: FnMut(I::Item) -> Promise<T, E>,
    {
        match catch(|| self.inputs.next()) {
            Ok(Some(input)) => {
                catch(|| (self.f)(input)).map_or_else(Started::Panicked, Started::Promise)
            }
            Ok(None) => Started::End,
            Err(panic) => Started::Broken(panic),
        }
    }

    /// What the iterator says of the inputs that are left.
    fn left(&self) -> Hint {
        let hint = catch(|| self.inputs.size_hint()).unwrap_or((0, None));
        if self.lies { (0, None) } else { hint }
    }
}

impl<I, F, T, E> Feeder<I, F, T, E> {
    fn lock(&self) -> MutexGuard<'_, State<I, F, T, E>> {
        // No user code runs under this lock, so it is never poisoned half-way.
        self.state.lock()
    }
}

impl<I, F, T, E> Feeder<I, F, T, E>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item) -> Promise<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    pub(super) fn new(
        inputs: I,
        limit: usize,
        f: F,
        location: &'static Location<'static>,
        recycles: bool,
    ) -> Arc<Self> {
        let given = Box::new(Given { inputs, f, lies: false });
        let state = Mutex::new(State {
            plan: Plan::new(limit, given.left(), recycles),
            given: Some(given),
            slots: VecDeque::new(),
            numbers: Vec::new(),
            free: Vec::new(),
            executor: None,
        });
        let context = Context::current();
        Arc::new_cyclic(|me| Feeder { me: me.clone(), location, context, state })
    }

    /// Makes the first calls. `refill` has the list ask for items.
    pub(super) fn begin(&self, mut refill: impl FnMut()) -> ExecutorHandle {
        let limit = self.lock().plan.limit();
        for _ in 0..limit {
            refill();
            if !self.start_one() {
                break;
            }
        }
        refill();
        self.lock().plan.called();
        self.call_if_due();
        self.executor()
    }

    fn executor(&self) -> ExecutorHandle {
        let executor = self.lock().executor.clone();
        executor.unwrap_or_else(|| Pool::global().core().executor())
    }

    /// Queues the next call, if it is due.
    fn call_if_due(&self) {
        let due = self.lock().plan.call_if_due();
        let Some(me) = self.me.upgrade().filter(|_| due) else { return };
        let start: Consumer<(), E> = Consumer::settled(Ok(()), self.location);
        let call = Promise::new(start, self.executor()).link(Pull::new(me), None, self.location);
        drop(call);
    }

    /// Starts an item. `false`: nothing more can be started now.
    fn start_one(&self) -> bool {
        let mut state = self.lock();
        if !state.plan.can_start() {
            return false;
        }
        let Some(mut given) = state.given.take() else {
            return false; // not reachable: one call at a time
        };
        drop(state);
        while let Some(goes_on) = self.start_next(&mut given) {
            if !goes_on {
                self.put_back(given, false);
                return false;
            }
            // The end is known only when the iterator has come to it; who waits should not have to wait
            // for the next call.
            if given.left().1 != Some(0) {
                break;
            }
            given.lies = true;
        }
        self.put_back(given, true);
        true
    }

    /// Draws an input for the next item. `None`: no item is there for it; `false`: there was none.
    fn start_next(&self, given: &mut Given<I, F>) -> Option<bool> {
        let mut state = self.lock();
        let slot = state.slots.pop_front()?;
        let number = state.plan.start();
        drop(state);
        let started = self.context.within(|| given.start());
        let goes_on = !matches!(started, Started::End | Started::Broken(_));
        self.settle(slot, number, started);
        Some(goes_on)
    }

    fn settle(&self, slot: Producer<T, E>, number: usize, started: Started<T, E>) {
        match started {
            Started::Promise(promise) => {
                let (consumer, own) = promise.into_parts();
                let mut state = self.lock();
                state.plan.drew();
                let executor = state.executor.get_or_insert_with(|| own.clone()).clone();
                drop(state);
                let Some(me) = self.me.upgrade() else { return };
                let promise = Promise::new(consumer, executor);
                let promise = promise.link(Passing(UnderWay::new(me)), None, self.location);
                slot.follow(promise.into_parts().0);
            }
            Started::Panicked(panic) => {
                self.lock().plan.drew();
                self.settled(true);
                slot.settle(Err(Failure::Panicked(panic)));
            }
            Started::Broken(panic) => {
                let left = self.lock().finish(Some(number + 1));
                self.settled(true);
                slot.settle(Err(Failure::Panicked(panic)));
                drop_quietly(left);
            }
            Started::End => {
                let left = self.lock().finish(Some(number));
                self.settled(false);
                drop(slot); // it does not count
                drop_quietly(left);
            }
        }
    }

    /// After an item was started: `goes_on`, unless there was no input for it.
    fn put_back(&self, given: Box<Given<I, F>>, goes_on: bool) {
        let hint = goes_on.then(|| given.left());
        let mut state = self.lock();
        if let Some(hint) = hint.filter(|_| !state.plan.is_over()) {
            state.plan.look_ahead(hint);
            state.given = Some(given);
            return;
        }
        drop(state);
        drop_quietly(given);
    }
}

impl<I, F, T, E> Source<T, E> for Feeder<I, F, T, E>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item) -> Promise<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn more(&self, len: usize) -> Option<(usize, Consumer<T, E>)> {
        let mut state = self.lock();
        if !state.plan.wants_item() {
            return None;
        }
        let place = state.free.pop().unwrap_or(len);
        let (producer, consumer) = Producer::pair::<Slot>(self.location);
        state.slots.push_back(producer);
        if state.numbers.len() <= place {
            state.numbers.resize(place + 1, OTHERS); // somebody else has those in between
        }
        state.numbers[place] = state.plan.make();
        drop(state);
        self.call_if_due();
        Some((place, consumer))
    }

    fn number(&self, place: usize) -> Option<usize> {
        let state = self.lock();
        match state.numbers.get(place) {
            Some(&number) if number != OTHERS => state.plan.counts(number).then_some(number),
            _ => Some(place),
        }
    }

    fn known(&self) -> usize {
        self.lock().plan.known()
    }

    fn surplus_and_missing(&self) -> (usize, usize) {
        let state = self.lock();
        (state.plan.surplus(), state.plan.missing())
    }

    fn carry_on(&self) {
        self.lock().plan.carry_on();
        self.call_if_due();
    }

    fn recycle(&self) {
        self.lock().plan.recycle();
    }

    fn watch(&self) {
        self.lock().plan.watch();
    }

    fn seen(&self, place: usize) {
        let mut state = self.lock();
        if state.is_own(place) {
            state.plan.see();
        }
        drop(state);
        self.call_if_due();
    }

    fn taken(&self, place: usize) {
        let mut state = self.lock();
        if !state.plan.recycles() {
            return;
        }
        state.free.push(place);
        if state.is_own(place) {
            state.plan.take();
        }
        drop(state);
        self.call_if_due();
    }

    fn halt(&self) -> Rest {
        let mut state = self.lock();
        if state.plan.is_over() {
            return None;
        }
        state.plan.halt();
        let left = state.finish(None);
        drop(state);
        Some(Box::new(left))
    }
}

/// What the next call and the items that are under way see of a feeder, whatever its types.
pub(super) trait Feed: Send + Sync {
    /// Makes the next call, on the executor.
    fn call(&self);
    /// An item that was under way is so no more.
    fn settled(&self, failed: bool);
    /// The executor does not run the next call: no more are started.
    fn abandon(&self);
}

impl<I, F, T, E> Feed for Feeder<I, F, T, E>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item) -> Promise<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn call(&self) {
        self.start_one();
        self.lock().plan.called();
        self.call_if_due();
    }

    fn settled(&self, failed: bool) {
        self.lock().plan.settled(failed);
        self.call_if_due();
    }

    fn abandon(&self) {
        drop_quietly(self.halt());
    }
}
