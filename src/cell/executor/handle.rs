//! The executor of a promise as one word: where the callbacks of what is derived from it run.

use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use super::lasting::Number;
use crate::cell::state::header::{CellRef, Lane, ShutDown};
use crate::clock::{self, Used};
use crate::sync::atomic::Ordering;

/// A piece of work for an executor, in one word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// Start this job.
    Start(CellRef),
    /// This cell is settled: deliver it to its continuation.
    Settled(CellRef),
    /// Run this link; its parent is its root. The link travels instead of the root, because a root
    /// that was claimed is still linked into its queue.
    Link(CellRef),
    /// Poll this future, if it still is to be polled.
    Task(CellRef),
}

const ITEM: usize = 0b111;

impl Item {
    /// The cell whose `link` field is the queue's while the item is queued.
    pub(crate) fn cell(self) -> CellRef {
        match self {
            Item::Start(cell) | Item::Settled(cell) | Item::Link(cell) | Item::Task(cell) => cell,
        }
    }

    /// The item as a word.
    pub(crate) fn into_word(self) -> *mut () {
        let tag = match self {
            Item::Start(_) => 0,
            Item::Settled(_) => 1,
            Item::Link(_) => 2,
            Item::Task(_) => 3,
        };
        self.cell().address().map_addr(|address| address | tag)
    }

    /// Back from [`into_word`](Self::into_word).
    ///
    /// # Safety
    /// `word` came from there, and the item was not taken back before.
    pub(crate) unsafe fn from_word(word: *mut ()) -> Self {
        let address = word.map_addr(|address| address & !ITEM);
        // SAFETY: the caller's promise.
        let cell = unsafe { CellRef::from_address(address) };
        match word.addr() & ITEM {
            0 => Item::Start(cell),
            1 => Item::Settled(cell),
            2 => Item::Link(cell),
            _ => Item::Task(cell),
        }
    }
}

/// A link that was queued by itself is the caller's again: its `link` is no queue's any more.
///
/// # Safety
/// The caller has taken the link out of the queue.
pub(in crate::cell) unsafe fn clear_link(child: CellRef) {
    // ORDERING: Relaxed, the link is the caller's.
    // SAFETY: the caller's promise.
    let link = unsafe { &child.header().link };
    link.store(ptr::null_mut(), Ordering::Relaxed);
}

/// An item that comes back from a closed executor.
pub(crate) struct Refused {
    pub(crate) item: Item,
    pub(crate) shut_down: ShutDown,
}

/// What an executor with an address begins with. Aligned so that the four low bits of that are clear.
#[repr(C, align(16))]
pub(crate) struct ExecutorHead {
    pub(crate) vtable: &'static ExecutorVTable,
}

/// What an executor can do.
pub(crate) struct ExecutorVTable {
    /// Takes an item, or gives it back: the executor is closed.
    ///
    /// # Safety
    /// The head is the one of this table's executor; the item is the caller's to give.
    pub(crate) post: unsafe fn(NonNull<ExecutorHead>, Item, Lane) -> Result<(), Refused>,
    /// One more handle.
    ///
    /// # Safety
    /// The head is the one of this table's executor.
    pub(crate) retain: unsafe fn(NonNull<ExecutorHead>),
    /// One handle less.
    ///
    /// # Safety
    /// As for `retain`, and the caller has a handle to give up.
    pub(crate) release: unsafe fn(NonNull<ExecutorHead>),
}

/// In the lowest bit: it is an address, and handles are counted. Else it is a number: pools are lasting, so
/// that a link costs no reference count.
const COUNTED: usize = 1;

/// A handle on an executor: one word.
pub(crate) struct ExecutorHandle(NonNull<()>);

// SAFETY: an executor is Send and Sync by its contract; see `counted`.
unsafe impl Send for ExecutorHandle {}
// SAFETY: as above.
unsafe impl Sync for ExecutorHandle {}

impl ExecutorHandle {
    /// A handle on a lasting executor.
    #[inline]
    pub(crate) fn lasting(number: Number) -> Self {
        // SAFETY: a number is not 0.
        ExecutorHandle(unsafe { NonNull::new_unchecked(number.word()) })
    }

