//! The schedule word of a future: which thread polls it, which queues it, and what still refers to it.
//!
//! A future is queued at most once and polled by one thread at a time. Its entry in the queue and the
//! wish to be polled are two bits, because a worker that waits for the future may poll it itself: then
//! the entry stays behind, and serves the next wake-up.
//!
//! ```text
//!   IDLE ── wake ──► WOKEN|QUEUED ── pop ──► RUNNING ── idle ──► IDLE, or WOKEN|QUEUED if woken meanwhile
//!                        └── claim ──► RUNNING|QUEUED            └── finish ──► DONE
//! ```
//!
//! Each waker, the entry and the thread that polls have one reference; together they are the one of a
//! queue on the chain's root (`REFERRED`).

use crate::sync::atomic::{AtomicUsize, Ordering};

/// The queue has an entry.
const QUEUED: usize = 1;
/// It is to be polled.
const WOKEN: usize = 2;
/// A thread is polling it, or settling it.
const RUNNING: usize = 4;
/// It is gone.
const DONE: usize = 8;
/// It was polled: it may not be moved any more.
const POLLED: usize = 16;
/// No waker is left: it is to be dropped.
const FORSAKEN: usize = 32;
/// One reference.
const REFERENCE: usize = 64;
/// More references than memory holds, unless wakers were forgotten.
const MOST: usize = usize::MAX / 2;

/// What is left to do when a reference has been given up.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Others refer to it, or may come.
    Nothing,
    /// It was the last one of a future that is gone: the root's reference is to be dropped.
    Free,
    /// The future is to be polled, or no waker was left: it has been queued, and the caller
    /// pushes the entry; its popper polls the future, or drops it.
    Push,
}

/// What a popper has.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Popped {
    /// The future, to be polled, with the entry's reference.
    Run,
    /// Nothing: another thread has polled it, or it is gone.
    Left(Left),
}

/// The schedule word.
pub(crate) struct Schedule(AtomicUsize);

impl Schedule {
    /// A future that is about to be queued for the first time: the entry is the caller's to push.
    pub(crate) fn queued() -> Self {
        Schedule(AtomicUsize::new(WOKEN | QUEUED | REFERENCE))
    }

    /// Any thread that keeps the cell: the future is to be polled. `true`: the caller pushes the entry.
    #[must_use]
    pub(crate) fn wake(&self) -> bool {
        let before = self.update(|now| {
            let entry = if now & (QUEUED | RUNNING | DONE) == 0 { QUEUED + REFERENCE } else { 0 };
            (now | WOKEN) + entry
        });
        before & (QUEUED | RUNNING | DONE) == 0
    }

    /// Popper: has taken the entry out of the queue.
    pub(crate) fn pop(&self) -> Popped {
        let before = self
            .update(|now| if is_ready(now) { run(now & !QUEUED) } else { released(now & !QUEUED) });
        if is_ready(before) { Popped::Run } else { Popped::Left(left(before & !QUEUED)) }
    }

    /// Worker that waits for the future, or canceller, which both keep the chain: takes it to poll it.
    /// The entry stays in the queue. `fresh`: only if it was never polled.
    #[must_use]
    pub(crate) fn claim(&self, fresh: bool) -> bool {
        let unfit = if fresh { POLLED } else { 0 };
        let fits = |now: usize| is_ready(now) && now & unfit == 0;
        let change = |now: usize| if fits(now) { run(now) + REFERENCE } else { now };
        fits(self.update(change))
    }

    /// Poller, after a poll that is to be followed by another: gives its reference up, or hands it to
    /// the entry.
    pub(crate) fn idle(&self) -> Left {
        let entry = |now: usize| now & WOKEN != 0 && now & QUEUED == 0;
        let before = self.update(|now| {
            let rested = now & !RUNNING;
            if entry(now) { rested | QUEUED } else { released(rested) }
        });
        if entry(before) { Left::Push } else { left(before & !RUNNING) }
    }

    /// Poller: the future is gone, and its outcome has been delivered.
    pub(crate) fn finish(&self) -> Left {
        left(self.update(|now| released(now & !(RUNNING | WOKEN) | DONE)) | DONE)
    }

    /// Poller: whether no waker is left.
    pub(crate) fn is_forsaken(&self) -> bool {
        // ORDERING: Relaxed, the only reference that is left is the caller's.
        self.0.load(Ordering::Relaxed) & FORSAKEN != 0
    }

    /// Any thread that keeps the cell: whether it was never polled.
    pub(crate) fn is_fresh(&self) -> bool {
        // ORDERING: Relaxed, a hint.
        self.0.load(Ordering::Relaxed) & (POLLED | DONE) == 0
    }

    // ── References ───────────────────────────────────────────────────────────────────────────

    /// Holder of a reference: one more.
    pub(crate) fn retain(&self) {
        // ORDERING: Relaxed as in `Arc`.
        if self.0.fetch_add(REFERENCE, Ordering::Relaxed) > MOST {
            std::process::abort(); // as `Arc` does: the count must not wrap
        }
    }

    /// One reference less.
    pub(crate) fn release(&self) -> Left {
        left(self.update(released))
    }

    fn update(&self, change: impl Fn(usize) -> usize) -> usize {
        // ORDERING: Relaxed, the CAS decides.
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            // ORDERING: Release: what the waker, or the poller before, has done is seen by the next
            // poller; and all uses of the cell happen before it is freed. Acquire pairs with that. Also
            // where nothing changes: a wake-up that finds another one publishes what it has done.
            let swapped =
                self.0.compare_exchange_weak(now, change(now), Ordering::AcqRel, Ordering::Relaxed);
            match swapped {
                Ok(before) => return before,
                Err(seen) => now = seen,
            }
        }
    }
}

/// Whether it can be taken to be polled.
fn is_ready(now: usize) -> bool {
    now & (WOKEN | RUNNING | DONE) == WOKEN
}

fn run(now: usize) -> usize {
    now & !WOKEN | RUNNING | POLLED
}

/// With one reference less; if that was the last one of a future that is not gone, no waker can wake it any
/// more, and it is queued once more.
fn released(now: usize) -> usize {
    match left(now) {
        Left::Push => now | FORSAKEN | WOKEN | QUEUED, // with the reference, which is the entry's
        Left::Nothing | Left::Free => now - REFERENCE,
    }
}

/// What is left to do when a reference of `now` is given up.
fn left(now: usize) -> Left {
    match now {
        _ if now >= 2 * REFERENCE => Left::Nothing,
        _ if now & DONE != 0 => Left::Free,
        _ => Left::Push,
    }
}
