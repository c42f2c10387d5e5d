//! A worker of a pool, and what others see of it.

use std::cell::Cell;
use std::sync::Arc;

use loom::sync::{Condvar, Mutex, MutexGuard};
use loom::thread;

use super::core::{Core, Slot};
use super::state::PoolState;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Parks a thread. (Loom's own `unpark` also wakes a thread that waits for a lock, which fails then.)
#[derive(Default)]
pub(super) struct Parker {
    token: Mutex<bool>,
    work_available: Condvar,
}

impl Parker {
    pub(super) fn park(&self) {
        let mut token = self.token.lock().unwrap();
        while !std::mem::take(&mut *token) {
            token = self.work_available.wait(token).unwrap();
        }
    }

    pub(super) fn unpark(&self) {
        *self.token.lock().unwrap() = true;
        self.work_available.notify_one();
    }
}

/// What others see of a worker: of what it has taken the length, the items under the lock.
pub(super) struct Seat {
    pub(super) length: AtomicUsize,
    pub(super) items: Mutex<Vec<usize>>,
    pub(super) finished: AtomicUsize,
    pub(super) waits: AtomicBool,
    pub(super) called: AtomicBool,
    pub(super) parker: Arc<Parker>,
}

impl Seat {
    pub(super) fn new() -> Self {
        Seat {
            length: AtomicUsize::new(0),
            items: Mutex::new(Vec::new()),
            finished: AtomicUsize::new(0),
            waits: AtomicBool::new(false),
            called: AtomicBool::new(false),
            parker: Arc::default(),
        }
    }

    pub(super) fn has_work(&self) -> bool {
        self.length.load(Ordering::Relaxed) > 0
    }

    /// Ends the worker's wait, if it is in one that can be ended. Under the state's lock.
    pub(super) fn call(&self) -> bool {
        let calls =
            self.waits.load(Ordering::Relaxed) && !self.called.swap(true, Ordering::Relaxed);
        if calls {
            self.parker.unpark();
        }
        calls
    }
}

/// What a job does, in the seat of the worker that runs it.
pub(super) type Run = fn(&'static Core, &Arc<Seat>, usize);

/// A worker's thread.
pub(super) struct Worker {
    /// It is never away in a model.
    pub(super) away: Cell<bool>,
    core: &'static Core,
    seat: usize,
    run: Run,
}

impl Worker {
    pub(super) fn start(core: &'static Core, seat: usize, run: Run) -> thread::JoinHandle<()> {
        let worker = Worker { away: Cell::new(false), core, seat, run };
        thread::spawn(move || worker.main())
    }

    /// What a worker has taken can be taken by others here, so it need not be put back.
    pub(super) fn with_any<R>(_: impl FnOnce(&Worker) -> R) -> Option<R> {
        None
    }

    pub(super) fn put_back(&self) {}

    /// No job of a model is claimed.
    pub(super) fn sweep_all(&self) -> usize {
        0
    }

    fn main(&self) {
        let seat = &self.core.seats[self.seat];
        let mut woken = false;
        loop {
            match self.find() {
                Some(item) => {
                    if std::mem::take(&mut woken) && self.has_more() {
                        self.core.wake_if_needed();
                    }
                    (self.run)(self.core, seat, item);
                }
                None if self.core.spin && self.spin() => woken = true,
                None if self.idle() => woken = true,
                None => return,
            }
        }
    }

    fn has_more(&self) -> bool {
        !self.core.inbox.is_empty() || self.core.seats.iter().any(|seat| seat.has_work())
    }

    fn find(&self) -> Option<usize> {
        self.pop(self.seat).or_else(|| self.grab()).or_else(|| {
            (0..self.core.seats.len()).filter(|&seat| seat != self.seat).find_map(|s| self.pop(s))
        })
    }

    fn pop(&self, seat: usize) -> Option<usize> {
        let seat = &self.core.seats[seat];
        if seat.length.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut items = seat.items.lock().unwrap();
        let item = items.pop();
        seat.length.store(items.len(), Ordering::Relaxed);
        item
    }

    /// A batch of one; more only where the inbox gives more.
    fn grab(&self) -> Option<usize> {
        let mut items = Vec::new();
        let first = std::ptr::from_ref(&self.core.slots[0]).addr();
        let (taken, more) = self.core.inbox.take(1, |word| {
            items.push((word.addr() - first) / size_of::<Slot>());
        });
        if taken > 1 {
            let seat = &self.core.seats[self.seat];
            let mut stored = seat.items.lock().unwrap();
            stored.extend(items.drain(1..).rev());
            seat.length.store(stored.len(), Ordering::Relaxed);
        }
        if taken > 1 || more {
            self.core.wake_if_needed();
        }
        items.first().copied()
    }

    /// Once, where a worker yields some times.
    fn spin(&self) -> bool {
        if !self.core.sleep.spin() {
            return false;
        }
        let found = !self.core.inbox.is_empty();
        self.core.sleep.awake();
        found
    }

    fn idle(&self) -> bool {
        let core = self.core;
        let mut state = core.lock();
        state.idle += 1;
        state.publish(core);
        if state.usable() > 0 && core.has_work(&state) {
            state.idle -= 1;
            state.publish(core);
            return true;
        }
        let stays = self.sleep(state);
        if stays {
            core.sleep.awake();
        }
        stays
    }

    fn sleep(&self, mut state: MutexGuard<'_, PoolState>) -> bool {
        let core = self.core;
        loop {
            if state.wakes > 0 {
                state.wakes -= 1;
                return true;
            }
            let all_idle = state.closing && !state.closed && state.idle == state.live;
            if all_idle && !core.has_work(&state) && core.inbox.close_if_empty() {
                state.closed = true;
                state.publish(core);
                core.work_available.notify_all();
            }
            if state.closed {
                state.idle -= 1;
                state.live -= 1;
                state.publish(core);
                return false;
            }
            state = core.work_available.wait(state).unwrap();
        }
    }
}
