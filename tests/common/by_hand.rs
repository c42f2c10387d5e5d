//! A future that a test wakes and finishes by hand.

use super::{Log, eventually};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};

/// What a [`ByHand`] future and its test share.
#[derive(Default)]
pub(crate) struct Hand {
    waker: Mutex<Option<Waker>>,
    polls: AtomicUsize,
    ready: AtomicBool,
}

impl Hand {
    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    pub(crate) fn waker(&self) -> Option<Waker> {
        self.waker.lock().unwrap().clone()
    }

    /// Nobody can wake it any more.
    pub(crate) fn forget_waker(&self) {
        drop(self.waker.lock().unwrap().take());
    }

    #[track_caller]
    pub(crate) fn await_polls(&self, n: usize) {
        eventually("it is polled", || self.polls() >= n);
    }

    pub(crate) fn finish(&self) {
        self.ready.store(true, Ordering::SeqCst);
        let waker = self.waker.lock().unwrap().take();
        waker.expect("it was polled").wake();
    }
}

/// A future that keeps its waker where the test finds it.
pub(crate) struct ByHand {
    hand: Arc<Hand>,
    pub(crate) dropped: Option<Log<ThreadId>>,
}

impl ByHand {
    pub(crate) fn new() -> (Arc<Hand>, ByHand) {
        let hand = Arc::<Hand>::default();
        (hand.clone(), ByHand { hand, dropped: None })
    }
}

impl Future for ByHand {
    type Output = Result<u8, String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let hand = &self.hand;
        *hand.waker.lock().unwrap() = Some(context.waker().clone());
        hand.polls.fetch_add(1, Ordering::SeqCst);
        if hand.ready.load(Ordering::SeqCst) { Poll::Ready(Ok(7)) } else { Poll::Pending }
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        if let Some(log) = &self.dropped {
            log.add(thread::current().id());
        }
    }
}
