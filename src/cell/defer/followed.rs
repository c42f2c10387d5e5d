//! The cancellation handlers of deferreds that follow another promise: they are called as long as that is
//! pending.
//!
//! Before, the list hangs on the `link` field of the deferred's cell (see `handlers`). A cell that follows may
//! be settled and queued through that field at any time, while a canceller is on its way; so the few deferreds that
//! have handlers leave them here, under the address of their chain's root.

use std::collections::BTreeMap;

use super::handlers::Handlers;
use super::trampoline;
use crate::cell::state::header::CellRef;
use crate::sync;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// What is kept for a chain: of several that it follows, the nearest first.
type Kept = Vec<Handlers>;

sync::global! {
    static KEPT: Mutex<BTreeMap<usize, Kept>> = Mutex::new(BTreeMap::new());
}

sync::global! {
    /// How many chains have an entry: mostly none.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
}

/// Producer of the root of a chain, which is under way: before it follows.
pub(in crate::cell) fn keep(root: CellRef, handlers: Handlers) {
    add(root, vec![handlers]);
}

fn add(root: CellRef, handlers: Kept) {
    let mut kept = KEPT.lock();
    // ORDERING: Relaxed, `attach` publishes it to cancellers; else the same thread looks.
    COUNT.fetch_add(usize::from(!kept.contains_key(&root.address().addr())), Ordering::Relaxed);
    kept.entry(root.address().addr()).or_default().extend(handlers);
}

/// Whether nothing is kept for any chain that the caller could know of.
#[inline]
fn is_empty() -> bool {
    // ORDERING: Relaxed, as in `add`.
    COUNT.load(Ordering::Relaxed) == 0
}

/// Takes what is kept for a chain. No user code runs.
fn take(root: CellRef) -> Kept {
    if is_empty() {
        return Vec::new();
    }
    let kept = KEPT.lock().remove(&root.address().addr());
    if kept.is_some() {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
    kept.unwrap_or_default()
}

/// The chain of `inner` goes on as that of `outer`, which has followed it.
pub(in crate::cell) fn pass_on(inner: CellRef, outer: CellRef) {
    let handlers = take(inner);
    if !handlers.is_empty() {
        add(outer, handlers);
    }
}

/// Canceller, which has marked the chain, and keeps its root.
pub(in crate::cell) fn cancelled(root: CellRef) {
    take(root).into_iter().for_each(trampoline::handle);
}

/// Producer of a cell that has followed, and does not any more.
///
/// # Safety
/// The root is alive.
#[inline]
pub(in crate::cell) unsafe fn arrived(root: CellRef) {
    // SAFETY: the caller's promise.
    if !is_empty() && !unsafe { root.header() }.up.is_cancelled() {
        let handlers = take(root);
        if !handlers.is_empty() {
            trampoline::shield(|| drop(handlers));
        }
    } // else the canceller that has marked it looks here
}

/// Producer of a cell that has not followed in the end; a canceller may have looked here too early.
///
/// # Safety
/// The root is alive.
pub(in crate::cell) unsafe fn given_up(root: CellRef) {
    // SAFETY: the caller's promise.
    if unsafe { root.header() }.up.is_cancelled() {
        cancelled(root);
    } else {
        trampoline::shield(|| drop(take(root)));
    }
}
