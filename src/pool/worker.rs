//! A worker: the loop of a pool's thread, and what it does while it waits for a promise.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_deque::{Steal, Stealer, Worker as Deque};

use super::core::Core;
use super::inbox::Pushed;
use super::roster::Roster;
use super::waits;
use crate::cell::{self, Awaited, CellRef, Here, Item, Kept, Lane, Turn, Upstream};
use crate::failure::Failure;
use crate::sync::MutexGuard;
use crate::sync::atomic::{AtomicUsize, Ordering, fence};
use crate::timeout::Timeout;

/// How many items a worker takes from the shared queue at a time: few enough that another can take a
/// share, many enough that the shared words are touched seldom.
const BATCH: usize = 32;
/// How many callbacks run in a row before the queue has its turn.
const IN_A_ROW: u32 = 64;
/// How often an idle worker yields before it sleeps; see `cell/park.rs`.
const YIELDS: u32 = 16;
/// How long a thread that is more than the pool should have sleeps before it ends.
const SPARE_IDLE: Duration = Duration::from_secs(1);
/// How many claimed jobs may lie in the queue before a worker looks for them.
const LEFT_BEHIND: usize = 64;

/// How deep jobs that are run inside of a `get` may nest on one stack.
const HELP_DEPTH: u32 = 128;

/// What `std::thread` gives a thread if nobody says otherwise.
const DEFAULT_STACK: usize = 2 * 1024 * 1024;

/// An item in a deque.
#[derive(Clone, Copy)]
struct Queued(*mut ());

// SAFETY: an item may be run by any thread of its executor; its cell is Send by construction.
unsafe impl Send for Queued {}

/// What others see of a worker.
pub(super) struct Seat {
    next: Stealer<Queued>,
    batch: Stealer<Queued>,
    /// How many jobs it has finished. Written by the worker only.
    pub(super) finished: AtomicUsize,
    /// Odd while items are on their way from one queue to another. Written by the worker only.
    moves: AtomicUsize,
}

impl Seat {
    /// Has `f` move items from one queue to another.
    fn moving<R>(&self, f: impl FnOnce() -> R) -> R {
        // ORDERING: Relaxed, one writer; the fences order it around the move; they pair with the
        // ones in `moves`.
        let moves = self.moves.load(Ordering::Relaxed);
        self.moves.store(moves + 1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let result = f();
        fence(Ordering::SeqCst);
        self.moves.store(moves + 2, Ordering::Relaxed);
        result
    }

    /// A number that is odd while items are on their way, and another one after each move. If it is
    /// even, and the same before and after a look at the queues, that look has missed nothing.
    pub(super) fn moves(&self) -> usize {
        fence(Ordering::SeqCst);
        let moves = self.moves.load(Ordering::Relaxed);
        fence(Ordering::SeqCst);
        moves
    }

    pub(super) fn has_work(&self) -> bool {
        !self.next.is_empty() || !self.batch.is_empty()
    }

    /// Takes everything out.
    pub(super) fn drain(&self, items: &mut Vec<*mut ()>) {
        for deque in [&self.next, &self.batch] {
            while let Some(Queued(word)) = stolen(|| deque.steal()) {
                items.push(word);
            }
        }
    }
}

/// A thread of a pool.
pub(crate) struct Worker {
    core: &'static Core,
    seat: Arc<Seat>,
    /// Callbacks that became ready here: ahead of the queue.
    next: Deque<Queued>,
    /// A batch from the queue.
    batch: Deque<Queued>,
    here: Here,
    others: RefCell<(usize, Vec<Arc<Seat>>)>,
    left_behind: Cell<usize>,
    /// How many of them are worth a look.
    sweep_at: Cell<usize>,
    depth: Cell<u32>,
    /// Where the stack begins, roughly.
    base: Cell<usize>,
}

thread_local! {
    /// The worker that this thread is.
    static CURRENT: Cell<*const Worker> = const { Cell::new(std::ptr::null()) };
}

impl Worker {
    /// Starts a thread, which counts as busy at once. The caller has set the waking flag.
    pub(super) fn start(core: &'static Core, roster: &mut Roster) -> io::Result<()> {
        roster.reap();
        let (next, batch) = (Deque::new_fifo(), Deque::new_fifo());
        let seat = Arc::new(Seat {
            next: next.stealer(),
            batch: batch.stealer(),
            finished: AtomicUsize::new(0),
            moves: AtomicUsize::new(0),
        });
        let mut builder =
            thread::Builder::new().name(format!("{}-{}", core.settings.name, roster.started));
        if let Some(size) = core.settings.stack_size {
            builder = builder.stack_size(size);
        }
        let mine = Arc::clone(&seat);
        let thread = builder.spawn(move || {
            let here = Here { executor: core.address(), left: Cell::new(IN_A_ROW) };
            let others = RefCell::new((usize::MAX, Vec::new()));
            let (left_behind, depth, base) = (Cell::new(0), Cell::new(0), Cell::new(0));
            let sweep_at = Cell::new(LEFT_BEHIND);
            Worker {
                core,
                seat: mine,
                next,
                batch,
                here,
                others,
                left_behind,
                sweep_at,
                depth,
                base,
            }
            .main();
        })?;
        roster.started += 1;
        roster.live += 1;
        if !roster.detached {
            roster.threads.push(thread);
        }
        roster.seats.push(seat);
        roster.reseated(core);
        roster.publish(core);
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
        self.base.set((&raw const self).addr());
        self.core.sleep.awake();
        let mut woken = true;
        loop {
            // ORDERING: Relaxed, a hint; `rest` looks under the lock.
            let surplus = self.core.surplus.load(Ordering::Relaxed);
            match if surplus { None } else { self.find() } {
                Some(item) => {
                    if std::mem::take(&mut woken) {
                        self.share();
                    }
                    self.run(item);
                }
                None if !surplus && self.yielding() => {}
                None if self.rest() => woken = true,
                None => break,
            }
        }
        CURRENT.set(std::ptr::null());
    }

