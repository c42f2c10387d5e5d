//! The graph of direct waits: which chain a chain waits for, and which threads wait for which chains.
//!
//! A chain waits *directly* for its root, for the roots that this follows, and, where such a root is a
//! branch of a shared value, for the chain that gives the value. A worker that waits looks along this
//! line for a job that it can run itself; a promise that would follow itself, and a thread that would
//! wait for itself, are found on it. What a chain waits for through lists and joins is not on it.
//!
//! One lock serves all looks that go further than the first root, so that of several that close a
//! circle at the same time the last one finds it. No user code runs under it, and what a look holds on its way
//! it lets go of before the lock is free.

use std::mem;

use super::frames::running;
use crate::cell::defer::free::end_chain;
use crate::cell::defer::trampoline;
use crate::cell::state::dependency::{Dependency, Depends};
use crate::cell::state::header::{CellRef, FailureKind};
use crate::cell::state::task;
use crate::sync;
use crate::sync::atomic::AtomicBool;
use crate::sync::{Mutex, MutexGuard, spin_loop};
use crate::timeout::Timeout;

/// What a thread can wait for.
///
/// # Safety
/// The cell that `tail` gives lives at least until the next call with `&mut self` that is not `wait`.
pub(crate) unsafe trait Awaited {
    /// Whether there is nothing to wait for.
    fn is_settled(&self) -> bool;
    /// The tail of the chain that it waits for, if that is one chain.
    fn tail(&self) -> Option<CellRef>;
    /// Waits. `false`: the time is over, or the thread was unparked when `called` was set.
    fn wait(&mut self, timeout: Timeout, called: &AtomicBool) -> bool;
}

/// A thread that runs user code of some chains, and waits for another one.
struct Wait {
    id: u64,
    running: Vec<CellRef>,
    tail: CellRef,
    /// It gives up by itself.
    timed: bool,
}

/// How a look keeps the next root on its way.
enum Hold {
    /// The chain word of `outer` is `BUSY` with the root `inner`.
    Followed { outer: CellRef, inner: CellRef },
    /// The shared value keeps the chain that gives it.
    Shared(Box<dyn Dependency>),
}

struct Graph {
    waits: Vec<Wait>,
    next: u64,
    /// What looks have kept of values: to be let go of without the lock.
    kept: Vec<Box<dyn Dependency>>,
}

sync::global! {
    static GRAPH: Mutex<Graph> = Mutex::new(Graph { waits: Vec::new(), next: 0, kept: Vec::new() });
}

/// Does something with the graph, under its lock, then lets go of the values that looks have kept.
fn with_graph<R>(f: impl FnOnce(&mut Graph) -> R) -> R {
    let mut graph: MutexGuard<'_, Graph> = GRAPH.lock();
    let result = f(&mut graph);
    let kept = mem::take(&mut graph.kept);
    drop(graph);
    // One may be the last reference to its value, which is the user's.
    kept.into_iter().for_each(|value| trampoline::shield(|| drop(value)));
    result
}

impl Graph {
    /// Shows the roots that a chain waits for directly, until `visit` says that it is enough. Whether it
    /// has said so.
    ///
    /// # Safety
    /// The tail is kept meanwhile.
    unsafe fn walk(
        &mut self,
        tail: CellRef,
        mut visit: impl FnMut(&Self, CellRef) -> bool,
    ) -> bool {
        let mut path = Vec::new(); // allocates only where there is more than one root
        // SAFETY: the first root lives as long as the tail, each further one as the path holds it.
        unsafe {
            let mut at = tail.root();
            let found = loop {
                if visit(self, at) {
                    break true;
                }
                let Some(next) = step(at, &mut path) else { break false };
                at = next;
            };
            self.leave(path);
            found
        }
    }

    /// Lets go of a path, innermost first. Cancellers spin as long as one is held: so nothing of the
    /// user's is done meanwhile.
    ///
    /// # Safety
    /// The path is one of `walk`.
    unsafe fn leave(&mut self, path: Vec<Hold>) {
        for hold in path.into_iter().rev() {
            match hold {
                Hold::Shared(value) => self.kept.push(value),
                // SAFETY: `outer` is kept by the rest of the path, `inner` by `BUSY`; where its follower
                // has gone it has left the inner chain to us.
                Hold::Followed { outer, inner } => unsafe {
                    if outer.header().up.release().end_inner {
                        end_chain(inner);
                    }
                },
            }
        }
    }

    /// Whether one of the chains in `running` is on the way of this one, also through other threads
    /// that wait.
    ///
    /// # Safety
    /// The tail is kept meanwhile.
    unsafe fn leads_to(&mut self, tail: CellRef, running: &[CellRef]) -> bool {
        let (mut tails, mut seen) = (vec![tail], Vec::new());
        while let Some(tail) = tails.pop() {
            let visit = |graph: &Self, at: CellRef| {
                for wait in &graph.waits {
                    if !wait.timed && wait.running.contains(&at) && !seen.contains(&wait.id) {
                        seen.push(wait.id);
                        tails.push(wait.tail);
                    }
                }
                running.contains(&at)
            };
            // SAFETY: the caller's promise; what others wait for is kept until they are off the list.
            if unsafe { self.walk(tail, visit) } {
                return true;
            }
        }
        false
    }
}

