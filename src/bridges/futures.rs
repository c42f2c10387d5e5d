//! The one-shot channel of `futures`.

use std::panic::Location;

use futures_channel::oneshot::Receiver;

use super::watch::watch;
use crate::failure::Failure;
use crate::promise::Promise;

/// Fails with [`Failure::Abandoned`] when the sender is dropped. Cancelling the promise drops the
/// receiver. Callbacks run on [`Pool::global`](crate::Pool::global).
///
/// ```
/// use asynckit::{AnyError, Promise};
///
/// let (sender, receiver) = futures_channel::oneshot::channel();
/// let mut promise: Promise<i32> = receiver.into();
/// std::thread::spawn(move || sender.send(42));
/// assert_eq!(promise.get(None)?, 42);
/// # Ok::<(), asynckit::Failure>(())
/// ```
impl<T: Send + 'static, E: Send + 'static> From<Receiver<T>> for Promise<T, E> {
    #[track_caller]
    fn from(receiver: Receiver<T>) -> Self {
        watch(async { receiver.await.map_err(|_| Failure::Abandoned) }, Location::caller())
    }
}
