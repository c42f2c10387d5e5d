//! What is current on a thread, taken along in one word.
//!
//! A job or a callback is attached with what is current there, and has that, and nothing else, where it runs: also on a
//! worker that runs it in the middle of another one, while it waits.

use std::any::Any;
use std::cell::RefCell;

use super::hook::{self, Captured};
use crate::clock::Clock;
use crate::failure::drop_quietly;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, thread_local};

/// What a job or a callback takes along. One word, so that cells stay small; nothing, where nothing is current.
pub(crate) struct Context(Option<Arc<Carried>>);

/// The value of a key.
pub(super) type Value = Arc<dyn Any + Send + Sync>;

/// What is current.
pub(super) struct Carried {
    /// By the numbers of their keys; few.
    values: Vec<(u64, Value)>,
    clock: Clock,
    hooked: Captured,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Carried>>> = const { RefCell::new(None) };
}

/// Whether there ever was a value.
static USED: AtomicBool = AtomicBool::new(false);

fn is_used() -> bool {
    // ORDERING: Relaxed, a thread that has a value has it from the one that has set this.
    USED.load(Ordering::Relaxed)
}

fn current() -> Option<Arc<Carried>> {
    if !is_used() {
        return None;
    }
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

impl Context {
    /// What is current here. A hook is foreign code: call it with no lock held.
    pub(crate) fn current() -> Self {
        let (current, clock, hooked) = (current(), Clock::current(), hook::capture());
        if hooked.is_nothing() {
            match &current {
                None if clock == Clock::REAL => return Context(None),
                Some(same) if same.clock == clock && same.hooked.is_nothing() => {
                    return Context(current);
                }
                _ => {}
            }
        }
        let values = current.map_or_else(Vec::new, |current| current.values.clone());
        Context(Some(Arc::new(Carried { values, clock, hooked })))
    }

    /// Runs `f` with this, and nothing else, current.
    pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        let clock = self.0.as_ref().map_or(Clock::REAL, |carried| carried.clock);
        let _clock = clock.within();
        match &self.0 {
            None if !is_used() => f(),
            None => {
                let _outer = Replaced::by(None);
                f()
            }
            Some(carried) => {
                // ORDERING: Relaxed, as in `is_used`.
                let _outer = is_used().then(|| Replaced::by(Some(Arc::clone(carried))));
                hook::within(&carried.hooked, f)
            }
        }
    }
}

/// A value is the user's, and may panic when it is dropped.
impl Drop for Context {
    fn drop(&mut self) {
        if let Some(carried) = self.0.take() {
            drop_quietly(carried);
        }
    }
}

/// What was current before is so again when this is dropped, on the same thread.
struct Replaced(Option<Arc<Carried>>);

impl Replaced {
    fn by(carried: Option<Arc<Carried>>) -> Self {
        Replaced(CURRENT.try_with(|current| current.replace(carried)).ok().flatten())
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        let outer = self.0.take();
        let inner = CURRENT.try_with(|current| current.replace(outer)).ok().flatten();
        if let Some(inner) = inner {
            drop_quietly(inner);
        }
    }
}

/// Runs `f` with the value of a key.
pub(super) fn with<R>(key: u64, value: Value, f: impl FnOnce() -> R) -> R {
    // ORDERING: Relaxed, as in `is_used`.
    USED.store(true, Ordering::Relaxed);
    let mut values = current().map_or_else(Vec::new, |current| current.values.clone());
    match values.iter_mut().find(|(of, _)| *of == key) {
        Some((_, old)) => *old = value,
        None => values.push((key, value)),
    }
    let carried = Carried { values, clock: Clock::current(), hooked: Captured::Nothing };
    let _outer = Replaced::by(Some(Arc::new(carried)));
    f()
}

/// The value of a key.
pub(super) fn value(key: u64) -> Option<Value> {
    let carried = current()?;
    carried.values.iter().find(|(of, _)| *of == key).map(|(_, value)| Arc::clone(value))
}
