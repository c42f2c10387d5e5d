//! Many promises handled as one: a list watches its items from the moment it has them.
//!
//! What happens when they settle is in `drain`.

use std::panic::Location;
use std::task::{Context, Poll};

use super::consumer::{self, Consumer};
use super::drain::{Core, Ender, Watcher, drain, install};
use super::drained::Drained;
use super::entries::Entries;
use super::handlers::Cancel;
use super::header::{CellRef, Dropped};
use super::items::Items;
use super::later;
use super::mailbox::{Armed, Mailbox};
use super::nest;
use super::observer::Target;
use super::park;
use super::policy::Policy;
use super::source::Source;
use super::waits::Awaited;
use crate::failure::contain;
use crate::sync::atomic::AtomicBool;
use crate::sync::{Arc, Weak};
use crate::timeout::Timeout;

/// The handle on a list, which has the right to drain.
pub(crate) struct Gather<T, E> {
    core: Arc<Core<T, E>>,
    /// What a poll has left in the mailbox.
    armed: Option<Armed>,
    /// The first item in time that was seen to have failed: see [`look`](Self::look).
    failed: Option<usize>,
    /// Somebody has got the list's outcome: what else has failed does not matter.
    got: bool,
}

// SAFETY: the pointer in `armed` is that of a waker, which is Send.
unsafe impl<T: Send, E: Send> Send for Gather<T, E> {}
// SAFETY: `&Gather` gives what any thread may use, and what `Awaited` reads.
unsafe impl<T: Send, E: Send> Sync for Gather<T, E> {}

impl<T: Send + 'static, E: Send + 'static> Gather<T, E> {
    pub(crate) fn new() -> Self {
        Gather { core: Core::new(), armed: None, failed: None, got: false }
    }

    /// The items.
    pub(crate) fn items(&mut self) -> &mut Items<T, E> {
        &mut self.drained().items
    }

    /// Adds an item, which is watched from now on.
    pub(crate) fn watch(&mut self, item: Consumer<T, E>, location: &'static Location<'static>) {
        let target = Arc::as_ptr(&self.core).cast::<Target>();
        let cell = item.into_observed(location);
        let slot = self.drained().items.slots.push(target, cell);
        // SAFETY: the slot stays, and the core lives until all items have come: see `Drop`.
        unsafe { consumer::observe(cell, slot.cast()) };
    }

    /// Has the list grow: its items come from `source`.
    pub(crate) fn feed(&mut self, source: Arc<dyn Source<T, E>>) {
        let target = Arc::as_ptr(&self.core).cast::<Target>();
        self.items().set_source(source, target);
    }

    /// Adds the items that the source wants to have ahead.
    pub(crate) fn refill(&mut self) {
        self.items().refill();
    }

    /// The next item that has come, in the order of time.
    pub(crate) fn next(&mut self) -> Option<usize> {
        self.disarm(); // what is in the mailbox for a waker is no entry
        let outlet: *const Mailbox = self.core.outlet();
        // SAFETY: the core is alive; two fields of it are used.
        let index = self.drained().next(unsafe { &*outlet })?;
        Some(index as usize)
    }

    /// Looks at all that has come. Gives the first item in time that has failed, and was not just
    /// cancelled, if there is one: a failure may have caused the cancellation of others.
    pub(crate) fn look(&mut self) -> Option<usize> {
        while let Some(index) = self.next() {
            let (before, items) = (self.failed, self.items());
            let instead = |before| items.is_cancelled(before) && !items.is_cancelled(index);
            if items.is_failed(index) && before.is_none_or(instead) {
                self.failed = Some(index);
            }
        }
        self.failed
    }

    /// Somebody has got the list's outcome: failures that are left are not reported.
    pub(crate) fn set_got(&mut self) {
        self.got = true;
    }

    /// Has [`next`](Self::next) begin again with the first item that has come.
    pub(crate) fn rewind(&mut self) {
        let drained = self.drained();
        drained.unseen = drained.entries.first();
    }

