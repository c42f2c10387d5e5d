//! Cells: their memory, what is in it, and when it goes.

use std::cell::Cell as Plain;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::{Rc, Weak};

use loom::cell::UnsafeCell;

use super::library::TABLES;
use super::library::dependency::Depends;
use super::library::header::VTable;
use super::promise::Promise;
use super::value::Value;
use super::world::{Books, Counted, World};
use crate::cell::state::chain::Chain;
use crate::cell::state::word::Word;
use crate::sync::atomic::AtomicPtr;

#[repr(align(16))]
pub(in crate::cell) struct Cell {
    world: Weak<Books>,
    pub(in crate::cell) word: ManuallyDrop<Word>,
    pub(in crate::cell) up: ManuallyDrop<Chain>,
    pub(in crate::cell) is_root: bool,
    pub(in crate::cell) is_job: bool,
    following: ManuallyDrop<UnsafeCell<bool>>,
    /// Whether a queue uses the cell's link field.
    linked: ManuallyDrop<UnsafeCell<bool>>,
    /// The same field in a pending deferred's cell.
    pub(in crate::cell) link: ManuallyDrop<AtomicPtr<()>>,
    pub(in crate::cell) body: ManuallyDrop<UnsafeCell<Body>>,
    pub(in crate::cell) freed: Plain<bool>,
}

pub(in crate::cell) enum Body {
    Nothing,
    Closure(Closure),
    Outcome(Outcome),
}

/// The function of a job or a link.
pub(crate) struct Closure {
    /// The promise that it returns, if it returns one.
    pub(in crate::cell) follow: Option<Promise>,
    /// What a branch waits for.
    pub(in crate::cell) value: Option<Value>,
    pub(in crate::cell) counted: Counted,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Result {
    Value,
    Cancelled,
    WouldDeadlock,
}

pub(in crate::cell) struct Outcome {
    pub(in crate::cell) result: Result,
    pub(in crate::cell) _counted: Counted,
}

/// A pointer to a cell, as the library's `CellRef`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::cell) struct At(NonNull<Cell>);

impl Deref for At {
    type Target = Cell;

    fn deref(&self) -> &Cell {
        // SAFETY: the memory stays until the world goes; see `free` for the rest.
        let cell = unsafe { self.0.as_ref() };
        assert!(!cell.freed.get(), "a cell is used after it was freed");
        cell
    }
}

impl Cell {
    pub(in crate::cell) fn vtable(&self) -> &'static VTable {
        &TABLES[usize::from(!self.is_job)]
    }

    pub(in crate::cell) fn world(&self) -> World {
        World(self.world.upgrade().expect("the world outlives its cells"))
    }

    pub(in crate::cell) fn is_following(&self) -> bool {
        // SAFETY: loom checks that nobody writes.
        self.following.with(|following| unsafe { *following })
    }

    pub(in crate::cell) fn set_following(&self) {
        // SAFETY: loom checks that the access is exclusive.
        self.following.with_mut(|following| unsafe { *following = true });
    }
}

// SAFETY: loom runs the threads of a model one at a time, on one thread of the system.
unsafe impl Send for At {}

impl At {
    pub(in crate::cell) fn new(
        world: &World,
        word: Word,
        up: Chain,
        is_root: bool,
        body: Body,
    ) -> At {
        let cell = Box::new(Cell {
            world: Rc::downgrade(&world.0),
            word: ManuallyDrop::new(word),
            up: ManuallyDrop::new(up),
            is_root,
            is_job: is_root && matches!(body, Body::Closure(_)),
            following: ManuallyDrop::new(UnsafeCell::new(false)),
            linked: ManuallyDrop::new(UnsafeCell::new(false)),
            link: ManuallyDrop::new(AtomicPtr::new(std::ptr::null_mut())),
            body: ManuallyDrop::new(UnsafeCell::new(body)),
            freed: Plain::new(false),
        });
        let mut cells = world.0.cells.borrow_mut();
        cells.push(cell);
        At(NonNull::from(&**cells.last().unwrap()))
    }

