//! An interface of callbacks as a promise.

use std::panic::Location;

use crate::cell::{Origin, Producer};
use crate::failure::{Failure, Outcome, catch};
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

impl<T: 'static, E: 'static> Both<T, E> {
    fn settle(&self, outcome: Outcome<T, E>) {
        let producer = self.0.lock().take();
        if let Some(producer) = producer {
            producer.settle(outcome);
        }
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
        let (producer, consumer) = Producer::pair::<Called>(Location::caller());
        let both = Arc::new(Both(Mutex::new(Some(producer))));
        let (ok, err) = (Arc::clone(&both), Arc::clone(&both));
        let resolve: Settle<T> = Box::new(move |value| ok.settle(Ok(value)));
        let reject: Settle<E> = Box::new(move |error| err.settle(Err(Failure::from_error(error))));
        if let Err(panic) = catch(|| start(resolve, reject)) {
            both.settle(Err(Failure::Panicked(panic)));
        }
        Promise::new(consumer, Pool::global().core().executor())
    }
}
