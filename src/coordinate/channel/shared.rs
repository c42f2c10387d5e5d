//! What the two ends of a channel share.
//!
//! A receiver waits only where nothing is buffered and no sender waits; a sender waits only where the buffer is full.

use std::collections::VecDeque;
use std::panic::Location;

use super::error::{ChannelClosed, TryRecvError};
use crate::cell::{Origin, Producer, ThisThread};
use crate::coordinate::line::{Leave, Line, Ticket, settled, waits};
use crate::failure::{AnyError, Failure};
use crate::promise::Promise;
use crate::sync::{Arc, Mutex, MutexGuard};

pub(super) struct Shared<T: Send + 'static> {
    capacity: usize,
    state: Mutex<State<T>>,
}

struct State<T: Send + 'static> {
    buffer: VecDeque<T>,
    sending: Line<Sending<T>>,
    receiving: Line<Taker<T>>,
    /// How many handles there are.
    senders: usize,
    receivers: usize,
    closed: bool,
}

/// What waits for room.
struct Sending<T> {
    value: T,
    producer: Sender,
}

type Sender = Producer<(), AnyError>;

/// What waits for a value.
type Taker<T> = Producer<Option<Handed<T>>, AnyError>;

/// A value on its way to what has waited for it. It goes back into the channel if it is not opened.
pub(super) struct Handed<T: Send + 'static> {
    value: Option<T>,
    channel: Arc<Shared<T>>,
}

impl<T: Send + 'static> Handed<T> {
    pub(super) fn open(mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T: Send + 'static> Drop for Handed<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            self.channel.give_back(value);
        }
    }
}

/// What a receiver has at once.
pub(super) enum Received<T: Send + 'static> {
    /// The next value, or the news that there will be none.
    Now(Option<T>),
    /// A place among those that wait.
    Waits(Promise<Option<Handed<T>>>),
}

/// What was left in a channel at an end, to be told and dropped with no lock held.
struct Left<T: Send + 'static> {
    values: VecDeque<T>,
    sending: Line<Sending<T>>,
    receiving: Line<Taker<T>>,
}

struct Sends;
struct Receives;

impl Origin for Sends {
    const KIND: &'static str = "send";
}

impl Origin for Receives {
    const KIND: &'static str = "recv";
    const FRAGILE: bool = true;
}

/// What became of a value.
pub(super) enum Offered<'a, T: Send + 'static> {
    Sent,
    Full(T, Room<'a, T>),
    Closed(T),
}

/// The lock, as long as it is known that there is no room.
pub(super) struct Room<'a, T: Send + 'static>(MutexGuard<'a, State<T>>);

impl<T: Send + 'static> Shared<T> {
    /// With a handle on each end.
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        let state = State {
            buffer: VecDeque::new(),
            sending: Line::new(),
            receiving: Line::new(),
            senders: 1,
            receivers: 1,
            closed: false,
        };
        Arc::new(Shared { capacity, state: Mutex::new(state) })
    }

