//! What a thread that waits for a list leaves in the queue.

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};

use crate::cell::join::queue::Armed;
use crate::cell::state::word::Listener;

/// A parked thread, counted as the library's is.
#[repr(align(16))]
pub(super) struct Bell {
    rung: Mutex<bool>,
    condvar: Condvar,
    /// Written before anybody else has the bell, read by who rings it.
    made: UnsafeCell<()>,
}

impl Bell {
    pub(super) fn new() -> Arc<Bell> {
        let made = UnsafeCell::new(());
        made.with_mut(|_| ());
        Arc::new(Bell { rung: Mutex::new(false), condvar: Condvar::new(), made })
    }

    pub(super) fn armed(bell: &Arc<Bell>) -> Armed {
        Armed::Listener(Listener::Thread(Arc::into_raw(Arc::clone(bell)).cast_mut().cast()))
    }

    pub(super) fn take(pointer: *mut ()) -> Arc<Bell> {
        // SAFETY: from `armed`; loom finds the counts wrong if it is taken twice or never.
        unsafe { Arc::from_raw(pointer.cast_const().cast()) }
    }

    pub(super) fn give_up(armed: Armed) {
        let Armed::Listener(Listener::Thread(pointer)) = armed else { unreachable!() };
        drop(Bell::take(pointer));
    }

    pub(super) fn ring(&self) {
        self.made.with(|_| ());
        *self.rung.lock().unwrap() = true;
        self.condvar.notify_one();
    }

    pub(super) fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.condvar.wait(rung).unwrap();
        }
    }
}
