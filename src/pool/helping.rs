//! What a worker does while it waits: it runs what it directly waits for, if no thread has started that;
//! else another thread takes its place.

use super::blocked::Blocked;
use super::core::Core;
use super::seat::{Queued, to_item};
use super::tuning::{HELP_DEPTH, LEFT_BEHIND};
use super::waited::Waited;
use super::worker::Worker;
use crate::cell::{Awaited, CellRef, Item, RunContext, ThisThread};
use crate::draining::Draining;
use crate::sync::Arc;
use crate::sync::atomic::AtomicBool;
use crate::timeout::Timeout;

/// A wait like this is not ended by a call.
static NOT_CALLED: AtomicBool = AtomicBool::new(false);

/// How something awaited is waited for: as [`Awaited::wait`].
type Wait<'a> = &'a mut dyn FnMut(Timeout, &AtomicBool) -> bool;

impl Worker {
    /// Whether this thread is a worker, of whatever pool.
    pub(crate) fn is_current() -> bool {
        Self::with_any(|_| ()).is_some()
    }

    /// Waits. A worker runs the job that is directly waited for, as far as no thread has started it (only
    /// without a limit of time); else another thread takes its place meanwhile.
    pub(crate) fn wait_for(awaited: &mut impl Awaited, timeout: Timeout) -> Waited {
        ThisThread::flush();
        if awaited.is_settled() {
            return Waited::Settled;
        }
        if timeout.is_poll() {
            return Waited::TimedOut;
        }
        // A limit beyond the clock is none.
        let timeout = if timeout.start().is_never() { Timeout::from(None) } else { timeout };
        if timeout.is_never() {
            if let Some(draining) = Draining::begin() {
                return Self::wait_draining(awaited, &draining);
            }
            Self::with_any(|worker| worker.help(awaited));
        }
        if awaited.is_settled() {
            return Waited::Settled;
        }
        Self::listed(awaited, !timeout.is_never(), |wait| {
            Self::blocked_unless_stuck(timeout, |called| wait(timeout, called))
        })
        .unwrap_or(Waited::WouldDeadlock)
    }

