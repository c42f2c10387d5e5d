//! The books of one execution: whatever is made must be gone at its end.

use std::cell::{Cell as Plain, RefCell};
use std::rc::Rc;

use super::cell::Cell;

/// Everything that one execution of a model makes.
#[derive(Clone, Default)]
pub(crate) struct World(pub(in crate::cell) Rc<Books>);

#[derive(Default)]
pub(in crate::cell) struct Books {
    #[expect(
        clippy::vec_box,
        reason = "the cells are pointed to, so they must stay where they are"
    )]
    pub(in crate::cell) cells: RefCell<Vec<Box<Cell>>>,
    live: Rc<Plain<usize>>,
    pub(in crate::cell) started: Plain<usize>,
    pub(in crate::cell) handled: Plain<usize>,
}

/// A closure, an outcome or a listener: alive until it is dropped.
pub(crate) struct Counted(Rc<Plain<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl World {
    pub(in crate::cell) fn count(&self) -> Counted {
        self.0.live.set(self.0.live.get() + 1);
        Counted(Rc::clone(&self.0.live))
    }

    /// How many closures have run.
    pub(crate) fn started(&self) -> usize {
        self.0.started.get()
    }

    /// How many cancellation handlers have run.
    pub(crate) fn handled(&self) -> usize {
        self.0.handled.get()
    }

    /// At the end of an execution: everything that was made must be gone. (What goes twice, or is used
    /// afterwards, panics where that happens.)
    pub(crate) fn finish(self) {
        let cells = self.0.cells.borrow();
        let leaked = cells.iter().filter(|cell| !cell.freed.get()).count();
        assert_eq!(leaked, 0, "cells were leaked");
        assert_eq!(self.0.live.get(), 0, "closures, outcomes or listeners were leaked");
    }
}
