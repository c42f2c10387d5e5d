//! As much of the library as the protocols need: cells, the wave that completes a chain, and the two
//! kinds of handles, with every cell, closure, outcome and listener counted.
//!
//! It does with the duties that the protocol files return what the library does with them, and nothing
//! else: there are no types, no executors and no panics here.

use std::cell::{Cell as Plain, RefCell};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::Rc;

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};

use crate::chain::{Cancel, Chain};
use crate::handlers;
use crate::sync::atomic::AtomicPtr;
use crate::word::{Attach, Leave, Listener, Receiver, Seen, Settle, Word};

// ── What is counted ──────────────────────────────────────────────────────────────────────────────

/// Everything that one execution of a model makes.
#[derive(Clone, Default)]
pub(crate) struct World(Rc<Books>);

#[derive(Default)]
struct Books {
    #[expect(
        clippy::vec_box,
        reason = "the cells are pointed to, so they must stay where they are"
    )]
    cells: RefCell<Vec<Box<Cell>>>,
    live: Rc<Plain<usize>>,
    started: Plain<usize>,
    /// What is in the queue of the links.
    queue: RefCell<Vec<Item>>,
    handled: Plain<usize>,
}

/// A closure, an outcome or a listener: alive until it is dropped.
pub(crate) struct Counted(Rc<Plain<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl World {
    fn count(&self) -> Counted {
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

// ── Cells ────────────────────────────────────────────────────────────────────────────────────────

#[repr(align(16))]
struct Cell {
    word: ManuallyDrop<Word>,
    up: ManuallyDrop<Chain>,
    is_root: bool,
    is_job: bool,
    following: ManuallyDrop<UnsafeCell<bool>>,
    /// Whether a queue uses the cell's link field.
    linked: ManuallyDrop<UnsafeCell<bool>>,
    /// The same field in a pending deferred's cell.
    handlers: ManuallyDrop<AtomicPtr<()>>,
    body: ManuallyDrop<UnsafeCell<Body>>,
    freed: Plain<bool>,
}

enum Body {
    Nothing,
    Closure(Closure),
    Outcome(Outcome),
}

/// The function of a job or a link.
pub(crate) struct Closure {
    /// The promise that it returns, if it returns one.
    follow: Option<Promise>,
    /// Whether it is run from a queue.
    queued: Plain<bool>,
    counted: Counted,
}

/// An item in the queue of the links.
enum Item {
    /// The root of a chain whose word names the link.
    Chained(At),
    /// The cell before the link, and the link.
    Bare(At, At),
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Result {
    Value,
    Cancelled,
}

struct Outcome {
    result: Result,
    _counted: Counted,
}

/// A pointer to a cell, as the library's `CellRef`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct At(NonNull<Cell>);

impl Deref for At {
    type Target = Cell;

    fn deref(&self) -> &Cell {
        // SAFETY: the memory stays until the world goes; see `free` for the rest.
        let cell = unsafe { self.0.as_ref() };
        assert!(!cell.freed.get(), "a cell is used after it was freed");
        cell
    }
}

impl At {
    fn new(world: &World, word: Word, up: Chain, is_root: bool, body: Body) -> At {
        let cell = Box::new(Cell {
            word: ManuallyDrop::new(word),
            up: ManuallyDrop::new(up),
            is_root,
            is_job: is_root && matches!(body, Body::Closure(_)),
            following: ManuallyDrop::new(UnsafeCell::new(false)),
            linked: ManuallyDrop::new(UnsafeCell::new(false)),
            handlers: ManuallyDrop::new(AtomicPtr::new(std::ptr::null_mut())),
            body: ManuallyDrop::new(UnsafeCell::new(body)),
            freed: Plain::new(false),
        });
        let mut cells = world.0.cells.borrow_mut();
        cells.push(cell);
        At(NonNull::from(&**cells.last().unwrap()))
    }

    fn from_address(pointer: *mut ()) -> At {
        At(NonNull::new(pointer.cast()).expect("the address of a cell"))
    }

    fn address(self) -> *mut () {
        self.0.as_ptr().cast()
    }

    fn root(self) -> At {
        if self.is_root { self } else { At::from_address(self.up.root()) }
    }

    fn put(self, body: Body) {
        self.body.with_mut(|slot| {
            // SAFETY: loom checks that the access is exclusive.
            let slot = unsafe { &mut *slot };
            assert!(matches!(slot, Body::Nothing), "the body has something in it");
            *slot = body;
        });
    }

    fn take(self) -> Body {
        // SAFETY: loom checks that the access is exclusive.
        self.body.with_mut(|slot| std::mem::replace(unsafe { &mut *slot }, Body::Nothing))
    }

    fn take_closure(self) -> Closure {
        match self.take() {
            Body::Closure(closure) => closure,
            _ => panic!("no closure in the body"),
        }
    }

    fn take_outcome(self) -> Outcome {
        match self.take() {
            Body::Outcome(outcome) => outcome,
            _ => panic!("no outcome in the body"),
        }
    }

    fn follows(self) -> bool {
        // SAFETY: loom checks that nobody writes.
        self.following.with(|following| unsafe { *following })
    }

    fn set_following(self) {
        // SAFETY: loom checks that the access is exclusive.
        self.following.with_mut(|following| unsafe { *following = true });
    }

    /// A queue begins, or ceases, to use the cell's link field.
    fn link(self, now: bool) {
        self.linked.with_mut(|linked| {
            // SAFETY: loom checks that the access is exclusive.
            let before = unsafe { std::ptr::replace(linked, now) };
            assert_ne!(before, now, "a cell is in two queues");
        });
    }

    /// Frees the cell: an exclusive access to all of it, which every other access must precede.
    fn free(self) {
        assert!(matches!(self.take(), Body::Nothing), "a cell is freed with something in its body");
        self.linked.with_mut(|linked| {
            // SAFETY: loom checks that the access is exclusive.
            assert!(unsafe { !*linked }, "a cell is freed in a queue");
        });
        // SAFETY: not freed before, or the access above would have panicked.
        let cell = unsafe { &mut *self.0.as_ptr() };
        cell.freed.set(true);
        // SAFETY: as above; `Deref` lets nobody at them again.
        unsafe {
            ManuallyDrop::drop(&mut cell.word);
            ManuallyDrop::drop(&mut cell.up);
            ManuallyDrop::drop(&mut cell.following);
            ManuallyDrop::drop(&mut cell.linked);
            ManuallyDrop::drop(&mut cell.handlers);
            ManuallyDrop::drop(&mut cell.body);
        }
    }

    /// Frees the tail of a chain, and with it the chain's root.
    fn end_chain(self) {
        let root = self.root();
        if self != root {
            self.free();
        }
        root.end();
    }

    /// A root whose chain has lost its last cell.
    fn end(self) {
        if self.up.end() {
            self.free();
        }
    }
}

// ── The wave ─────────────────────────────────────────────────────────────────────────────────────

/// What is to be done next with a cell.
enum Step {
    /// Its outcome is in the body; we are its producer.
    Settle(At),
    /// It was settled, and the second receives it.
    Deliver(At, At),
    /// It has work that returned a promise.
    Follow(At, Promise),
    Done,
}

fn wave(world: &World, mut step: Step) {
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

fn settle(cell: At, duty: Settle) -> Step {
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

/// A link goes into its executor's queue.
fn post(world: &World, parent: At, child: At) -> Step {
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
fn step_of_link(root: At, link: At) -> Step {
    match root.word.receiver() {
        Some(Receiver::Continuation(cell)) if cell != link.address() => {
            Step::Deliver(At::from_address(cell), link)
        }
        _ => Step::Deliver(root, link),
    }
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
    let follows_itself = explore(world, inner.0.root(), &mut |root| root == cell.root());
    assert!(!follows_itself);
    cell.set_following();
    if !cell.root().up.attach(inner.0.root().address()) {
        inner.cancel(world);
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
    fn run(self, world: &World, cell: At) -> Step {
        world.0.started.set(world.0.started.get() + 1);
        if let Some(inner) = self.follow {
            return Step::Follow(cell, inner);
        }
        cell.put(Body::Outcome(Outcome { result: Result::Value, _counted: self.counted }));
        Step::Settle(cell)
    }

    fn leave(self) {
        if let Some(inner) = self.follow {
            inner.leave();
        }
    }
}

impl At {
    /// The consumer owns the settled cell, and goes on with its chain.
    fn own_chain(self) {
        if self.is_root {
            self.up.set_under_way();
        }
    }
}

// ── Listeners ────────────────────────────────────────────────────────────────────────────────────

/// A parked thread, or a waker: notices that it was woken.
#[repr(align(16))]
pub(crate) struct Parker {
    woken: Mutex<bool>,
    condvar: Condvar,
    /// Written before anybody else has the parker, read by who wakes it.
    made: UnsafeCell<()>,
    _counted: Counted,
}

impl Parker {
    fn new(world: &World) -> Arc<Parker> {
        let made = UnsafeCell::new(());
        made.with_mut(|_| ());
        Arc::new(Parker {
            made,
            woken: Mutex::new(false),
            condvar: Condvar::new(),
            _counted: world.count(),
        })
    }

    fn park(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.condvar.wait(woken).unwrap();
        }
    }
}

fn as_listener(parker: &Arc<Parker>) -> Listener {
    Listener::Thread(Arc::into_raw(Arc::clone(parker)).cast_mut().cast())
}

fn take_back(listener: Listener) -> Arc<Parker> {
    let (Listener::Thread(pointer) | Listener::Waker(pointer)) = listener;
    // SAFETY: made by `as_listener`, and whoever takes it out of the word owns it. A second time would
    // be found by the counts.
    unsafe { Arc::from_raw(pointer.cast_const().cast()) }
}

fn wake(listener: Listener) {
    let parker = take_back(listener);
    parker.made.with(|_| ());
    *parker.woken.lock().unwrap() = true;
    parker.condvar.notify_one();
}

// ── The consumer ─────────────────────────────────────────────────────────────────────────────────

/// The consuming end of a chain. Not dropped but ended, by one of the methods that take it.
#[must_use]
pub(crate) struct Promise(At);

/// A settled cell and its link, in the queue of an executor.
#[must_use]
pub(crate) struct Posted(At, At);

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

impl Promise {
    /// The same promise for another thread, which does not end it: the thread is joined before.
    pub(crate) fn alias(&self) -> Promise {
        Promise(self.0)
    }

    /// Drops the promise.
    pub(crate) fn leave(self) {
        match self.0.word.leave() {
            Leave::Pending(listener) => drop(listener.map(take_back)),
            Leave::Outcome => {
                drop(self.0.take_outcome());
                self.0.end_chain();
            }
            Leave::Bare => self.0.end_chain(),
        }
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
                // The old chain's wave is still under way: two waves must not share a root.
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
        if self.0.word.seen() == Seen::Pending {
            let parker = Parker::new(world);
            let listener = as_listener(&parker);
            if self.0.word.listen(listener) {
                parker.park();
            } else {
                drop(take_back(listener));
            }
        }
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
    pub(crate) fn cancel(&self, world: &World) {
        let Some(listener) = self.0.word.cancel() else { return };
        if let Some(listener) = listener {
            wake(listener);
        }
        cancel_chain(world, self.0.root());
    }

    /// What a worker does that looks for what the promise waits for, if it is a branch: it reads the
    /// work. `false`: it is not to be read.
    pub(crate) fn look(&self) -> bool {
        let root = self.0.root();
        if !root.up.hold_work() {
            return false;
        }
        // SAFETY: loom checks that nobody writes.
        root.body.with(|body| assert!(matches!(unsafe { &*body }, Body::Closure(_)), "it is gone"));
        root.up.release_work();
        true
    }

    /// What a worker does that waits for the promise: it runs the root itself if nobody has started it.
    pub(crate) fn claim(&self, world: &World, pool: Pool) {
        let mut claimed = None;
        explore(world, self.0.root(), &mut |root| {
            let won = root.up.claim(pool.address());
            if won {
                claimed = Some(root);
            }
            won
        });
        if let Some(root) = claimed {
            let closure = root.take_closure();
            wave(world, closure.run(world, root));
        }
    }
}

/// The caller keeps the root of the chain alive.
fn cancel_chain(world: &World, mut root: At) {
    let mut held = Vec::new();
    loop {
        match root.up.cancel() {
            Cancel::Before | Cancel::Running => break,
            Cancel::Claimed => {
                let handlers = if root.is_job {
                    root.take_closure().leave();
                    None
                } else {
                    handlers::close(&root.handlers)
                };
                wave(world, settle(root, root.word.settle_without_outcome()));
                if let Some(handlers) = handlers {
                    handlers.run();
                }
                break;
            }
            Cancel::Link(link) => {
                wave(world, step_of_link(root, At::from_address(link)));
                break;
            }
            Cancel::Inner(inner) => {
                held.push(root);
                root = At::from_address(inner);
            }
        }
    }
    // Innermost first: whoever holds the outer root keeps the inner one alive.
    while let Some(outer) = held.pop() {
        if outer.up.release().end_inner {
            root.end();
        }
        root = outer;
    }
}

/// Shows the roots that a chain waits for, until `visit` says that it is enough. The caller keeps the
/// first one alive.
fn explore(world: &World, mut root: At, visit: &mut dyn FnMut(At) -> bool) -> bool {
    let mut held = Vec::new();
    let enough = loop {
        if visit(root) {
            break true;
        }
        let Some(inner) = root.up.hold_inner() else { break false };
        held.push(root);
        root = At::from_address(inner);
    };
    while let Some(outer) = held.pop() {
        let release = outer.up.release_unless_cancelled().unwrap_or_else(|| {
            cancel_chain(world, root);
            outer.up.release()
        });
        if release.end_inner {
            root.end();
        }
        root = outer;
    }
    enough
}

// ── The producer ─────────────────────────────────────────────────────────────────────────────────

/// The address of an executor.
#[derive(Clone, Copy)]
pub(crate) struct Pool(usize);

impl Pool {
    /// The one in whose queue the jobs are.
    pub(crate) const ONE: Pool = Pool(1024);
    pub(crate) const TWO: Pool = Pool(2048);

    fn address(self) -> *mut () {
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
        cell.link(true);
        (Queued(cell), Promise(cell))
    }

    /// As `AsyncValue::then`: a job that is in no queue yet.
    pub(crate) fn branch(&self) -> (Queued, Promise) {
        let body = Body::Closure(self.closure(None));
        let cell = At::new(self, Word::pending(), Chain::deferred(), true, body);
        cell.link(true);
        (Queued(cell), Promise(cell))
    }

    /// As `Promise::deferred`.
    pub(crate) fn deferred(&self) -> (Deferred, Promise) {
        let cell = At::new(self, Word::pending(), Chain::deferred(), true, Body::Nothing);
        (Deferred(cell, Plain::new(false)), Promise(cell))
    }

    /// A promise that has failed with `Cancelled`.
    fn cancelled(world: &World) -> Promise {
        let outcome = Outcome { result: Result::Cancelled, _counted: world.count() };
        let body = Body::Outcome(outcome);
        Promise(At::new(world, Word::settled(), Chain::under_way(), true, body))
    }
}

impl Queued {
    /// What the value does with a branch: goes from cell to cell to see whether somebody is left.
    pub(crate) fn is_wanted(&self) -> bool {
        let root = self.0;
        if !root.up.hold_work() {
            return false;
        }
        let mut at = root;
        while let Some(Receiver::Continuation(child)) = at.word.receiver() {
            at = At::from_address(child);
        }
        let wanted = !at.word.is_left();
        root.up.release_work();
        wanted
    }

    /// What the value does with a branch when it is there.
    pub(crate) fn offer(&self, pool: Pool) {
        self.0.up.set_executor(pool.address());
    }

    /// What a worker does with it.
    pub(crate) fn pop(self, world: &World) {
        let cell = self.0;
        cell.link(false);
        if cell.up.start() {
            let closure = cell.take_closure();
            wave(world, closure.run(world, cell));
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
        let handler = Box::new(move || handler.run());
        if let Err(handler) = handlers::add(&self.0.handlers, handler, None) {
            handler();
        }
    }

    /// As `resolve`.
    pub(crate) fn resolve(self, world: &World) {
        let cell = self.0;
        self.close_handlers();
        cell.put(Body::Outcome(Outcome { result: Result::Value, _counted: world.count() }));
        if let Ok(listener) = cell.word.settle_alone() {
            return listener.map_or((), wake);
        }
        if cell.up.start() {
            wave(world, Step::Settle(cell));
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
            wave(world, Step::Follow(cell, inner));
        } else {
            inner.cancel(world);
            inner.leave();
            Deferred::lost(cell);
        }
    }

    fn close_handlers(&self) {
        if self.1.get() {
            drop(handlers::close(&self.0.handlers));
        }
    }

    fn lost(cell: At) {
        if cell.up.drop_reference() {
            cell.free();
        }
    }
}
