//! The sync face of a list.

use super::{AsyncList, End, Inner};
use crate::cell;
use crate::failure::{Failure, Outcome};
use crate::pool::Worker;
use crate::timeout::Timeout;

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// Waits for all values, and takes them in input order.
    ///
    /// There is one deadline for the whole list. The first failure in time ends the wait; what is
    /// pending then goes on (use [`join`](Self::join) to have it cancelled). As for timeouts and
    /// workers, see [`Promise::get`](crate::Promise::get).
    ///
    /// # Errors
    /// The failure of the item that failed first. [`Failure::TimedOut`] if the time is over: the list
    /// is still there. [`Failure::Taken`] if the outcome was taken before.
    pub fn get(&mut self, timeout: impl Into<Timeout>) -> Outcome<Vec<T>, E> {
        if !self.wait(timeout) {
            return Err(Failure::TimedOut);
        }
        self.inner().take()
    }

    /// Waits until all items are set or one has failed. `false`: the time is over.
    pub fn wait(&mut self, timeout: impl Into<Timeout>) -> bool {
        let timeout = timeout.into();
        let inner = self.inner();
        if inner.is_set() {
            return true;
        }
        cell::flush();
        if timeout.is_never() && Worker::is_current() {
            inner.help();
        }
        if inner.is_set() || timeout.is_poll() {
            return inner.is_set();
        }
        let deadline = timeout.start();
        let mut wait = || {
            while !inner.is_set() {
                if !inner.gather.wait(deadline.into()) {
                    return inner.is_set();
                }
            }
            true
        };
        if Worker::is_current() { Worker::blocked(wait) } else { wait() }
    }
}

impl<T: Send + 'static, E: Send + 'static> Inner<T, E> {
    fn take(&mut self) -> Outcome<Vec<T>, E> {
        match self.end {
            End::TakenValues | End::TakenFailure => Err(Failure::Taken),
            End::Failed(index) => {
                self.end = End::TakenFailure;
                match self.gather.items().take(index) {
                    Some(Err(failure)) => Err(failure),
                    _ => Err(Failure::Taken), // not reachable: it is there, and has failed
                }
            }
            End::Open => {
                self.end = End::TakenValues;
                self.gather.items().take_values()
            }
        }
    }

    /// On a worker: runs the jobs that the list waits for, as far as nobody has started them.
    fn help(&mut self) {
        for index in 0..self.gather.items().len() {
            while self.gather.items().pending(index).is_some_and(Worker::help) {
                if self.is_set() {
                    return;
                }
            }
        }
    }
}