    fn run(&self, item: Item) {
        // SAFETY: taken out of this pool's queue, once.
        if unsafe { cell::run(item, &self.here) } {
            self.count();
        }
    }

    /// One more job is finished.
    fn count(&self) {
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
        self.here.left.set(IN_A_ROW);
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
            let batch = || seat.batch.steal_batch_and_pop(&self.batch);
            if let Some(Queued(word)) = stolen(batch).or_else(|| stolen(|| seat.next.steal())) {
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

    // ── Sleeping ─────────────────────────────────────────────────────────────────────────────

    /// Gives others the core for a moment. `true`: there is something to do now.
    fn yielding(&self) -> bool {
        for _ in 0..YIELDS {
            thread::yield_now();
            if !self.core.inbox.is_empty() || !self.next.is_empty() {
                return true;
            }
        }
        false
    }

    /// Sleeps until there is work. `false`: the thread is to end, and is off the roster.
    fn rest(&self) -> bool {
        self.put_back();
        let mut roster = self.core.lock();
        roster.idle += 1;
        roster.publish(self.core);
        self.core.rested.notify_all();
        if roster.usable() > 0 && self.core.has_work(&roster) {
            roster.idle -= 1;
            roster.publish(self.core);
            return true;
        }
        let stays = self.sleep(roster);
        if stays {
            self.core.sleep.awake();
        }
        stays
    }

    fn sleep(&self, mut roster: MutexGuard<'_, Roster>) -> bool {
        let mut waited = false;
        loop {
            if roster.wakes > 0 {
                roster.wakes -= 1; // who gave it has taken one off `idle`
                return true;
            }
            if roster.closing && !roster.closed && roster.idle == roster.live {
                self.close(&mut roster);
            }
            let spare = roster.live > roster.target;
            if roster.closed || (spare && (waited || roster.retire > 0)) {
                self.leave(&mut roster);
                return false;
            }
            (roster, waited) = self.wait(roster, spare);
        }
    }

    /// Waits for the bell; `true`: in vain, for as long as a spare thread is kept.
    fn wait<'a>(
        &self,
        roster: MutexGuard<'a, Roster>,
        spare: bool,
    ) -> (MutexGuard<'a, Roster>, bool) {
        if !spare {
            return (self.core.bell.wait(roster).unwrap_or_else(|p| p.into_inner()), false);
        }
        let waited = self.core.bell.wait_timeout(roster, SPARE_IDLE);
        let (roster, timeout) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        (roster, timeout.timed_out())
    }

    /// All workers are idle while the pool is closing: it is closed, unless something has come.
    fn close(&self, roster: &mut Roster) {
        if !self.core.has_work(roster) && self.core.inbox.close_if_empty() {
            roster.closed = true;
            roster.publish(self.core);
            self.core.bell.notify_all();
        }
    }

    fn leave(&self, roster: &mut Roster) {
        roster.retire = roster.retire.saturating_sub(1);
        roster.idle -= 1;
        roster.live -= 1;
        // ORDERING: Relaxed, our own count.
        roster.finished += self.seat.finished.load(Ordering::Relaxed);
        roster.seats.retain(|seat| !Arc::ptr_eq(seat, &self.seat));
        roster.reseated(self.core);
        roster.publish(self.core);
        self.core.rested.notify_all();
    }

    /// Before it rests: what it has taken goes back to the front of the queue.
    fn put_back(&self) {
        self.seat.moving(|| self.put_back_now());
    }

    fn put_back_now(&self) {
        let mut items = Vec::new();
        while let Some(Queued(word)) = self.next.pop().or_else(|| self.batch.pop()) {
            items.push(word);
        }
        if !items.is_empty() {
            self.core.inbox.put_back(&items);
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

    /// Whether half of the stack is used up, or the jobs on it are many.
    fn is_deep(&self) -> bool {
        if self.depth.get() >= HELP_DEPTH {
            return true;
        }
        let here = 0_u8;
        let size = self.core.settings.stack_size.unwrap_or(DEFAULT_STACK);
        let used = self.base.get().abs_diff((&raw const here).addr());
        // More than there is: then this is not its stack (a sanitizer may put frames elsewhere).
        used > size / 2 && used <= size
    }

    /// On a worker: the same for what `upstream` shows. `false`: nothing was done.
    pub(super) fn help_upstream(upstream: Arc<dyn Upstream>) -> bool {
        Self::with_any(|worker| {
            let claim = |executor| cell::claim_upstream(upstream, executor);
            // A scope cannot give up: where nobody could stand in, it goes on however deep it is.
            let deep = worker.is_deep() && !worker.core.is_exhausted();
            !deep && worker.help_with(claim) == Helped::Done
        })
        .unwrap_or(false)
    }

    fn help_with(&self, claim: impl FnOnce(*mut ()) -> Option<CellRef>) -> Helped {
        let Some(root) = claim(self.core.address()) else { return Helped::Nothing };
        let here = Here { executor: self.core.address(), left: Cell::new(IN_A_ROW) };
        self.depth.set(self.depth.get() + 1);
        // SAFETY: who has claimed the job runs it.
        cell::afresh(|| unsafe { cell::start(root, Turn::Granted, Some(&here)) });
        self.depth.set(self.depth.get() - 1);
        self.count();
        self.left_behind.set(self.left_behind.get() + 1);
        self.sweep();
        Helped::Done
    }

    /// Runs a callback or a chained job that is queued here, if the chain waits for it.
    fn help_on_the_way(&self, chain: Kept<'_>) -> Helped {
        if self.next.is_empty() && self.batch.is_empty() {
            return Helped::Nothing;
        }
        let roots = cell::roots(chain);
        let Some(item) = self.seat.moving(|| self.take_one(&roots)) else { return Helped::Nothing };
        let here = Here { executor: self.core.address(), left: Cell::new(IN_A_ROW) };
        self.depth.set(self.depth.get() + 1);
        // SAFETY: taken out of this pool's queue, once.
        cell::afresh(|| unsafe { cell::run(item, &here) });
        self.depth.set(self.depth.get() - 1);
        Helped::Done
    }

    /// Takes the first link out of this worker's deques that belongs to one of the chains of `roots`.
    fn take_one(&self, roots: &[CellRef]) -> Option<Item> {
        let mut found = None;
        for deque in [&self.next, &self.batch] {
            for _ in 0..deque.len() {
                let Some(Queued(word)) = deque.pop() else { break };
                let item = to_item(word);
                if found.is_none() && cell::is_link_of(item, roots) {
                    found = Some(item);
                } else {
                    deque.push(Queued(word));
                }
            }
        }
        found
    }

    /// Frees the claimed jobs that lie in the batch, now and then: a job that spawns and waits in a
    /// loop would else pile them up.
    fn sweep(&self) {
        if self.left_behind.get() < self.sweep_at.get() {
            return;
        }
        self.left_behind.set(0);
        let left = self.seat.moving(|| self.sweep_now());
        self.sweep_at.set(LEFT_BEHIND.max(left));
        if left > 0 {
            self.core.wake_if_needed(); // somebody may have looked meanwhile, and gone to sleep
        }
    }

    /// Says how many items are left.
    fn sweep_now(&self) -> usize {
        let (mut words, mut left) = (Vec::new(), Vec::new());
        while let Some(Queued(word)) = self.batch.pop() {
            words.push(word);
        }
        while self.core.inbox.take(usize::MAX, |word| words.push(word)).0 > 0 {}
        for word in words {
            let item = to_item(word);
            if matches!(item, Item::Start(_)) && !cell::is_waiting(item) {
                // SAFETY: taken out of the queue; it only lets go of the job.
                unsafe { cell::run(item, &self.here) };
            } else {
                left.push(word);
            }
        }
        if !left.is_empty() {
            self.core.inbox.put_back(&left);
        }
        left.len()
    }

    /// Whether this thread is a worker, of whatever pool.
    pub(crate) fn is_current() -> bool {
        !CURRENT.get().is_null()
    }

    /// Waits. A worker runs the jobs that are waited for, as far as nobody has started them (only
    /// without a limit of time); else another thread takes its place meanwhile.
    pub(crate) fn wait_for(awaited: &mut impl Awaited, timeout: Timeout) -> Waited {
        cell::flush();
        if awaited.is_settled() {
            return Waited::Settled;
        }
        if timeout.is_poll() {
            return Waited::TimedOut;
        }
        if !Self::is_current() {
            return Waited::from(awaited.wait(timeout));
        }
        let timed = !timeout.is_never();
        let too_deep = !timed && Self::help_all(awaited);
        if awaited.is_settled() {
            return Waited::Settled;
        }
        // SAFETY: `wait` is the only call with `&mut` before the place is dropped.
        let Ok(place) = (unsafe { waits::wait_for(awaited.chains(), timed) }) else {
            return Waited::WouldDeadlock;
        };
        if too_deep && Self::with_any(|worker| worker.core.is_exhausted()).unwrap_or(false) {
            return Waited::WouldDeadlock;
        }
        let settled = Self::blocked(|| awaited.wait(timeout));
        drop(place);
        Waited::from(settled)
    }

    /// Runs the jobs that are waited for. Whether some were left because the stack is deep.
    fn help_all(awaited: &impl Awaited) -> bool {
        loop {
            cell::flush();
            if awaited.is_settled() {
                return false;
            }
            match awaited.chains().into_iter().map(Self::help).max() {
                Some(Helped::Done) => {}
                Some(Helped::TooDeep) => return true,
                Some(Helped::Nothing) | None => return false,
            }
        }
    }

    /// On a worker: runs the job that `chain` waits for, if it is still in this pool's queue, and
    /// what follows from it.
    fn help(chain: Kept<'_>) -> Helped {
        Self::with_any(|worker| {
            if worker.is_deep() {
                return Helped::TooDeep; // another thread goes on with a stack of its own
            }
            match worker.help_with(|executor| cell::claim(chain, executor)) {
                Helped::Nothing => worker.help_on_the_way(chain),
                helped => helped,
            }
        })
        .unwrap_or(Helped::Nothing)
    }

    /// Counts this thread, if it is a worker, as blocked while `f` waits: another takes its place
    /// where there is work.
    pub(crate) fn blocked<R>(f: impl FnOnce() -> R) -> R {
        cell::flush();
        let guard = Self::with_any(|worker| {
            worker.put_back(); // in order: it is older than what is queued
            Blocked::new(worker.core)
        });
        let result = f();
        drop(guard);
        result
    }
}

/// What came of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What was waited for has settled.
    Settled,
    /// The time was over before.
    TimedOut,
    /// It could never have ended.
    WouldDeadlock,
}

impl Waited {
    /// The failure of a `get` that has nothing.
    pub(crate) fn failure<E>(self) -> Failure<E> {
        match self {
            Waited::WouldDeadlock => Failure::WouldDeadlock,
            Waited::TimedOut | Waited::Settled => Failure::TimedOut,
        }
    }
}

impl From<bool> for Waited {
    fn from(settled: bool) -> Self {
        if settled { Waited::Settled } else { Waited::TimedOut }
    }
}

/// What came of a look for work that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Helped {
    /// There was none in this pool's queue.
    Nothing,
    /// There may be, but the stack is deep.
    TooDeep,
    /// Some was done.
    Done,
}

/// A worker that waits.
struct Blocked(&'static Core);

impl Blocked {
    fn new(core: &'static Core) -> Self {
        let has_work = {
            let mut roster = core.lock();
            roster.blocked += 1;
            roster.publish(core);
            core.has_work(&roster)
        };
        if has_work {
            core.wake_if_needed();
        }
        Blocked(core)
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let mut roster = self.0.lock();
        roster.blocked -= 1;
        roster.publish(self.0);
    }
}

/// Steals until it is clear whether there is something.
fn stolen(steal: impl Fn() -> Steal<Queued>) -> Option<Queued> {
    loop {
        match steal() {
            Steal::Success(queued) => return Some(queued),
            Steal::Retry => {}
            Steal::Empty => return None,
        }
    }
}

fn to_item(word: *mut ()) -> Item {
    // SAFETY: only words of items are put into the deques.
    unsafe { Item::from_word(word) }
}
