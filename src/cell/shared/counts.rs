//! The word of a shared value: whether it has settled, and how many hold it; and the count of its references.
//!
//! The handles and the feeder together have one reference to the shared part; the last of them to go
//! gives it up. Branches have the others. A waiter is in a list behind a lock, and says so in the word
//! before it gets into it. So where there never was one, the feeder settles the value and goes, all by one
//! compare-and-swap; else it takes the lock, and `SETTLED` and `UNWANTED` are set under it.
//!
//! ```text
//!   63 ……… 34   33 ……… 4     3          2        1          0
//!   owners      handles      UNWANTED   FEEDER   WAITED     SETTLED
//! ```

use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// It has settled, for ever.
const SETTLED: u64 = 1;
/// A waiter has been in the list.
const WAITED: u64 = 1 << 1;
/// The feeder has not come.
const FEEDER: u64 = 1 << 2;
/// It was settled as cancelled before the feeder has come.
const UNWANTED: u64 = 1 << 3;
/// One handle.
const HANDLE: u64 = 1 << 4;
/// One handle that has not cancelled.
const OWNER: u64 = 1 << 34;
/// More handles than these were forgotten, not dropped.
const MOST: u64 = OWNER / HANDLE / 2;

/// The word, and the count.
pub(crate) struct Counts {
    word: AtomicU64,
    references: AtomicUsize,
}

/// How a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Pending,
    /// By the feeder, whose outcome it has.
    Settled,
    /// As cancelled, before the feeder has come.
    Unwanted,
}

/// What a handle that goes has to do.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Nothing: it has gone, and must not touch the shared part.
    Gone,
    /// It was the last one that had not cancelled, and is no owner any more: to look whether one is left, and to
    /// leave again.
    Look,
    /// It is the last handle, and no owner any more: to do what that takes, then [`Counts::leave_last`].
    Last,
}

fn handles(now: u64) -> u64 {
    now % OWNER / HANDLE
}

impl Counts {
    /// One handle, and the feeder.
    pub(crate) fn one() -> Self {
        let word = AtomicU64::new(HANDLE + OWNER + FEEDER);
        Counts { word, references: AtomicUsize::new(1) }
    }

    /// Whether it has settled, and how.
    pub(crate) fn standing(&self) -> Standing {
        // ORDERING: Acquire pairs with `settle` and `settle_alone`: the outcome can be read.
        match self.word.load(Ordering::Acquire) & (SETTLED | UNWANTED) {
            SETTLED => Standing::Settled,
            0 => Standing::Pending,
            _ => Standing::Unwanted,
        }
    }

    // ── Settling ─────────────────────────────────────────────────────────────────────────────

    /// Feeder: settles the value and goes, if there never was a waiter. Then whether it was the last
    /// holder; the shared part must not be touched if not. `None`: nothing was done.
    pub(crate) fn settle_alone(&self) -> Option<bool> {
        // ORDERING: Relaxed, the CAS decides.
        let mut now = self.word.load(Ordering::Relaxed);
        while now & (SETTLED | WAITED) == 0 {
            match self.swap_in(now, now ^ (SETTLED | FEEDER)) {
                Ok(()) => return Some(handles(now) == 0),
                Err(seen) => now = seen,
            }
        }
        None
    }

    /// Under the lock of the list: settles the value. `false`: it was settled before.
    #[must_use]
    pub(crate) fn settle(&self, unwanted: bool) -> bool {
        let set = if unwanted { SETTLED | UNWANTED } else { SETTLED };
        // ORDERING: Relaxed, the CAS decides.
        let mut now = self.word.load(Ordering::Relaxed);
        while now & SETTLED == 0 {
            match self.swap_in(now, now | set) {
                Ok(()) => return true,
                Err(seen) => now = seen,
            }
        }
        false
    }

    /// Feeder that has settled the value, or come too late: goes. Whether it was the last holder.
    #[must_use]
    pub(crate) fn leave_feeder(&self) -> bool {
        // ORDERING: AcqRel as in `swap_in`.
        handles(self.word.fetch_sub(FEEDER, Ordering::AcqRel)) == 0
    }

    /// Under the lock of the list: a waiter is about to get into it. `false`: it has settled.
    #[must_use]
    pub(crate) fn wait(&self) -> bool {
        // ORDERING: Acquire pairs with `settle_alone`: a refused waiter reads the outcome. Nothing of ours
        // is published: a settler takes the lock from now on.
        let mut now = self.word.load(Ordering::Acquire);
        if now & WAITED == 0 {
            now = self.word.fetch_or(WAITED, Ordering::Acquire);
        }
        now & SETTLED == 0
    }

