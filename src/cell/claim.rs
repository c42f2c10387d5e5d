//! Claiming: a waiting worker takes the job at the root of what it waits for, to run it itself.

use std::marker::PhantomData;

use super::cancel::cancel_root;
use super::header::CellRef;
use super::wave::end_chain;

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
}

/// Claims the job that a chain waits for, also through the promises that it follows, if it is still
/// in the queue of `executor`. The caller runs it with [`start`](super::wave::start).
pub(crate) fn claim(chain: Kept<'_>, executor: *mut ()) -> Option<CellRef> {
    let mut held = Vec::new(); // allocates only where promises are followed
    // SAFETY: the first root is alive as the tail is kept, each further one because the one
    // above it is BUSY with it.
    unsafe {
        let mut at = chain.tail.root();
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
