//! Blocking in something foreign: another thread takes the worker's place.

use super::worker::Worker;
use crate::clock;

/// Runs `f`, which blocks in something that the pool does not know of, while another thread takes this worker's place.
///
/// A job that waits for a channel, a lock, a child process or a database driver holds its worker, and a pool of four
/// that has four such jobs does nothing else. In here the worker is counted as blocked, as in a [`get`](crate::Promise::get):
/// if work is queued, another of the pool's threads does it meanwhile, one that is started for it if need be, up to
/// [`max_spare_workers`](crate::PoolBuilder::max_spare_workers). Afterwards there may be one thread too many for as long as
/// its job takes. Anywhere but on a worker it is a plain call. It may be nested.
///
/// For a promise this is not needed: `get`, and whatever else here waits, does it by itself. `f` runs on the thread that
/// calls, so it may borrow. That is `ManagedBlocker` of Java's fork-join pool, and `block_in_place` of tokio, without its
/// limits: the thread stays the same, what is thread-local with it.
///
/// # Panics
/// If `f` does.
///
/// ```
/// use asynckit::{Pool, blocking};
/// use std::sync::mpsc;
///
/// let pool = Pool::new(1);
/// let (sender, receiver) = mpsc::channel();
/// let mut waits = pool.run(move || blocking(|| receiver.recv().unwrap()));
/// let _sends = pool.run(move || sender.send(42)); // the pool's one worker is blocked, so another thread sends
/// assert_eq!(waits.get(None)?, 42);
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub fn blocking<R>(f: impl FnOnce() -> R) -> R {
    clock::away(|| Worker::blocked_elsewhere(f))
}
