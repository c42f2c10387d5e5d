//! A shared value: as much of it as looks through a branch need.

use loom::sync::Arc;
use loom::sync::Mutex;

use super::cell::{At, Closure};
use super::library::dependency::{Dependency, Ticket};
use super::producer::Queued;
use super::promise::Promise;
use super::world::World;
use crate::cell::run::cancel::cancel_root;

/// A handle.
pub(crate) struct Value(Arc<Shared>);

struct Shared {
    feeder: At,
    /// How many branches have lost their promise.
    left: Mutex<usize>,
}

// SAFETY: loom runs the threads of a model one at a time, on one thread of the system.
unsafe impl Send for Value {}
// SAFETY: as above.
unsafe impl Sync for Value {}

impl Value {
    /// Of what `promise` will have.
    pub(crate) fn new(promise: Promise) -> Self {
        Value(Arc::new(Shared { feeder: promise.0, left: Mutex::new(0) }))
    }

    /// A job that waits for the value; the model offers it when that is there.
    pub(crate) fn branch(&self, world: &World) -> (Queued, Promise) {
        let closure = Closure { value: Some(self.again()), ..world.closure(None) };
        world.waiting_job(closure)
    }

    pub(in crate::cell) fn again(&self) -> Value {
        Value(Arc::clone(&self.0))
    }

    /// What the last handle does that cancels.
    pub(crate) fn cancel(&self) {
        // SAFETY: the feeder is kept.
        unsafe { cancel_root(self.0.feeder.root()) };
    }

    /// How many promises of branches were dropped while these waited.
    pub(crate) fn left(&self) -> usize {
        *self.0.left.lock().unwrap()
    }
}

impl Dependency for Value {
    fn tail(&self) -> At {
        self.0.feeder
    }

    fn left(&self, _: Ticket) -> bool {
        *self.0.left.lock().unwrap() += 1;
        false
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        Promise(self.feeder).leave();
    }
}
