//! What a list has taken out of its mailbox: slots in the order of time, linked to each other.

use super::items::holds_failure;
use super::mailbox::Mailbox;
use super::slots::{Slot, State};
use super::source::Source;
use crate::sync::atomic::Ordering;

/// Entries in the order of time. Whoever has them has the right to drain, and with it the slots.
pub(super) struct Entries {
    first: *mut Slot,
    last: *mut Slot,
}

impl Entries {
    pub(super) fn none() -> Self {
        Entries { first: std::ptr::null_mut(), last: std::ptr::null_mut() }
    }

    /// The one that has brought the right to drain.
    pub(super) fn one(slot: *mut Slot) -> Self {
        Entries { first: slot, last: slot }
    }

    /// Takes what is in the mailbox, which has the newest first.
    ///
    /// # Safety
    /// The caller has the right to drain the mailbox, whose entries are slots of a list that lives.
    pub(super) unsafe fn of(mailbox: &Mailbox) -> Self {
        let last = mailbox.take().cast::<Slot>();
        let (mut first, mut newest) = (std::ptr::null_mut::<Slot>(), last);
        while !newest.is_null() {
            // SAFETY: the caller's promise.
            unsafe {
                let next = after(newest);
                (*newest).next.store(first.cast(), Ordering::Relaxed);
                first = newest;
                newest = next;
            }
        }
        Entries { first, last }
    }

    pub(super) fn first(&self) -> *mut Slot {
        self.first
    }

    pub(super) fn append(&mut self, more: Entries) {
        if self.first.is_null() {
            *self = more;
        } else if !more.first.is_null() {
            // SAFETY: `last` is a slot of this list.
            unsafe { (*self.last).next.store(more.first.cast(), Ordering::Relaxed) };
            self.last = more.last;
        }
    }

    /// How many there are that count, and how many of them have failed.
    ///
    /// # Safety
    /// They are of a list of this `T` and `E`, which has this source.
    pub(super) unsafe fn count<T, E>(&self, source: Option<&dyn Source<T, E>>) -> (usize, usize) {
        let (mut come, mut failed, mut at) = (0, 0, self.first);
        while !at.is_null() {
            // SAFETY: the caller's promise; the cell of a slot that has come is the list's, until
            // it is taken.
            unsafe {
                let counts =
                    |source: &dyn Source<T, E>| source.number((*at).index as usize).is_some();
                if (*at).state() != State::Void && source.is_none_or(counts) {
                    let fails = |cell| holds_failure::<T, E>(cell);
                    let taken = (*at).state() == State::Taken;
                    failed += usize::from(!taken && (*at).cell.is_some_and(fails));
                    come += 1;
                }
                at = after(at);
            }
        }
        (come, failed)
    }

    /// Gives them away one by one.
    pub(super) fn for_each(self, mut f: impl FnMut(*mut Slot)) {
        let mut at = self.first;
        while !at.is_null() {
            // SAFETY: a slot of the list; it is not looked at after it was given away.
            let next = unsafe { after(at) };
            f(at);
            at = next;
        }
    }
}

/// The entry behind this one, or null.
///
/// # Safety
/// As for having [`Entries`].
pub(super) unsafe fn after(slot: *mut Slot) -> *mut Slot {
    // ORDERING: Relaxed, the right to drain was handed on with an Acquire.
    // SAFETY: the caller's promise.
    unsafe { (*slot).next.load(Ordering::Relaxed).cast() }
}
