//! What a worker does while it waits: the work that is waited for, and nothing else.
//!
//! It runs the jobs and callbacks that are on the way to what it waits for; when there are none in its
//! reach, another thread takes its place. Where no other can be had, what is queued is looked through
//! for links on the way. Who has looked in vain is called to look again: by the last one to block, if
//! there was news since then, and by whoever pushes when all are blocked.

use std::cell::Cell;
use std::sync::Arc;

use super::blocked::{Blocked, Look, MISSED};
use super::core::Core;
use super::waits;
use super::worker::{IN_A_ROW, Queued, Worker, to_item};
use crate::cell::{self, Awaited, CellRef, Here, Item, Kept, Turn, Upstream};
use crate::failure::Failure;
use crate::sync::atomic::AtomicBool;
use crate::timeout::Timeout;

/// How many claimed jobs may lie in the queue before a worker looks for them.
pub(super) const LEFT_BEHIND: usize = 64;
/// How deep jobs that are run inside of a `get` may nest on one stack.
const HELP_DEPTH: u32 = 128;
/// What `std::thread` gives a thread if nobody says otherwise.
const DEFAULT_STACK: usize = 2 * 1024 * 1024;

/// Nobody is called from a wait like this.
static NOT_CALLED: AtomicBool = AtomicBool::new(false);

impl Worker {
    /// Whether this thread is a worker, of whatever pool.
    pub(crate) fn is_current() -> bool {
        Self::with_any(|_| ()).is_some()
    }

    /// Waits. A worker runs the jobs that are waited for, as far as nobody has started them (only
    /// without a limit of time); else another thread takes its place meanwhile.
    pub(crate) fn wait_for(awaited: &mut impl Awaited, timeout: Timeout) -> Waited {
        cell::flush();
        if awaited.is_settled() {
            return Waited::Settled;
        }
        if timeout.is_poll() {
            return Waited::TimedOut;
        }
        if !Self::is_current() {
            return Waited::from(awaited.wait(timeout, &NOT_CALLED));
        }
        let on_worker = |worker: &Self| match timeout.is_never() {
            true => worker.wait_and_help(awaited),
            false => worker.wait_timed(awaited, timeout),
        };
        Self::with_any(on_worker).unwrap_or(Waited::TimedOut)
    }

    fn wait_timed(&self, awaited: &mut impl Awaited, timeout: Timeout) -> Waited {
        let deadline = timeout.start();
        loop {
            cell::has_missed(); // something else may have
            // SAFETY: `wait` is the only call with `&mut` before the place is dropped.
            let Ok(place) = (unsafe { waits::wait_for(awaited.chains(), self.core, true) }) else {
                return Waited::WouldDeadlock;
            };
            let looks_again = cell::has_missed() && deadline.remaining() > Some(MISSED);
            let timeout = if looks_again { MISSED.into() } else { deadline.into() };
            let settled = Self::wait_anyway(awaited, timeout);
            drop(place);
            if settled || !looks_again {
                return Waited::from(settled);
            }
        }
    }

    /// Waits, without a look at what for.
    pub(crate) fn wait_anyway(awaited: &mut impl Awaited, timeout: Timeout) -> bool {
        Self::blocked(|| awaited.wait(timeout, &NOT_CALLED))
    }

    fn wait_and_help(&self, awaited: &mut impl Awaited) -> Waited {
        let core = self.core;
        let mut look = Look::new(core, &self.seat);
        loop {
            let too_deep = Self::help_all(awaited, core, &mut look);
            if awaited.is_settled() {
                return Waited::Settled;
            }
            // SAFETY: `wait` is the only call with `&mut` before the place is dropped.
            let Ok(place) = (unsafe { waits::wait_for(awaited.chains(), core, false) }) else {
                return Waited::WouldDeadlock;
            };
            look.missed = cell::has_missed() || look.missed;
            if too_deep && core.is_exhausted() {
                return Waited::WouldDeadlock;
            }
            let blocked = Blocked::new(core, Some(&mut look));
            let settled = awaited.wait(look.timeout(), &self.seat.called);
            drop((blocked, place));
            if settled {
                return Waited::Settled;
            }
            (look.called, look.news) = (true, false);
        }
    }

