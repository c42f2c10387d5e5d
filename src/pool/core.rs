//! The part of a pool that threads share, and what an item goes through to get into it.
//!
//! It is never freed, since it is not known which handles still name it, but used again: see `reuse`.

use std::panic::Location;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::hooks::Hook;
use super::inbox::{Inbox, Linked, Pushed};
use super::shut_downs::ShutDowns;
use super::sleep::Sleep;
use super::state::PoolState;
use super::worker::Worker;
use crate::cell::{
    CellRef, Consumer, ExecutorHandle, IntoOutcome, Item, Lane, Number, Refused, ShutDown, Work,
};
use crate::sync;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard};
use crate::telemetry;

/// Items are linked through the `link` field of their cell.
pub(super) struct Cells;

impl Linked for Cells {
    unsafe fn link<'a>(item: *mut ()) -> &'a AtomicPtr<()> {
        // SAFETY: the caller has the item, which keeps its cell alive.
        unsafe { &Item::from_word(item).cell().header().link }
    }
}

/// What the builder fixes.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) stack_size: Option<usize>,
    pub(super) max_spare_workers: usize,
    pub(super) queue_limit: Option<usize>,
    pub(super) cancel_on_drop: bool,
    /// How long a thread that has nothing to do is kept; `None`: as long as the pool.
    pub(super) keep_alive: Option<Duration>,
    pub(super) on_start: Hook,
    pub(super) on_stop: Hook,
}

/// The pool, for the threads that post to it.
pub(crate) struct Core {
    /// The number by which promises know the pool that the core is now.
    pub(super) number: AtomicUsize,
    pub(super) settings: Mutex<Arc<Settings>>,
    /// The pools that the core was and that were shut down.
    pub(super) shut_down: Mutex<ShutDowns>,
    /// No new job is taken.
    pub(super) closing: AtomicBool,
    /// More workers are busy than there should be: one of them rests.
    pub(super) surplus: AtomicBool,
    /// Changes when a worker comes or goes.
    pub(super) version: AtomicUsize,
    /// How many `Pool`s there are.
    pub(super) handles: AtomicUsize,
    /// How many jobs may be queued; `usize::MAX`: as many as there are.
    pub(super) queue_limit: AtomicUsize,
    pub(super) inbox: CachePadded<Inbox<Cells>>,
    pub(super) sleep: CachePadded<Sleep>,
    pub(super) state: Mutex<PoolState>,
    /// How many jobs are queued and not started, where the queue has a limit.
    pub(super) queued_jobs: Mutex<usize>,
    /// Rung when there is room in the queue.
    pub(super) room_available: Condvar,
    /// Rung for workers that sleep.
    pub(super) work_available: Condvar,
    /// Rung when a worker ends or rests, for the thread that shuts the pool down.
    pub(super) worker_idle: Condvar,
}

