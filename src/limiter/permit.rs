//! The right to be under way, and the waiters for one.

use std::ops::Deref;
use std::panic::Location;
use std::{iter, mem};

use super::queue::{Next, Queue, Rate, Ticket};
use crate::cell::{Consumer, Origin, Producer};
use crate::clock::{Alarm, Clock, Key, key};
use crate::failure::{AnyError, Failure};
use crate::pool::{Guest, Host};
use crate::sync::{Arc, Mutex, MutexGuard, Weak};
use crate::time::{add, remove};

/// One call may be under way; dropping it lets the next one start.
pub(super) struct Permit {
    gate: Arc<Gate>,
    started: bool,
}

impl Permit {
    fn new(gate: &Arc<Gate>) -> Self {
        Permit { gate: Arc::clone(gate), started: false }
    }

    /// The call has been made: it has begun no later than now.
    pub(super) fn start(&mut self) {
        self.started = true;
        // There is a time now at which the next one may start.
        let now = self.gate.clock.now();
        self.gate.change(|queue| queue.started(now));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.change(|queue| queue.ended(self.started));
    }
}

/// A waiter, whatever its type of errors is.
pub(super) trait Waiter: Send {
    fn go(self: Box<Self>, permit: Permit);
    /// It is cancelled.
    fn stop(self: Box<Self>);
}

impl<E: Send + 'static> Waiter for Producer<Permit, E> {
    /// A permit for one who has just given up is dropped, and so goes to the next one.
    fn go(self: Box<Self>, permit: Permit) {
        self.settle(Ok(permit));
    }

    fn stop(self: Box<Self>) {
        self.settle(Err(Failure::Cancelled));
    }
}

/// What waits until nothing is under way and nothing waits.
type Idle = Producer<(), AnyError>;

struct Waiting;

impl Origin for Waiting {
    const KIND: &'static str = "limiter";
}

struct Rests;

impl Origin for Rests {
    const KIND: &'static str = "idle";
}

/// When a call may be made.
pub(super) enum Turn<E> {
    Now(Permit),
    Later(Consumer<Permit, E>),
}

/// What the handles of one limiter, its permits and its timer share.
pub(super) struct Gate {
    state: Mutex<State>,
    /// Where those who had to wait start.
    pool: Host,
    /// That of the thread that has made it.
    clock: Clock,
}

struct State {
    queue: Queue<Box<dyn Waiter>>,
    /// Somebody is handing out permits, and will look again.
    advancing: bool,
    /// Rings when the next one may start, if time is what it waits for.
    alarm: Option<Key>,
    pool: Standing,
    /// What is told when it is idle.
    idle: Vec<Idle>,
}

impl State {
    /// What is to be told that it is idle, if it is.
    fn rests(&mut self) -> Vec<Idle> {
        if self.queue.is_idle() { mem::take(&mut self.idle) } else { Vec::new() }
    }
}

/// How it stands with the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nobody had to wait yet.
    Unknown,
    /// It tells when it is shut down.
    Tells,
    /// It was shut down: nobody can wait.
    Shut,
}

impl Gate {
    pub(super) fn new(limit: usize, rate: Option<Rate>, pool: Host) -> Arc<Self> {
        let queue = Queue::new(limit, rate);
        let state = State {
            queue,
            advancing: false,
            alarm: None,
            pool: Standing::Unknown,
            idle: Vec::new(),
        };
        Arc::new(Gate { state: Mutex::new(state), pool, clock: Clock::current() })
    }

    /// What waits here has its turn on this pool.
    pub(super) fn pool(&self) -> Host {
        self.pool
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, so it is never poisoned half-way.
        self.state.lock()
    }