    /// A handle that is counted.
    ///
    /// # Safety
    /// `head` points to a `Sync` executor that its table is for, which begins with it and lives as long as
    /// there are handles; the caller gives one count away.
    pub(in crate::cell) unsafe fn counted(head: NonNull<ExecutorHead>) -> Self {
        let tagged = head.as_ptr().map_addr(|address| address | COUNTED);
        // SAFETY: not null without the tag, so not with it.
        ExecutorHandle(unsafe { NonNull::new_unchecked(tagged.cast()) })
    }

    /// Whether it has to be kept, so that the executor is not freed.
    pub(in crate::cell) fn is_counted(&self) -> bool {
        self.0.as_ptr().addr() & COUNTED != 0
    }

    /// What identifies the executor: four low bits are clear.
    pub(crate) fn address(&self) -> *mut () {
        self.0.as_ptr().map_addr(|address| address & !COUNTED)
    }

    /// The handle as it stands in links: two of one executor are the same.
    pub(in crate::cell) fn word(&self) -> *mut () {
        self.0.as_ptr()
    }

    /// The executor, as a clock that is set sees it, if it is a lasting one.
    pub(crate) fn place(&self) -> Option<Used> {
        let number = (!self.is_counted()).then(|| Number::from_word(self.0))?;
        Some(clock::place(number.executor().place(), number.bits()))
    }

    /// The head of an executor with an address.
    fn head(&self) -> NonNull<ExecutorHead> {
        // SAFETY: the address of an executor is not null, with or without its tag.
        unsafe { NonNull::new_unchecked(self.address().cast()) }
    }

    /// The handle as a word for a cell's `link`.
    pub(in crate::cell) fn into_link(self) -> *mut () {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// The handle in a link, borrowed.
    ///
    /// # Safety
    /// `link` came from `into_link`, and is not given up while this is used.
    unsafe fn in_link(link: *mut ()) -> ManuallyDrop<Self> {
        // SAFETY: the caller's promise; no handle is null.
        ManuallyDrop::new(ExecutorHandle(unsafe { NonNull::new_unchecked(link) }))
    }

    /// Gives up the handle in a link, if it is a counted one.
    ///
    /// # Safety
    /// `link` came from `into_link`, or is null or the aligned address of a cell; once.
    pub(in crate::cell) unsafe fn release_link(link: *mut ()) {
        if link.addr() & COUNTED != 0 {
            // SAFETY: only handles have this bit; the caller's promise.
            drop(ManuallyDrop::into_inner(unsafe { Self::in_link(link) }));
        }
    }

    /// One more handle on the executor in a link, if it is a counted one.
    ///
    /// # Safety
    /// `link` came from `into_link` and was not given up.
    pub(in crate::cell) unsafe fn counted_in_link(link: *mut ()) -> Option<Self> {
        // SAFETY: the caller's promise.
        let handle = unsafe { Self::in_link(link) };
        handle.is_counted().then(|| Self::clone(&handle))
    }

    /// Posts to the executor in a link, which stays there.
    ///
    /// # Safety
    /// `link` came from `into_link` and was not given up; `item` is the caller's to give.
    pub(in crate::cell) unsafe fn post_to_link(
        link: *mut (),
        item: Item,
        lane: Lane,
    ) -> Result<(), Refused> {
        // SAFETY: the caller's promise.
        unsafe { Self::in_link(link).post(item, lane) }
    }

    /// Gives an item to the executor, or gets it back because the executor is closed.
    ///
    /// # Safety
    /// The item is the caller's to give.
    pub(crate) unsafe fn post(&self, item: Item, lane: Lane) -> Result<(), Refused> {
        // SAFETY: the head is alive while the handle is; the caller's promise.
        unsafe {
            if self.is_counted() {
                return (self.head().as_ref().vtable.post)(self.head(), item, lane);
            }
            let number = Number::from_word(self.0);
            number.executor().post(number, item, lane)
        }
    }
}

impl Clone for ExecutorHandle {
    fn clone(&self) -> Self {
        if self.is_counted() {
            // SAFETY: the head is alive while the handle is.
            unsafe { (self.head().as_ref().vtable.retain)(self.head()) };
        }
        ExecutorHandle(self.0)
    }
}

impl Drop for ExecutorHandle {
    fn drop(&mut self) {
        if self.is_counted() {
            // SAFETY: this handle's own count.
            unsafe { (self.head().as_ref().vtable.release)(self.head()) };
        }
    }
}

impl std::fmt::Debug for ExecutorHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Executor({:p})", self.address())
    }
}
