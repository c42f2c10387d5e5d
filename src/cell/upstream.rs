//! Looking up: what a pending chain waits for. For a worker that waits, so that it can do the work
//! itself, and can tell that it would wait for itself.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use super::cancel::cancel_root;
use super::handlers;
use super::header::CellRef;
use super::later::{Later, later, quietly};
use super::look;
use super::observer;
use super::task;
use super::wave::end_chain;
use super::word::Receiver;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::timeout::Timeout;

/// A chain that somebody keeps alive.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a> {
    tail: CellRef,
    keeper: PhantomData<&'a ()>,
}

impl Kept<'_> {
    /// # Safety
    /// The tail lives as long as the lifetime says.
    pub(super) unsafe fn new(tail: CellRef) -> Self {
        Kept { tail, keeper: PhantomData }
    }

    /// Its root, if that is queued, or under way and follows nothing: then there is nothing upstream.
    pub(super) fn only_root(self) -> Option<CellRef> {
        // SAFETY: the tail is kept, and its root lives as long.
        let root = unsafe { self.tail.root() };
        // SAFETY: as above.
        unsafe { root.header() }.up.waits_for_nothing().then_some(root)
    }

    /// What its root waits for, if that is a deferred: whether `see` says yes to all that its promise's
    /// handlers show, in a few steps. `None`: it is something else, or under way.
    pub(super) fn glance(self, mut see: impl FnMut(&Arc<dyn Upstream>) -> bool) -> Option<bool> {
        // SAFETY: as in `only_root`.
        let header = unsafe { self.tail.root().header() };
        if header.vtable().job || !header.up.hold_work() {
            return None;
        }
        let mut all = true;
        handlers::upstream(&header.link, |upstream| all = all && see(upstream));
        header.up.release_work();
        Some(all)
    }

    /// The same chain for a longer time.
    ///
    /// # Safety
    /// The tail lives that long.
    pub(crate) unsafe fn extend<'b>(self) -> Kept<'b> {
        Kept { tail: self.tail, keeper: PhantomData }
    }
}

/// What a thread can wait for.
///
/// # Safety
/// The chains live at least until the next call with `&mut self` that is not `wait`.
pub(crate) unsafe trait Awaited {
    /// Whether there is nothing to wait for.
    fn is_settled(&self) -> bool;
    /// Shows what it waits for; of very many chains, some. `visit` may run user code.
    fn each_chain<'a>(&'a self, visit: &mut dyn FnMut(Kept<'a>));
    /// How often in a row [`each_chain`](Self::each_chain) has to be called to see all of them.
    fn looks(&self) -> usize {
        1
    }
    /// Some of the chains, kept.
    fn chains(&self) -> Vec<Kept<'_>> {
        let mut chains = Vec::new();
        self.each_chain(&mut |chain| chains.push(chain));
        chains
    }
    /// Waits. `false`: the time is over, or the thread was unparked when `called` was set.
    fn wait(&mut self, timeout: Timeout, called: &AtomicBool) -> bool;
}

