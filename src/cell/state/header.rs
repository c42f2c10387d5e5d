//! What every cell begins with, and how to do things to a cell whose types are not known.

use std::alloc::Layout;
use std::panic::Location;
use std::ptr::NonNull;

use super::chain::Chain;
use super::compressed::{FLAG_1, FLAG_2, FLAG_3, compress, decompress};
use super::dependency::Depends;
use super::provenance::Provenance;
use super::word::Word;
use crate::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The first fields of every cell.
#[repr(C, align(8))]
pub(crate) struct Header {
    /// Which party has arrived.
    pub(crate) word: Word,
    /// What the cell is: a compressed reference to its table, and the flags below.
    table: AtomicU32,
    /// Where the promise was made; after a failure the way that it came.
    pub(crate) provenance: Provenance,
    /// Queued: the next item of the queue. Pending link: its executor. Pending deferred: its
    /// cancellation handlers. One field is enough, since no cell is two of these at a time.
    pub(crate) link: AtomicPtr<()>,
    /// Link: the root's address. Root: the chain word.
    pub(crate) up: Chain,
}

/// Whether `up` is a chain word: said beside the reference to the table, so that it need not be
/// looked up.
const ROOT: u32 = FLAG_1;
/// Whether the cell waits for a promise that its work has given.
const FOLLOWING: u32 = FLAG_2;
/// Whether the cell is a part of something larger.
const PART: u32 = FLAG_3;

/// What a cell can do, by its types. Aligned so that references to it are compressed without a shift.
#[repr(align(16))]
pub(crate) struct VTable {
    /// How the promise came to be: `spawn`, `then`, …
    pub(crate) kind: &'static str,
    /// Whether a failure that passes through tells of it.
    pub(crate) in_way: bool,
    /// Whether `up` is a chain word.
    pub(crate) root: bool,
    /// Whether it is a root with work.
    pub(crate) job: bool,
    /// Whether it is a root whose chain is cancelled when its consumer leaves.
    pub(crate) fragile: bool,
    /// Whether its work is for its executor only, not for another one where that is closed.
    pub(crate) needs_executor: bool,
    /// In a future: what is done with it from outside.
    pub(in crate::cell) task: Option<TaskTable>,
    /// How the cell was allocated.
    pub(crate) layout: Layout,
    /// In a cell that is a part of something larger: gives that part up, instead of freeing the cell.
    pub(crate) give_up: Option<unsafe fn(CellRef)>,
    /// Does the work, or passes on what came; leaves the outcome in the body.
    pub(crate) work: unsafe fn(CellRef, Option<CellRef>, Permission) -> Progress,
    /// The shared value that a job waits for, and its place there; the work is held meanwhile.
    pub(crate) dependency: unsafe fn(CellRef) -> Option<Depends>,
    /// Moves the outcome of the first, which has one of the same type, into the second.
    pub(crate) move_outcome: unsafe fn(CellRef, CellRef),
    /// Leaves a failure in the body.
    pub(crate) fail: unsafe fn(CellRef, FailureKind),
    /// Drops the outcome in the body.
    pub(crate) drop_outcome: unsafe fn(CellRef, Dropped),
}

/// What is done with a future from outside: see `task`.
pub(in crate::cell) struct TaskTable {
    /// Where what polls it is, from the start of the cell.
    pub(in crate::cell) core: usize,
    /// A function, because cancelling comes before what queues futures.
    pub(in crate::cell) cancelled: unsafe fn(CellRef),
}

impl VTable {
    #[inline]
    fn flags(&self) -> u32 {
        let root = if self.root { ROOT } else { 0 };
        root | if self.give_up.is_some() { PART } else { 0 }
    }
}

/// What a cell's work may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// It was queued, and this is its executor.
    Granted,
    /// The executor's thread has just produced the value: what does not ask to be queued may run.
    Next,
    /// User code may not run here.
    Denied,
    /// User code may not run anywhere: its executor has refused it.
    Refused(ShutDown),
    /// Give up: the chain was cancelled while this was queued.
    Cancelled,
}

/// Where a closed executor was shut down, if it says so.
pub(crate) type ShutDown = Option<&'static Location<'static>>;

/// What a cell's work has done.
#[must_use]
pub(crate) enum Progress {
    /// The outcome is in the body.
    Settled,
    /// The work gave a promise to follow: its cell, of which the caller is the consumer now.
    Follow(CellRef),
    /// Nothing: the future will be woken.
    Pending,
    /// Nothing: it has to be queued.
    Post(Lane),
}

