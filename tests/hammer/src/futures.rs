//! Futures and wakers of the hammer's own, and a waker that does things when it is woken.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::callback::Callback;
use crate::finding::contain;
use crate::random::Random;
use crate::sync::{self, Lock, Ring};
use crate::value::{Fault, Value};
use crate::world::world;

/// A waker in the heap, which wakes at the latest when it falls out of it: a future that nobody wakes lives as long as its
/// pool, and that may be the global one.
pub(crate) struct Kept(pub(crate) Waker);

impl Drop for Kept {
    fn drop(&mut self) {
        // It may be a `bell`, whose callback panics.
        contain(|| self.0.wake_by_ref());
    }
}

/// Pending for some polls; its waker is kept elsewhere.
pub(crate) struct Later {
    pub(crate) callback: Option<Callback>,
    pub(crate) left: usize,
    pub(crate) random: Random,
}

impl Future for Later {
    type Output = Result<Value, Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            let callback = self.callback.take().expect("it is not polled after its end");
            return Poll::Ready(callback.result("future", None));
        }
        self.left -= 1;
        let r = &mut self.random;
        world().wakers.put(Kept(context.waker().clone()), r);
        if r.one_in(2) {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        // What it waits for goes with it, on this thread.
        drop(self.callback.take());
    }
}

/// Calls its callback when it is woken, within whatever wakes it.
struct Bell(Lock<Option<Callback>>);

impl Ring for Bell {
    fn ring(&self) {
        let callback = self.0.lock().take();
        if let Some(callback) = callback {
            _ = callback.call("waker");
        }
    }
}

/// A waker that does something.
pub(crate) fn bell(callback: Callback) -> Waker {
    Bell(Lock::new(Some(callback))).waker()
}

struct Unpark(Thread);

impl Ring for Unpark {
    fn ring(&self) {
        self.0.unpark();
    }
}

/// Polls it here until it is ready, or for so long.
pub(crate) fn block_on<F: Future + Unpin>(future: &mut F, limit: Duration) -> Option<F::Output> {
    block_on_poll(limit, |context| Pin::new(&mut *future).poll(context))
}

/// The same for anything that can be polled.
pub(crate) fn block_on_poll<X>(
    limit: Duration,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<X>,
) -> Option<X> {
    let waker = Unpark(sync::current()).waker();
    let (mut context, end) = (Context::from_waker(&waker), Instant::now() + limit);
    loop {
        if let Poll::Ready(ready) = poll(&mut context) {
            return Some(ready);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        std::thread::park_timeout(left);
    }
}
