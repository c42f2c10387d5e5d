//! The source of a list whose items are made from inputs, no more than so many under way at once.
//!
//! Items are made ahead as empty promises; an input is drawn, and the user's function called, when
//! there is one and an earlier item has settled. That happens on the executor, one call at a time;
//! the list needs no lock for it, and no list has to be looked at for the work to go on.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::{Arc, Weak};

use super::under_way::{Pull, UnderWay};
use crate::cell::{Consumer, ExecutorHandle, Origin, Producer, Rest, Source};
use crate::failure::{Failure, Panic, catch, drop_quietly};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::{Mutex, MutexGuard};
use crate::telemetry::Context;

/// How many items are made ahead of the inputs that are known to come.
const AHEAD: usize = 1024;
/// The same where it is not known how many there are.
const AHEAD_OF_UNKNOWN: usize = 64;

/// In place of a number: this place is not ours.
const OTHERS: usize = usize::MAX;

struct Slot;

impl Origin for Slot {
    const KIND: &'static str = "map_concurrent";
}

/// What the list, the items that are under way and the next call share.
pub(super) struct Feeder<I, F, T, E> {
    me: Weak<Self>,
    limit: usize,
    location: &'static Location<'static>,
    /// Where the user has asked for it.
    context: Context,
    state: Mutex<State<I, F, T, E>>,
}

/// What the user has given.
struct Given<I, F> {
    inputs: I,
    f: F,
}

struct State<I, F, T, E> {
    /// `None` while an item is being started, and when it is over.
    given: Option<Box<Given<I, F>>>,
    /// Nothing more is started.
    over: bool,
    /// A call is queued or runs.
    calling: bool,
    /// Items without an input, in their order.
    slots: VecDeque<Producer<T, E>>,
    /// By the places in the list: which item has it.
    numbers: Vec<usize>,
    /// How many items were made, how many of them have got an input, how many were taken.
    made: usize,
    started: usize,
    taken: usize,
    /// How many have not settled.
    under_way: usize,
    /// How many inputs are left at most, and whether that is exact.
    left: Option<usize>,
    exact: bool,
    /// How many items without an input are made ahead.
    ahead: usize,
    /// Places are used again: no more than twice `limit` items are there at a time.
    recycles: bool,
    failed: bool,
    carries_on: bool,
    /// How many items there are, when that is known.
    end: Option<usize>,
    executor: Option<ExecutorHandle>,
}

impl<I, F, T, E> State<I, F, T, E> {
    fn can_start(&self) -> bool {
        !self.over && self.given.is_some() && !self.slots.is_empty()
    }

    /// Behind a failure nothing is started until it is known that whoever takes the items goes on.
    fn is_held(&self) -> bool {
        self.failed && !self.carries_on
    }

    fn wants_slot(&self, limit: usize) -> bool {
        let slots = self.slots.len();
        let full = self.recycles && self.made - self.taken >= limit.saturating_mul(2);
        !self.over && !full && slots < self.ahead && self.left.is_none_or(|left| slots < left)
    }

    /// Nothing more is started. What is left is dropped when nothing is locked.
    fn finish(&mut self, end: Option<usize>) -> Left<I, F, T, E> {
        self.over = true;
        self.end = self.end.into_iter().chain(end).min();
        (std::mem::take(&mut self.slots), self.given.take())
    }

    fn look_ahead(&mut self, (least, most): (usize, Option<usize>)) {
        self.left = most;
        self.exact = Some(least) == most;
    }
}

/// What is left: the items first, so that they are abandoned whatever the user's destructors do.
type Left<I, F, T, E> = (VecDeque<Producer<T, E>>, Option<Box<Given<I, F>>>);

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

    fn size_hint(&self) -> (usize, Option<usize>) {
        catch(|| self.inputs.size_hint()).unwrap_or((0, None))
    }
}

