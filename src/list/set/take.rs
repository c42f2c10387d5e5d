//! Taking what has come out of a live set: by the thread that waits, as an iterator, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::Stream;

use super::TaskSet;
use super::shared::{Found, Turn};
use crate::budget;
use crate::failure::{AnyError, TimedOut};
use crate::list::KeyedCompleted;
use crate::pool::{Waited, Worker};
use crate::timeout::Timeout;

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> TaskSet<T, E, K> {
    /// Waits for the next outcome, and takes it; `None`: the set is empty.
    ///
    /// They come in the order of time. On a worker another thread takes its place meanwhile; where a wait would never
    /// end, one that has not come is handed out with [`WouldDeadlock`](crate::Failure::WouldDeadlock), and goes on.
    pub fn next(&self) -> Option<KeyedCompleted<K, T, E>> {
        self.next_timeout(None).unwrap_or(None)
    }

    /// As [`next`](Self::next), but waits no longer than the timeout; zero takes what is there.
    ///
    /// # Errors
    /// [`TimedOut`] if the time is over; nothing is lost.
    pub fn next_timeout(
        &self,
        timeout: impl Into<Timeout>,
    ) -> Result<Option<KeyedCompleted<K, T, E>>, TimedOut> {
        let timeout = timeout.into().fixed();
        loop {
            let mut turn = match self.shared.find() {
                Found::Item(come) => return Ok(Some(come.completed)),
                Found::Empty => return Ok(None),
                Found::Later(turn) => turn,
            };
            let waited = Worker::wait_for(&mut turn.signal, timeout);
            self.shared.leave(turn);
            match waited {
                Waited::Settled => {}
                Waited::TimedOut => return Err(TimedOut),
                Waited::WouldDeadlock => {
                    let given_up = self.shared.give_up();
                    if given_up.is_some() {
                        return Ok(given_up);
                    }
                }
            }
        }
    }

    /// The outcomes for async code, on any runtime; ends when the set is empty. A [`pusher`](Self::pusher) adds to it.
    pub fn stream(self) -> TaskStream<T, E, K> {
        TaskStream { set: self, turn: None }
    }
}

/// The outcomes of a [`TaskSet`] as they come, by `for done in &set`; `set` may be pushed to meanwhile.
pub struct TaskIter<
    'set,
    T: Send + 'static,
    E: Send + 'static = AnyError,
    K: Send + 'static = usize,
> {
    set: &'set TaskSet<T, E, K>,
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> Iterator for TaskIter<'_, T, E, K> {
    type Item = KeyedCompleted<K, T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        self.set.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, None) // other threads push and take
    }
}

impl<'set, K: Send + 'static, T: Send + 'static, E: Send + 'static> IntoIterator
    for &'set TaskSet<T, E, K>
{
    type Item = KeyedCompleted<K, T, E>;
    type IntoIter = TaskIter<'set, T, E, K>;

    fn into_iter(self) -> TaskIter<'set, T, E, K> {
        TaskIter { set: self }
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> fmt::Debug for TaskIter<'_, T, E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskIter").field(self.set).finish()
    }
}

/// A stream of the outcomes of a [`TaskSet`] as they come, by [`TaskSet::stream`]. Dropping it cancels what is pending.
#[must_use = "a stream does nothing unless it is polled"]
pub struct TaskStream<T: Send + 'static, E: Send + 'static = AnyError, K: Send + 'static = usize> {
    set: TaskSet<T, E, K>,
    /// As long as it waits.
    turn: Option<Turn<E>>,
}

// What is in it is handed out by value.
impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> Unpin for TaskStream<T, E, K> {}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> Stream for TaskStream<T, E, K> {
    type Item = KeyedCompleted<K, T, E>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<KeyedCompleted<K, T, E>>> {
        loop {
            if let Some(turn) = &mut self.turn {
                ready!(turn.signal.poll(context)).ok();
                self.turn = None;
            }
            ready!(budget::spend(context));
            match self.set.shared.find() {
                Found::Item(come) => return Poll::Ready(Some(come.completed)),
                Found::Empty => return Poll::Ready(None),
                Found::Later(turn) => self.turn = Some(turn),
            }
            budget::refund(context); // for the wait
        }
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> fmt::Debug for TaskStream<T, E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskStream").field(&self.set).finish()
    }
}
