//! The chain word: what a chain of cells has in common, kept in the cell of its root.
//!
//! A chain is linear: a root (a job, a deferred, a settled promise) and the links behind it; only
//! the last one has a handle. Cells point down, so a cancellation could not find its way up: every
//! link therefore knows its root, and the root outlives its own completion; it is freed with the
//! chain's last cell. The root's word decides which thread starts the work, says whether the chain is
//! cancelled, and names the root of an inner chain while a link follows a promise that it was
//! given. Links only read it.
//!
//! ```text
//!   WAITING|REFERRED ── start ──► 0 (under way) ◄── detach ── inner root's address ─┐
//!         │  └─ claim ─► REFERRED (under way, a queue still has it)                 │ + BUSY while
//!         │                          └────── attach ──────► inner root's address ───┘ a thread uses
//!         └─ cancel ─► CANCEL|REFERRED (claimed by the canceller)                     the inner root
//!   end of the chain: no REFERRED: freed; else OVER|REFERRED, freed by `drop_reference`
//! ```
//!
//! While it is `WAITING` the number of the pool in whose queue the job is stands in the address's place, so that a waiting
//! worker claims only its own pool's jobs. There is none for a deferred, nor for a job that waits for
//! something else than its turn; a thread that looks for what that is keeps its work in place by `BUSY`.
//! A follower attaches first, and looks for a circle then: `withdraw` takes that back.

use crate::sync::atomic::{AtomicPtr, Ordering, fence};

type Pointer = *mut ();

/// The chain is cancelled.
const CANCEL: usize = 1;
/// A thread is using the inner root: the end of the inner chain is left to that one. With
/// `WAITING`: a thread looks at the work, for a moment.
const BUSY: usize = 2;
/// A queue or a deferred refers to the root.
const REFERRED: usize = 4;
/// Not started.
const WAITING: usize = 8;
const NOT_STARTED: usize = WAITING | REFERRED;
const BITS: usize = CANCEL | BUSY | REFERRED | WAITING;
/// In place of an address: the chain is over, the holder of the last reference frees the root.
const OVER: usize = 16;

/// What a canceller finds at a root.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// It was cancelled before, or is over.
    Before,
    /// It had not started; the caller has claimed it and settles it.
    Claimed,
    /// It is under way and will see the flag.
    Running,
    /// It follows an inner chain with this root, which stays until [`Chain::release`].
    Inner(Pointer),
}

/// The chain word of a root, or, in a link, the root's address.
pub(crate) struct Chain(AtomicPtr<()>);

fn bits(value: Pointer) -> usize {
    value.addr() & BITS
}

fn address(value: Pointer) -> Pointer {
    value.map_addr(|address| address & !BITS)
}

fn with(value: Pointer, set: usize, cleared: usize) -> Pointer {
    value.map_addr(|address| address & !cleared | set)
}

fn plain(value: usize) -> Pointer {
    std::ptr::without_provenance_mut(value)
}

impl Chain {
    /// The word of a job that is going into the queue of `pool`.
    pub(crate) fn job(pool: Pointer) -> Self {
        debug_assert_eq!(bits(pool), 0, "a pool's number leaves the low bits free");
        Chain(AtomicPtr::new(with(pool, WAITING | REFERRED, 0)))
    }

    /// The word of a deferred's cell.
    pub(crate) fn deferred() -> Self {
        Chain(AtomicPtr::new(plain(WAITING | REFERRED)))
    }

    /// The word of a cell that is made settled.
    pub(crate) fn under_way() -> Self {
        Chain(AtomicPtr::new(plain(0)))
    }

    /// The field of a link: its root's address.
    pub(crate) fn link(root: Pointer) -> Self {
        Chain(AtomicPtr::new(root))
    }

    /// In a link: the root's address, which never changes.
    pub(crate) fn root(&self) -> Pointer {
        // ORDERING: Relaxed, written before the link was published.
        self.0.load(Ordering::Relaxed)
    }

    // ── Starting the root ────────────────────────────────────────────────────────────────────

    /// Popper or deferred: takes the root to start it, and gives its reference up with it. `false`:
    /// another thread has claimed it; [`drop_reference`](Self::drop_reference) is due.
    #[must_use]
    pub(crate) fn start(&self) -> bool {
        self.leave_waiting(|_| plain(0)).is_some()
    }

    /// Worker of `pool` that waits for this chain: takes the job to run it itself. The queue keeps
    /// its reference.
    #[must_use]
    pub(crate) fn claim(&self, pool: Pointer) -> bool {
        // ORDERING: Relaxed, the CAS decides.
        let now = self.0.load(Ordering::Relaxed);
        bits(now) & WAITING != 0
            && address(now).addr() == pool.addr()
            && self.swap_in(now, plain(REFERRED)).is_ok()
    }