    pub(in crate::cell) fn from_address(pointer: *mut ()) -> At {
        At(NonNull::new(pointer.cast()).expect("the address of a cell"))
    }

    pub(in crate::cell) fn address(self) -> *mut () {
        self.0.as_ptr().cast()
    }

    pub(in crate::cell) fn root(self) -> At {
        if self.is_root { self } else { At::from_address(self.up.root()) }
    }

    pub(in crate::cell) fn put(self, body: Body) {
        self.body.with_mut(|slot| {
            // SAFETY: loom checks that the access is exclusive.
            let slot = unsafe { &mut *slot };
            assert!(matches!(slot, Body::Nothing), "the body has something in it");
            *slot = body;
        });
    }

    pub(in crate::cell) fn take(self) -> Body {
        // SAFETY: loom checks that the access is exclusive.
        self.body.with_mut(|slot| std::mem::replace(unsafe { &mut *slot }, Body::Nothing))
    }

    pub(in crate::cell) fn take_closure(self) -> Closure {
        match self.take() {
            Body::Closure(closure) => closure,
            _ => panic!("no closure in the body"),
        }
    }

    pub(in crate::cell) fn take_outcome(self) -> Outcome {
        match self.take() {
            Body::Outcome(outcome) => outcome,
            _ => panic!("no outcome in the body"),
        }
    }

    /// The outcome; none in the body means cancelled.
    pub(in crate::cell) fn outcome(self) -> Outcome {
        if self.word.has_outcome() {
            return self.take_outcome();
        }
        Outcome { result: Result::Cancelled, _counted: self.world().count() }
    }

    /// The shared value that a job waits for; its work is held in place meanwhile.
    pub(in crate::cell) fn dependency(self) -> Option<Depends> {
        self.body.with(|body| {
            // SAFETY: loom checks that nobody writes.
            let Body::Closure(closure) = (unsafe { &*body }) else { panic!("the work is gone") };
            let value = closure.value.as_ref()?.again();
            Some(Depends { value: Box::new(value), ticket: 0 })
        })
    }

    /// # Safety
    /// None is needed: see `deref`.
    pub(in crate::cell) unsafe fn header<'a>(self) -> &'a Cell {
        // SAFETY: as in `deref`.
        unsafe { &*std::ptr::from_ref::<Cell>(&*self) }
    }

    pub(in crate::cell) fn chain<'a>(self) -> &'a Chain {
        // SAFETY: as in `deref`.
        unsafe { &self.root().header().up }
    }

    /// A queue begins, or ceases, to use the cell's link field.
    pub(in crate::cell) fn queued(self, now: bool) {
        self.linked.with_mut(|linked| {
            // SAFETY: loom checks that the access is exclusive.
            let before = unsafe { std::ptr::replace(linked, now) };
            assert_ne!(before, now, "a cell is in two queues");
        });
    }

    /// Frees the cell: an exclusive access to all of it, which every other access must precede.
    pub(in crate::cell) fn free(self) {
        assert!(matches!(self.take(), Body::Nothing), "a cell is freed with something in its body");
        self.linked.with_mut(|linked| {
            // SAFETY: loom checks that the access is exclusive.
            assert!(unsafe { !*linked }, "a cell is freed in a queue");
        });
        // SAFETY: not freed before, or the access above would have panicked.
        let cell = unsafe { &mut *self.0.as_ptr() };
        cell.freed.set(true);
        // SAFETY: as above; `Deref` lets nobody at them again.
        unsafe {
            ManuallyDrop::drop(&mut cell.word);
            ManuallyDrop::drop(&mut cell.up);
            ManuallyDrop::drop(&mut cell.following);
            ManuallyDrop::drop(&mut cell.linked);
            ManuallyDrop::drop(&mut cell.link);
            ManuallyDrop::drop(&mut cell.body);
        }
    }

    /// Frees the tail of a chain, and with it the chain's root.
    pub(in crate::cell) fn end_chain(self) {
        let root = self.root();
        if self != root {
            self.free();
        }
        root.end();
    }

    /// A root whose chain has lost its last cell.
    pub(in crate::cell) fn end(self) {
        if self.up.end() {
            self.free();
        }
    }
}
