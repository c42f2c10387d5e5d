//! The producer: jobs in the queue of a pool, and deferreds.

use std::cell::Cell as Plain;

use loom::cell::UnsafeCell;

use super::cell::{At, Body, Closure, Outcome, Result};
use super::library::frames::framed;
use super::parker::wake;
use super::promise::Promise;
use super::run_loop::{Step, run_links};
use super::world::{Counted, World};
use crate::cell::defer::handlers;
use crate::cell::state::chain::Chain;
use crate::cell::state::word::Word;

/// The address of an executor.
#[derive(Clone, Copy)]
pub(crate) struct Pool(usize);

impl Pool {
    /// The one in whose queue the jobs are.
    pub(crate) const ONE: Pool = Pool(1024);
    pub(crate) const TWO: Pool = Pool(2048);

    pub(in crate::cell) fn address(self) -> *mut () {
        std::ptr::without_provenance_mut(self.0)
    }
}

/// A job's pointer in its pool's queue.
#[must_use]
pub(crate) struct Queued(At);

/// The writing end, and whether it was given a handler.
#[must_use]
pub(crate) struct Deferred(At, Plain<bool>);

impl World {
    /// As `Pool::spawn`.
    pub(crate) fn job(&self, follow: Option<Promise>) -> (Queued, Promise) {
        let body = Body::Closure(self.closure(follow));
        let cell = At::new(self, Word::pending(), Chain::job(Pool::ONE.address()), true, body);
        cell.queued(true);
        (Queued(cell), Promise(cell))
    }

    /// A job that is in no queue yet: it waits for something else.
    pub(in crate::cell) fn waiting_job(&self, closure: Closure) -> (Queued, Promise) {
        let body = Body::Closure(closure);
        let cell = At::new(self, Word::pending(), Chain::deferred(), true, body);
        cell.queued(true);
        (Queued(cell), Promise(cell))
    }

    /// As `Promise::deferred`.
    pub(crate) fn deferred(&self) -> (Deferred, Promise) {
        let cell = At::new(self, Word::pending(), Chain::deferred(), true, Body::Nothing);
        (Deferred(cell, Plain::new(false)), Promise(cell))
    }

    /// A promise that has failed with `Cancelled`.
    pub(in crate::cell) fn cancelled(world: &World) -> Promise {
        let outcome = Outcome { result: Result::Cancelled, _counted: world.count() };
        let body = Body::Outcome(outcome);
        Promise(At::new(world, Word::settled(), Chain::under_way(), true, body))
    }
}

impl Queued {
    /// What the value does with a branch when it is there.
    pub(crate) fn offer(&self, pool: Pool) {
        self.0.up.set_executor(pool.address());
    }

    /// What a worker does with it.
    pub(crate) fn pop(self, world: &World) {
        let cell = self.0;
        cell.queued(false);
        if cell.up.start() {
            let closure = cell.take_closure();
            run_links(world, closure.run(world, cell));
        } else if cell.up.drop_reference() {
            cell.free();
        }
    }
}

/// What a handler does in a model: says that it has run. Dropped unrun it is only counted.
struct Handler {
    world: World,
    /// Written where the handler was given, and read where it runs.
    given: UnsafeCell<()>,
    _counted: Counted,
}

// SAFETY: loom runs the threads of a model one at a time, on one thread of the system.
unsafe impl Send for Handler {}

impl Handler {
    fn run(self) {
        self.given.with_mut(|_| ());
        self.world.0.handled.set(self.world.0.handled.get() + 1);
    }
}

impl Deferred {
    /// As `on_cancel`.
    pub(crate) fn on_cancel(&self, world: &World) {
        self.1.set(true);
        let handler =
            Handler { world: world.clone(), given: UnsafeCell::new(()), _counted: world.count() };
        handler.given.with_mut(|_| ());
        let handler = handlers::Handler::Call(Box::new(move || handler.run()));
        if let Err(handler) = handlers::add(&self.0.link, handler) {
            handler.run();
        }
    }

    /// As `resolve`.
    pub(crate) fn resolve(self, world: &World) {
        let cell = self.0;
        self.close_handlers();
        cell.put(Body::Outcome(Outcome { result: Result::Value, _counted: world.count() }));
        if let Ok(listener) = cell.word.settle_alone() {
            // SAFETY: taken out of the word.
            return listener.map_or((), |listener| unsafe { wake(listener) });
        }
        if cell.up.start() {
            run_links(world, Step::Settle(cell));
        } else {
            drop(cell.take_outcome());
            Deferred::lost(cell);
        }
    }

    /// As `follow`.
    pub(crate) fn follow(self, world: &World, inner: Promise) {
        let cell = self.0;
        self.close_handlers();
        if cell.up.start() {
            run_links(world, Step::Follow(cell, inner));
        } else {
            inner.cancel();
            inner.leave();
            Deferred::lost(cell);
        }
    }

    /// Has user code of this chain run on this thread.
    pub(crate) fn framed<R>(&self, f: impl FnOnce() -> R) -> R {
        framed(self.0.root(), f)
    }

    fn close_handlers(&self) {
        if self.1.get() {
            drop(handlers::close(&self.0.link));
        }
    }

    pub(in crate::cell) fn lost(cell: At) {
        if cell.up.drop_reference() {
            cell.free();
        }
    }
}
