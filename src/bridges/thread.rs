//! A thread's end as a promise.

use std::panic::Location;

use crate::cell::{Origin, Producer};
use crate::failure::{Failure, Panic};
use crate::pool::Pool;
use crate::promise::Promise;
use crate::sync::thread::{Builder, JoinHandle};

struct Joined;

impl Origin for Joined {
    const KIND: &'static str = "from";
}

/// What the thread returns; [`Failure::Panicked`] if it panicked.
///
/// A thread of the operating system tells nobody of its end but who joins it: so another one waits for
/// it, unless it is through. Cancelling the promise leaves the thread alone. Callbacks run on
/// [`Pool::global`]. If no thread can be started, the promise fails with [`Failure::Abandoned`].
///
/// ```
/// use asynckit::Promise;
///
/// let mut answer: Promise<i32> = std::thread::spawn(|| 6 * 7).into();
/// assert_eq!(answer.get(None)?, 42);
/// # Ok::<(), asynckit::Failure>(())
/// ```
impl<T: Send + 'static, E: Send + 'static> From<JoinHandle<T>> for Promise<T, E> {
    #[track_caller]
    fn from(thread: JoinHandle<T>) -> Self {
        let (producer, consumer) = Producer::pair::<Joined>(Location::caller());
        let settle = move |thread: JoinHandle<T>| {
            let joined = thread.join();
            producer.settle(joined.map_err(|payload| Failure::Panicked(Panic::new(payload))));
        };
        if thread.is_finished() {
            settle(thread);
        } else {
            // With a stack as any other's: user code may run where a promise settles.
            let join = Builder::new().name("asynckit-join".to_owned());
            drop(join.spawn(move || settle(thread))); // else the producer is dropped with the closure
        }
        Promise::new(consumer, Pool::global().core().executor())
    }
}
