//! The items of a list one after the other, as they settle.

use std::fmt;
use std::iter::FusedIterator;
use std::task::{Context, Poll, ready};

use super::{AsyncList, CompletedStream};
use crate::budget;
use crate::cell::{ExecutorHandle, Gather, Way};
use crate::failure::{AnyError, Failure, Outcome, TimedOut};
use crate::pool::{Waited, Worker};
use crate::timeout::Timeout;
use crate::trace::Trace;

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// The items one after the other, as they settle, values and failures alike.
    ///
    /// Each is handed out once, and nothing of it is kept. Those that were settled before come first,
    /// in the order in which they have settled; those that were settled before they came into the
    /// list by their index. In async code use [`stream`](AsCompleted::stream).
    ///
    /// ```
    /// use asynckit::{AsyncList, Pool};
    ///
    /// let pool = Pool::new(4);
    /// let list: AsyncList<_> = (0..8).map(|n| pool.run(move || n * n)).collect();
    /// for done in list.as_completed() {
    ///     println!("{}: {:?}", done.index, done.outcome);
    /// }
    /// ```
    pub fn as_completed(self) -> AsCompleted<T, E> {
        let cancelled = self.is_cancelled();
        let (mut gather, executor) = self.into_gather();
        gather.rewind();
        let items = gather.items();
        items.carry_on();
        let left = if items.grows() { None } else { Some(items.len()) };
        items.recycle();
        let rest = cancelled.then_some(Rest::Cancelled);
        AsCompleted { gather, executor, left, over: false, rest, given_up: 0 }
    }
}

/// An item of a list that has settled.
#[non_exhaustive]
pub struct Completed<T, E = AnyError> {
    /// Which input it was, counted from 0.
    pub index: usize,
    /// What became of it.
    pub outcome: Outcome<T, E>,
    pub(super) way: Way,
}

impl<T, E> Completed<T, E> {
    /// The way that a failure came; `None` for a value, and for a cancellation that came together with an outcome,
    /// of which no way is known.
    pub fn trace(&self) -> Option<&Trace> {
        self.way.as_deref().filter(|way| !way.is_empty())
    }
}

impl<T: fmt::Debug, E: fmt::Debug + 'static> fmt::Debug for Completed<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut completed = f.debug_struct("Completed");
        completed
            .field("index", &self.index)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// An iterator over the items of a list as they settle, by [`AsyncList::as_completed`].
///
/// `next` waits; on a worker another thread takes its place meanwhile. If all threads of the pool would
/// wait, without a limit, while work is queued, the items that have not come are handed out with
/// [`Failure::WouldDeadlock`]. Dropping the iterator detaches the items that are left.
#[must_use = "the items are handed out one by one, when they are asked for"]
pub struct AsCompleted<T, E = AnyError> {
    gather: Gather<T, E>,
    /// That of the list.
    executor: ExecutorHandle,
    /// How many items were not handed out; `None` for a list that grows.
    left: Option<usize>,
    /// There are no more.
    over: bool,
    /// What has not come is not waited for any more.
    rest: Option<Rest>,
    /// If more than 0: items before this place were handed out as that, or had come.
    given_up: usize,
}

/// What becomes of the items that have not come.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Cancelled,
    WouldDeadlock,
}

impl Rest {
    fn failure<E>(self) -> Failure<E> {
        match self {
            Rest::Cancelled => Failure::Cancelled,
            Rest::WouldDeadlock => Failure::WouldDeadlock,
        }
    }
}

impl<T: Send + 'static, E: Send + 'static> AsCompleted<T, E> {
    /// As `next`, but waits no longer than the timeout.
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise, TimedOut};
    /// use std::time::Duration;
    ///
    /// let (_never, never) = Promise::deferred();
    /// let mut completed = AsyncList::<i32>::from_iter([never, Promise::ready(1)]).as_completed();
    /// let first = completed.next_timeout(Duration::from_secs(5))?.expect("there are two");
    /// assert_eq!(first.index, 1);
    /// assert!(completed.next_timeout(Duration::from_millis(1)).is_err());
    /// assert_eq!(completed.size_hint().0, 1); // still to come
    /// # Ok::<(), TimedOut>(())
    /// ```
    ///
    /// # Errors
    /// [`TimedOut`] if the time is over; nothing is lost.
    pub fn next_timeout(
        &mut self,
        timeout: impl Into<Timeout>,
    ) -> Result<Option<Completed<T, E>>, TimedOut> {
        let mut found = self.take();
        if found.is_some() || self.over {
            return Ok(found);
        }
        let timeout = timeout.into().fixed();
        while found.is_none() && !self.over {
            found = match Worker::wait_for(&mut self.gather, timeout) {
                Waited::Settled => self.take(),
                Waited::TimedOut => return Err(TimedOut),
                Waited::WouldDeadlock => {
                    self.rest = Some(Rest::WouldDeadlock);
                    self.give_up()
                }
            };
        }
        Ok(found)
    }

    /// Takes an item that has come, or finds out that there are no more.
    fn take(&mut self) -> Option<Completed<T, E>> {
        if self.over || self.given_up > 0 {
            return self.give_up();
        }
        let Some(place) = self.gather.next() else {
            self.over = self.gather.items().is_complete();
            return self.give_up();
        };
        let items = self.gather.items();
        let index = items.number(place);
        let (outcome, way) = items.take_with_trace(place)?;
        self.left = self.left.map(|left| left - 1);
        Some(Completed { index, outcome, way })
    }

    /// Of a list that is not waited for: the next item that has not come, as what becomes of those.
    fn give_up(&mut self) -> Option<Completed<T, E>> {
        let rest_is = self.rest.filter(|_| !self.over)?;
        let items = self.gather.items();
        let mut rest = self.given_up..items.indices().end;
        let Some(place) = rest.find(|&place| items.is_pending(place)) else {
            self.over = true;
            return None;
        };
        let index = items.number(place);
        self.given_up = place + 1;
        self.left = self.left.map(|left| left - 1);
        Some(Completed { index, outcome: Err(rest_is.failure()), way: None })
    }

    /// The list, its executor, and before which place what has not come was given up.
    pub(super) fn into_parts(self) -> (Gather<T, E>, ExecutorHandle, usize) {
        (self.gather, self.executor, self.given_up)
    }

    /// The same for async code, on any runtime.
    pub fn stream(self) -> CompletedStream<T, E> {
        CompletedStream::new(self)
    }

    /// An item that is there, or has the task woken when there is one.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Completed<T, E>>> {
        ready!(budget::spend(context));
        while !self.over {
            let found = self.take();
            if found.is_some() {
                return Poll::Ready(found);
            }
            budget::refund(context); // for the wait
            if !self.over {
                ready!(self.gather.poll(context));
                ready!(budget::spend(context));
            }
        }
        Poll::Ready(None)
    }

    /// Whether all items were handed out, as far as that is known.
    pub(super) fn is_over(&self) -> bool {
        self.over || self.left == Some(0)
    }
}

impl<T: Send + 'static, E: Send + 'static> Iterator for AsCompleted<T, E> {
    type Item = Completed<T, E>;

    fn next(&mut self) -> Option<Completed<T, E>> {
        self.next_timeout(None).unwrap_or(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.unwrap_or(0), self.left)
    }
}

impl<T: Send + 'static, E: Send + 'static> FusedIterator for AsCompleted<T, E> {}

impl<T, E> fmt::Debug for AsCompleted<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.left {
            Some(left) => write!(f, "AsCompleted({left} left)"),
            None if self.over => f.write_str("AsCompleted(0 left)"),
            None => f.write_str("AsCompleted"),
        }
    }
}
