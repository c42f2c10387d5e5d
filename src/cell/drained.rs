//! What whoever has the right to drain a list has with it: the items, and the entries that have come.

use super::entries::{self, Entries};
use super::items::Items;
use super::mailbox::Mailbox;
use super::policy::Policy;
use super::slots::{Slot, State};
use super::tally::Tally;

/// The index of the entry that asks to end the list.
pub(super) const END: u32 = u32::MAX;

/// Behind the right to drain.
pub(super) struct Drained<T, E> {
    pub(super) items: Items<T, E>,
    /// Entries that were taken from the mailbox, all of them unless the places of items are used
    /// again.
    pub(super) entries: Entries,
    /// The first of them that was not asked for.
    pub(super) unseen: *mut Slot,
    pub(super) policy: Option<Box<dyn Policy<T, E>>>,
    /// For how many items the tally was opened.
    room: usize,
}

impl<T, E> Drained<T, E> {
    pub(super) fn new() -> Self {
        Drained {
            items: Items::new(),
            entries: Entries::none(),
            unseen: std::ptr::null_mut(),
            policy: None,
            room: 0,
        }
    }

    /// Takes what is in the mailbox.
    pub(super) fn fetch(&mut self, mailbox: &Mailbox) {
        // SAFETY: who has this has the right to drain.
        self.add(unsafe { Entries::of(mailbox) });
    }

    /// What has come: behind what has come before.
    pub(super) fn add(&mut self, new: Entries) {
        if self.unseen.is_null() {
            self.unseen = new.first();
            if self.items.recycles() {
                self.entries = Entries::none(); // those slots may be in use for other items
            }
        }
        self.entries.append(new);
    }

    /// The next entry, in the order of time.
    pub(super) fn next(&mut self, mailbox: &Mailbox) -> Option<u32> {
        if self.items.supply.is_none() {
            return self.next_entry(mailbox); // the common case: the list does not grow
        }
        loop {
            self.items.refill();
            let index = self.next_entry(mailbox)?;
            if index == END || !self.items.drop_surplus(index as usize) {
                return Some(index);
            }
        }
    }

    fn next_entry(&mut self, mailbox: &Mailbox) -> Option<u32> {
        if self.unseen.is_null() {
            self.fetch(mailbox);
        }
        if self.unseen.is_null() {
            return None;
        }
        // SAFETY: an entry is a slot of this list, and is the drainer's.
        unsafe {
            let slot = self.unseen;
            self.unseen = entries::after(slot);
            let index = (*slot).index;
            if !(*slot).entered && index != END {
                (*slot).entered = true;
                if (*slot).state == State::Pending {
                    (*slot).state = State::Arrived; // else it was dropped before its entry came
                }
                self.items.arrived += 1;
            }
            Some(index)
        }
    }

    /// Before the right to drain is given up: has the items that have not come counted, but for one, which
    /// comes by the mailbox.
    pub(super) fn open(&mut self, tally: &Tally) {
        self.room = (self.items.slots.len() - self.items.arrived).saturating_sub(1);
        tally.open(self.room);
    }

    /// Takes over what was counted, and has no more counted.
    pub(super) fn close(&mut self, tally: &Tally) {
        if self.room > 0 {
            self.items.arrived += self.room - tally.close();
            self.room = 0;
        }
    }
}