    /// The thread that is about to queue a job that waited elsewhere: it may be claimed from now on. Nothing
    /// changes if it was cancelled.
    pub(crate) fn set_executor(&self, pool: Pointer) {
        let _ = self.leave_waiting(|_| with(pool, WAITING | REFERRED, 0));
    }

    /// Out of `WAITING`, when no thread looks at the work. `None`: another one was faster.
    fn leave_waiting(&self, to: impl Fn(Pointer) -> Pointer) -> Option<Pointer> {
        // ORDERING: Relaxed, the CAS decides.
        let mut now = self.0.load(Ordering::Relaxed);
        while bits(now) & NOT_STARTED == NOT_STARTED {
            match self.swap_in(with(now, 0, BUSY), to(now)) {
                Ok(()) => return Some(now),
                Err(seen) => now = Self::after_a_look(seen),
            }
        }
        None
    }

    /// Any thread that keeps this root: if it waits for something else than its turn in a queue, no thread
    /// starts or cancels it, so that nothing behind it is freed, before
    /// [`release_work`](Self::release_work), some steps later.
    #[must_use]
    pub(crate) fn hold_work(&self) -> bool {
        // ORDERING: Relaxed, the CAS decides.
        let mut now = self.0.load(Ordering::Relaxed);
        while bits(now) & WAITING != 0 && address(now).is_null() {
            match self.swap_in(with(now, 0, BUSY), with(now, BUSY, 0)) {
                Ok(()) => return true,
                Err(seen) => now = Self::after_a_look(seen),
            }
        }
        false
    }

    /// A thread that looks at the work is through in a few steps.
    fn after_a_look(now: Pointer) -> Pointer {
        if bits(now) & BUSY != 0 {
            crate::sync::spin_loop();
        }
        now
    }

    /// After [`hold_work`](Self::hold_work).
    pub(crate) fn release_work(&self) {
        self.update(|now| with(now, 0, BUSY));
    }

    /// Whether the root is in a pool's queue, or is under way and follows nothing.
    pub(crate) fn waits_for_nothing(&self) -> bool {
        // ORDERING: Relaxed, a hint.
        let now = self.0.load(Ordering::Relaxed);
        (bits(now) & WAITING == 0) == address(now).is_null()
    }

    /// Whether the root is under way and follows another chain.
    pub(crate) fn follows(&self) -> bool {
        // ORDERING: Relaxed, a hint.
        let now = self.0.load(Ordering::Relaxed);
        bits(now) & WAITING == 0 && !address(now).is_null()
    }

    /// Whether the root has not been started.
    pub(crate) fn is_waiting(&self) -> bool {
        // ORDERING: Relaxed, a hint; `start` and `claim` decide.
        bits(self.0.load(Ordering::Relaxed)) & WAITING != 0
    }

    /// Whether the root has not been started and is in the queue of a pool: for `Debug`.
    pub(crate) fn is_queued(&self) -> bool {
        // ORDERING: Relaxed, a hint.
        let now = self.0.load(Ordering::Relaxed);
        bits(now) & WAITING != 0 && !address(now).is_null()
    }

    /// Owner of a settled chain of one cell, whose deferred settled by the state word alone.
    pub(crate) fn set_under_way(&self) {
        // ORDERING: Relaxed, no other party has the chain: its deferred is gone, its tail is ours.
        if bits(self.0.load(Ordering::Relaxed)) & WAITING != 0 {
            self.0.store(plain(0), Ordering::Relaxed);
        }
    }

    // ── Freeing the root ─────────────────────────────────────────────────────────────────────

    /// Popper or deferred that lost [`start`](Self::start). `true`: the root is the caller's to free.
    #[must_use]
    pub(crate) fn drop_reference(&self) -> bool {
        let before = self.update(|now| with(now, 0, REFERRED));
        address(before).addr() == OVER
    }

