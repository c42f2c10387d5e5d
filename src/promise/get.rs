//! The sync face: waiting for a promise, and taking its outcome.

use super::Promise;
use crate::failure::Outcome;
use crate::pool::{Waited, Worker};
use crate::timeout::Timeout;

impl<T: 'static, E: 'static> Promise<T, E> {
    /// Waits for the outcome and takes it.
    ///
    /// The timeout is a `Duration`, an `Instant`, an `Option<Duration>`, or `None` for no limit; zero
    /// asks without waiting. On a worker of the pool this runs the awaited job itself if nobody has
    /// started it (only without a limit; also a job whose promise it follows, or that a shared value
    /// waits for), else another thread takes the worker's place meanwhile. In an async runtime it
    /// blocks the thread: use `.await` there. A thread that drains a [`LocalQueue`](crate::LocalQueue)
    /// runs the jobs of that queue meanwhile (without a limit only).
    ///
    /// When the time is over the work goes on, and so does the program: `main` that returns then, by `?` for one, waits for
    /// the pool's queue where it drops the pool. [`timeout`](Self::timeout) cancels the work,
    /// [`cancel_on_drop`](Self::cancel_on_drop) does where the promise is dropped, and
    /// [`PoolBuilder::on_drop`](crate::PoolBuilder::on_drop) says what becomes of the queue.
    ///
    /// # Errors
    /// The failure of the promise. [`Failure::TimedOut`](crate::Failure::TimedOut) if the time is over: the promise is still
    /// there, so `get` may be called again; a promise that has itself failed with it, by
    /// [`timeout`](Promise::timeout), is set ([`is_set`](Promise::is_set)), and says so for ever. [`Failure::WouldDeadlock`](crate::Failure::WouldDeadlock) if it could never return, because
    /// what it waits for is this very job, or a job that waits for it in the same way (circles through
    /// lists are not seen); or if all threads of the pool would wait, without a limit, while work is
    /// queued. [`Failure::Taken`](crate::Failure::Taken) if the value, the error or the panic was taken
    /// before; all other failures are given again.
    ///
    /// ```
    /// use asynckit::{Failure, Promise};
    /// use std::time::Duration;
    ///
    /// let (deferred, mut promise) = Promise::<&str>::deferred();
    /// assert!(promise.get(Some(Duration::from_millis(1))).unwrap_err().is_timed_out());
    /// deferred.resolve("here");
    /// assert_eq!(promise.get(None)?, "here");
    /// assert!(promise.get(None).unwrap_err().is_taken());
    /// # Ok::<(), Failure>(())
    /// ```
    #[inline]
    pub fn get(&mut self, timeout: impl Into<Timeout>) -> Outcome<T, E> {
        match self.consumer.take() {
            Some(outcome) => outcome,
            None => self.get_later(timeout.into()),
        }
    }

    // Not inline, so that `get` is: an outcome that is there is not copied once more.
    #[inline(never)]
    fn get_later(&mut self, timeout: Timeout) -> Outcome<T, E> {
        let waited = Worker::wait_for(&mut self.consumer, timeout);
        self.consumer.take().unwrap_or(Err(waited.failure()))
    }

    /// Waits until it has settled. `false`: the time is over.
    ///
    /// The outcome stays. As for threads and timeouts, see [`get`](Self::get).
    pub fn wait(&mut self, timeout: impl Into<Timeout>) -> bool {
        Worker::wait_for(&mut self.consumer, timeout.into()) == Waited::Settled
    }

    /// Takes the outcome if it is there; does not wait.
    ///
    /// # Errors
    /// As for [`get`](Self::get), without `TimedOut`.
    pub fn try_get(&mut self) -> Option<Outcome<T, E>> {
        self.consumer.take()
    }
}