/// Where an item goes in an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Next, if this is a thread of the executor.
    Next,
    /// Behind what is queued.
    Back,
}

/// A failure that needs no error of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// `Failure::Cancelled`.
    Cancelled,
    /// `Failure::Abandoned`.
    Abandoned,
    /// `Failure::Taken`.
    Taken,
    /// `Failure::WouldDeadlock`.
    WouldDeadlock,
}

/// Why an outcome is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It was not looked at: a failure is reported.
    Unseen,
    /// Something else was settled in its place: it is dropped in silence.
    Superseded,
}

/// A cell. The holder of one of these has it in a role; `mod.rs` says what that role may touch.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct CellRef(NonNull<Header>);

// SAFETY: a pointer; what may be done with it on which thread is said where it is used. All that is
// reached through it without knowing the types is atomic.
unsafe impl Send for CellRef {}

impl Header {
    pub(in crate::cell) fn new(
        vtable: &'static VTable,
        word: Word,
        up: Chain,
        location: &'static Location<'static>,
    ) -> Self {
        Header {
            word,
            table: AtomicU32::new(compress(vtable) | vtable.flags()),
            provenance: Provenance::new(location),
            link: AtomicPtr::new(std::ptr::null_mut()),
            up,
        }
    }

    /// What the cell is.
    #[inline]
    pub(crate) fn vtable(&self) -> &'static VTable {
        // SAFETY: compressed in `new`; later only a flag is set.
        unsafe { decompress(self.table()) }
    }

    /// Whether the cell is its chain's root.
    #[inline]
    pub(in crate::cell) fn is_root(&self) -> bool {
        self.table() & ROOT != 0
    }

    /// Whether the cell is a part of something larger, and is given up instead of freed.
    #[inline]
    pub(super) fn is_part(&self) -> bool {
        self.table() & PART != 0
    }

    /// Whether the cell waits for a promise that its work has given.
    #[inline]
    pub(in crate::cell) fn is_following(&self) -> bool {
        self.table() & FOLLOWING != 0
    }

    /// The owner of the cell makes it wait for a promise.
    pub(in crate::cell) fn set_following(&self) {
        // ORDERING: Relaxed, as in `table`; there is no other writer.
        self.table.store(self.table() | FOLLOWING, Ordering::Relaxed);
    }

    fn table(&self) -> u32 {
        // ORDERING: Relaxed, the table is an immutable static, and whether the cell is following is
        // asked by threads that another word has made known it to.
        self.table.load(Ordering::Relaxed)
    }
}

impl CellRef {
    /// The cell that begins at `pointer`.
    pub(crate) fn new(pointer: NonNull<Header>) -> Self {
        CellRef(pointer)
    }

    /// Back from [`address`](Self::address).
    ///
    /// # Safety
    /// `pointer` came from `address`.
    pub(crate) unsafe fn from_address(pointer: *mut ()) -> Self {
        // SAFETY: the caller's promise; the address of a cell is never null.
        CellRef(unsafe { NonNull::new_unchecked(pointer.cast()) })
    }

    /// The cell as an untyped pointer, with at least four low bits clear.
    pub(crate) fn address(self) -> *mut () {
        self.0.as_ptr().cast()
    }

    /// The pointer that the typed views cast.
    pub(in crate::cell) fn as_ptr(self) -> *mut Header {
        self.0.as_ptr()
    }

    /// The header.
    ///
    /// # Safety
    /// The cell is not freed while the reference is used: the caller is its producer, its
    /// consumer, its receiver, or keeps its chain.
    pub(crate) unsafe fn header<'a>(self) -> &'a Header {
        // SAFETY: alive by the caller's promise; all fields are atomics, so that a shared
        // reference is right whatever the other party does.
        unsafe { self.0.as_ref() }
    }

    /// The root of the cell's chain.
    ///
    /// # Safety
    /// As for [`header`](Self::header).
    pub(crate) unsafe fn root(self) -> CellRef {
        // SAFETY: the caller's promise; a link's `up` is its root's address.
        unsafe {
            let header = self.header();
            if header.is_root() { self } else { CellRef::from_address(header.up.root()) }
        }
    }

    /// The chain word.
    ///
    /// # Safety
    /// As for [`header`](Self::header); the root lives as long as any cell of its chain.
    pub(crate) unsafe fn chain<'a>(self) -> &'a Chain {
        // SAFETY: the caller's promise.
        unsafe { &self.root().header().up }
    }
}
