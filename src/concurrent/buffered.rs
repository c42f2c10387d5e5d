//! Results in the order of the inputs, as they come: `buffered`.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::Stream;

use crate::failure::{Failure, Outcome, TimedOut, catch, drop_quietly};
use crate::list::AsyncList;
use crate::promise::Promise;
use crate::timeout::Timeout;

/// Draws promises from an iterator, no more than `n` at a time, and gives their outcomes in its order, each as soon as
/// it is there.
///
/// As `buffered` of futures, and Python's `Executor.map`: an iterator for plain code, a
/// [`stream`](Buffered::stream) for async code. Lazy iterators are drawn from when there is room: no more than `n`
/// promises are begun and not handed out, and the others are not made yet. So it takes constant memory, however many
/// there are, and goes no faster than the one that takes. 0 counts as 1. Where the order does not matter, use
/// [`map_concurrent`](crate::map_concurrent()) with [`as_completed`](AsyncList::as_completed).
///
/// The iterator is called on the thread that takes, or makes this, with nothing locked.
///
/// # Errors
/// A failure is the outcome of its promise, and ends nothing. A panic of the iterator is one, too, and the last.
///
/// ```
/// use asynckit::{Pool, buffered};
///
/// let pool = Pool::new(4);
/// let squares = (1..).map(|n| pool.run(move || n * n)); // nothing has begun
/// let mut sum = 0;
/// for square in buffered(squares, 4).take(10) {
///     sum += square?;
/// }
/// assert_eq!(sum, 385);
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub fn buffered<I, T, E>(promises: I, n: usize) -> Buffered<I::IntoIter, T, E>
where
    I: IntoIterator<Item = Promise<T, E>>,
    T: Send + 'static,
    E: Send + 'static,
{
    let inputs = catch(|| promises.into_iter());
    let (inputs, broken) = match inputs {
        Ok(inputs) => (Some(inputs), None),
        Err(panic) => (None, Some(Promise::settled(Err(Failure::Panicked(panic))))),
    };
    let mut buffered = Buffered { inputs, held: broken.into_iter().collect(), most: n.max(1) };
    buffered.fill();
    buffered
}

/// Outcomes in the order of the inputs: see [`buffered`].
///
/// `next` waits as [`Promise::get`] does. Dropping it begins nothing more, and lets those that have begun go on.
#[must_use = "the outcomes are handed out one by one, when they are asked for"]
pub struct Buffered<I, T, E> {
    /// `None` when it has come to its end.
    inputs: Option<I>,
    /// Begun, and not handed out.
    held: VecDeque<Promise<T, E>>,
    most: usize,
}

impl<I, T, E> Buffered<I, T, E>
where
    I: Iterator<Item = Promise<T, E>>,
    T: Send + 'static,
    E: Send + 'static,
{
    /// Begins as many as there is room for.
    fn fill(&mut self) {
        while self.held.len() < self.most {
            let Some(inputs) = &mut self.inputs else { return };
            match catch(|| inputs.next()) {
                Ok(Some(promise)) => self.held.push_back(promise),
                Ok(None) => drop_quietly(self.inputs.take()),
                Err(panic) => {
                    drop_quietly(self.inputs.take());
                    self.held.push_back(Promise::settled(Err(Failure::Panicked(panic))));
                }
            }
        }
    }

    /// As `next`, but waits no longer than the timeout.
    ///
    /// ```
    /// use asynckit::{Promise, buffered};
    /// use std::time::Duration;
    ///
    /// let (first, promise) = Promise::<u8, String>::deferred();
    /// let mut both = buffered([promise, Promise::ready(2)], 2);
    /// assert!(both.next_timeout(Duration::from_millis(1)).is_err()); // the second waits for its turn
    /// first.resolve(1);
    /// assert!(both.map(Result::unwrap).eq([1, 2]));
    /// ```
    ///
    /// # Errors
    /// [`TimedOut`] if the time is over; nothing is lost.
    pub fn next_timeout(
        &mut self,
        timeout: impl Into<Timeout>,
    ) -> Result<Option<Outcome<T, E>>, TimedOut> {
        let timeout = timeout.into();
        self.fill();
        let Some(next) = self.held.front_mut() else { return Ok(None) };
        let outcome = next.get(timeout);
        if !next.is_set() && outcome.as_ref().is_err_and(Failure::is_timed_out) {
            return Err(TimedOut);
        }
        self.held.pop_front();
        self.fill();
        Ok(Some(outcome))
    }

    /// Those that have begun and were not handed out, in their order; nothing more begins.
    ///
    /// ```
    /// use asynckit::{Promise, buffered};
    ///
    /// let mut all = buffered((0..).map(Promise::<i32>::ready), 3);
    /// assert_eq!(all.next().unwrap()?, 0);
    /// assert_eq!(all.into_rest().join().get(None)?, [1, 2, 3]);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn into_rest(self) -> AsyncList<T, E> {
        drop_quietly(self.inputs);
        self.held.into_iter().collect()
    }

    /// The same for async code, on any runtime.
    pub fn stream(self) -> BufferedStream<I, T, E> {
        BufferedStream { buffered: self }
    }
}

impl<I, T, E> Iterator for Buffered<I, T, E>
where
    I: Iterator<Item = Promise<T, E>>,
    T: Send + 'static,
    E: Send + 'static,
{
    type Item = Outcome<T, E>;

    fn next(&mut self) -> Option<Outcome<T, E>> {
        self.next_timeout(None).unwrap_or(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (held, inputs) = (self.held.len(), self.inputs.as_ref());
        let (least, most) = inputs.map_or((0, Some(0)), Iterator::size_hint);
        (least.saturating_add(held), most.and_then(|most| most.checked_add(held)))
    }
}

impl<I, T, E> fmt::Debug for Buffered<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.inputs.is_some() { ", and more" } else { "" };
        write!(f, "Buffered({} of {}{more})", self.held.len(), self.most)
    }
}

/// Outcomes in the order of the inputs, as a stream, by [`Buffered::stream`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct BufferedStream<I, T, E> {
    buffered: Buffered<I, T, E>,
}

// The iterator is only called, and the promises may move.
impl<I, T, E> Unpin for BufferedStream<I, T, E> {}

impl<I, T, E> Stream for BufferedStream<I, T, E>
where
    I: Iterator<Item = Promise<T, E>>,
    T: Send + 'static,
    E: Send + 'static,
{
    type Item = Outcome<T, E>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Outcome<T, E>>> {
        let buffered = &mut self.buffered;
        buffered.fill();
        let Some(next) = buffered.held.front_mut() else { return Poll::Ready(None) };
        let outcome = ready!(Pin::new(next).poll(context));
        buffered.held.pop_front();
        buffered.fill();
        Poll::Ready(Some(outcome))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.buffered.size_hint()
    }
}

impl<I, T, E> fmt::Debug for BufferedStream<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BufferedStream").field(&self.buffered).finish()
    }
}