impl<I, F, T, E> Feeder<I, F, T, E> {
    fn lock(&self) -> MutexGuard<'_, State<I, F, T, E>> {
        // No user code runs under this lock, so it is never poisoned half-way.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
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
        let limit = limit.max(1);
        let given = Box::new(Given { inputs, f });
        let hint = given.size_hint();
        let unknown = limit.saturating_mul(2).clamp(AHEAD_OF_UNKNOWN, AHEAD);
        let mut state = State {
            given: Some(given),
            over: false,
            calling: true, // by `begin`
            slots: VecDeque::new(),
            numbers: Vec::new(),
            made: 0,
            started: 0,
            taken: 0,
            under_way: 0,
            left: None,
            exact: false,
            ahead: if Some(hint.0) == hint.1 { AHEAD } else { unknown },
            recycles,
            failed: false,
            carries_on: false,
            end: None,
            executor: None,
        };
        state.look_ahead(hint);
        let state = Mutex::new(state);
        let context = Context::current();
        Arc::new_cyclic(|me| Feeder { me: me.clone(), limit, location, context, state })
    }

    /// Makes the first calls. `refill` has the list ask for items.
    pub(super) fn begin(&self, mut refill: impl FnMut()) -> ExecutorHandle {
        for _ in 0..self.limit {
            refill();
            if !self.start_one() {
                break;
            }
        }
        refill();
        self.lock().calling = false;
        self.call_if_due();
        self.executor()
    }

    fn executor(&self) -> ExecutorHandle {
        let executor = self.lock().executor.clone();
        executor.unwrap_or_else(|| Pool::global().core().executor())
    }

    /// Queues the next call, if it is due.
    fn call_if_due(&self) {
        let mut state = self.lock();
        let due = !state.calling && state.under_way < self.limit && !state.is_held();
        if !due || !state.can_start() {
            return;
        }
        let Some(me) = self.me.upgrade() else { return };
        state.calling = true;
        drop(state);
        let start: Consumer<(), E> = Consumer::settled(Ok(()), self.location);
        let call = Promise::new(start, self.executor()).link(Pull::new(me), None, self.location);
        drop(call);
    }

    /// Starts an item. `false`: nothing more can be started now.
    fn start_one(&self) -> bool {
        let mut state = self.lock();
        if !state.can_start() {
            return false;
        }
        let (Some(mut given), Some(slot)) = (state.given.take(), state.slots.pop_front()) else {
            return false; // not reachable: `can_start` has looked
        };
        let number = state.started;
        state.left = state.left.map(|left| left.saturating_sub(1));
        state.started += 1;
        state.under_way += 1;
        drop(state);
        let started = self.context.within(|| given.start());
        let goes_on = !matches!(started, Started::End | Started::Broken(_));
        self.settle(slot, number, started);
        self.put_back(given, goes_on.then_some(number + 1));
        goes_on
    }

    fn settle(&self, slot: Producer<T, E>, number: usize, started: Started<T, E>) {
        match started {
            Started::Promise(promise) => {
                let (consumer, own) = promise.into_parts();
                let first = || own.clone();
                let executor = self.lock().executor.get_or_insert_with(first).clone();
                let Some(me) = self.me.upgrade() else { return };
                let promise = Promise::new(consumer, executor);
                let promise = promise.link(UnderWay::new(me), None, self.location);
                slot.follow(promise.into_parts().0);
            }
            Started::Panicked(panic) => {
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

    /// After an item was started; `started` so many were, unless there was no input.
    fn put_back(&self, given: Box<Given<I, F>>, started: Option<usize>) {
        let hint = given.size_hint();
        let mut state = self.lock();
        let rest = match started {
            Some(_) if !state.over && hint.1 != Some(0) => {
                state.given = Some(given);
                state.look_ahead(hint);
                return;
            }
            Some(started) if !state.over => (state.finish(Some(started)), given),
            _ => (Left::default(), given),
        };
        drop(state);
        drop_quietly(rest);
    }
}

impl<I, F, T, E> Source<T, E> for Feeder<I, F, T, E>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item) -> Promise<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn more(&self, place: usize) -> Option<Consumer<T, E>> {
        let mut state = self.lock();
        if !state.wants_slot(self.limit) {
            return None;
        }
        let (producer, consumer) = Producer::pair::<Slot>(self.location);
        state.slots.push_back(producer);
        if state.numbers.len() <= place {
            state.numbers.resize(place + 1, OTHERS); // somebody else has those in between
        }
        state.numbers[place] = state.made;
        state.made += 1;
        drop(state);
        self.call_if_due();
        Some(consumer)
    }

    fn number(&self, place: usize) -> Option<usize> {
        let state = self.lock();
        match state.numbers.get(place) {
            Some(&number) if number != OTHERS => {
                state.end.is_none_or(|end| number < end).then_some(number)
            }
            _ => Some(place),
        }
    }

    fn known(&self) -> usize {
        let state = self.lock();
        let left = state.left.filter(|_| state.exact && !state.over);
        let to_come = left.map_or(0, |left| left.saturating_sub(state.slots.len()));
        match state.end {
            Some(end) => end,
            None if state.exact => state.made + to_come,
            None => state.started,
        }
    }

    fn surplus_and_missing(&self) -> (usize, usize) {
        let state = self.lock();
        let surplus = state.end.map_or(0, |end| state.made.saturating_sub(end));
        let left = state.left.filter(|_| state.exact && !state.over);
        (surplus, left.map_or(0, |left| left.saturating_sub(state.slots.len())))
    }

    fn carry_on(&self) {
        self.lock().carries_on = true;
        self.call_if_due();
    }

    fn recycle(&self) {
        self.lock().recycles = true;
    }

    fn taken(&self) {
        self.lock().taken += 1;
    }

    fn halt(&self) -> Rest {
        let mut state = self.lock();
        if state.over {
            return None;
        }
        // Where it is known how many there were to be, those that were not started are abandoned;
        // else they do not count.
        let end = if state.exact { None } else { Some(state.started) };
        let left = state.finish(end);
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
        self.lock().calling = false;
        self.call_if_due();
    }

    fn settled(&self, failed: bool) {
        let mut state = self.lock();
        state.under_way -= 1;
        state.failed |= failed;
        drop(state);
        self.call_if_due();
    }

    fn abandon(&self) {
        drop_quietly(self.halt());
    }
}