    /// Runs the jobs that are waited for; the look has news afterwards if there were any. Whether some
    /// were left because the stack is deep.
    fn help_all(awaited: &impl Awaited, core: &Core, look: &mut Look<'_>) -> bool {
        let mut looks = 0;
        loop {
            cell::flush();
            if awaited.is_settled() {
                return false;
            }
            if looks == 0 {
                look.begin(core);
                looks = awaited.looks();
            }
            let (called, mut helped) = (look.called, None);
            awaited.each_chain(&mut |chain| helped = helped.max(Some(Self::help(chain, called))));
            match helped {
                Some(Helped::Done) => (look.news, looks) = (true, 0),
                Some(Helped::TooDeep) => return true,
                // Where others can take over it need not see all of a long list each time.
                Some(Helped::Nothing) | None if looks > 1 && (called || core.is_exhausted()) => {
                    looks -= 1;
                }
                Some(Helped::Nothing) | None => {
                    look.missed = cell::has_missed();
                    return false;
                }
            }
        }
    }

    /// On a worker: runs the job that `chain` waits for, if it is still in this pool's queue, and
    /// what follows from it.
    fn help(chain: Kept<'_>, called: bool) -> Helped {
        Self::with_any(|worker| {
            if worker.is_deep() {
                return Helped::TooDeep; // another thread goes on with a stack of its own
            }
            match worker.help_with(|executor| cell::claim(chain, executor)) {
                Helped::Nothing => worker.help_on_the_way(chain, called),
                helped => helped,
            }
        })
        .unwrap_or(Helped::Nothing)
    }

    /// On a worker: the same for what `upstream` shows. `false`: nothing was done.
    pub(super) fn help_upstream(upstream: Arc<dyn Upstream>) -> bool {
        Self::with_any(|worker| {
            let claim = |executor| cell::claim_upstream(upstream, executor);
            // A scope cannot give up: where nobody could stand in, it goes on however deep it is.
            let deep = worker.is_deep() && !worker.core.is_exhausted();
            !deep && worker.help_with(claim) == Helped::Done
        })
        .unwrap_or(false)
    }

    fn help_with(&self, claim: impl FnOnce(*mut ()) -> Option<CellRef>) -> Helped {
        let Some(root) = claim(self.core.address()) else { return Helped::Nothing };
        let here = Here { executor: self.core.address(), left: Cell::new(IN_A_ROW) };
        self.depth.set(self.depth.get() + 1);
        // SAFETY: who has claimed the job runs it.
        let through = cell::afresh(|| unsafe { cell::start(root, Turn::Granted, Some(&here)) });
        self.depth.set(self.depth.get() - 1);
        if through {
            self.count();
        }
        self.left_behind.set(self.left_behind.get() + 1);
        self.sweep();
        Helped::Done
    }

    /// Runs a callback or a chained job that is queued here, if the chain waits for it.
    fn help_on_the_way(&self, chain: Kept<'_>, called: bool) -> Helped {
        let own = !self.next.is_empty() || !self.batch.is_empty();
        // Who is called looks also where it seems empty: another one may have all in hand.
        let all = called || (!self.core.inbox.is_empty() && self.core.is_exhausted());
        if !own && !all {
            return Helped::Nothing;
        }
        let roots = cell::roots(chain, all);
        let find = || {
            self.take_one(&roots).or_else(|| if all { self.take_one_of_all(&roots) } else { None })
        };
        let found = self.seat.moving(find);
        if !self.core.inbox.is_empty() || self.seat.has_work() {
            self.core.wake_if_needed(); // somebody may have looked meanwhile, and gone to sleep
        }
        let Some(item) = found else { return Helped::Nothing };
        let here = Here { executor: self.core.address(), left: Cell::new(IN_A_ROW) };
        self.depth.set(self.depth.get() + 1);
        // SAFETY: taken out of this pool's queue, once.
        cell::afresh(|| unsafe { cell::run(item, &here) });
        self.depth.set(self.depth.get() - 1);
        Helped::Done
    }

