//! Telling whoever waits, where nobody else could run it, that something may be on his way now: a promise
//! has begun to follow another one, which nobody queues.

use std::sync::OnceLock;

use crate::sync::atomic::{AtomicUsize, Ordering, fence};

/// How many pools listen.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);
/// What tells them all.
static TELL: OnceLock<fn()> = OnceLock::new();

/// Has `tell` called, which is always the same, from now on until [`unlisten`]: a promise that is not
/// told of any more is seen by a look that begins after this.
pub(crate) fn listen(tell: fn()) {
    TELL.get_or_init(|| tell);
    // ORDERING: Relaxed, the fence orders it.
    LISTENERS.fetch_add(1, Ordering::Relaxed);
    // ORDERING: SeqCst fence between this and the next look; pairs with the one in `followed`.
    fence(Ordering::SeqCst);
}

/// One listener less.
pub(crate) fn unlisten() {
    // ORDERING: Relaxed: to be told in vain does no harm.
    LISTENERS.fetch_sub(1, Ordering::Relaxed);
}

/// A promise has begun to follow another one.
pub(super) fn followed() {
    // ORDERING: SeqCst fence between the link and this load; pairs with the one in `listen`: who
    // listens is told, or sees the link.
    fence(Ordering::SeqCst);
    if LISTENERS.load(Ordering::Relaxed) > 0 {
        tell();
    }
}

#[cold]
fn tell() {
    if let Some(tell) = TELL.get() {
        tell();
    }
}
