//! Who waits for what: so that a job that would wait for itself is told at once.
//!
//! Only threads that run user code of a chain are listed, and only while they wait in a `get`: then
//! their frames stand still, and what they wait for stays.

use crate::cell::{self, CellRef, Kept, explore, running};
use crate::sync::{Mutex, MutexGuard};

/// A thread that waits.
struct Wait {
    id: usize,
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
/// How deep lists of lists are looked into.
const DEPTH: u32 = 32;

/// A place in the list of those who wait.
pub(crate) struct Waiting(Option<usize>);

/// The wait would close a cycle of waits.
pub(crate) struct Cycle;

/// Lists this thread as waiting for `chains`, which stay as long as the place.
///
/// # Safety
/// The chains live until the place is dropped.
pub(crate) unsafe fn wait_for(chains: Vec<Kept<'_>>, timed: bool) -> Result<Waiting, Cycle> {
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
        if all.closes_cycle(&chains, &roots) {
            return Err(Cycle);
        }
        let id = all.next;
        all.next += 1;
        all.waits.push(Wait { id, roots, chains, timed });
        Ok(Waiting(Some(id)))
    })
}

fn lock() -> MutexGuard<'static, Waits> {
    WAITS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Waits {
    fn closes_cycle(&self, chains: &[Kept<'static>], mine: &[CellRef]) -> bool {
        let mut left = MOST;
        let mut seen = vec![false; self.waits.len()];
        let mut open = chains.to_vec();
        let mut found = false;
        while let Some(chain) = open.pop() {
            explore(chain, DEPTH, &mut |root| {
                found |= mine.contains(&root);
                for (index, wait) in self.waits.iter().enumerate() {
                    if !wait.timed && !seen[index] && wait.roots.contains(&root) {
                        seen[index] = true;
                        open.extend(&wait.chains);
                    }
                }
                left = left.saturating_sub(1);
                found || left == 0
            });
            if found || left == 0 {
                break;
            }
        }
        found
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            lock().waits.retain(|wait| wait.id != id);
        }
    }
}
