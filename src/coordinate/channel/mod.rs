//! Values from producers to consumers, with room for so many.
//!
//! | file | idea |
//! | --- | --- |
//! | `shared` | what is buffered, and what waits at either end |
//! | `taken` | received one after the other: an iterator, a stream |
//! | `error` | why there is no room, or no value |

mod error;
mod shared;
mod taken;

use std::convert::Infallible;
use std::fmt;
use std::panic::Location;

pub use error::{ChannelClosed, TryRecvError, TrySendError};
pub use taken::{ReceiverIter, ReceiverStream};

use crate::cell::{Next, Step};
use crate::coordinate::line::settled;
use crate::failure::{Failure, Outcome};
use crate::promise::Promise;
use crate::sync::Arc;
use crate::timeout::Timeout;
use shared::{Handed, Offered, Received, Shared};

/// A channel that has room for `capacity` values, and its two ends.
///
/// Each value goes to one receiver, in the order in which they were sent; those that wait, at either end, have their turn in
/// the order in which they came. Waiting is a promise's, so that none holds a worker: a producer that is too fast is slowed
/// down by the promise of its [`send`](Sender::send), a consumer chains on [`recv`](Receiver::recv). Without room (0), a value is sent
/// when it is received, as with [`std::sync::mpsc::sync_channel`].
///
/// With the last [`Sender`], receivers get what is there, and then `None`. With the last [`Receiver`], what is there is
/// dropped, and sending fails with [`ChannelClosed`]. Callbacks run on [`Pool::global`](crate::Pool::global), or where
/// [`via`](Promise::via) says.
///
/// ```
/// use asynckit::{Pool, channel};
///
/// let (pool, (lines, received)) = (Pool::new(2), channel(2));
/// pool.spawn(move || {
///     for n in 0..10 {
///         lines.send(n).get(None)?; // no more than two ahead
///     }
///     Ok::<_, asynckit::Failure>(())
/// }).detach();
/// assert_eq!(received.iter().sum::<i32>(), 45);
/// ```
#[must_use]
pub fn channel<T: Send + 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Shared::new(capacity);
    (Sender { shared: Arc::clone(&shared) }, Receiver { shared })
}

/// The end of a [`channel`] that values go into. Clones send to the same.
pub struct Sender<T: Send + 'static> {
    shared: Arc<Shared<T>>,
}

/// The end of a [`channel`] that values come out of. Clones share them: each value goes to one.
pub struct Receiver<T: Send + 'static> {
    shared: Arc<Shared<T>>,
}

fn opened<T: Send + 'static>(handed: Option<Handed<T>>) -> Option<T> {
    handed.and_then(Handed::open)
}

/// Opens what is handed over, on the sender's thread.
struct Open;

impl<T: Send + 'static, E: 'static> Step<Option<Handed<T>>, E> for Open {
    type Ok = Option<T>;
    type Err = E;
    type Wanted = Infallible;
    const KIND: &'static str = "recv";
    const IN_WAY: bool = false;

    fn wants(_: &Outcome<Option<Handed<T>>, E>) -> bool {
        false
    }

    fn sort(handed: Outcome<Option<Handed<T>>, E>) -> Result<Infallible, Outcome<Option<T>, E>> {
        Err(handed.map(opened))
    }

    fn run(self, never: Infallible) -> Next<Option<T>, E> {
        match never {}
    }
}