    /// The thread that frees the chain's last cell. `true`: the root is the caller's to free; else the one
    /// that still refers to it does.
    #[must_use]
    pub(crate) fn end(&self) -> bool {
        // ORDERING: Acquire pairs with `drop_reference`: the popper's last use happens before.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            // WAITING: its deferred settled it by the state word alone, and is gone.
            if bits(now) & REFERRED == 0 || bits(now) & WAITING != 0 {
                return true;
            }
            // CANCEL stays: the deferred may still ask.
            match self.swap_in(now, plain(OVER | REFERRED | bits(now) & CANCEL)) {
                Ok(()) => return false,
                Err(seen) => now = seen,
            }
        }
    }

    // ── Cancelling ───────────────────────────────────────────────────────────────────────────

    /// Link that is about to run user code, deferred, token: whether the chain is cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        // ORDERING: Acquire pairs with `cancel`: what the canceller did before is seen.
        bits(self.0.load(Ordering::Acquire)) & CANCEL != 0
    }

    /// Canceller that keeps the chain's tail, or the outer root, alive meanwhile.
    pub(crate) fn cancel(&self) -> Cancel {
        // ORDERING: Acquire as in `is_cancelled`, and pairs with `attach`.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            if bits(now) & CANCEL != 0 || address(now).addr() == OVER {
                return Cancel::Before;
            }
            if bits(now) & WAITING != 0 {
                match self.swap_in(with(now, 0, BUSY), plain(CANCEL | REFERRED)) {
                    Ok(()) => return Cancel::Claimed,
                    Err(seen) => now = Self::after_a_look(seen),
                }
                continue;
            }
            let inner = address(now);
            // While another thread looks, for some steps, the exchange fails: no canceller does, for it is not
            // cancelled.
            let free = if inner.is_null() { now } else { with(now, 0, BUSY) };
            let busy = if inner.is_null() { 0 } else { BUSY };
            match self.swap_in(free, with(free, CANCEL | busy, 0)) {
                Ok(()) if inner.is_null() => return Cancel::Running,
                Ok(()) => return Cancel::Inner(inner),
                Err(seen) => now = Self::after_a_look(seen),
            }
        }
    }

    /// Look upstream that keeps this root alive: the inner root, which stays until
    /// [`release`](Self::release).
    pub(crate) fn hold_inner(&self) -> Option<Pointer> {
        // ORDERING: Acquire pairs with `attach`.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            let inner = address(now);
            if inner.is_null() || inner.addr() == OVER || bits(now) & (BUSY | WAITING) != 0 {
                return None;
            }
            match self.swap_in(now, with(now, BUSY, 0)) {
                Ok(()) => return Some(inner),
                Err(seen) => now = seen,
            }
        }
    }

    /// Holder of the inner root, innermost first: is through with it.
    pub(crate) fn release(&self) -> Release {
        let before = self.update(|now| with(now, 0, BUSY));
        Release { end_inner: address(before).is_null() }
    }

    // ── Following an inner chain ─────────────────────────────────────────────────────────────

    /// Link or root under way that is going to follow the chain of `inner`. `false`: this chain is
    /// cancelled, so the inner one is to be cancelled too.
    #[must_use]
    pub(crate) fn attach(&self, inner: Pointer) -> bool {
        debug_assert_eq!(bits(inner), 0, "a root's address needs its low bits");
        // ORDERING: Acquire as in `is_cancelled`.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            if bits(now) & CANCEL != 0 {
                return false;
            }
            if bits(now) & BUSY != 0 {
                // A waiting worker is letting go of the inner root before this one: a few steps.
                crate::sync::spin_loop();
                now = self.0.load(Ordering::Acquire);
                continue;
            }
            match self.swap_in(now, inner.map_addr(|a| a | bits(now))) {
                Ok(()) => break,
                Err(seen) => now = seen,
            }
        }
        // ORDERING: SeqCst pairs with itself: of all whose following closes a cycle at the same time, the last
        // one here sees the others' addresses.
        fence(Ordering::SeqCst);
        true
    }

    /// Follower that has found that it would wait for itself, before anything names it as the receiver:
    /// as if it had not attached. `None`: a thread is using the inner root; else whether the chain is
    /// cancelled, and the inner one with it.
    #[must_use]
    pub(crate) fn withdraw(&self) -> Option<bool> {
        // ORDERING: Acquire as in `is_cancelled`.
        let mut now = self.0.load(Ordering::Acquire);
        while bits(now) & BUSY == 0 {
            match self.swap_in(now, plain(bits(now))) {
                Ok(()) => return Some(bits(now) & CANCEL != 0),
                Err(seen) => now = seen,
            }
        }
        None
    }

    /// The follower, when the inner chain has settled. `true`: a thread is using the inner root and
    /// will end the inner chain; else that is the caller's duty.
    #[must_use]
    pub(crate) fn detach(&self) -> bool {
        let before = self.update(|now| plain(bits(now)));
        bits(before) & BUSY != 0
    }

    fn update(&self, change: impl Fn(Pointer) -> Pointer) -> Pointer {
        // ORDERING: Relaxed, the CAS decides.
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            match self.swap_in(now, change(now)) {
                Ok(()) => return now,
                Err(seen) => now = seen,
            }
        }
    }

    fn swap_in(&self, from: Pointer, to: Pointer) -> Result<(), Pointer> {
        // ORDERING: Release publishes the caller's last use of the root, or the inner root's
        // address; Acquire pairs with the other parties' Release.
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).map(drop)
    }
}

/// What [`Chain::release`] found.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// The follower has detached meanwhile: the inner chain is the caller's to end.
    pub(crate) end_inner: bool,
}