    // ── Handles ──────────────────────────────────────────────────────────────────────────────

    /// Whether a handle is left that has not cancelled.
    pub(crate) fn any(&self) -> bool {
        // ORDERING: Acquire pairs with the Release of the handle that went last.
        self.word.load(Ordering::Acquire) >= OWNER
    }

    /// One more handle. `false`: too many.
    #[must_use]
    pub(crate) fn add(&self) -> bool {
        // ORDERING: Relaxed as in `Arc`: the cloner has a handle.
        handles(self.word.fetch_add(HANDLE + OWNER, Ordering::Relaxed)) < MOST
    }

    /// A handle cancels, once.
    pub(crate) fn cancel(&self) {
        // ORDERING: AcqRel as in `swap_in`.
        self.word.fetch_sub(OWNER, Ordering::AcqRel);
    }

    /// A handle goes, which is an owner if it has not cancelled.
    ///
    /// One that is not the last must not touch the shared part afterwards, since the last one may free it;
    /// so one that has to look does so before it goes.
    pub(crate) fn leave(&self, owner: bool) -> Leave {
        let all = if owner { HANDLE + OWNER } else { HANDLE };
        // ORDERING: Relaxed, the last one looks again, in `leave_last`.
        let now = self.word.load(Ordering::Relaxed);
        if now & (SETTLED | FEEDER) == SETTLED {
            // Nothing is left to cancel. The holder of the only handle can make no other one meanwhile.
            // ORDERING: AcqRel as in `swap_in`.
            let last =
                handles(now) == 1 || handles(self.word.fetch_sub(all, Ordering::AcqRel)) == 1;
            return if last { Leave::Last } else { Leave::Gone };
        }
        self.leave_early(owner, now)
    }

    /// As [`leave`](Self::leave), where the feeder has not come.
    #[cold]
    fn leave_early(&self, owner: bool, mut now: u64) -> Leave {
        let all = if owner { HANDLE + OWNER } else { HANDLE };
        loop {
            let last = handles(now) == 1;
            let looks = owner && now < 2 * OWNER && now & SETTLED == 0;
            let (gives, leave) = match (last, looks) {
                (true, _) if !owner => return Leave::Last, // no other one can be made meanwhile
                (true, _) => (OWNER, Leave::Last),
                (false, true) => (OWNER, Leave::Look),
                (false, false) => (all, Leave::Gone),
            };
            match self.swap_in(now, now - gives) {
                Ok(()) => return leave,
                Err(seen) => now = seen,
            }
        }
    }

    /// The last handle, which has left all but that: goes. Whether it was the last holder.
    #[must_use]
    pub(crate) fn leave_last(&self) -> bool {
        // ORDERING: Acquire pairs with `leave_feeder`, `settle_alone` and `leave`: the feeder is through,
        // and so are the other handles.
        if self.word.load(Ordering::Acquire) & FEEDER == 0 {
            return true; // no other thread looks at the word any more
        }
        // ORDERING: AcqRel as in `swap_in`.
        self.word.fetch_sub(HANDLE, Ordering::AcqRel) & FEEDER == 0
    }

    // ── References ───────────────────────────────────────────────────────────────────────────

    /// One more reference. `false`: too many.
    #[must_use]
    pub(crate) fn refer(&self) -> bool {
        // ORDERING: Relaxed as in `Arc`: the cloner has a reference.
        self.references.fetch_add(1, Ordering::Relaxed) < usize::MAX / 2
    }

    /// A reference goes. Whether it was the last one: then the shared part is the caller's to free.
    #[must_use]
    pub(crate) fn let_go(&self) -> bool {
        // ORDERING: Acquire as below. The holder of the only one can make no other meanwhile.
        if self.references.load(Ordering::Acquire) == 1 {
            return true;
        }
        // ORDERING: AcqRel as in `Arc`: what was done with the other references happens before the end.
        self.references.fetch_sub(1, Ordering::AcqRel) == 1
    }

    fn swap_in(&self, from: u64, to: u64) -> Result<(), u64> {
        // ORDERING: Release, so that all that a holder did happens before the end, and the outcome that it
        // settles with is seen; Acquire pairs with the other holders' Release.
        self.word.compare_exchange_weak(from, to, Ordering::AcqRel, Ordering::Acquire).map(drop)
    }
}