    /// No user code runs under this lock, nor is dropped.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock()
    }

    /// Gives the value to the first that waits for one, or puts it where there is room.
    pub(super) fn offer(self: &Arc<Self>, value: T) -> Offered<'_, T> {
        let mut state = self.lock();
        if let Some(taker) = state.receiving.pop() {
            drop(state);
            self.hand(value, taker);
            return Offered::Sent;
        }
        if state.closed || state.receivers == 0 {
            return Offered::Closed(value);
        }
        if state.buffer.len() < self.capacity {
            state.buffer.push_back(value);
            return Offered::Sent;
        }
        Offered::Full(value, Room(state))
    }

    /// Where it was cancelled just now, the value comes back by its drop.
    fn hand(self: &Arc<Self>, value: T, taker: Taker<T>) {
        let handed = Handed { value: Some(value), channel: Arc::clone(self) };
        taker.settle(Ok(Some(handed)));
    }

    pub(super) fn send(
        self: &Arc<Self>,
        value: T,
        location: &'static Location<'static>,
    ) -> Promise<()> {
        match self.offer(value) {
            Offered::Sent => settled(Ok(()), location),
            Offered::Full(value, Room(mut state)) => {
                let ticket = state.sending.ticket();
                let (producer, promise) = waits::<Sends, _>(self, ticket, location);
                state.sending.wait(ticket, Sending { value, producer });
                promise
            }
            Offered::Closed(value) => {
                ThisThread::drop_user(value);
                settled(Err(closed()), location)
            }
        }
    }

    /// The next value, if it is there.
    pub(super) fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut gone = Vec::new();
        let next = self.next(&mut gone);
        gone.into_iter().for_each(Sending::take_back);
        let (value, sender) = next?;
        sender.into_iter().for_each(|sender| sender.settle(Ok(())));
        Ok(value)
    }

    /// The next value, and what waits to hear that its own has a place now; and those that were cancelled meanwhile.
    fn next(&self, gone: &mut Vec<Sending<T>>) -> Result<(T, Option<Sender>), TryRecvError> {
        let mut state = self.lock();
        let next = state.buffer.pop_front();
        // The one that has waited longest for room is there now; without a buffer, its value is the next one.
        let has_room = next.is_none() || state.buffer.len() < self.capacity;
        let sent = if has_room { state.next_sending(gone) } else { None };
        Ok(match (next, sent) {
            (Some(value), Some(sent)) => {
                state.buffer.push_back(sent.value);
                (value, Some(sent.producer))
            }
            (Some(value), None) => (value, None),
            (None, Some(sent)) => (sent.value, Some(sent.producer)),
            (None, None) if state.is_over() => return Err(TryRecvError::Closed),
            (None, None) => return Err(TryRecvError::Empty),
        })
    }

    pub(super) fn receive(self: &Arc<Self>, location: &'static Location<'static>) -> Received<T> {
        loop {
            match self.try_recv() {
                Ok(value) => return Received::Now(Some(value)),
                Err(TryRecvError::Closed) => return Received::Now(None),
                Err(TryRecvError::Empty) => {}
            }
            let mut state = self.lock();
            if state.buffer.is_empty() && state.sending.is_empty() && !state.is_over() {
                let ticket = state.sending.ticket(); // both lines have their tickets from one of them
                let (taker, promise) = waits::<Receives, _>(self, ticket, location);
                state.receiving.wait(ticket, taker);
                return Received::Waits(promise);
            }
        }
    }

    /// Takes a value back that was not received: it is the next one.
    fn give_back(self: &Arc<Self>, value: T) {
        let mut state = self.lock();
        if let Some(taker) = state.receiving.pop() {
            drop(state);
            return self.hand(value, taker);
        }
        if state.receivers > 0 {
            return state.buffer.push_front(value);
        }
        drop(state);
        ThisThread::drop_user(value);
    }

    /// Takes no more values; those that are there can be received.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let (sending, receiving) = (state.sending.take(), state.receiving.take());
        drop(state);
        Left { values: VecDeque::new(), sending, receiving }.end();
    }

    pub(super) fn is_closed(&self) -> bool {
        let state = self.lock();
        state.closed || state.senders == 0 || state.receivers == 0
    }

    pub(super) fn len(&self) -> usize {
        self.lock().buffer.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn add_sender(&self) {
        self.lock().senders += 1;
    }

    pub(super) fn add_receiver(&self) {
        self.lock().receivers += 1;
    }

    /// A sender is gone. With the last one, those that wait for a value hear that there will be none.
    pub(super) fn drop_sender(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        if state.senders == 0 {
            let receiving = state.receiving.take();
            drop(state);
            Left { values: VecDeque::new(), sending: Line::new(), receiving }.end();
        }
    }

    /// A receiver is gone. With the last one, so is what was sent; a promise of a value that waits still gets one.
    pub(super) fn drop_receiver(&self) {
        let mut state = self.lock();
        state.receivers -= 1;
        if state.receivers == 0 {
            let (values, sending) = (std::mem::take(&mut state.buffer), state.sending.take());
            drop(state);
            Left { values, sending, receiving: Line::new() }.end();
        }
    }
}

fn closed() -> Failure<AnyError> {
    Failure::from_error(AnyError::from(ChannelClosed))
}

impl<T: Send + 'static> State<T> {
    /// Nothing more will come, but what is there.
    fn is_over(&self) -> bool {
        self.closed || self.senders == 0
    }
}

impl<T: Send + 'static> State<T> {
    /// What has waited longest for room. Those that were cancelled are put aside: what tells of it may still be on its way.
    fn next_sending(&mut self, gone: &mut Vec<Sending<T>>) -> Option<Sending<T>> {
        loop {
            let sending = self.sending.pop()?;
            if !sending.producer.is_cancelled() {
                return Some(sending);
            }
            gone.push(sending);
        }
    }
}

impl<T: 'static> Sending<T> {
    /// It was cancelled.
    fn take_back(self) {
        drop(self.producer);
        ThisThread::drop_user(self.value);
    }
}

impl<T: Send + 'static> Left<T> {
    fn end(self) {
        for taker in self.receiving {
            taker.settle(Ok(None));
        }
        for Sending { value, producer } in self.sending {
            ThisThread::drop_user(value);
            producer.settle(Err(closed()));
        }
        self.values.into_iter().for_each(ThisThread::drop_user);
    }
}

/// One that waits was cancelled.
impl<T: Send + 'static> Leave for Shared<T> {
    fn leave(self: &Arc<Self>, ticket: Ticket) {
        let mut state = self.lock();
        let (sending, taker) = (state.sending.leave(ticket), state.receiving.leave(ticket));
        drop(state);
        drop(taker);
        sending.into_iter().for_each(Sending::take_back);
    }
}
