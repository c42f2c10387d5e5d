//! The queue that all threads push to and the workers take batches from: first in, first out.
//!
//! It is intrusive: an item is one word, and keeps the word of the next. Pushers put items on a
//! stack, one compare-and-swap each. A worker takes the whole stack, turns it round, keeps a batch
//! and leaves the rest in the outbox, where the next batch comes from: so the workers touch the
//! pushers' word once for all that has piled up, nothing is allocated, and nothing can suffer from
//! ABA, since items leave the stack only all at once.

use std::marker::PhantomData;

use crate::sync::atomic::{AtomicPtr, Ordering};

type Word = *mut ();

/// The head of a stack that takes no more items; no item has this word.
const CLOSED: usize = 3;

/// Where an item keeps the word of the next one.
pub(crate) trait Linked {
    /// The field of `item`.
    ///
    /// # Safety
    /// The item is the caller's: it is about to push it, or has taken it.
    unsafe fn link<'a>(item: Word) -> &'a AtomicPtr<()>;
}

/// What a push has found.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// There was nothing in the stack: a worker may have to be woken.
    First,
    /// There was something: its pusher has seen to that.
    Behind,
    /// The inbox is closed; the item is still the caller's.
    Closed,
}

/// The queue.
pub(crate) struct Inbox<L> {
    stack: AtomicPtr<()>,
    outbox: AtomicPtr<()>,
    links: PhantomData<fn() -> L>,
}

fn closed() -> Word {
    std::ptr::without_provenance_mut(CLOSED)
}

impl<L: Linked> Inbox<L> {
    pub(crate) fn new() -> Self {
        Inbox {
            stack: AtomicPtr::new(std::ptr::null_mut()),
            outbox: AtomicPtr::new(std::ptr::null_mut()),
            links: PhantomData,
        }
    }

    /// From any thread: puts an item behind all others.
    ///
    /// # Safety
    /// The item is the caller's; it is the queue's afterwards.
    pub(crate) unsafe fn push(&self, item: Word) -> Pushed {
        // SAFETY: the caller's promise.
        let link = unsafe { L::link(item) };
        // ORDERING: Relaxed, the CAS decides.
        let mut head = self.stack.load(Ordering::Relaxed);
        loop {
            if head == closed() {
                return Pushed::Closed;
            }
            // ORDERING: Relaxed, published by the CAS below.
            link.store(head, Ordering::Relaxed);
            // ORDERING: Release pairs with the Acquire of `take_stack`: the item is seen whole.
            match self.stack.compare_exchange_weak(head, item, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) if head.is_null() => return Pushed::First,
                Ok(_) => return Pushed::Behind,
                Err(seen) => head = seen,
            }
        }
    }

    /// Workers: hands the oldest items to `sink`, `limit` at most. Says how many, and whether some
    /// were left.
    pub(crate) fn take(&self, limit: usize, mut sink: impl FnMut(Word)) -> (usize, bool) {
        let mut list = self.take_outbox();
        if list.is_null() {
            list = self.take_stack();
        }
        let mut taken = 0;
        while !list.is_null() && taken < limit {
            let item = list;
            // SAFETY: the list is ours.
            list = unsafe { next::<L>(item) };
            sink(item);
            taken += 1;
        }
        if list.is_null() {
            return (taken, false);
        }
        // ORDERING: Release pairs with `take_outbox`.
        let put = self.outbox.compare_exchange(
            std::ptr::null_mut(),
            list,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if put.is_err() {
            // Another worker has left its own rest there meanwhile: these are older, keep them.
            while !list.is_null() {
                let item = list;
                // SAFETY: as above.
                list = unsafe { next::<L>(item) };
                sink(item);
                taken += 1;
            }
        }
        (taken, true)
    }

    /// Workers: hands everything to `sink`, oldest first. Whether something was pushed since the stack was
    /// taken last.
    pub(crate) fn take_all(&self, mut sink: impl FnMut(Word)) -> bool {
        let mut pushed = false;
        loop {
            let mut list = self.take_outbox();
            if list.is_null() {
                list = self.take_stack();
                if list.is_null() {
                    return pushed;
                }
                pushed = true;
            }
            while !list.is_null() {
                let item = list;
                // SAFETY: the list is ours.
                list = unsafe { next::<L>(item) };
                sink(item);
            }
        }
    }

    /// Workers: puts items back in front of all others, in their order.
    pub(crate) fn put_back(&self, items: &[Word]) {
        let mut items = items.to_vec();
        loop {
            let mut list = self.take_outbox();
            for &item in items.iter().rev() {
                // SAFETY: the items are the caller's to give.
                unsafe { L::link(item).store(list, Ordering::Relaxed) };
                list = item;
            }
            // ORDERING: Release pairs with `take_outbox`.
            let put = self.outbox.compare_exchange(
                std::ptr::null_mut(),
                list,
                Ordering::Release,
                Ordering::Relaxed,
            );
            if put.is_ok() || list.is_null() {
                return;
            }
            items.clear();
            while !list.is_null() {
                items.push(list);
                // SAFETY: the list is ours again.
                list = unsafe { next::<L>(list) };
            }
        }
    }

    /// Whether there is nothing to take.
    pub(crate) fn is_empty(&self) -> bool {
        // ORDERING: Relaxed; a worker that is about to sleep on this has a SeqCst fence before.
        let stack = self.stack.load(Ordering::Relaxed);
        (stack.is_null() || stack == closed()) && self.outbox.load(Ordering::Relaxed).is_null()
    }

    /// Closes the queue if it is empty. `false`: it is not.
    #[must_use]
    pub(crate) fn close_if_empty(&self) -> bool {
        if !self.outbox.load(Ordering::Relaxed).is_null() {
            return false;
        }
        // ORDERING: AcqRel, so that what a later pusher sees is not older than the close.
        let closed_now = self.stack.compare_exchange(
            std::ptr::null_mut(),
            closed(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        closed_now.is_ok()
    }

    /// Opens a queue that was closed, for a later pool.
    pub(crate) fn open(&self) {
        // ORDERING: Release, so that a pusher sees the pool that it pushes to.
        let _ = self.stack.compare_exchange(
            closed(),
            std::ptr::null_mut(),
            Ordering::Release,
            Ordering::Relaxed,
        );
    }

    fn take_outbox(&self) -> Word {
        if self.outbox.load(Ordering::Relaxed).is_null() {
            return std::ptr::null_mut();
        }
        // ORDERING: Acquire pairs with the Release that put the list there.
        self.outbox.swap(std::ptr::null_mut(), Ordering::Acquire)
    }

    /// The whole stack, oldest first.
    fn take_stack(&self) -> Word {
        let mut newest = self.stack.load(Ordering::Relaxed);
        loop {
            if newest.is_null() || newest == closed() {
                return std::ptr::null_mut();
            }
            // ORDERING: Acquire pairs with the Release of each `push`.
            match self.stack.compare_exchange_weak(
                newest,
                std::ptr::null_mut(),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(seen) => newest = seen,
            }
        }
        let mut list = std::ptr::null_mut();
        while !newest.is_null() {
            let item = newest;
            // SAFETY: the stack is ours.
            unsafe {
                newest = next::<L>(item);
                L::link(item).store(list, Ordering::Relaxed);
            }
            list = item;
        }
        list
    }
}

/// # Safety
/// The item is the caller's, and linked.
unsafe fn next<L: Linked>(item: Word) -> Word {
    // ORDERING: Relaxed, the caller has acquired the list.
    // SAFETY: the caller's promise.
    unsafe { L::link(item) }.load(Ordering::Relaxed)
}