impl<T: Send + 'static> Sender<T> {
    /// Sends the value as soon as there is room, which the promise tells; at once, if there is.
    ///
    /// A promise that is dropped does not take the value back, as always; one that is cancelled does, if it waits, and the
    /// value is dropped. Where another thread is just receiving it, it may be both: received, and its promise cancelled.
    ///
    /// # Errors
    /// [`ChannelClosed`] as an [`AnyError`](crate::AnyError), if there is no receiver any more or the channel was
    /// [closed](Self::close), now or while it waits; the value is dropped. [`try_send`](Self::try_send) gives it back.
    ///
    /// ```
    /// use asynckit::{ChannelClosed, channel};
    ///
    /// let (sender, receiver) = channel(1);
    /// sender.send("first").get(None)?;
    /// let mut second = sender.send("second");
    /// assert!(!second.is_set());
    /// assert_eq!(receiver.recv().get(None)?, Some("first"));
    /// assert!(second.is_set()); // there was room
    /// drop(receiver);
    /// let failure = sender.send("third").get(None).unwrap_err();
    /// assert_eq!(failure.downcast_ref::<ChannelClosed>(), Some(&ChannelClosed));
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn send(&self, value: T) -> Promise<()> {
        self.shared.send(value, Location::caller())
    }

    /// Sends the value, if there is room now.
    ///
    /// # Errors
    /// It is full, or closed; the value is in there.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self.shared.offer(value) {
            Offered::Sent => Ok(()),
            Offered::Full(value, _) => Err(TrySendError::Full(value)),
            Offered::Closed(value) => Err(TrySendError::Closed(value)),
        }
    }

    /// Takes no more values. Those that are there can be received; what waits for room fails with [`ChannelClosed`].
    pub fn close(&self) {
        self.shared.close();
    }

    /// Whether it was closed, or has no receiver any more.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// A promise of the next value; `None`: there will be none, since the channel is closed, or has no sender.
    ///
    /// A promise that is cancelled, or dropped while it waits (also by way of what was derived from it), leaves its place.
    /// A value that has come already, or is just being handed over, was received: it is dropped with the promise. Where none may
    /// be lost, use [`recv_timeout`](Self::recv_timeout) instead of `recv().timeout(…)`, or a [`stream`](Self::stream).
    ///
    /// ```
    /// use asynckit::channel;
    ///
    /// let (sender, receiver) = channel(0);
    /// let mut doubled = receiver.recv().map(|n: Option<i32>| n.map(|n| 2 * n));
    /// sender.send(21).get(None)?;
    /// assert_eq!(doubled.get(None)?, Some(42));
    /// drop(sender);
    /// assert_eq!(receiver.recv().get(None)?, None);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn recv(&self) -> Promise<Option<T>> {
        let location = Location::caller();
        match self.shared.receive(location) {
            Received::Now(value) => settled(Ok(value), location),
            Received::Waits(promise) => promise.link(Open, None, location),
        }
    }

    /// The next value, if it is there now.
    ///
    /// # Errors
    /// It is not there yet, or there will be none.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.shared.try_recv()
    }

    /// Waits for the next value, but not for ever; no value is lost when the time is over. `None`: there will be none.
    ///
    /// As for threads and timeouts, see [`Promise::get`].
    ///
    /// # Errors
    /// [`TimedOut`](crate::Failure::TimedOut) or [`WouldDeadlock`](crate::Failure::WouldDeadlock).
    #[track_caller]
    pub fn recv_timeout(&self, timeout: impl Into<Timeout>) -> Outcome<Option<T>> {
        let mut promise = match self.shared.receive(Location::caller()) {
            Received::Now(value) => return Ok(value),
            Received::Waits(promise) => promise,
        };
        let given_up = match promise.get(timeout) {
            Err(failure @ (Failure::TimedOut | Failure::WouldDeadlock)) => failure,
            outcome => return outcome.map(opened),
        };
        promise.cancel();
        match promise.try_get() {
            Some(Ok(value)) => Ok(opened(value)), // it has come just now
            _ => Err(given_up),
        }
    }

    /// Takes no more values: see [`Sender::close`].
    pub fn close(&self) {
        self.shared.close();
    }

    /// Whether it was closed, or has no sender any more; there may be values in it.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// How many values are in it. Those that wait for room are not.
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Send + 'static> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.add_sender();
        Sender { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Send + 'static> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.drop_sender();
    }
}

impl<T: Send + 'static> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.add_receiver();
        Receiver { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Send + 'static> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.drop_receiver();
    }
}

impl<T: Send + 'static> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({} of {})", self.shared.len(), self.shared.capacity())
    }
}

impl<T: Send + 'static> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver({} of {})", self.shared.len(), self.shared.capacity())
    }
}
