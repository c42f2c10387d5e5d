//! Pools that come and go: what a pool leaves is the next one's.
//!
//! Promises name their pool by a number, and it is not known how many do. So a core is not freed when its pool
//! has gone, but has another number as the next pool. An item that comes by an old number runs on the pool
//! of the process, or is refused, if its pool was shut down.

use std::mem;

use super::core::{Core, Settings};
use super::handle::Pool;
use super::shut_downs::ShutDowns;
use super::state::PoolState;
use crate::cell::{Item, Lane, Lasting, Number, Refused, ShutDown};
use crate::clock::Place;
use crate::failure::drop_quietly;
use crate::sync;
use crate::sync::atomic::Ordering;
use crate::sync::{Arc, Mutex, MutexGuard};

sync::global! {
    /// Cores whose pools have gone.
    static FREE: Mutex<Vec<&'static Core>> = Mutex::new(Vec::new());
}

impl Core {
    /// The core of a new pool.
    pub(super) fn open(settings: Settings, workers: usize) -> &'static Core {
        let free = FREE.lock().pop();
        let core = free.unwrap_or_else(Core::make);
        core.begin(settings, workers);
        core
    }

    fn begin(&'static self, settings: Settings, workers: usize) {
        let mut state = self.lock();
        let number = self.number().next();
        if number < self.number() {
            *self.shut_down.lock() = ShutDowns::default(); // the numbers begin anew
        }
        // ORDERING: Relaxed, as in `number`. Before the queue is opened: see `post`.
        self.number.store(number.bits(), Ordering::Relaxed);
        self.queue_limit.store(settings.queue_limit.unwrap_or(usize::MAX), Ordering::Relaxed);
        self.handles.store(1, Ordering::Relaxed);
        self.closing.store(false, Ordering::Relaxed);
        *state = PoolState::new(workers, settings.max_spare_workers);
        *self.settings.lock() = Arc::new(settings);
        *self.queued_jobs.lock() = 0;
        state.publish(self);
        // Last: a thread that pushes from now on, though to a pool that the core was, finds that there is a hand to wake.
        self.inbox.open();
    }

    /// What the pool will not run any more runs on the pool of the process, if it need not run here.
    ///
    /// # Safety
    /// The item is the caller's to give.
    pub(super) unsafe fn leave_to_another(&'static self, item: Item, shut_down: ShutDown) {
        let global = Pool::global().core();
        // SAFETY: the caller's promise; what comes back is still ours.
        unsafe {
            let refused = match std::ptr::eq(self, global) || item.needs_its_executor() {
                true => Err(item),
                false => global.post(item, Lane::Back),
            };
            if let Err(item) = refused {
                Refused { item, shut_down }.abandon();
            }
        }
    }

    /// The core is free for a later pool, if there is no handle, no thread, and nothing to do: nothing else
    /// is done to it after this.
    pub(super) fn give_back(&'static self, mut state: MutexGuard<'_, PoolState>) {
        if state.ended && state.closed && state.live == 0 && state.stopping.is_empty() {
            *state = PoolState::new(0, 0); // neither ended nor closed: it is given back once
            let settings = mem::take(&mut *self.settings.lock());
            drop(state);
            FREE.lock().push(self);
            drop_quietly(settings); // the hooks are the user's
        }
    }
}

impl Lasting for Core {
    unsafe fn post(&'static self, number: Number, item: Item, lane: Lane) -> Result<(), Refused> {
        // A later pool that begins after this look may get the item; it runs there.
        let closed = number != self.number();
        // SAFETY: the caller's promise.
        let refused = if closed { Err(item) } else { unsafe { self.post(item, lane) } };
        let Err(item) = refused else { return Ok(()) };
        let shut_down = self.shut_down.lock().find(number);
        // SAFETY: it has come back.
        unsafe {
            if shut_down.is_some() && item.needs_its_executor() {
                return Err(Refused { item, shut_down });
            }
            Pool::global().core().post(item, lane).map_err(|item| Refused { item, shut_down })
        }
    }

    fn place(&'static self) -> &'static dyn Place {
        self
    }
}
