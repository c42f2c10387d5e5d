//! Claiming: a waiting worker takes the job at the root of what it waits for, to run it itself.

use super::cancel::cancel_root;
use super::header::CellRef;
use super::wave::end_chain;

/// Claims the job that the chain of `tail` waits for, also through the promises that it follows, if
/// it is still in the queue of `executor`.
///
/// # Safety
/// The caller keeps the tail alive. It runs what it gets with [`start`](super::wave::start).
pub(crate) unsafe fn claim(tail: CellRef, executor: *mut ()) -> Option<CellRef> {
    let mut held = Vec::new(); // allocates only where promises are followed
    // SAFETY: the first root is alive by the caller's promise, each further one because the one
    // above it is BUSY with it.
    unsafe {
        let mut at = tail.root();
        let claimed = loop {
            if at.header().up.claim(executor) {
                break Some(at);
            }
            let Some(inner) = at.header().up.hold_inner() else { break None };
            let inner = CellRef::from_address(inner);
            held.push((at, inner));
            at = inner;
        };
        for (outer, inner) in held.into_iter().rev() {
            let up = &outer.header().up;
            let release = up.release_unless_cancelled().unwrap_or_else(|| {
                cancel_root(inner);
                up.release()
            });
            if release.end_inner {
                end_chain(inner);
            }
        }
        claimed
    }
}
