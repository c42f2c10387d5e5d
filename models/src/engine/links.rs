//! Links in the queue of their executor.

use std::cell::Cell as Plain;

use super::cell::{At, Closure};
use super::producer::Deferred;
use super::promise::Promise;
use super::wave::{Step, wave};
use super::world::World;
use crate::word::Receiver;

/// An item in the queue of the links.
pub(super) enum Item {
    /// The root of a chain whose word names the link.
    Chained(At),
    /// The cell before the link, and the link.
    Bare(At, At),
}

/// A settled cell and its link, in the queue of an executor.
#[must_use]
pub(crate) struct Posted(pub(super) At, pub(super) At);

impl Posted {
    pub(crate) fn run(self, world: &World) {
        wave(world, Step::Deliver(self.0, self.1));
    }
}

impl World {
    /// A link's or a job's function; `follow` is the promise that it returns.
    pub(crate) fn closure(&self, follow: Option<Promise>) -> Closure {
        Closure { follow, queued: Plain::new(false), counted: self.count() }
    }

    /// A link's function that runs from a queue.
    pub(crate) fn queued_closure(&self) -> Closure {
        Closure { queued: Plain::new(true), ..self.closure(None) }
    }

    /// What a worker does with all links that are queued.
    pub(crate) fn pop_links(&self) {
        loop {
            let Some(item) = self.0.queue.borrow_mut().pop() else { return };
            match item {
                Item::Bare(parent, child) => wave(self, Step::Deliver(parent, child)),
                Item::Chained(root) => {
                    root.link(false);
                    match root.up.take_link() {
                        Some(link) => wave(self, step_of_link(root, At::from_address(link))),
                        None => Deferred::lost(root),
                    }
                }
            }
        }
    }
}

/// A link goes into its executor's queue.
pub(super) fn post(world: &World, parent: At, child: At) -> Step {
    let root = child.root();
    if parent != root && root.up.can_queue_link() {
        root.word.hand_to(Receiver::Continuation(parent.address()));
    }
    let item = if root.up.queue_link(child.address()) {
        root.link(true);
        Item::Chained(root)
    } else {
        Item::Bare(parent, child)
    };
    world.0.queue.borrow_mut().push(item);
    Step::Done
}

/// What the root's word says of the link that was queued.
pub(super) fn step_of_link(root: At, link: At) -> Step {
    match root.word.receiver() {
        Some(Receiver::Continuation(cell)) if cell != link.address() => {
            Step::Deliver(At::from_address(cell), link)
        }
        _ => Step::Deliver(root, link),
    }
}