impl Core {
    /// A core that was no pool yet.
    pub(super) fn make() -> &'static Core {
        let core: &'static Core = Box::leak(Box::new(Core {
            number: AtomicUsize::new(0),
            settings: Mutex::default(),
            shut_down: Mutex::default(),
            closing: AtomicBool::new(false),
            surplus: AtomicBool::new(false),
            version: AtomicUsize::new(0),
            handles: AtomicUsize::new(0),
            queue_limit: AtomicUsize::new(usize::MAX),
            inbox: CachePadded::new(Inbox::new()),
            sleep: CachePadded::new(Sleep::new(0)),
            state: Mutex::new(PoolState::new(0, 0)),
            queued_jobs: Mutex::default(),
            room_available: Condvar::new(),
            work_available: Condvar::new(),
            worker_idle: Condvar::new(),
        }));
        // ORDERING: Relaxed, no other thread has the core yet.
        core.number.store(Number::of(core).bits(), Ordering::Relaxed);
        core
    }

    /// The pool as an executor of promises.
    #[inline]
    pub(crate) fn executor(&'static self) -> ExecutorHandle {
        ExecutorHandle::lasting(self.number())
    }

    /// The number that identifies the pool.
    #[inline]
    pub(super) fn number(&self) -> Number {
        // ORDERING: Relaxed, the caller is of the pool, and has synchronised with its maker; or it
        // compares, and a late answer is as good as an early one.
        Number::from_bits(self.number.load(Ordering::Relaxed))
    }

    /// Queues an item, or gives it back: the pool is closed.
    ///
    /// # Safety
    /// The item is the caller's to give.
    pub(crate) unsafe fn post(&'static self, item: Item, lane: Lane) -> Result<(), Item> {
        if let Some(()) = Worker::with_current(self, |worker| worker.push(item, lane)) {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        match unsafe { self.inbox.push(item.into_word()) } {
            Pushed::First => self.wake_if_needed(),
            Pushed::Behind => {}
            Pushed::Closed => return Err(item),
        }
        Ok(())
    }

    /// Queues work as a job, after `ready` was shown its root; one that comes too late is settled as
    /// abandoned.
    pub(crate) fn post_work<W: Work>(
        &'static self,
        work: W,
        location: &'static Location<'static>,
        ready: impl FnOnce(CellRef),
    ) -> Consumer<W::Ok, W::Err> {
        let (job, consumer) = Consumer::job(work, self.number().word(), location);
        ready(job);
        // SAFETY: the job is new, and this is its only item.
        unsafe { self.post_new(Item::Start(job)) };
        consumer
    }

    /// Queues a future, to be polled; one that comes too late is settled as abandoned.
    pub(crate) fn post_future<T: Send + 'static, E: Send + 'static>(
        &'static self,
        future: impl Future<Output: IntoOutcome<Ok = T, Err = E>> + Send + 'static,
        location: &'static Location<'static>,
    ) -> Consumer<T, E> {
        let (item, consumer) = Consumer::future(future, self.executor(), location);
        // SAFETY: as in `post_work`.
        unsafe { self.post_new(item) };
        consumer
    }

    /// # Safety
    /// The item is the caller's to give.
    unsafe fn post_new(&'static self, item: Item) {
        // ORDERING: Relaxed, a hint: the closed inbox decides.
        let refused = if self.closing.load(Ordering::Relaxed) {
            Err(item)
        } else {
            // SAFETY: the caller's promise.
            unsafe { self.post(item, Lane::Back) }
        };
        if let Err(item) = refused {
            let shut_down = self.shut_down.lock().find(self.number());
            // SAFETY: given back to us.
            unsafe { Refused { item, shut_down }.abandon() };
        }
    }

    /// Whether anything is queued, anywhere.
    pub(super) fn has_work(&self, state: &PoolState) -> bool {
        !self.inbox.is_empty() || state.seats.iter().any(|seat| seat.has_work())
    }

    /// Whether no thread is left, nor could be started, if this one waits too.
    pub(super) fn is_exhausted(&self) -> bool {
        let state = self.lock();
        state.busy() <= 1 && state.idle == 0 && !state.may_start()
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.lock())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, PoolState> {
        // No user code runs under this lock, so it is never poisoned half-way.
        self.state.lock()
    }

    /// After a push: wakes or starts a worker where that is due.
    pub(super) fn wake_if_needed(&'static self) {
        if self.sleep.must_wake() {
            self.wake_one();
        }
    }

    /// Wakes a worker that sleeps, or starts one. The caller has set the waking flag.
    fn wake_one(&'static self) {
        let mut state = self.lock();
        if state.usable() > 0 && !state.closed {
            if state.idle > 0 {
                state.idle -= 1;
                state.wakes += 1;
                state.publish(self);
                self.work_available.notify_one();
                return;
            }
            if state.may_start() {
                if Worker::start(self, &mut state).is_ok() {
                    let (live, spare) = (state.live, state.live > state.target);
                    drop(state); // what is told may run foreign code
                    if spare {
                        telemetry::spare_worker(&self.settings().name, live);
                    }
                    return;
                }
                if state.live == 0 {
                    drop(state);
                    self.abandon_queue(None);
                    self.sleep.awake();
                    if !self.inbox.is_empty() {
                        self.wake_if_needed(); // pushed meanwhile, when no worker was to be woken
                    }
                    return;
                }
            }
        }
        if state.has_nobody() && self.has_work(&state) && state.call_one() {
            drop(state);
            drop(self.queued_jobs.lock()); // a waiter that looks whether it is called is in `wait` after this
            self.room_available.notify_all(); // it may wait for room
            return; // it gives the flag back
        }
        self.sleep.awake();
    }

    /// Settles everything that is queued as abandoned; says how many jobs there were.
    pub(super) fn abandon_queue(&'static self, shut_down: ShutDown) -> usize {
        let mut jobs = 0;
        for word in self.take_all() {
            // SAFETY: taken out of the queue, so it is ours.
            unsafe {
                let item = Item::from_word(word);
                jobs += usize::from(item.is_waiting());
                self.leave_to_another(item, shut_down);
            }
        }
        jobs
    }

    /// Takes everything that is queued, also what workers are moving from one queue to another. It looks under
    /// the lock: what a thread that counts has taken out is back by then.
    fn take_all(&self) -> Vec<*mut ()> {
        let mut items = Vec::new();
        loop {
            let (more, all) = self.take_queued(&self.lock());
            if more.is_empty() && all {
                return items;
            }
            items.extend(more);
            sync::thread::yield_now(); // a worker that is moving items may need the lock
        }
    }

    /// Takes what is queued, the oldest first; and says whether nothing was on its way from one queue to another
    /// meanwhile.
    pub(super) fn take_queued(&self, state: &PoolState) -> (Vec<*mut ()>, bool) {
        let moves = || state.seats.iter().map(|seat| seat.moves()).collect::<Vec<_>>();
        let (before, mut items) = (moves(), Vec::new());
        state.seats.iter().for_each(|seat| seat.drain(&mut items)); // older than what is for all
        self.inbox.take_all(|word| items.push(word));
        let all = before.iter().all(|moves| moves % 2 == 0) && before == moves();
        (items, all)
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("name", &self.settings().name).finish_non_exhaustive()
    }
}
