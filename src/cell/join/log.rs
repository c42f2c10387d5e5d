//! The log of completions: what the driver has taken out of the queue, linked in the order of time.

use super::queue::Queue;
use super::slot::Slot;
use crate::sync::atomic::Ordering;

/// Entries in the order of time. It is a part of what only the driver has.
pub(super) struct Log {
    first: *const Slot,
    last: *const Slot,
    /// The first one that was not asked for.
    unseen: *const Slot,
}

impl Log {
    pub(super) fn new() -> Self {
        Log { first: std::ptr::null(), last: std::ptr::null(), unseen: std::ptr::null() }
    }

    /// Whether all entries were asked for.
    pub(super) fn is_seen(&self) -> bool {
        self.unseen.is_null()
    }

    /// Begins again with the first entry.
    pub(super) fn rewind(&mut self) {
        self.unseen = self.first;
    }

    /// The slots of entries that were asked for may be in use for other items.
    pub(super) fn forget_seen(&mut self) {
        self.first = self.unseen;
    }

    /// Adds the entry that has brought the driver's role, if there is one.
    ///
    /// # Safety
    /// Null, or an entry that is in no queue: a slot that lives as long as the log.
    pub(super) unsafe fn add(&mut self, entry: *const Slot) {
        self.append(entry, entry);
    }

    /// Adds entries that came out of the queue, the newest first.
    ///
    /// # Safety
    /// They are slots that live as long as the log.
    pub(super) unsafe fn add_newest_first(&mut self, newest: *mut ()) {
        let newest = newest.cast_const().cast::<Slot>();
        let (mut first, mut at) = (std::ptr::null::<Slot>(), newest);
        // SAFETY: the caller's promise.
        while let Some(slot) = unsafe { at.as_ref() } {
            let next = after(slot);
            slot.next.store(first.cast_mut().cast(), Ordering::Relaxed);
            (first, at) = (at, next);
        }
        self.append(first, newest);
    }

    /// The next entry that was not asked for.
    ///
    /// # Safety
    /// The caller is the driver of the queue. Its entries are slots that live as long as the log and the
    /// result.
    pub(super) unsafe fn next<'a>(&mut self, queue: &Queue) -> Option<&'a Slot> {
        // SAFETY: the caller's promise; what is in the log are such slots (see `add`).
        unsafe {
            if self.unseen.is_null() {
                self.add_newest_first(queue.take());
            }
            let slot = self.unseen.as_ref()?;
            self.unseen = after(slot);
            Some(slot)
        }
    }

    /// All entries.
    pub(super) fn each(&self) -> impl Iterator<Item = &Slot> {
        // SAFETY: an entry of the log lives as long as the log (see `add`).
        let slot = |slot: *const Slot| unsafe { slot.as_ref() };
        std::iter::successors(slot(self.first), move |at| slot(after(at)))
    }

    fn append(&mut self, first: *const Slot, last: *const Slot) {
        if first.is_null() {
            return;
        }
        if self.first.is_null() {
            self.first = first;
        } else {
            // SAFETY: as in `each`.
            unsafe { (*self.last).next.store(first.cast_mut().cast(), Ordering::Relaxed) };
        }
        if self.unseen.is_null() {
            self.unseen = first;
        }
        self.last = last;
    }
}

/// The entry behind this one, or null.
fn after(slot: &Slot) -> *const Slot {
    // ORDERING: Relaxed, the driver's role was handed on with an Acquire.
    slot.next.load(Ordering::Relaxed).cast_const().cast()
}
