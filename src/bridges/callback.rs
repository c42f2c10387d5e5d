//! An interface of callbacks as a promise.

use std::panic::Location;

use crate::cell::{Consumer, Origin, Producer};
use crate::failure::{Failure, Outcome, catch, drop_quietly};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::Arc;
use crate::sync::Mutex;

struct Called;

impl Origin for Called {
    const KIND: &'static str = "from_callback";
}

/// Settles a promise, from any thread; the first call counts.
type Settle<X> = Box<dyn Fn(X) + Send + Sync>;

/// What `resolve` and `reject` share, until one of them is called.
struct Both<T: 'static, E: 'static>(Mutex<Option<Producer<T, E>>>);

/// What settles a new promise, and the promise.
fn pair<T, E>(location: &'static Location<'static>) -> (Arc<Both<T, E>>, Consumer<T, E>)
where
    T: Send + 'static,
    E: Send + 'static,
{
    let (producer, consumer) = Producer::pair::<Called>(location);
    (Arc::new(Both(Mutex::new(Some(producer)))), consumer)
}

impl<T: 'static, E: 'static> Both<T, E> {
    fn settle(&self, outcome: Outcome<T, E>) {
        let producer = self.0.lock().take();
        if let Some(producer) = producer {
            producer.settle(outcome);
        }
    }

    /// Has `abort` called when the promise is cancelled. It is not yet: nobody else has it.
    fn on_cancel(&self, abort: impl FnOnce() + Send + 'static) {
        let mut producer = self.0.lock();
        if let Some(producer) = &mut *producer {
            producer.on_cancel(Box::new(abort));
            return;
        }
        drop(producer);
        drop_quietly(abort); // the user's: not under the lock
    }
}

impl<T: Send + 'static, E: Send + 'static> Both<T, E> {
    /// `resolve` and `reject`.
    fn ends(self: &Arc<Self>) -> (Settle<T>, Settle<E>) {
        let (ok, err) = (Arc::clone(self), Arc::clone(self));
        let resolve = move |value| ok.settle(Ok(value));
        let reject = move |error| err.settle(Err(Failure::from_error(error)));
        (Box::new(resolve), Box::new(reject))
    }
}

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// Makes a promise of what calls back: `start` is called at once, on this thread, with two functions
    /// that settle the promise.
    ///
    /// They may be called from any thread. The first call counts, what others bring is dropped. When both
    /// are dropped uncalled, the promise fails with [`Failure::Abandoned`]. If `start` panics first, it
    /// fails with [`Failure::Panicked`]. Callbacks of the promise run on [`Pool::global`].
    ///
    /// ```
    /// use asynckit::Promise;
    ///
    /// /// Somebody else's interface.
    /// fn read_later(ok: impl Fn(String) + Send + 'static, _error: impl Fn(u32) + Send + 'static) {
    ///     std::thread::spawn(move || ok("text".to_owned()));
    /// }
    ///
    /// let mut text: Promise<String, u32> = Promise::from_callback(|resolve, reject| read_later(resolve, reject));
    /// assert_eq!(text.get(None).unwrap(), "text");
    /// ```
    #[track_caller]
    pub fn from_callback<F>(start: F) -> Promise<T, E>
    where
        F: FnOnce(Box<dyn Fn(T) + Send + Sync>, Box<dyn Fn(E) + Send + Sync>),
    {
        let (both, consumer) = pair(Location::caller());
        let (resolve, reject) = both.ends();
        if let Err(panic) = catch(|| start(resolve, reject)) {
            both.settle(Err(Failure::Panicked(panic)));
        }
        Promise::new(consumer, Pool::global().core().executor())
    }

    /// As [`from_callback`](Self::from_callback), for what can be aborted: `start` gives the function that does it.
    ///
    /// That is called when the promise is cancelled before it has settled, as a handler of
    /// [`Deferred::on_cancel`](crate::Deferred::on_cancel) is. Else it is dropped when the promise settles, at once if
    /// `start` has settled it.
    ///
    /// ```
    /// use asynckit::Promise;
    /// use std::sync::mpsc::channel;
    /// use std::{thread, time::Duration};
    ///
    /// /// Somebody else's interface: rings after an hour, unless it is told to stop.
    /// fn alarm(ring: impl Fn(()) + Send + 'static) -> std::sync::mpsc::Sender<()> {
    ///     let (stop, stopped) = channel();
    ///     thread::spawn(move || {
    ///         if stopped.recv_timeout(Duration::from_secs(3600)).is_err() {
    ///             ring(());
    ///         }
    ///     });
    ///     stop
    /// }
    ///
    /// let mut rung: Promise<()> = Promise::from_abortable(|resolve, _reject| {
    ///     let stop = alarm(resolve);
    ///     move || drop(stop.send(()))
    /// });
    /// rung.cancel(); // the alarm has been told when this returns
    /// assert!(rung.get(None).unwrap_err().is_cancelled());
    /// ```
    #[track_caller]
    pub fn from_abortable<F, A>(start: F) -> Promise<T, E>
    where
        F: FnOnce(Box<dyn Fn(T) + Send + Sync>, Box<dyn Fn(E) + Send + Sync>) -> A,
        A: FnOnce() + Send + 'static,
    {
        let (both, consumer) = pair(Location::caller());
        let (resolve, reject) = both.ends();
        match catch(|| start(resolve, reject)) {
            Ok(abort) => both.on_cancel(abort),
            Err(panic) => both.settle(Err(Failure::Panicked(panic))),
        }
        Promise::new(consumer, Pool::global().core().executor())
    }
}
