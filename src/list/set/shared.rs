//! What the handles of a live set and its promises have in common.

use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;

use super::item::Item;
use crate::cell::{
    CloseReason, Closer, Consumer, ExecutorHandle, Gather, Origin, Producer, ThisThread, Way,
};
use crate::failure::{Failure, Outcome, drop_quietly};
use crate::list::KeyedCompleted;
use crate::pool::{Waited, Worker};
use crate::promise::Promise;
use crate::sync::{Arc, Mutex, MutexGuard};
use crate::timeout::Timeout;

pub(super) struct Shared<K, T: Send + 'static, E: Send + 'static> {
    state: Mutex<State<K, T, E>>,
}

struct State<K, T: Send + 'static, E: Send + 'static> {
    /// The number of the next promise.
    next: usize,
    pending: BTreeMap<usize, Pending<K>>,
    /// What is pending and was had back: these are settled with its outcome.
    back: BTreeMap<usize, Producer<T, E>>,
    come: VecDeque<Come<K, T, E>>,
    /// Those that wait for something to come, by number.
    waiting: BTreeMap<u64, Producer<(), E>>,
    next_waiting: u64,
    /// The set is gone.
    closed: bool,
}

/// A promise that is pending.
struct Pending<K> {
    key: K,
    ender: Closer,
    executor: ExecutorHandle,
}

/// One that has come, and was not taken.
pub(super) struct Come<K, T, E> {
    pub(super) number: usize,
    executor: ExecutorHandle,
    pub(super) completed: KeyedCompleted<K, T, E>,
}

struct Rest;

impl Origin for Rest {
    const KIND: &'static str = "take_rest";
}

/// What a thread or a task waits with.
struct Signal;

impl Origin for Signal {
    const KIND: &'static str = "task set";
}

/// A place among those that wait.
pub(super) struct Turn<E> {
    number: u64,
    pub(super) signal: Consumer<(), E>,
}

/// What there is to be taken.
pub(super) enum Found<K, T, E> {
    Item(Come<K, T, E>),
    Empty,
    Later(Turn<E>),
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> Shared<K, T, E> {
    pub(super) fn push(
        self: &Arc<Self>,
        key: impl FnOnce(usize) -> K,
        promise: Promise<T, E>,
        location: &'static Location<'static>,
    ) -> usize {
        let (source, executor) = promise.into_parts();
        let mut gather = Gather::new();
        gather.watch(source, location);
        let ender = gather.closer();
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let key = key(number);
        let late = if state.closed {
            Some(key)
        } else {
            state.pending.insert(number, Pending { key, ender: ender.clone(), executor });
            None
        };
        drop(state);
        gather.hand_to(Box::new(Item::new(Arc::clone(self), number)));
        if let Some(key) = late {
            ender.close(CloseReason::Cancelled);
            drop_quietly(key);
        }
        number
    }

    pub(super) fn cancel(&self, number: usize) -> bool {
        let state = self.lock();
        let Some(ender) = state.pending.get(&number).map(|one| one.ender.clone()) else {
            return false;
        };
        drop(state);
        ender.close(CloseReason::Cancelled);
        true
    }

    pub(super) fn cancel_all(&self) {
        let state = self.lock();
        let enders: Vec<_> = state.pending.values().map(|one| one.ender.clone()).collect();
        drop(state);
        enders.iter().for_each(|ender| ender.close(CloseReason::Cancelled));
    }

    /// The set is gone: cancels what is pending, and reports failures that were not taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.cancel_all();
        let mut state = self.lock();
        let (come, left) = (std::mem::take(&mut state.come), std::mem::take(&mut state.pending));
        drop(state);
        ThisThread::drop_user(left);
        for come in come {
            let failed =
                come.completed.outcome.as_ref().is_err_and(|failure| !failure.is_cancelled());
            if failed {
                ThisThread::drop_user(come.into_promise(Location::caller()));
            } else {
                ThisThread::drop_user(come);
            }
        }
    }

