//! The sync face of a list.

use super::AsyncList;
use crate::failure::{Failure, Outcome, drop_quietly};
use crate::pool::{Waited, Worker};
use crate::timeout::Timeout;

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// Waits for all values, and takes them in input order.
    ///
    /// There is one deadline for the whole list. The first failure in time ends the wait. Neither a failure nor a
    /// timeout stops anything: what is pending goes on, and a program that returns then ends when it is through, because
    /// dropping a pool finishes its queue. To have the rest cancelled by either, write
    /// `list.join().timeout(limit).get(None)`; see [`join`](Self::join),
    /// [`Promise::timeout`](crate::Promise::timeout), [`PoolBuilder::on_drop`](crate::PoolBuilder::on_drop). As for
    /// timeouts, see [`Promise::get`](crate::Promise::get). A worker runs no item itself: another thread takes its
    /// place meanwhile.
    ///
    /// # Errors
    /// The failure of the item that failed first. [`Failure::TimedOut`] if the time is over: the list
    /// is still there. [`Failure::WouldDeadlock`] if all threads of the pool would wait, without a
    /// limit, while work is queued. [`Failure::Taken`] if the values, an error or a panic were taken
    /// before; all other failures are given again.
    pub fn get(&mut self, timeout: impl Into<Timeout>) -> Outcome<Vec<T>, E> {
        match self.wait_for(timeout.into()) {
            Waited::Settled => self.take(),
            waited => Err(waited.failure()),
        }
    }

    /// Waits until all items are set or one has failed. `false`: the time is over.
    pub fn wait(&mut self, timeout: impl Into<Timeout>) -> bool {
        self.wait_for(timeout.into()) == Waited::Settled
    }

    fn wait_for(&mut self, timeout: Timeout) -> Waited {
        if self.is_set() {
            return Waited::Settled;
        }
        let timeout = timeout.fixed();
        loop {
            let waited = Worker::wait_for(self.gather(), timeout);
            if self.is_set() {
                return Waited::Settled;
            }
            if waited != Waited::Settled {
                return waited;
            }
        }
    }

    fn take(&mut self) -> Outcome<Vec<T>, E> {
        if self.taken {
            return Err(Failure::Taken);
        }
        let cancelled = self.is_cancelled();
        let list = self.items.get_mut();
        list.gather.set_got();
        let failed = list.look();
        let items = list.gather.items();
        let Some(index) = failed else {
            if cancelled {
                return Err(Failure::Cancelled);
            }
            self.taken = true;
            return self.gather().items().take_values();
        };
        drop_quietly(items.halt());
        if let Some(again) = items.failure_again(index) {
            return Err(again); // it stays in its place, for what is made of the list later, too
        }
        self.taken = true;
        match self.gather().items().take(index) {
            Some(Err(failure)) => Err(failure),
            _ => Err(Failure::Taken), // not reachable: it is there, and has failed
        }
    }
}