/// The next root on the way, kept by the path.
///
/// # Safety
/// The root is alive.
unsafe fn step(root: CellRef, path: &mut Vec<Hold>) -> Option<CellRef> {
    // SAFETY: the caller's promise; `BUSY` keeps an inner root, and a value its chain.
    unsafe {
        if let Some(inner) = root.header().up.hold_inner() {
            let inner = CellRef::from_address(inner);
            path.push(Hold::Followed { outer: root, inner });
            return Some(inner);
        }
        let Depends { value, .. } = dependency(root)?;
        let next = value.tail().root();
        path.push(Hold::Shared(value));
        Some(next)
    }
}

/// The shared value that a job waits for, and its place there.
///
/// # Safety
/// The root is alive.
unsafe fn dependency(root: CellRef) -> Option<Depends> {
    // SAFETY: the caller's promise; the work stays in place while it is held.
    unsafe {
        let header = root.header();
        if !header.vtable().job || !header.up.hold_work() {
            return None;
        }
        let found = (header.vtable().dependency)(root);
        header.up.release_work();
        found
    }
}

/// Whether there may be another root behind this one: it follows a promise, or is a branch.
///
/// # Safety
/// The root is alive.
unsafe fn leads_on(root: CellRef) -> bool {
    // SAFETY: the caller's promise.
    let header = unsafe { root.header() };
    !header.up.waits_for_nothing() && (header.vtable().job || !header.up.is_waiting())
}

/// How many roots are looked at for a promise that would follow itself: so that a line of followers is
/// not gone through again for each one more.
const FAR: usize = 64;

/// The chain of `cell` has been made to follow that of `inner`: if it waits for itself by that, the
/// link is undone. Gives what becomes of the cell then.
///
/// # Safety
/// The caller is the producer of `cell` and the consumer of `inner`, to which it has attached the
/// chain, but nothing else.
pub(in crate::cell) unsafe fn undo_circle(cell: CellRef, inner: CellRef) -> Option<FailureKind> {
    // SAFETY: the caller's promise.
    unsafe {
        let own = cell.root();
        if inner.root() != own && !leads_on(inner.root()) {
            return None;
        }
        loop {
            let undone = with_graph(|graph| {
                let (mut circle, mut left) = (false, FAR);
                graph.walk(inner, |_, root| {
                    (circle, left) = (root == own, left - 1);
                    circle || left == 0
                });
                circle.then(|| own.header().up.withdraw())
            });
            match undone? {
                Some(true) => return Some(FailureKind::Cancelled),
                Some(false) => return Some(FailureKind::WouldDeadlock),
                None => spin_loop(), // a canceller goes round the circle: some steps
            }
        }
    }
}

/// The place of a thread that waits.
pub(crate) struct Waiting(Option<u64>);

/// The tail of a chain, or a root, as what a thread waits for.
impl CellRef {
    /// Takes a job of `executor` that the chain waits for directly, if no thread has started it. The caller
    /// runs it with `run_claimed`.
    ///
    /// # Safety
    /// The tail is kept meanwhile.
    pub(crate) unsafe fn claim_upstream(self, executor: *mut ()) -> Option<CellRef> {
        // SAFETY: a root that is shown is alive; the first one as long as the tail.
        unsafe {
            let root = self.root();
            if root.claim_root(executor) {
                return Some(root); // mostly this is the job
            }
            if !leads_on(root) {
                return None;
            }
            let mut claimed = None;
            let visit = |_: &Graph, root: CellRef| {
                claimed = Some(root).filter(|root| root.claim_root(executor));
                claimed.is_some()
            };
            with_graph(|graph| graph.walk(self, visit));
            claimed
        }
    }

    /// Takes the job of `executor` that has this root, if no thread has started it.
    ///
    /// # Safety
    /// The root is alive.
    pub(crate) unsafe fn claim_root(self, executor: *mut ()) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.header().up.claim(executor) || task::claim(self, executor) }
    }

    /// This thread is about to wait for this chain. `None`: it would wait for itself.
    ///
    /// # Safety
    /// The tail is kept until the place is dropped.
    pub(crate) unsafe fn begin_wait(self, timed: bool) -> Option<Waiting> {
        let running = running();
        if running.is_empty() {
            return Some(Waiting(None)); // no chain waits for this thread
        }
        with_graph(|graph| {
            // SAFETY: the caller's promise.
            if unsafe { graph.leads_to(self, &running) } {
                return None;
            }
            let id = graph.next;
            graph.next += 1;
            graph.waits.push(Wait { id, running, tail: self, timed });
            Some(Waiting(Some(id)))
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            with_graph(|graph| graph.waits.retain(|wait| wait.id != id));
        }
    }
}

// ── Shared values that lose an owner ─────────────────────────────────────────────────────────────

/// The shared value that a pending chain waits for directly, and its place there; of several, the
/// nearest.
///
/// # Safety
/// The tail is kept meanwhile.
pub(in crate::cell) unsafe fn shared_before(tail: CellRef) -> Option<Depends> {
    // SAFETY: the caller's promise; a root that is shown is alive.
    unsafe {
        if !leads_on(tail.root()) {
            return None;
        }
        let mut found = None;
        let visit = |_: &Graph, root| {
            found = dependency(root);
            found.is_some()
        };
        with_graph(|graph| graph.walk(tail, visit));
        found
    }
}

/// The promise that had this place at a shared value was dropped; if the value has lost its last owner by that, it
/// has dropped its own promise, and so on.
pub(in crate::cell) fn leave_shared(place: Depends) {
    let mut place = Some(place);
    while let Some(Depends { value, ticket }) = place {
        // SAFETY: the value keeps its chain.
        let next = if value.left(ticket) { unsafe { shared_before(value.tail()) } } else { None };
        trampoline::shield(|| drop(value));
        place = next;
    }
}
