//! The part of going to sleep that pushers see: is there a hand that could be woken, and is
//! another thread doing so already?
//!
//! A pusher must not take a lock for each item, and a worker that goes to sleep must not miss one:
//! the worker says that it is there to be woken, and then looks at the queue; the pusher fills the
//! queue, and then looks whether a sleeper is there. A SeqCst fence between the two steps, on both
//! sides, makes sure that at least one of them sees the other. (Fences, not SeqCst accesses: loom
//! can check those.)
//!
//! A worker that has nothing to do looks out for a moment before it sleeps; pushers rely on it as on one
//! that is being woken.
//!
//! One wake-up at a time is enough: the woken worker clears the flag *before* it looks at the queue, and
//! wakes the next if there is more than it can take.

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

/// What pushers look at.
pub(crate) struct Sleep {
    /// How many threads could be woken or started.
    hands: AtomicUsize,
    /// A thread is about to wake or start one, or spins.
    waking: AtomicBool,
}

impl Sleep {
    pub(crate) fn new(hands: usize) -> Self {
        Sleep { hands: AtomicUsize::new(hands), waking: AtomicBool::new(false) }
    }

    /// Pusher, after its push: whether it has to wake a worker, or to call [`awake`](Self::awake) if
    /// it finds none.
    #[must_use]
    pub(crate) fn must_wake(&self) -> bool {
        // ORDERING: SeqCst fence between the push and this load; pairs with the one in `offer`.
        fence(Ordering::SeqCst);
        // ORDERING: Relaxed, the fences order them.
        self.hands.load(Ordering::Relaxed) > 0 && self.take_flag()
    }

    /// Worker that has found nothing: whether it is to look out for a while, so that pushers need wake
    /// none. Only one does; it calls [`awake`](Self::awake) when it is through.
    #[must_use]
    pub(crate) fn spin(&self) -> bool {
        self.take_flag()
    }

    fn take_flag(&self) -> bool {
        // ORDERING: Relaxed, a hint. AcqRel so that there is one at a time; one that finds it taken relies on
        // the fence in `awake`. No swap: it would write again what is there.
        !self.waking.load(Ordering::Relaxed)
            && self
                .waking
                .compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
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

    /// A worker that was woken, a pusher that was to wake one and found none, or one that has spun: the next push may
    /// wake again.
    /// Look at the queue after this.
    pub(crate) fn awake(&self) {
        // ORDERING: Relaxed, the fence orders it.
        self.waking.store(false, Ordering::Relaxed);
        // ORDERING: SeqCst fence between this store and the look at the queue: a pusher that still
        // saw the flag has pushed before, and its item is seen.
        fence(Ordering::SeqCst);
    }
}
