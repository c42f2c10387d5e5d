//! The wave that completes a chain: settling, delivering, following.

use super::cell::{At, Body, Closure, Outcome, Result};
use super::links::post;
use super::parker::wake;
use super::promise::Promise;
use super::up::explore;
use super::world::World;
use crate::word::{Attach, Receiver, Seen, Settle};

/// What is to be done next with a cell.
pub(super) enum Step {
    /// Its outcome is in the body; we are its producer.
    Settle(At),
    /// It was settled, and the second receives it.
    Deliver(At, At),
    /// It has work that returned a promise.
    Follow(At, Promise),
    Done,
}

pub(super) fn wave(world: &World, mut step: Step) {
    loop {
        step = match step {
            Step::Settle(cell) => settle(cell, cell.word.settle()),
            Step::Deliver(parent, child) if child.follows() => adopt(world, parent, child),
            Step::Deliver(parent, child) => deliver(world, parent, child),
            Step::Follow(cell, inner) => follow(world, cell, inner),
            Step::Done => return,
        };
    }
}

pub(super) fn settle(cell: At, duty: Settle) -> Step {
    match duty {
        Settle::Kept => {}
        Settle::Wake(listener) => wake(listener),
        Settle::Deliver(Receiver::Continuation(child)) => {
            return Step::Deliver(cell, At::from_address(child));
        }
        Settle::Deliver(Receiver::Observer(_)) => panic!("no observers here"),
        Settle::Gone => {
            drop(cell.take());
            cell.end_chain();
        }
        Settle::Before => {
            // A deferred that settled alone did not look at the chain word.
            if cell.up.drop_reference() {
                cell.free();
            }
        }
        Settle::Cancelled => {
            drop(cell.take());
            if !cell.word.arrive() {
                cell.end_chain();
            }
        }
    }
    Step::Done
}

fn outcome_of(world: &World, parent: At) -> Outcome {
    if parent.word.has_outcome() {
        parent.take_outcome()
    } else {
        Outcome { result: Result::Cancelled, _counted: world.count() }
    }
}

/// A link, and the settled cell above it.
fn deliver(world: &World, parent: At, child: At) -> Step {
    let root = child.root();
    // The trip through a queue. Where the parent is the root the child travels: a root that was
    // claimed is still in the queue that it was posted to first.
    let travels = if parent == root { child } else { parent };
    travels.link(true);
    travels.link(false);
    if travels == parent {
        let receiver = parent.word.receiver();
        assert_eq!(receiver, Some(Receiver::Continuation(child.address())), "the way is lost");
    }

    let cancelled = root.up.is_cancelled();
    let closure = child.take_closure();
    if closure.queued.get() && !cancelled {
        closure.queued.set(false);
        child.put(Body::Closure(closure));
        return post(world, parent, child);
    }
    let outcome = outcome_of(world, parent);
    let step = if cancelled || outcome.result == Result::Cancelled {
        closure.leave();
        child.put(Body::Outcome(Outcome { result: Result::Cancelled, ..outcome }));
        Step::Settle(child)
    } else {
        drop(outcome);
        closure.run(world, child)
    };
    if parent != root {
        parent.free();
    }
    step
}

/// A link that follows a promise, and the settled tail of that promise's chain.
fn adopt(world: &World, inner: At, child: At) -> Step {
    child.put(Body::Outcome(outcome_of(world, inner)));
    let inner_root = inner.root();
    if inner != inner_root {
        inner.free();
    }
    if !child.root().up.detach() {
        inner_root.end();
    }
    Step::Settle(child)
}

fn follow(world: &World, mut cell: At, inner: Promise) -> Step {
    while let Some(outer) = step_aside(cell) {
        cell = outer;
    }
    let cancelled = || Outcome { result: Result::Cancelled, _counted: world.count() };
    if inner.0.word.seen() != Seen::Pending {
        cell.put(Body::Outcome(outcome_of(world, inner.0)));
        inner.0.end_chain();
        return Step::Settle(cell);
    }
    cell.set_following();
    if !cell.root().up.attach(inner.0.root().address()) {
        inner.cancel(world);
        inner.leave();
        cell.put(Body::Outcome(cancelled()));
        return Step::Settle(cell);
    }
    if explore(world, inner.0.root(), &mut |root| root == cell.root()) {
        while cell.root().up.withdraw().is_none() {
            loom::thread::yield_now(); // the other one looks
        }
        inner.leave();
        cell.put(Body::Outcome(cancelled()));
        return Step::Settle(cell);
    }
    match inner.0.word.attach(Receiver::Continuation(cell.address())) {
        Attach::Attached(listener) => {
            assert!(listener.is_none());
            Step::Done
        }
        // Without an outcome: cancelled by way of the outer chain, between the two steps.
        Attach::Settled | Attach::WithoutOutcome => Step::Deliver(inner.0, cell),
    }
}

/// What waits for `cell` only waits itself: it takes over.
fn step_aside(cell: At) -> Option<At> {
    let Some(Receiver::Continuation(outer)) = cell.word.receiver() else { return None };
    let outer = At::from_address(outer);
    if !outer.follows() {
        return None;
    }
    let root = cell.root();
    let busy = outer.root().up.detach();
    if root != cell {
        cell.free();
    }
    if !busy {
        root.end();
    }
    Some(outer)
}

impl Closure {
    /// Runs in `cell`, out of which it was taken.
    pub(super) fn run(self, world: &World, cell: At) -> Step {
        world.0.started.set(world.0.started.get() + 1);
        if let Some(inner) = self.follow {
            return Step::Follow(cell, inner);
        }
        cell.put(Body::Outcome(Outcome { result: Result::Value, _counted: self.counted }));
        Step::Settle(cell)
    }

    pub(super) fn leave(self) {
        if let Some(inner) = self.follow {
            inner.leave();
        }
    }
}