    /// Shows the items to `watcher` from now on, once, on the settling threads; what has come so far
    /// at once.
    pub(crate) fn tap(&mut self, watcher: Watcher) {
        self.disarm();
        // SAFETY: the handle has the right to drain, which goes to the tap.
        later::shield(|| unsafe { install(Arc::as_ptr(&self.core), watcher) });
    }

    /// Polls for an item that has come and was not asked for.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        nest::flush(); // inside a callback this thread may be about to block
        self.disarm();
        let armed = park::into_armed(context.waker());
        if self.core.outlet().arm(armed) {
            self.armed = Some(armed);
            return Poll::Pending;
        }
        // SAFETY: it did not get into the mailbox.
        unsafe { park::forget_armed(armed) };
        Poll::Ready(())
    }

    /// What ends the list from anywhere, once a policy has it; owns nothing of it.
    pub(crate) fn ender(&self) -> Ender {
        let core: Weak<Core<T, E>> = Arc::downgrade(&self.core);
        Ender(core)
    }

    /// What cancels the list, once a policy has it.
    pub(crate) fn canceller(&self) -> Arc<dyn Cancel> {
        self.core.clone()
    }

    /// Gives the list to a policy, which hears of all items, also of those that the handle has looked
    /// at.
    pub(crate) fn hand_to(mut self, mut policy: Box<dyn Policy<T, E>>) {
        if !policy.ends_at_failure() {
            self.items().carry_on();
        }
        self.rewind();
        self.items().watch();
        later::shield(|| contain(|| policy.begin(self.items())));
        self.drained().policy = Some(policy); // dropping the handle gives up the right to drain
    }
}

impl<T, E> Gather<T, E> {
    fn drained(&mut self) -> &mut Drained<T, E> {
        // SAFETY: the handle has the right to drain.
        unsafe { &mut *self.core.drained.get() }
    }

    fn disarm(&mut self) {
        if let Some(armed) = self.armed.take() {
            if self.core.outlet().disarm(armed) {
                // SAFETY: taken back out of the mailbox.
                unsafe { park::forget_armed(armed) };
            }
        }
    }
}

/// Waits until an item has come that was not asked for.
// SAFETY: only `take` frees the cells of items.
unsafe impl<T: Send + 'static, E: Send + 'static> Awaited for Gather<T, E> {
    fn is_settled(&self) -> bool {
        // SAFETY: the handle has the right to drain, and this only reads.
        let drained = unsafe { &*self.core.drained.get() };
        !self.core.outlet().is_empty() || !drained.unseen.is_null()
    }

    fn tail(&self) -> Option<CellRef> {
        None // many
    }

    fn wait(&mut self, timeout: Timeout, called: &AtomicBool) -> bool {
        self.disarm();
        let outlet = self.core.outlet();
        let arm = |armed| outlet.arm(armed);
        let disarm = |armed| outlet.disarm(armed);
        park::wait_for(|| !outlet.is_empty(), arm, disarm, timeout, called)
    }
}

/// The policy of a list that was dropped: what comes is dropped.
struct Detached(Dropped);

impl<T, E> Policy<T, E> for Detached {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        items.drop_outcome(index, self.0);
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, _: &mut Items<T, E>) {}
}

impl<T, E> Drop for Gather<T, E> {
    /// The right to drain goes to the policy, by default one that drops what comes.
    fn drop(&mut self) {
        self.disarm();
        let why = if self.got { Dropped::Superseded } else { Dropped::Unseen };
        let core = Arc::as_ptr(&self.core);
        let drained = self.drained();
        if drained.policy.is_none() {
            let items = &mut drained.items;
            later::drop_user(items.halt());
            items.cancel_fragile();
            items.indices().for_each(|index| items.drop_outcome(index, why));
            drained.policy = Some(Box::new(Detached(why)));
        }
        // SAFETY: one reference for the run, which `drain` gives up when all items have come.
        unsafe {
            Arc::increment_strong_count(core);
            later::shield(|| drain(core, Entries::none()));
        }
    }
}
