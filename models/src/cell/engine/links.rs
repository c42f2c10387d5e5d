//! Links.

use super::cell::{At, Closure};
use super::promise::Promise;
use super::run_loop::{Step, run_links};
use super::world::World;

/// A settled cell and its link, in the queue of an executor.
#[must_use]
pub(crate) struct Posted(pub(in crate::cell) At, pub(in crate::cell) At);

impl Posted {
    pub(crate) fn run(self, world: &World) {
        run_links(world, Step::Deliver(self.0, self.1));
    }
}

impl World {
    /// A link's or a job's function; `follow` is the promise that it returns.
    pub(crate) fn closure(&self, follow: Option<Promise>) -> Closure {
        Closure { follow, value: None, counted: self.count() }
    }
}