    /// Waits while this thread is listed with what it waits for. `None`: it would wait for itself.
    fn listed<R>(
        awaited: &mut impl Awaited,
        timed: bool,
        wait: impl FnOnce(Wait<'_>) -> R,
    ) -> Option<R> {
        let place = match awaited.tail() {
            // SAFETY: `wait` is the only call with `&mut` before the place is dropped.
            Some(tail) => Some(unsafe { tail.begin_wait(timed) }?),
            None => None,
        };
        let result = wait(&mut |timeout, called| awaited.wait(timeout, called));
        drop(place);
        Some(result)
    }

    /// Waits without a limit on a thread that drains queues of its own: runs what comes there meanwhile.
    fn wait_draining(awaited: &mut impl Awaited, draining: &Draining) -> Waited {
        Self::with_any(|worker| worker.help(awaited));
        loop {
            if awaited.is_settled() {
                return Waited::Settled;
            }
            if draining.run_one() {
                ThisThread::flush();
                continue;
            }
            // What runs between two waits is on no line: there the thread is not listed.
            let jobs = |wait: Wait<'_>| Self::wait_for_jobs(wait, draining);
            match Self::listed(awaited, false, jobs) {
                Some(Some(())) => {}
                Some(None) if awaited.is_settled() => {}
                _ => return Waited::WouldDeadlock,
            }
        }
    }

    /// Waits until a job comes to one of the queues, or this thread is called. `None`: it must not wait, as in
    /// [`blocked_unless_stuck`](Self::blocked_unless_stuck).
    fn wait_for_jobs(wait: Wait<'_>, draining: &Draining) -> Option<()> {
        ThisThread::flush();
        let place = Self::with_any(|worker| (worker.core, worker.seat.clone()));
        let blocked = match &place {
            Some((core, seat)) => {
                *seat.also.lock() = Some(Arc::clone(draining.called()));
                Some(Blocked::callable(core, seat)?) // looks again, each time that it was called
            }
            None => None,
        };
        wait(Timeout::from(None), draining.called());
        drop(blocked);
        Some(())
    }

    /// Runs the job that is waited for, and what follows from it, as long as there is one.
    fn help(&self, awaited: &impl Awaited) {
        while let Some(tail) = awaited.tail() {
            if self.is_deep() {
                return; // another thread goes on with a stack of its own
            }
            // SAFETY: the tail is kept during this call.
            let Some(root) = (unsafe { tail.claim_upstream(self.here.executor) }) else { return };
            self.run_claimed(root);
            ThisThread::flush();
            if awaited.is_settled() {
                return;
            }
        }
    }

    /// Runs a job that was claimed for this worker, which waits for it, or for all of a scope.
    pub(super) fn run_claimed(&self, root: CellRef) {
        let here = RunContext::helping(self.here.executor);
        self.depth.set(self.depth.get() + 1);
        // SAFETY: the claimer of the job runs it.
        let through = ThisThread::afresh(|| unsafe { root.run_claimed(&here) });
        self.depth.set(self.depth.get() - 1);
        if through {
            self.count();
        }
        self.left_behind.set(self.left_behind.get() + 1);
        self.sweep();
    }

    /// Frees the claimed jobs that lie in the batch, now and then: a job that spawns and waits in a
    /// loop would else pile them up.
    fn sweep(&self) {
        if self.left_behind.get() < self.sweep_at.get() {
            return;
        }
        if self.sweep_all() > 0 {
            self.core.wake_if_needed(); // a worker may have looked meanwhile, and gone to sleep
        }
    }

    /// Frees the claimed jobs that lie in the queue. Says how many items are left.
    pub(super) fn sweep_all(&self) -> usize {
        self.left_behind.set(0);
        let left = self.seat.moving(|| self.sweep_now());
        self.sweep_at.set(LEFT_BEHIND.max(left));
        left
    }

    /// Says how many items are left.
    fn sweep_now(&self) -> usize {
        let (mut words, mut left) = (Vec::new(), Vec::new());
        while let Some(Queued(word)) = self.batch.pop() {
            words.push(word);
        }
        self.core.inbox.take_all(|word| words.push(word));
        for word in words {
            let item = to_item(word);
            if matches!(item, Item::Start(_)) && !item.is_waiting() {
                // SAFETY: taken out of the queue; it only lets go of the job.
                unsafe { item.run(&self.here) };
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
    pub(super) fn is_deep(&self) -> bool {
        if self.depth.get() >= HELP_DEPTH {
            return true;
        }
        let here = 0_u8;
        let used = self.base.get().abs_diff((&raw const here).addr());
        // More than there is: then this is not its stack (a sanitizer may put frames elsewhere).
        used > self.stack / 2 && used <= self.stack
    }

    /// Counts this thread, if it is a worker, as blocked while `f` waits for something that comes from
    /// elsewhere: another takes its place where there is work.
    pub(crate) fn blocked<R>(f: impl FnOnce() -> R) -> R {
        Self::counted(Blocked::patient, f)
    }

    /// The same for a wait of the user's, which nothing that is queued need be waiting for: so it does not count among
    /// those that leave a pool without hands for good.
    pub(super) fn blocked_elsewhere<R>(f: impl FnOnce() -> R) -> R {
        Self::counted(Blocked::elsewhere, f)
    }

    fn counted<R>(enter: fn(&'static Core) -> Blocked, f: impl FnOnce() -> R) -> R {
        ThisThread::flush();
        let guard = Self::with_any(|worker| enter(worker.core));
        let result = f();
        drop(guard);
        result
    }

    /// The same for a wait that ends, without a limit of time, where it would leave work in a queue that
    /// no thread could ever take.
    pub(crate) fn blocked_unless_stuck(
        timeout: Timeout,
        wait: impl FnOnce(&AtomicBool) -> bool,
    ) -> Waited {
        ThisThread::flush();
        let Some((core, seat)) = Self::with_any(|worker| (worker.core, worker.seat.clone())) else {
            return Waited::from(wait(&NOT_CALLED));
        };
        if !timeout.is_never() {
            let _blocked = Blocked::timed(core);
            return Waited::from(wait(&NOT_CALLED));
        }
        let Some(blocked) = Blocked::callable(core, &seat) else { return Waited::WouldDeadlock };
        let settled = wait(&seat.called);
        drop(blocked);
        if settled { Waited::Settled } else { Waited::WouldDeadlock }
    }
}
