//! The consumer: what can be done with a promise.

use loom::sync::Arc;

use super::cell::{At, Body, Closure, Result};
use super::links::Posted;
use super::parker::{Parker, as_listener, take_back, wake};
use super::producer::Pool;
use super::run_loop::run_links;
use super::world::World;
use crate::cell::run::cancel;
use crate::cell::state::chain::Chain;
use crate::cell::state::word::{Attach, Listener, Receiver, Seen, Word};
use crate::cell::wait::graph;

/// The consuming end of a chain. Not dropped but ended, by one of the methods that take it.
#[must_use]
pub(crate) struct Promise(pub(in crate::cell) At);

impl At {
    /// The consumer owns the settled cell, and goes on with its chain.
    fn own_chain(self) {
        if self.is_root {
            self.up.set_under_way();
        }
    }
}

impl Promise {
    /// The same promise for another thread, which does not end it: the thread is joined before.
    pub(crate) fn alias(&self) -> Promise {
        Promise(self.0)
    }

    /// Drops the promise.
    pub(crate) fn leave(self) {
        // SAFETY: the promise is the cell's consumer, and ends.
        unsafe { cancel::leave(self.0) };
    }

    /// Attaches a link that runs `closure`.
    pub(crate) fn then(self, world: &World, closure: Closure) -> Promise {
        let (promise, posted) = self.then_posted(world, closure);
        if let Some(posted) = posted {
            posted.run(world);
        }
        promise
    }

    /// The same; if there is an outcome already, the link is in its executor's queue.
    pub(crate) fn then_posted(self, world: &World, closure: Closure) -> (Promise, Option<Posted>) {
        let cell = self.0;
        let up = Chain::link(cell.root().address());
        let child = At::new(world, Word::pending(), up, false, Body::Closure(closure));
        match cell.word.attach(Receiver::Continuation(child.address())) {
            Attach::Attached(listener) => drop(listener.map(take_back)),
            Attach::Settled => {
                cell.own_chain();
                cell.word.hand_to(Receiver::Continuation(child.address()));
                let receiver = cell.word.receiver();
                assert_eq!(receiver, Some(Receiver::Continuation(child.address())));
                return (Promise(child), Some(Posted(cell, child)));
            }
            Attach::WithoutOutcome => {
                // The old chain's run loop is still under way: two run loops must not share a root.
                self.leave();
                let closure = child.take_closure();
                child.free();
                return World::cancelled(world).then_posted(world, closure);
            }
        }
        (Promise(child), None)
    }

    /// As `get(None)`.
    pub(crate) fn get(self, world: &World) -> Result {
        self.wait_until_settled(world);
        let result = self.try_get().expect("woken before it was settled");
        self.leave();
        result
    }

    fn wait_until_settled(&self, world: &World) {
        if self.0.word.seen() != Seen::Pending {
            return;
        }
        let parker = Parker::new(world);
        let listener = as_listener(&parker);
        if self.0.word.listen(listener) {
            parker.park();
        } else {
            drop(take_back(listener));
        }
    }

    /// As `get`; the place of the thread that waits is given up before the promise.
    pub(crate) fn get_with(self, world: &World, place: impl Drop) -> Result {
        self.wait_until_settled(world);
        drop(place);
        let result = self.try_get().expect("woken before it was settled");
        self.leave();
        result
    }

    /// Whether it is settled as cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self.0.word.seen(), Seen::Cancelled | Seen::Arrived)
    }

    /// As `try_get`.
    pub(crate) fn try_get(&self) -> Option<Result> {
        match self.0.word.seen() {
            Seen::Pending => None,
            Seen::Cancelled | Seen::Arrived => Some(Result::Cancelled),
            Seen::TakenValue | Seen::TakenFailure => panic!("taken twice"),
            Seen::Settled => {
                let outcome = self.0.take_outcome();
                self.0.word.taken(outcome.result != Result::Value);
                Some(outcome.result)
            }
        }
    }

    /// As a `get` with a timeout that expires at once after it has begun to listen.
    pub(crate) fn expired_get(&self, world: &World) -> Option<Result> {
        if self.0.word.seen() != Seen::Pending {
            return self.try_get();
        }
        let parker = Parker::new(world);
        let listener = as_listener(&parker);
        if !self.0.word.listen(listener) {
            drop(take_back(listener));
            return Some(self.try_get().expect("a refused listener means settled"));
        }
        if self.0.word.unlisten(listener) {
            drop(take_back(listener));
            return None;
        }
        // Settled meanwhile; the wake is on its way and owns the parker.
        Some(self.try_get().expect("a listener that is gone means settled"))
    }

    /// As a `poll`: leaves a waker behind. True when it is settled.
    pub(crate) fn poll(&self, world: &World) -> bool {
        if let Some(old) = self.0.word.take_listener() {
            drop(take_back(old));
        }
        if self.0.word.seen() != Seen::Pending {
            return true;
        }
        let parker = Parker::new(world);
        let Listener::Thread(pointer) = as_listener(&parker) else { unreachable!() };
        if self.0.word.listen(Listener::Waker(pointer)) {
            return false;
        }
        drop(take_back(Listener::Waker(pointer)));
        true
    }

    /// As `cancel`.
    pub(crate) fn cancel(&self) {
        // SAFETY: the promise keeps its cell.
        let _ = unsafe { cancel::cancel(self.0) };
    }

    /// What the consumer does that is about to leave: looks for the shared value that the chain waits for.
    pub(crate) fn look(&self) -> bool {
        // SAFETY: the promise keeps its cell.
        unsafe { graph::shared_before(self.0) }.is_some()
    }

    /// What a worker does that waits for the promise: it runs the root itself if nobody has started it.
    pub(crate) fn claim(&self, world: &World, pool: Pool) {
        // SAFETY: the promise keeps its cell.
        if let Some(root) = unsafe { self.0.claim_upstream(pool.address()) } {
            let closure = root.take_closure();
            run_links(world, closure.run(world, root));
        }
    }

    /// What a thread does that waits for the promise, in user code of a chain. `None`: it would wait for itself.
    pub(crate) fn wait(&self) -> Option<impl Drop + use<>> {
        // SAFETY: the promise keeps its cell; models end it after the place.
        unsafe { self.0.begin_wait(false) }
    }
}
