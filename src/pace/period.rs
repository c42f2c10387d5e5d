//! What a while knows in which calls come: when it is over, and what is made then.

use std::time::{Duration, Instant};

use crate::cell::Producer;
use crate::promise::Promise;
use crate::value::AsyncValue;

/// Which calls of a while are made.
#[derive(Clone, Copy)]
pub(super) struct Edges {
    pub(super) leading: bool,
    pub(super) trailing: bool,
}

/// A while in which calls come.
pub(super) struct Period<A, T: 'static, E: 'static> {
    /// No other period has it.
    pub(super) number: u64,
    /// `None`: never.
    pub(super) due: Option<Instant>,
    /// What was made last.
    pub(super) made: Option<AsyncValue<T, E>>,
    /// What is made when it is over.
    pub(super) next: Option<Waiting<A, T, E>>,
    /// Tells that it is over.
    pub(super) timer: Option<Promise<()>>,
}

/// A call that is to be made.
pub(super) struct Waiting<A, T: 'static, E: 'static> {
    pub(super) argument: A,
    pub(super) producer: Producer<T, E>,
    pub(super) value: AsyncValue<T, E>,
}

/// All of the calls' periods; there is one at a time, or none.
pub(super) struct Periods<A, T: 'static, E: 'static> {
    pub(super) edges: Edges,
    pub(super) now: Option<Period<A, T, E>>,
    last: u64,
}

/// The end of a period has been looked at.
pub(super) enum Ended<A, T: 'static, E: 'static> {
    /// It is another one's, or is over.
    No,
    /// It goes on for so long.
    Later(Duration),
    /// A call is to be made. With what was known before, which is not dropped under the lock.
    Make(Waiting<A, T, E>, Period<A, T, E>),
    /// Nothing has come in it.
    Over(Period<A, T, E>),
}

impl<A, T: 'static, E: 'static> Periods<A, T, E> {
    pub(super) fn new() -> Self {
        Periods { edges: Edges { leading: false, trailing: true }, now: None, last: 0 }
    }

    /// Begins one.
    pub(super) fn begin(&mut self, due: Option<Instant>) -> &mut Period<A, T, E> {
        self.last += 1;
        let number = self.last;
        self.now.insert(Period { number, due, made: None, next: None, timer: None })
    }

    /// The one with this number, if it is not over.
    pub(super) fn find(&mut self, number: u64) -> Option<&mut Period<A, T, E>> {
        self.now.as_mut().filter(|period| period.number == number)
    }

    /// Its time has come, unless that was put off. After a call that is made it goes on, if it is to be `spaced`, until the
    /// time that it is given.
    pub(super) fn end(
        &mut self,
        number: u64,
        now: Instant,
        spaced: Option<Option<Instant>>,
    ) -> Ended<A, T, E> {
        let Some(period) = self.find(number) else { return Ended::No };
        let left = period.due.map_or(Duration::MAX, |due| due.saturating_duration_since(now));
        if !left.is_zero() {
            return Ended::Later(left);
        }
        self.make(spaced)
    }

    /// The call that waits is made now.
    pub(super) fn make(&mut self, spaced: Option<Option<Instant>>) -> Ended<A, T, E> {
        let Some(mut period) = self.now.take() else { return Ended::No };
        let Some(waiting) = period.next.take() else { return Ended::Over(period) };
        if let Some(due) = spaced {
            let next = self.begin(due);
            next.made = Some(waiting.value.clone());
        }
        Ended::Make(waiting, period)
    }
}