    /// All that is left, by number.
    pub(super) fn take_rest(
        &self,
        location: &'static Location<'static>,
    ) -> impl Iterator<Item = (K, Promise<T, E>)> + use<K, T, E> {
        let mut rest = BTreeMap::new();
        let mut state = self.lock();
        let come = std::mem::take(&mut state.come);
        for (number, Pending { key, ender, executor }) in std::mem::take(&mut state.pending) {
            let (mut producer, consumer) = Producer::pair::<Rest>(location);
            producer.on_cancel(Box::new(move || ender.close(CloseReason::Unwanted)));
            state.back.insert(number, producer);
            rest.insert(number, (key, Promise::new(consumer, executor)));
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(|one| one.settle(Ok(())));
        rest.extend(come.into_iter().map(|come| (come.number, come.into_promise(location))));
        rest.into_values()
    }

    /// What there is, or a place among those that wait.
    pub(super) fn find(&self) -> Found<K, T, E> {
        let mut state = self.lock();
        if let Some(come) = state.come.pop_front() {
            return Found::Item(come);
        }
        if state.pending.is_empty() { Found::Empty } else { Found::Later(state.turn()) }
    }

    /// Waits until nothing is pending.
    pub(super) fn wait(&self, timeout: Timeout) -> bool {
        let timeout = timeout.fixed();
        loop {
            let mut state = self.lock();
            if state.pending.is_empty() {
                return true;
            }
            let mut turn = state.turn();
            drop(state);
            let waited = Worker::wait_for(&mut turn.signal, timeout);
            if waited != Waited::Settled {
                self.leave(turn);
                return false;
            }
        }
    }

    /// Whether it is wanted.
    pub(super) fn has(&self, number: usize) -> bool {
        let state = self.lock();
        state.pending.contains_key(&number) || state.back.contains_key(&number)
    }

    /// One that was had back is wanted no more.
    pub(super) fn forget(&self, number: usize) {
        let producer = self.lock().back.remove(&number);
        drop(producer);
    }

    /// A promise has settled.
    pub(super) fn settle(&self, number: usize, outcome: Outcome<T, E>, way: Way) {
        let mut state = self.lock();
        if let Some(producer) = state.back.remove(&number) {
            drop(state);
            return producer.settle_after(outcome, way);
        }
        let Some(Pending { key, executor, .. }) = state.pending.remove(&number) else {
            drop(state);
            return ThisThread::drop_user(outcome);
        };
        let come = Come { number, executor, completed: KeyedCompleted::new(key, outcome, way) };
        if state.closed {
            drop(state);
            return ThisThread::drop_user(come);
        }
        state.come.push_back(come);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(|one| one.settle(Ok(())));
    }

    /// The wait for the others would never end: gives the first one that is pending away, which goes on.
    pub(super) fn give_up(&self) -> Option<KeyedCompleted<K, T, E>> {
        let mut state = self.lock();
        let (_, given_up) = state.pending.pop_first()?;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(|one| one.settle(Ok(()))); // for some it was the last one
        let Pending { key, executor, .. } = given_up;
        ThisThread::drop_user(executor);
        Some(KeyedCompleted::new(key, Err(Failure::WouldDeadlock), None))
    }
}

impl<K, T: Send + 'static, E: Send + 'static> Shared<K, T, E> {
    pub(super) fn new() -> Arc<Self> {
        let state = State {
            next: 0,
            pending: BTreeMap::new(),
            back: BTreeMap::new(),
            come: VecDeque::new(),
            waiting: BTreeMap::new(),
            next_waiting: 0,
            closed: false,
        };
        Arc::new(Shared { state: Mutex::new(state) })
    }

    /// No user code runs under this lock, nor is dropped.
    fn lock(&self) -> MutexGuard<'_, State<K, T, E>> {
        self.state.lock()
    }

    /// That of one that is in here.
    pub(super) fn executor(&self) -> Option<ExecutorHandle> {
        let state = self.lock();
        let come = state.come.front().map(|come| come.executor.clone());
        come.or_else(|| Some(state.pending.first_key_value()?.1.executor.clone()))
    }

    pub(super) fn len(&self) -> usize {
        let (pending, come) = self.counts();
        pending + come
    }

    /// How many are pending, and how many have come.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.pending.len(), state.come.len())
    }

    /// Does not wait any more.
    pub(super) fn leave(&self, turn: Turn<E>) {
        let waiting = self.lock().waiting.remove(&turn.number);
        drop((waiting, turn));
    }
}

impl<K, T: Send + 'static, E: Send + 'static> State<K, T, E> {
    fn turn(&mut self) -> Turn<E> {
        let (producer, signal) = Producer::pair::<Signal>(Location::caller());
        let number = self.next_waiting;
        self.next_waiting += 1;
        self.waiting.insert(number, producer);
        Turn { number, signal }
    }
}

impl<K, T: Send + 'static, E: Send + 'static> Come<K, T, E> {
    fn into_promise(self, location: &'static Location<'static>) -> (K, Promise<T, E>) {
        let (producer, consumer) = Producer::pair::<Rest>(location);
        let KeyedCompleted { key, outcome, way } = self.completed;
        producer.settle_after(outcome, way);
        (key, Promise::new(consumer, self.executor))
    }
}
