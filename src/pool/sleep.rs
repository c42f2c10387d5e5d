//! The part of going to sleep that pushers see: is there a hand that could be woken, and is
//! somebody doing so already?
//!
//! A pusher must not take a lock for each item, and a worker that goes to sleep must not miss one:
//! the worker says that it is there to be woken, and then looks at the queue; the pusher fills the
//! queue, and then looks whether somebody is there. A SeqCst fence between the two steps, on both
//! sides, makes sure that at least one of them sees the other. (Fences, not SeqCst accesses: loom
//! can check those.)
//!
//! One wake-up at a time is enough: who was woken clears the flag *before* it looks at the queue, and
//! wakes the next if there is more than it can take.

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

/// What pushers look at.
pub(crate) struct Sleep {
    /// How many threads could be woken or started.
    hands: AtomicUsize,
    /// Somebody is about to wake or start one.
    waking: AtomicBool,
}

impl Sleep {
    pub(crate) fn new(hands: usize) -> Self {
        Sleep { hands: AtomicUsize::new(hands), waking: AtomicBool::new(false) }
    }

    /// Pusher, after its push: whether it has to wake somebody, or to call [`awake`](Self::awake) if
    /// it finds nobody.
    #[must_use]
    pub(crate) fn must_wake(&self) -> bool {
        // ORDERING: SeqCst fence between the push and this load; pairs with the one in `offer`.
        fence(Ordering::SeqCst);
        // ORDERING: Relaxed, the fences order them; AcqRel so that there is one waker at a time.
        self.hands.load(Ordering::Relaxed) > 0
            && !self.waking.load(Ordering::Relaxed)
            && !self.waking.swap(true, Ordering::AcqRel)
    }

    /// Under the pool's lock: how many hands there are now. A worker that goes to sleep looks at the
    /// queue once more after this.
    pub(crate) fn offer(&self, hands: usize) {
        // ORDERING: Relaxed, the fence orders it.
        self.hands.store(hands, Ordering::Relaxed);
        // ORDERING: SeqCst fence between this store and the look at the queue; pairs with the one
        // in `must_wake`.
        fence(Ordering::SeqCst);
    }

    /// Who was woken, or who was to wake somebody and found nobody: the next push may wake again.
    /// Look at the queue after this.
    pub(crate) fn awake(&self) {
        // ORDERING: Relaxed, the fence orders it.
        self.waking.store(false, Ordering::Relaxed);
        // ORDERING: SeqCst fence between this store and the look at the queue: a pusher that still
        // saw the flag has pushed before, and its item is seen.
        fence(Ordering::SeqCst);
    }
}
