//! The run loop that completes a chain: settling, delivering, following.

use super::cell::{At, Body, Closure, Outcome, Result};
use super::parker::wake;
use super::promise::Promise;
use super::world::World;
use crate::cell::run::follow;
use crate::cell::state::word::{Receiver, Settle};

/// What is to be done next with a cell.
pub(in crate::cell) enum Step {
    /// Its outcome is in the body; we are its producer.
    Settle(At),
    /// It was settled, and the second receives it.
    Deliver(At, At),
    /// It has work that returned a promise.
    Follow(At, Promise),
    Done,
}

pub(in crate::cell) fn run_links(world: &World, mut step: Step) {
    loop {
        step = match step {
            Step::Settle(cell) => settle(cell, cell.word.settle()),
            // SAFETY: the settled cell is ours, and the other one waits for it.
            Step::Deliver(parent, child) if child.is_following() => unsafe {
                follow::arrive(parent, child);
                Step::Settle(child)
            },
            Step::Deliver(parent, child) => deliver(world, parent, child),
            // SAFETY: we are the producer of the one, and the consumer of the other.
            Step::Follow(cell, inner) => {
                unsafe { follow::follow(cell, inner.0) }.map_or(Step::Done, Step::Settle)
            }
            Step::Done => return,
        };
    }
}

pub(in crate::cell) fn settle(cell: At, duty: Settle) -> Step {
    match duty {
        Settle::Kept => {}
        // SAFETY: taken out of the word.
        Settle::Wake(listener) => unsafe { wake(listener) },
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

/// As the library's, for a root that will never start.
pub(in crate::cell) unsafe fn settle_without_outcome(cell: At) {
    run_links(&cell.world(), settle(cell, cell.word.settle_without_outcome()));
}

/// A link, and the settled cell above it.
fn deliver(world: &World, parent: At, child: At) -> Step {
    let root = child.root();
    // The trip through a queue. Where the parent is the root the child travels: a root that was
    // claimed is still in the queue that it was posted to first.
    let travels = if parent == root { child } else { parent };
    travels.queued(true);
    travels.queued(false);
    if travels == parent {
        let receiver = parent.word.receiver();
        assert_eq!(receiver, Some(Receiver::Continuation(child.address())), "the way is lost");
    }

    let cancelled = root.up.is_cancelled();
    let closure = child.take_closure();
    let outcome = parent.outcome();
    let step = if cancelled || outcome.result != Result::Value {
        closure.leave();
        let result = if cancelled { Result::Cancelled } else { outcome.result };
        child.put(Body::Outcome(Outcome { result, ..outcome }));
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

impl Closure {
    /// Runs in `cell`, out of which it was taken.
    pub(in crate::cell) fn run(self, world: &World, cell: At) -> Step {
        world.0.started.set(world.0.started.get() + 1);
        drop(self.value);
        if let Some(inner) = self.follow {
            return Step::Follow(cell, inner);
        }
        cell.put(Body::Outcome(Outcome { result: Result::Value, _counted: self.counted }));
        Step::Settle(cell)
    }

    pub(in crate::cell) fn leave(self) {
        if let Some(inner) = self.follow {
            inner.leave();
        }
    }
}