    /// How many are under way, and how many wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.queue.under_way(), state.queue.waiting())
    }

    pub(super) fn limit(&self) -> usize {
        self.lock().queue.limit()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.lock().queue.is_paused()
    }

    /// Cancels what waits; says how many there were.
    pub(super) fn clear(self: &Arc<Self>) -> usize {
        let mut state = self.lock();
        let waiters: Vec<_> = iter::from_fn(|| state.queue.give_up()).collect();
        let alarm = state.alarm.take();
        drop(state);
        alarm.into_iter().for_each(remove);
        let count = waiters.len();
        waiters.into_iter().for_each(|waiter| waiter.stop());
        self.change(|_| ()); // what has come meanwhile may need the alarm; and it may be idle now
        count
    }

    /// Settled when nothing is under way and nothing waits.
    pub(super) fn idle(&self, location: &'static Location<'static>) -> Consumer<(), AnyError> {
        let (producer, consumer) = Idle::pair::<Rests>(location);
        let mut state = self.lock();
        if state.queue.is_idle() {
            drop(state);
            producer.settle(Ok(()));
            return consumer;
        }
        let (idle, gone) = mem::take(&mut state.idle).into_iter().partition(|one| !one.is_left());
        state.idle = idle;
        state.idle.push(producer);
        drop(state);
        drop::<Vec<Idle>>(gone);
        consumer
    }

    /// A new call comes.
    pub(super) fn enter<E: Send + 'static>(
        self: &Arc<Self>,
        priority: i32,
        location: &'static Location<'static>,
    ) -> Turn<E> {
        let mut state = self.lock();
        if state.queue.try_start(self.clock.now()) {
            drop(state);
            return Turn::Now(Permit::new(self));
        }
        let (mut producer, consumer) = Producer::<Permit, E>::pair::<Waiting>(location);
        if !self.may_wait(&mut state) {
            drop(state);
            return Turn::Later(consumer); // without its producer: abandoned
        }
        let ticket = state.queue.ticket(priority);
        let gate = Arc::clone(self);
        producer.on_cancel(Box::new(move || gate.leave(ticket)));
        state.queue.wait(ticket, Box::new(producer));
        self.advance(state);
        Turn::Later(consumer)
    }

    /// Whether somebody may wait: what does is told when the pool is shut down.
    fn may_wait(self: &Arc<Self>, state: &mut State) -> bool {
        if state.pool == Standing::Unknown {
            let guest: Weak<Self> = Arc::downgrade(self);
            let tells = self.pool.tell(guest);
            state.pool = if tells { Standing::Tells } else { Standing::Shut };
        }
        state.pool == Standing::Tells
    }

    /// Somebody does not want to wait any more.
    fn leave(&self, ticket: Ticket) {
        let mut state = self.lock();
        let waiter = state.queue.leave(ticket);
        let alarm = if state.queue.waiting() == 0 { state.alarm.take() } else { None };
        let idle = state.rests();
        drop(state);
        drop(waiter);
        if let Some(alarm) = alarm {
            remove(alarm);
        }
        idle.into_iter().for_each(|one| one.settle(Ok(())));
    }

    /// What may let somebody start.
    pub(super) fn change(self: &Arc<Self>, change: impl FnOnce(&mut Queue<Box<dyn Waiter>>)) {
        let mut state = self.lock();
        change(&mut state.queue);
        self.advance(state);
    }

    /// Hands out what there is. One thread at a time does, so that nothing nests.
    fn advance<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State>) {
        if state.advancing {
            return;
        }
        state.advancing = true;
        let later = loop {
            match state.queue.next(self.clock.now()) {
                Next::Start(waiter) => {
                    drop(state);
                    waiter.go(Permit::new(self));
                    state = self.lock();
                }
                Next::Later(at) if state.alarm.is_none() => break Some(key(self.clock, at)),
                Next::Later(_) | Next::Nothing => break None,
            }
        };
        state.advancing = false;
        state.alarm = later.or(state.alarm);
        let idle = state.rests();
        drop(state);
        if let Some(key) = later {
            add(key, Box::new(Again { gate: Arc::clone(self), key }));
        }
        idle.into_iter().for_each(|one| one.settle(Ok(())));
    }
}

impl Guest for Gate {
    fn pool_is_shut_down(&self) {
        let mut state = self.lock();
        state.pool = Standing::Shut;
        let alarm = state.alarm.take();
        self.abandon(state);
        alarm.into_iter().for_each(remove);
    }
}

impl Gate {
    /// Those who wait will never start: they are abandoned.
    fn abandon(&self, mut state: MutexGuard<'_, State>) {
        let mut waiters = Vec::new();
        while let Some(waiter) = state.queue.give_up() {
            waiters.push(waiter);
        }
        let idle = state.rests();
        drop(state);
        drop(waiters);
        idle.into_iter().for_each(|one| one.settle(Ok(())));
    }
}

/// What the handles of a limiter share.
pub(super) struct Handles(pub(super) Arc<Gate>);

impl Deref for Handles {
    type Target = Arc<Gate>;

    fn deref(&self) -> &Arc<Gate> {
        &self.0
    }
}

/// Without a handle a pause would have no end: those who wait are abandoned.
impl Drop for Handles {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if state.queue.is_paused() {
            let alarm = state.alarm.take();
            self.0.abandon(state);
            alarm.into_iter().for_each(remove);
        }
    }
}

/// Looks at the limiter again when its time has come.
struct Again {
    gate: Arc<Gate>,
    key: Key,
}

impl Again {
    fn forget(&self) -> MutexGuard<'_, State> {
        let mut state = self.gate.lock();
        if state.alarm == Some(self.key) {
            state.alarm = None;
        }
        state
    }
}

impl Alarm for Again {
    fn ring(self: Box<Self>) {
        self.gate.advance(self.forget());
    }

    /// Nobody will tell when those who wait may start.
    fn refuse(self: Box<Self>) {
        self.gate.abandon(self.forget());
    }
}