/// What a deferred's promise waits for: the items of a list, a shared value.
pub(crate) trait Upstream: Send + Sync {
    /// Shows the chains, until `visit` says that it is enough. Runs no user code: what would is put
    /// [off](super::later::later).
    fn visit(self: Arc<Self>, visit: &mut dyn FnMut(Kept<'_>) -> bool);
    /// Whether a glance tells that no chain is that of `root`, nor waits for anything upstream. A few
    /// steps, with the handlers of a promise that waits for this held.
    fn is_without(&self, _root: CellRef) -> bool {
        false
    }
    /// Whether one of the chains is enough.
    fn one_is_enough(&self) -> bool {
        false
    }
    /// What was put off.
    fn resume(self: Arc<Self>) {}
    /// Nobody wants what comes of it any more.
    fn cancel(self: Arc<Self>) {}
    /// Somebody has dropped a promise that waited for this.
    fn left(&self) {}
}

/// How deep lists of lists are looked into.
const DEPTH: u32 = 32;
/// How many roots are looked at for a callback that is queued.
const MOST: usize = 256;

/// The roots that the chain waits for, in the order of their addresses; not `all`: some, if they are
/// many.
pub(crate) fn roots(chain: Kept<'_>, all: bool) -> Vec<CellRef> {
    let mut roots = Vec::new();
    quietly(|| {
        explore(chain, DEPTH, &mut |root| {
            roots.push(root);
            !all && roots.len() == MOST
        })
    });
    roots.sort_unstable_by_key(|root| root.address());
    roots
}

/// As [`claim`], from what shows chains.
pub(crate) fn claim_upstream(upstream: Arc<dyn Upstream>, executor: *mut ()) -> Option<CellRef> {
    let mut claimed = None;
    quietly(|| {
        look::visit(upstream, &mut |chain| {
            claimed = claim(chain, executor);
            claimed.is_some()
        })
    });
    claimed
}

/// Claims a job that the chain waits for, wherever upstream, if it is still in the queue of
/// `executor`. The caller runs it with [`start`](super::queued::start).
pub(crate) fn claim(chain: Kept<'_>, executor: *mut ()) -> Option<CellRef> {
    // SAFETY: the tail is kept, and its root lives as long. Mostly this is the job.
    let root = unsafe { chain.tail.root() };
    // SAFETY: as above.
    if unsafe { root.header().up.claim(executor) } {
        return Some(root);
    }
    let mut claimed = None;
    let look = &mut |root: CellRef| {
        // SAFETY: a root is alive while it is shown.
        let won = unsafe { root.header().up.claim(executor) || task::claim(root, executor) };
        if won {
            claimed = Some(root);
        }
        won
    };
    quietly(|| explore(chain, DEPTH, look));
    claimed
}

/// Shows the roots that the chain waits for, until `visit` says that it is enough. To be called
/// [`quietly`].
pub(crate) fn explore(chain: Kept<'_>, depth: u32, visit: &mut dyn FnMut(CellRef) -> bool) -> bool {
    walk(chain, visit, |at, visit| {
        // SAFETY: a root is alive while it is shown.
        depth > 0 && unsafe { explore_sources(at, depth - 1, visit) }
    })
}

/// Shows the roots of the chain and of those that it follows, until `visit` says that it is enough;
/// then the innermost one to `last`. To be called [`quietly`].
pub(super) fn walk<V: FnMut(CellRef) -> bool + ?Sized>(
    chain: Kept<'_>,
    visit: &mut V,
    last: impl FnOnce(CellRef, &mut V) -> bool,
) -> bool {
    let mut held = Vec::new(); // allocates only where promises are followed
    // SAFETY: the first root is alive as the tail is kept, each further one because the one above
    // it is BUSY with it.
    unsafe {
        let mut at = chain.tail.root();
        let enough = loop {
            if visit(at) {
                break true;
            }
            let Some(inner) = at.header().up.hold_inner() else {
                if at.header().up.is_busy() && !look::is_circle(at.address().addr()) {
                    look::miss();
                }
                break last(at, visit);
            };
            let inner = CellRef::from_address(inner);
            held.push((at, inner));
            look::enter(at.address().addr());
            at = inner;
        };
        for (outer, inner) in held.into_iter().rev() {
            look::leave();
            let up = &outer.header().up;
            let release = up.release_unless_cancelled().unwrap_or_else(|| {
                cancel_root(inner);
                up.release()
            });
            if release.end_inner {
                end_chain(inner);
            }
        }
        enough
    }
}

/// What a root waits for. Mostly that is one thing, which needs no allocation.
#[derive(Default)]
pub(super) struct Sources {
    first: Option<Arc<dyn Upstream>>,
    more: Vec<Arc<dyn Upstream>>,
}

impl Sources {
    fn add(&mut self, upstream: Arc<dyn Upstream>) {
        match &self.first {
            None => self.first = Some(upstream),
            Some(_) => self.more.push(upstream),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Upstream>> {
        self.first.iter().chain(&self.more)
    }
}

impl IntoIterator for Sources {
    type Item = Arc<dyn Upstream>;
    type IntoIter = std::iter::Chain<
        std::option::IntoIter<Arc<dyn Upstream>>,
        std::vec::IntoIter<Arc<dyn Upstream>>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}

/// What a pending root waits for, if that is something to look into.
///
/// # Safety
/// The root is alive.
pub(super) unsafe fn sources(root: CellRef) -> Sources {
    let mut found = Sources::default();
    // SAFETY: the caller's promise.
    let header = unsafe { root.header() };
    if !header.up.hold_work() {
        return found; // in a queue, or under way; its `link` may be the queue's
    }
    if header.vtable().job {
        // SAFETY: nobody takes the work before it is released.
        found.first = unsafe { (header.vtable().upstream)(root) };
    } else {
        handlers::upstream(&header.link, |upstream| found.add(Arc::clone(upstream)));
    }
    header.up.release_work();
    found
}

/// # Safety
/// The root is alive.
unsafe fn explore_sources(
    root: CellRef,
    depth: u32,
    visit: &mut dyn FnMut(CellRef) -> bool,
) -> bool {
    let mut enough = false;
    // SAFETY: the caller's promise.
    for upstream in unsafe { sources(root) } {
        if enough {
            later(Later::Drop(upstream));
            continue;
        }
        look::visit(upstream, &mut |chain| {
            enough = explore(chain, depth, visit);
            enough
        });
    }
    enough
}

// ── Who wants it ─────────────────────────────────────────────────────────────────────────────────

/// How many shared values of shared values are looked into for somebody who wants them.
pub(super) const WANTED_DEPTH: u32 = 32;

/// Whether somebody has the promise at the end of the chain of `root`.
///
/// # Safety
/// The root is pending, and cannot be settled meanwhile.
pub(super) unsafe fn is_wanted(root: CellRef, depth: u32) -> bool {
    let mut at = root;
    loop {
        // SAFETY: what is behind a pending cell is freed by the wave through that cell only.
        let word = unsafe { &at.header().word };
        match word.receiver() {
            // SAFETY: the address of a cell, as above.
            Some(Receiver::Continuation(child)) => at = unsafe { CellRef::from_address(child) },
            // SAFETY: the cell that it observes is pending, as above.
            Some(Receiver::Observer(it)) => return unsafe { observer::is_wanted(it, depth) },
            None => return !word.is_left(),
        }
    }
}

/// What a pending chain waits for that wants to know when its promise is dropped.
pub(super) fn what_is_left(chain: Kept<'_>) -> Sources {
    let mut found = Sources::default();
    // SAFETY: alive as the tail is kept.
    let header = unsafe { chain.tail.root().header() };
    // ORDERING: Relaxed, a hint: who adds handlers has the promise's other end.
    let empty = !header.vtable().job && header.link.load(Ordering::Relaxed).is_null();
    if header.up.waits_for_nothing() || (empty && header.up.is_waiting()) {
        return found;
    }
    // SAFETY: a root is alive while it is shown.
    let last = |root, _: &mut _| unsafe {
        found = sources(root);
        true
    };
    quietly(|| walk(chain, &mut |_| false, last));
    found
}

// ── What this thread is running ──────────────────────────────────────────────────────────────────

/// User code of a cell that runs on this thread, in a list from the innermost outwards.
struct Frame {
    root: CellRef,
    outer: *const Frame,
}

thread_local! {
    static INNERMOST: Cell<*const Frame> = const { Cell::new(ptr::null()) };
}

/// Runs user code of the chain of `root`; `f` must not unwind.
pub(super) fn framed<R>(root: CellRef, f: impl FnOnce() -> R) -> R {
    INNERMOST.with(|innermost| {
        let frame = Frame { root, outer: innermost.get() };
        innermost.set(&raw const frame);
        let result = f();
        innermost.set(frame.outer);
        result
    })
}

/// The roots of the chains whose user code this thread is running, from the innermost outwards.
pub(crate) fn running() -> Vec<CellRef> {
    let (mut roots, mut at) = (Vec::new(), INNERMOST.get());
    // SAFETY: the frames of this thread's stack, which are unlinked before they go.
    while let Some(frame) = unsafe { at.as_ref() } {
        roots.push(frame.root);
        at = frame.outer;
    }
    roots
}
