//! A worker: the loop of a pool's thread.

use std::cell::{Cell, RefCell};
use std::io;

use super::core::{Core, Settings};
use super::inbox::Pushed;
use super::seat::{Queued, Seat, to_item};
use super::state::PoolState;
use super::tuning::{BATCH, DEFAULT_STACK, LEFT_BEHIND};
use crate::cell::{Item, Lane, RunContext, ThisThread};
use crate::failure::AbortOnUnwind;
use crate::sync::atomic::Ordering;
use crate::sync::deque::Worker as Deque;
use crate::sync::thread;
use crate::sync::{Arc, thread_local};

/// A thread of a pool.
pub(crate) struct Worker {
    pub(super) core: &'static Core,
    pub(super) seat: Arc<Seat>,
    /// Callbacks that became ready here: ahead of the queue.
    pub(super) next: Deque<Queued>,
    /// A batch from the queue.
    pub(super) batch: Deque<Queued>,
    pub(super) here: RunContext,
    others: RefCell<(usize, Vec<Arc<Seat>>)>,
    pub(super) left_behind: Cell<usize>,
    /// How many of them are worth a look.
    pub(super) sweep_at: Cell<usize>,
    pub(super) depth: Cell<u32>,
    /// It is counted as blocked while it runs user code that waits for something foreign.
    pub(super) away: Cell<bool>,
    /// Where the stack begins, roughly.
    pub(super) base: Cell<usize>,
    /// How large it is.
    pub(super) stack: usize,
    /// Those of its pool, also when the core is another one's.
    pub(super) settings: Arc<Settings>,
}

thread_local! {
    /// The worker that this thread is.
    static CURRENT: Cell<*const Worker> = const { Cell::new(std::ptr::null()) };
}

impl Worker {
    /// Starts a thread, which counts as busy at once. The caller has set the waking flag.
    pub(super) fn start(core: &'static Core, state: &mut PoolState) -> io::Result<()> {
        state.reap();
        let (next, batch) = (Deque::new_fifo(), Deque::new_fifo());
        let seat = Arc::new(Seat::new(next.stealer(), batch.stealer()));
        let settings = core.settings();
        let stack = settings.stack_size.unwrap_or_else(default_stack);
        let name = format!("{}-{}", settings.name, state.started);
        let builder = thread::Builder::new().name(name).stack_size(stack);
        let mine = Arc::clone(&seat);
        let thread = builder.spawn(move || {
            let here = RunContext::new(core.number().word());
            let others = RefCell::new((usize::MAX, Vec::new()));
            let (left_behind, depth, base) = (Cell::new(0), Cell::new(0), Cell::new(0));
            Worker {
                core,
                seat: mine,
                next,
                batch,
                here,
                others,
                left_behind,
                sweep_at: Cell::new(LEFT_BEHIND),
                depth,
                away: Cell::new(false),
                base,
                stack,
                settings,
            }
            .main();
        })?;
        state.started += 1;
        state.live += 1;
        if !state.detached {
            state.threads.push(thread);
        }
        state.seats.push(seat);
        state.reseated(core);
        state.publish(core);
        Ok(())
    }

    /// The worker of `core` that this thread is, if it is one.
    pub(crate) fn with_current<R>(core: &'static Core, f: impl FnOnce(&Worker) -> R) -> Option<R> {
        Self::with_any(|worker| std::ptr::eq(worker.core, core).then(|| f(worker))).flatten()
    }

    /// The worker that this thread is, of whatever pool.
    pub(crate) fn with_any<R>(f: impl FnOnce(&Worker) -> R) -> Option<R> {
        let current = CURRENT.get();
        // SAFETY: set by `main` while the worker is on this thread's stack, null otherwise.
        unsafe { current.as_ref() }.map(f)
    }

    fn main(self) {
        CURRENT.set(&raw const self);
        self.seat.thread.get_or_init(thread::current);
        self.base.set((&raw const self).addr());
        let abort = AbortOnUnwind; // others would wait for a worker that is gone
        self.core.sleep.awake(); // before user code, which may take long
        self.settings.on_start.call();
        ThisThread::flush();
        self.ends_user_code();
        let mut woken = true;
        loop {
            // ORDERING: Relaxed, a hint; `idle` looks under the lock.
            let surplus = self.core.surplus.load(Ordering::Relaxed);
            match if surplus { None } else { self.find() } {
                Some(item) => {
                    if std::mem::take(&mut woken) {
                        self.share();
                    }
                    self.run(item);
                }
                None if !surplus && self.spin() => woken = true,
                None if self.idle() => woken = true,
                None => break,
            }
        }
        CURRENT.set(std::ptr::null());
        self.stop();
        std::mem::forget(abort);
    }

