//! What the library's files import, by the library's names.

use super::cell::{At, Body, Outcome, Result};

pub(in crate::cell) mod header {
    pub(in crate::cell) use super::super::cell::At as CellRef;

    use super::dependency::Depends;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum FailureKind {
        Cancelled,
        Taken,
        WouldDeadlock,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Dropped {
        Unseen,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Permission {
        Cancelled,
    }

    pub(in crate::cell) struct Progress;

    pub(in crate::cell) struct VTable {
        pub(in crate::cell) job: bool,
        pub(in crate::cell) fragile: bool,
        pub(in crate::cell) work: fn(CellRef, Option<CellRef>, Permission) -> Progress,
        pub(in crate::cell) dependency: fn(CellRef) -> Option<Depends>,
        pub(in crate::cell) move_outcome: fn(CellRef, CellRef),
        pub(in crate::cell) fail: fn(CellRef, FailureKind),
    }
}

/// The table of a job, and that of another cell.
pub(in crate::cell) static TABLES: [header::VTable; 2] = [table(true), table(false)];

const fn table(job: bool) -> header::VTable {
    header::VTable {
        job,
        fragile: false,
        work: |cell, _, _| {
            cell.take_closure().leave();
            header::Progress
        },
        dependency: At::dependency,
        move_outcome: |from, to| to.put(Body::Outcome(from.outcome())),
        fail: |cell, fate| {
            let result = match fate {
                header::FailureKind::WouldDeadlock => Result::WouldDeadlock,
                header::FailureKind::Cancelled | header::FailureKind::Taken => Result::Cancelled,
            };
            cell.put(Body::Outcome(Outcome { result, _counted: cell.world().count() }));
        },
    }
}

pub(in crate::cell) mod body {
    use super::At;

    pub(in crate::cell) unsafe fn free(cell: At) {
        cell.free();
    }
}

pub(in crate::cell) mod free {
    use super::At;
    use super::header::Dropped;

    pub(in crate::cell) unsafe fn release(tail: At) {
        tail.end_chain();
    }

    pub(in crate::cell) unsafe fn end_chain(root: At) {
        root.end();
    }

    pub(in crate::cell) unsafe fn discard(tail: At, _: Dropped) {
        drop(tail.take_outcome());
        tail.end_chain();
    }
}

pub(in crate::cell) mod trampoline {
    pub(in crate::cell) fn shield<R>(f: impl FnOnce() -> R) -> R {
        f()
    }

    /// Handlers nest in the models as deep as they like.
    pub(in crate::cell) fn handle(handlers: crate::cell::defer::handlers::Handlers) {
        handlers.for_each(|handler| handler.run());
    }
}

pub(in crate::cell) mod park {
    use super::super::parker::take_back;
    pub(in crate::cell) use super::super::parker::wake;
    use crate::cell::state::word::Listener;

    pub(in crate::cell) unsafe fn forget(listener: Listener) {
        drop(take_back(listener));
    }
}

pub(in crate::cell) mod dependency {
    use super::At;

    pub(crate) type Ticket = u64;

    pub(in crate::cell) struct Depends {
        pub(in crate::cell) value: Box<dyn Dependency>,
        pub(in crate::cell) ticket: Ticket,
    }

    pub(in crate::cell) trait Dependency: Send + Sync {
        fn tail(&self) -> At;
        fn left(&self, ticket: Ticket) -> bool;
    }
}

/// There are no futures.
pub(in crate::cell) mod task {
    use super::At;

    pub(in crate::cell) unsafe fn claim(_: At, _: *mut ()) -> bool {
        false
    }

    pub(in crate::cell) unsafe fn cancelled(_: At) {}
}

pub(in crate::cell) mod frames {
    use std::cell::RefCell;

    use super::At;

    loom::thread_local! {
        static RUNNING: RefCell<Vec<At>> = RefCell::new(Vec::new());
    }

    pub(in crate::cell) fn running() -> Vec<At> {
        RUNNING.with(|running| running.borrow().clone())
    }

    pub(in crate::cell) fn framed<R>(root: At, f: impl FnOnce() -> R) -> R {
        RUNNING.with(|running| running.borrow_mut().push(root));
        let result = f();
        RUNNING.with(|running| running.borrow_mut().pop());
        result
    }
}

/// Deferreds that follow have no handlers here.
pub(in crate::cell) mod followed {
    use super::At;

    pub(in crate::cell) fn cancelled(_: At) {}

    pub(in crate::cell) fn pass_on(_: At, _: At) {}

    pub(in crate::cell) unsafe fn arrived(_: At) {}

    pub(in crate::cell) unsafe fn given_up(_: At) {}
}
