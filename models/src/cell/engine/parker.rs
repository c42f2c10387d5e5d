//! Listeners: parked threads and wakers.

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};

use super::world::{Counted, World};
use crate::cell::state::word::Listener;

/// A parked thread, or a waker: notices that it was woken.
#[repr(align(16))]
pub(crate) struct Parker {
    woken: Mutex<bool>,
    condvar: Condvar,
    /// Written before anybody else has the parker, read by who wakes it.
    made: UnsafeCell<()>,
    _counted: Counted,
}

impl Parker {
    pub(in crate::cell) fn new(world: &World) -> Arc<Parker> {
        let made = UnsafeCell::new(());
        made.with_mut(|_| ());
        Arc::new(Parker {
            made,
            woken: Mutex::new(false),
            condvar: Condvar::new(),
            _counted: world.count(),
        })
    }

    pub(in crate::cell) fn park(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.condvar.wait(woken).unwrap();
        }
    }
}

pub(in crate::cell) fn as_listener(parker: &Arc<Parker>) -> Listener {
    Listener::Thread(Arc::into_raw(Arc::clone(parker)).cast_mut().cast())
}

pub(in crate::cell) fn take_back(listener: Listener) -> Arc<Parker> {
    let (Listener::Thread(pointer) | Listener::Waker(pointer)) = listener;
    // SAFETY: made by `as_listener`, and whoever takes it out of the word owns it. A second time would
    // be found by the counts.
    unsafe { Arc::from_raw(pointer.cast_const().cast()) }
}

/// # Safety
/// Taken out of the word: checked by `take_back`.
pub(in crate::cell) unsafe fn wake(listener: Listener) {
    let parker = take_back(listener);
    parker.made.with(|_| ());
    *parker.woken.lock().unwrap() = true;
    parker.condvar.notify_one();
}
