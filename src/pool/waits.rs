//! Who waits for what: so that a job that would wait for itself is told at once.
//!
//! Only threads that run user code of a chain are listed, and only while they wait in a `get`: then
//! their frames stand still, and what they wait for stays.

use super::core::Core;
use super::worker::Worker;
use crate::cell::{self, CellRef, Kept, running};
use crate::sync::{Mutex, MutexGuard};

/// A thread that waits.
struct Wait {
    id: usize,
    /// The pool whose worker it is.
    core: &'static Core,
    /// The chains whose user code it is running.
    roots: Vec<CellRef>,
    /// What it waits for.
    chains: Vec<Kept<'static>>,
    /// It may give up by itself.
    timed: bool,
}

struct Waits {
    waits: Vec<Wait>,
    next: usize,
}

static WAITS: Mutex<Waits> = Mutex::new(Waits { waits: Vec::new(), next: 0 });

/// How many roots are looked at.
const MOST: usize = 4096;

/// A place in the list of those who wait.
pub(crate) struct Waiting(Option<usize>);

/// The wait would close a cycle of waits.
pub(crate) struct Cycle;

/// Lists this thread, a worker of `core`, as waiting for `chains`, which stay as long as the place.
///
/// # Safety
/// The chains live until the place is dropped.
pub(super) unsafe fn wait_for(
    chains: Vec<Kept<'_>>,
    core: &'static Core,
    timed: bool,
) -> Result<Waiting, Cycle> {
    let roots = running();
    if roots.is_empty() {
        return Ok(Waiting(None)); // nobody can wait for this thread
    }
    // SAFETY: the caller's promise: they are forgotten when the place is dropped.
    let chains: Vec<Kept<'static>> =
        chains.into_iter().map(|chain| unsafe { chain.extend() }).collect();
    // No user code runs under the lock.
    cell::quietly(|| {
        let mut all = lock();
        let id = all.next;
        let wait = Wait { id, core, roots, chains, timed };
        if Look::new(&all, &wait).is_stuck(&wait.chains) {
            return Err(Cycle);
        }
        all.next += 1;
        all.waits.push(wait);
        Ok(Waiting(Some(id)))
    })
}

/// On a worker: whether a wait for `chain` would close a cycle of waits.
pub(crate) fn closes_cycle(chain: Kept<'_>) -> bool {
    Worker::with_any(|worker| {
        // SAFETY: the chain is kept during this call, and the place in the list is dropped in it.
        cell::patiently(|| unsafe { wait_for(vec![chain], worker.core, false) }.is_err())
    })
    .unwrap_or(false)
}

fn lock() -> MutexGuard<'static, Waits> {
    WAITS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A look for a cycle that one more wait would close.
struct Look<'a> {
    waits: &'a [Wait],
    new: &'a Wait,
    /// Of each wait that was looked at, whether it would never end; `false` as long as that is open.
    stuck: Vec<Option<bool>>,
    /// The pools that are being looked at.
    pools: Vec<*mut ()>,
    /// How many roots may still be looked at.
    left: usize,
}

impl<'a> Look<'a> {
    fn new(all: &'a Waits, new: &'a Wait) -> Self {
        let stuck = vec![None; all.waits.len()];
        Look { waits: &all.waits, new, stuck, pools: Vec::new(), left: MOST }
    }

    /// Whether what waits for these chains would never return.
    fn is_stuck(&mut self, chains: &[Kept<'static>]) -> bool {
        chains.iter().any(|&chain| {
            let (needs, left) = cell::needs(chain, self.left);
            self.left = left;
            cell::is_hopeless(&needs, &mut |root, queue| {
                self.new.roots.contains(&root)
                    || self.who_runs(root)
                    || queue.is_some_and(|pool| self.is_pool_stuck(pool))
            })
        })
    }

    /// Whether a thread that runs this chain waits, and would never return.
    fn who_runs(&mut self, root: CellRef) -> bool {
        let waits = self.waits;
        (0..waits.len())
            .any(|index| waits[index].roots.contains(&root) && self.is_wait_stuck(index))
    }

    fn is_wait_stuck(&mut self, index: usize) -> bool {
        let wait = &self.waits[index];
        if wait.timed {
            return false;
        }
        if let Some(stuck) = self.stuck[index] {
            return stuck;
        }
        self.stuck[index] = Some(false);
        let stuck = self.is_stuck(&wait.chains);
        self.stuck[index] = Some(stuck);
        stuck
    }

    /// Whether no thread is left for what this pool has queued, and none would ever be.
    fn is_pool_stuck(&mut self, pool: *mut ()) -> bool {
        if self.pools.contains(&pool) {
            return true; // as far as that goes: it depends on the others
        }
        let waits = self.waits;
        let its = |wait: &Wait| std::ptr::eq(wait.core.address(), pool);
        if its(self.new) && self.new.timed {
            return false; // it goes on when its time is over
        }
        let inside = usize::from(its(self.new));
        let indices: Vec<_> = (0..waits.len()).filter(|&index| its(&waits[index])).collect();
        let core = if inside == 1 {
            self.new.core
        } else {
            let Some(&first) = indices.first() else { return false };
            waits[first].core
        };
        if !core.would_be_stuck(indices.len(), inside) {
            return false;
        }
        self.pools.push(pool);
        let stuck = indices.into_iter().all(|index| self.is_wait_stuck(index));
        self.pools.pop();
        stuck
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            lock().waits.retain(|wait| wait.id != id);
        }
    }
}
