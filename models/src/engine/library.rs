//! What the library's files import, by the library's names.

use super::cell::{At, Body, Outcome, Result};

pub(super) mod header {
    pub(in crate::engine) use super::super::cell::At as CellRef;

    use super::super::step::Depends;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Fate {
        Cancelled,
        Taken,
        WouldDeadlock,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Turn {
        Cancelled,
    }

    pub(in crate::engine) struct Worked;

    pub(in crate::engine) struct VTable {
        pub(in crate::engine) job: bool,
        pub(in crate::engine) work: fn(CellRef, Option<CellRef>, Turn) -> Worked,
        pub(in crate::engine) dependency: fn(CellRef) -> Option<Depends>,
        pub(in crate::engine) move_outcome: fn(CellRef, CellRef),
        pub(in crate::engine) fail: fn(CellRef, Fate),
    }
}

/// The table of a job, and that of another cell.
pub(super) static TABLES: [header::VTable; 2] = [table(true), table(false)];

const fn table(job: bool) -> header::VTable {
    header::VTable {
        job,
        work: |cell, _, _| {
            cell.take_closure().leave();
            header::Worked
        },
        dependency: At::dependency,
        move_outcome: |from, to| to.put(Body::Outcome(from.outcome())),
        fail: |cell, fate| {
            let result = match fate {
                header::Fate::WouldDeadlock => Result::WouldDeadlock,
                header::Fate::Cancelled | header::Fate::Taken => Result::Cancelled,
            };
            cell.put(Body::Outcome(Outcome { result, _counted: cell.world().count() }));
        },
    }
}

pub(super) mod body {
    use super::At;

    pub(in crate::engine) unsafe fn free(cell: At) {
        cell.free();
    }
}

pub(super) mod consumer {
    use super::At;
    use crate::engine::Promise;

    pub(in crate::engine) unsafe fn leave(cell: At) {
        Promise(cell).leave();
    }
}

pub(super) mod later {
    pub(in crate::engine) fn shield<R>(f: impl FnOnce() -> R) -> R {
        f()
    }

    /// Handlers nest in the models as deep as they like.
    pub(in crate::engine) fn handle(handlers: crate::handlers::Handlers) {
        handlers.for_each(|handler| handler.run());
    }
}

pub(super) mod park {
    use super::super::parker::take_back;
    pub(in crate::engine) use super::super::parker::wake;
    use crate::word::Listener;

    pub(in crate::engine) unsafe fn forget(listener: Listener) {
        drop(take_back(listener));
    }
}

pub(super) mod step {
    use super::At;

    pub(crate) type Ticket = u64;

    pub(in crate::engine) struct Depends {
        pub(in crate::engine) value: Box<dyn Dependency>,
        pub(in crate::engine) ticket: Ticket,
    }

    pub(in crate::engine) trait Dependency: Send + Sync {
        fn tail(&self) -> At;
        fn left(&self, ticket: Ticket) -> bool;
    }
}

/// There are no futures.
pub(super) mod task {
    use super::At;

    pub(in crate::engine) unsafe fn claim(_: At, _: *mut ()) -> bool {
        false
    }

    pub(in crate::engine) unsafe fn cancelled(_: At) {}
}

pub(super) mod frames {
    use std::cell::RefCell;

    use super::At;

    loom::thread_local! {
        static RUNNING: RefCell<Vec<At>> = RefCell::new(Vec::new());
    }

    pub(in crate::engine) fn running() -> Vec<At> {
        RUNNING.with(|running| running.borrow().clone())
    }

    pub(in crate::engine) fn framed<R>(root: At, f: impl FnOnce() -> R) -> R {
        RUNNING.with(|running| running.borrow_mut().push(root));
        let result = f();
        RUNNING.with(|running| running.borrow_mut().pop());
        result
    }
}

/// Deferreds that follow have no handlers here.
pub(super) mod followed {
    use super::At;

    pub(in crate::engine) fn cancelled(_: At) {}

    pub(in crate::engine) fn pass_on(_: At, _: At) {}

    pub(in crate::engine) unsafe fn arrived(_: At) {}

    pub(in crate::engine) unsafe fn given_up(_: At) {}
}