    fn run(&self, item: Item) {
        // SAFETY: taken out of this pool's queue, once.
        if unsafe { item.run(&self.here) } {
            self.count();
        }
        self.ends_user_code();
    }

    /// What may have shut the pool down is through.
    fn ends_user_code(&self) {
        // ORDERING: Relaxed, written by this thread.
        if self.seat.shuts.load(Ordering::Relaxed) {
            self.shuts(false);
        }
    }

    /// One more job is finished.
    pub(super) fn count(&self) {
        // ORDERING: Relaxed, a statistic with one writer.
        let finished = self.seat.finished.load(Ordering::Relaxed);
        self.seat.finished.store(finished + 1, Ordering::Relaxed);
    }

    // ── Finding work ─────────────────────────────────────────────────────────────────────────

    fn find(&self) -> Option<Item> {
        if self.here.left.get() > 0 {
            if let Some(item) = self.pop_next() {
                self.here.left.set(self.here.left.get() - 1);
                return Some(item);
            }
        }
        self.here.refill();
        let found = self.batch.pop().or_else(|| self.seat.moving(|| self.grab()));
        match found {
            Some(Queued(word)) => Some(to_item(word)),
            None => self.pop_next().or_else(|| self.seat.moving(|| self.steal())),
        }
    }

    fn pop_next(&self) -> Option<Item> {
        self.next.pop().map(|Queued(word)| to_item(word))
    }

    fn grab(&self) -> Option<Queued> {
        let mut first = None;
        let (taken, more) = self.core.inbox.take(BATCH, |word| {
            if first.is_none() {
                first = Some(Queued(word));
            } else {
                self.batch.push(Queued(word));
            }
        });
        if taken > 1 || more {
            self.core.wake_if_needed();
        }
        first
    }

    fn steal(&self) -> Option<Item> {
        let others = self.others();
        let (own, count) = (Arc::as_ptr(&self.seat), others.1.len());
        let start =
            others.1.iter().position(|seat| std::ptr::eq(Arc::as_ptr(seat), own)).unwrap_or(0);
        for step in 1..=count {
            let seat = &others.1[(start + step) % count];
            if std::ptr::eq(Arc::as_ptr(seat), own) {
                continue;
            }
            if let Some(Queued(word)) = seat.give_to(&self.batch) {
                return Some(to_item(word));
            }
        }
        None
    }

    /// The seats of the pool, looked up again when they have changed.
    fn others(&self) -> std::cell::Ref<'_, (usize, Vec<Arc<Seat>>)> {
        // ORDERING: Acquire pairs with `reseated`.
        let version = self.core.version.load(Ordering::Acquire);
        if self.others.borrow().0 != version {
            let seats = self.core.lock().seats.clone();
            *self.others.borrow_mut() = (version, seats);
        }
        self.others.borrow()
    }

    /// Just woken, with something to do: wakes the next if there is more, wherever it is.
    fn share(&self) {
        let more = !self.core.inbox.is_empty() || self.others().1.iter().any(|s| s.has_work());
        if more {
            self.core.wake_if_needed();
        }
    }

    // ── What user code on this thread asks for ───────────────────────────────────────────────

    /// Queues an item from this thread.
    pub(super) fn push(&self, item: Item, lane: Lane) {
        let word = item.into_word();
        match lane {
            Lane::Next => self.next.push(Queued(word)),
            // In order: behind what is queued for all, if there is something.
            Lane::Back if self.core.inbox.is_empty() => self.batch.push(Queued(word)),
            // SAFETY: the caller of `Core::post` gives the item.
            Lane::Back => match unsafe { self.core.inbox.push(word) } {
                Pushed::First | Pushed::Behind => {}
                Pushed::Closed => self.batch.push(Queued(word)), // not closed while a worker runs
            },
        }
        self.core.wake_if_needed();
    }
}

/// What `std::thread` gives a thread if it is told nothing: asked here, since it does not tell.
fn default_stack() -> usize {
    let asked = std::env::var("RUST_MIN_STACK").ok().and_then(|size| size.parse().ok());
    asked.unwrap_or(DEFAULT_STACK)
}