    /// Takes the first link out of this worker's deques that belongs to one of the chains of `roots`.
    fn take_one(&self, roots: &[CellRef]) -> Option<Item> {
        let mut found = None;
        for deque in [&self.next, &self.batch] {
            for _ in 0..deque.len() {
                let Some(Queued(word)) = deque.pop() else { break };
                let item = to_item(word);
                if found.is_none() && cell::is_link_of(item, roots) {
                    found = Some(item);
                } else {
                    deque.push(Queued(word));
                }
            }
        }
        found
    }

    /// The same out of the queue for all.
    fn take_one_of_all(&self, roots: &[CellRef]) -> Option<Item> {
        let _alone = self.core.search.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (mut words, mut found) = (Vec::new(), None);
        if self.core.inbox.take_all(|word| words.push(word)) {
            self.core.tell(); // it does not look like new any more, and others have looked before
        }
        words.retain(|&word| {
            let item = to_item(word);
            let takes = found.is_none() && cell::is_link_of(item, roots);
            if takes {
                found = Some(item);
            }
            !takes
        });
        if !words.is_empty() {
            self.core.inbox.put_back(&words);
        }
        found
    }

    /// Frees the claimed jobs that lie in the batch, now and then: a job that spawns and waits in a
    /// loop would else pile them up.
    fn sweep(&self) {
        if self.left_behind.get() < self.sweep_at.get() {
            return;
        }
        self.left_behind.set(0);
        let left = self.seat.moving(|| self.sweep_now());
        self.sweep_at.set(LEFT_BEHIND.max(left));
        if left > 0 {
            self.core.wake_if_needed(); // somebody may have looked meanwhile, and gone to sleep
        }
    }

    /// Says how many items are left.
    fn sweep_now(&self) -> usize {
        let (mut words, mut left) = (Vec::new(), Vec::new());
        while let Some(Queued(word)) = self.batch.pop() {
            words.push(word);
        }
        self.core.inbox.take_all(|word| words.push(word)); // `news` tells of it
        for word in words {
            let item = to_item(word);
            if matches!(item, Item::Start(_)) && !cell::is_waiting(item) {
                // SAFETY: taken out of the queue; it only lets go of the job.
                unsafe { cell::run(item, &self.here) };
            } else {
                left.push(word);
            }
        }
        if !left.is_empty() {
            self.core.inbox.put_back(&left);
        }
        left.len()
    }

    /// Whether half of the stack is used up, or the jobs on it are many.
    fn is_deep(&self) -> bool {
        if self.depth.get() >= HELP_DEPTH {
            return true;
        }
        let here = 0_u8;
        let size = self.core.settings.stack_size.unwrap_or(DEFAULT_STACK);
        let used = self.base.get().abs_diff((&raw const here).addr());
        // More than there is: then this is not its stack (a sanitizer may put frames elsewhere).
        used > size / 2 && used <= size
    }

    /// Counts this thread, if it is a worker, as blocked while `f` waits: another takes its place
    /// where there is work.
    pub(crate) fn blocked<R>(f: impl FnOnce() -> R) -> R {
        cell::flush();
        let guard = Self::with_any(|worker| Blocked::new(worker.core, None));
        let result = f();
        drop(guard);
        result
    }
}

/// What came of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What was waited for has settled.
    Settled,
    /// The time was over before.
    TimedOut,
    /// It could never have ended.
    WouldDeadlock,
}

impl Waited {
    /// The failure of a `get` that has nothing.
    pub(crate) fn failure<E>(self) -> Failure<E> {
        match self {
            Waited::WouldDeadlock => Failure::WouldDeadlock,
            Waited::TimedOut | Waited::Settled => Failure::TimedOut,
        }
    }
}

impl From<bool> for Waited {
    fn from(settled: bool) -> Self {
        if settled { Waited::Settled } else { Waited::TimedOut }
    }
}

/// What came of a look for work that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Helped {
    /// There was none in this pool's queue.
    Nothing,
    /// There may be, but the stack is deep.
    TooDeep,
    /// Some was done.
    Done,
}
