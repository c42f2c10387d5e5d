//! Looking upstream: what a look has passed over because somebody was using it, and where it has been.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::later::{Later, later, quietly};
use super::upstream::{Kept, Upstream};

thread_local! {
    /// Whether a look of this thread has passed over something that somebody was using.
    static MISSED: Cell<bool> = const { Cell::new(false) };
    /// What it is using itself: the addresses of roots and of what shows chains, from the outermost inwards.
    static PATH: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Whether this thread's look has come here before, and goes in a circle.
pub(super) fn is_circle(address: usize) -> bool {
    with_path(|path| path.contains(&address)).unwrap_or(false)
}

/// The look goes on behind what has this address, which it holds.
pub(super) fn enter(address: usize) {
    with_path(|path| path.push(address));
}

/// It comes back from what it has entered last.
pub(super) fn leave() {
    with_path(Vec::pop);
}

/// `None`: the thread is about to end, and user code that it drops has set this off.
fn with_path<R>(f: impl FnOnce(&mut Vec<usize>) -> R) -> Option<R> {
    PATH.try_with(|path| f(&mut path.borrow_mut())).ok()
}

/// Shows the chains of `upstream`, as [`visit`](Upstream::visit). `false`: the look goes in a circle.
pub(super) fn visit(upstream: Arc<dyn Upstream>, f: &mut dyn FnMut(Kept<'_>) -> bool) -> bool {
    let address = Arc::as_ptr(&upstream).addr();
    if is_circle(address) {
        later(Later::Drop(upstream));
        return false;
    }
    enter(address);
    upstream.visit(f);
    leave();
    true
}

/// Somebody is using what was to be looked into.
pub(super) fn miss() {
    MISSED.set(true);
}

/// Whether this thread has missed something since it has asked last.
pub(crate) fn has_missed() -> bool {
    MISSED.replace(false)
}

/// For how long something that somebody is using is looked at again. Mostly that takes a few steps; but
/// its thread may have lost the core, or run user code.
const PATIENCE: Duration = Duration::from_millis(100);
/// And how often at least: where others want the core, it takes them long to come to an end.
const LOOKS: u32 = 1000;

/// Whether `look` finds something, [`quietly`]. Where it has missed something it looks again, for a while.
pub(crate) fn patiently(mut look: impl FnMut() -> bool) -> bool {
    let (mut looks, mut end) = (0, None);
    loop {
        let (found, missed) = quietly(|| {
            has_missed(); // something else may have
            (look(), has_missed())
        });
        if found || !missed {
            return found;
        }
        looks += 1;
        if Instant::now() > *end.get_or_insert_with(|| Instant::now() + PATIENCE) && looks > LOOKS {
            return false;
        }
        thread::yield_now();
    }
}
