//! What is to be done at a cancellation, said where the promise is: `on_cancel`.

use std::panic::Location;

use super::Relay;
use crate::cell::{Gather, Origin, Producer};
use crate::promise::Promise;

struct OnCancel;

impl Origin for OnCancel {
    const KIND: &'static str = "on_cancel";
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Has `f` called when the promise is cancelled before it has settled, and then cancels what is upstream.
    ///
    /// [`Deferred::on_cancel`](crate::Deferred::on_cancel) on the side of the promise: for interfaces that take the
    /// callback away, with the deferred in it, before they give what aborts. `f` runs inside the call that cancels this
    /// promise or what is behind it, with no lock held; its panics are contained. It is dropped unrun when the promise
    /// settles, at once if it has. A cancellation that comes from upstream, by a [`Canceller`](crate::Canceller) there,
    /// is an outcome like any other. Passing through here needs no worker.
    ///
    /// ```
    /// use asynckit::{Outcome, Promise};
    /// use std::thread;
    ///
    /// /// Somebody else's interface: starting gives what aborts.
    /// fn shoot(done: impl FnOnce(Outcome<String>) + Send + 'static) -> Ticket {
    ///     Ticket(thread::spawn(|| { thread::park(); done(Ok("a photo".to_owned())) }))
    /// }
    /// # struct Ticket(thread::JoinHandle<()>);
    /// # impl Ticket { fn abort(self) { self.0.thread().unpark(); } }
    ///
    /// let (deferred, photo) = Promise::deferred();
    /// let ticket = shoot(move |outcome| deferred.settle(outcome));
    /// let mut photo = photo.on_cancel(move || ticket.abort());
    /// photo.cancel(); // the ticket has been told when this returns
    /// assert!(photo.get(None).unwrap_err().is_cancelled());
    /// ```
    #[track_caller]
    pub fn on_cancel(self, f: impl FnOnce() + Send + 'static) -> Self {
        if self.is_set() && !self.is_error() {
            // A failure passes through all the same: its way does not depend on when it came.
            return self;
        }
        let location = Location::caller();
        let (source, executor) = self.into_parts();
        let mut gather = Gather::new();
        gather.watch(source, location);
        let (mut producer, consumer) = Producer::pair::<OnCancel>(location);
        producer.on_cancel(Box::new(f));
        producer.waits_for(gather.canceller());
        gather.hand_to(Box::new(Relay::<_, _, ()>::new(producer, None)));
        Promise::new(consumer, executor)
    }
}
