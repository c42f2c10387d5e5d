//! One schedule: where threads can be taken off, who sleeps, what time it is, and its statics.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use shuttle_engine::runtime::execution::ExecutionState;
use shuttle_engine::runtime::task::TaskId;
use shuttle_engine::runtime::thread::switch;

use super::threads::{Thread, thread};

/// What belongs to one schedule.
struct Execution {
    /// Those that have a handle.
    threads: HashMap<TaskId, Thread>,
    /// Who sleeps until when; the number tells sleepers of the same time apart.
    sleepers: BTreeMap<(Duration, u64), TaskId>,
    next: u64,
    /// The clock's thread, while nobody sleeps.
    clock: Option<TaskId>,
    globals: HashMap<usize, &'static (dyn Any + Send + Sync)>,
}

impl Execution {
    fn new() -> Self {
        let (threads, globals) = (HashMap::new(), HashMap::new());
        Execution { threads, sleepers: BTreeMap::new(), next: 0, clock: None, globals }
    }
}

std::thread_local! {
    // All threads of a schedule are coroutines on one thread of the system.
    static EXECUTION: RefCell<Execution> = RefCell::new(Execution::new());
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static CELLS: Cell<isize> = const { Cell::new(0) };
    static IDLE: Cell<bool> = const { Cell::new(false) };
}

fn with<R>(f: impl FnOnce(&mut Execution) -> R) -> R {
    EXECUTION.with_borrow_mut(f)
}

/// No program computes for so long: a time that is further away comes only when nobody has anything to do.
const FAR: Duration = Duration::from_secs(1);

/// Whether the program has ended: threads that nobody joins are unwound then.
pub(crate) fn is_torn_down() -> bool {
    ExecutionState::try_with(|state| state.in_cleanup()).unwrap_or(true)
}

/// One cell more, or less.
pub(crate) fn count_cell(more: isize) {
    CELLS.set(CELLS.get() + more);
}

/// How many cells there are that were made in this schedule.
pub fn cells() -> isize {
    CELLS.get()
}

/// For the scheduler, when it chooses the clock: whether nobody else could run.
pub fn idle(idle: bool) {
    IDLE.set(idle);
}

/// A schedule begins: nothing of the one before is left. Starts the clock, which is the first thread that
/// is started. It lets the time of the next sleeper come whenever the scheduler chooses it.
pub fn begin() {
    let before = EXECUTION.replace(Execution::new());
    drop(before);
    NOW.set(Duration::ZERO);
    CELLS.set(0);
    drop(thread::Builder::new().name("clock".to_owned()).spawn(tick));
}

fn tick() {
    loop {
        let next = with(|execution| {
            let next = execution.sleepers.first_key_value().map(|(key, _)| key.0);
            execution.clock = if next.is_none() { Some(me()) } else { None };
            next
        });
        match next {
            Some(at) if at > NOW.get() + FAR && !IDLE.get() => pause(),
            Some(_) => {
                if let Some(((at, _), sleeper)) = with(|execution| execution.sleepers.pop_first()) {
                    NOW.set(NOW.get().max(at));
                    unblock(sleeper);
                    pause();
                }
            }
            None => block(),
        }
    }
}

/// How much time has passed since the schedule began.
pub fn spent() -> Duration {
    NOW.get()
}

/// The time that it is.
pub fn now() -> Instant {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    *BEGIN.get_or_init(Instant::now) + NOW.get()
}

/// Sleeps until then, unless it is unblocked before.
pub(super) fn block_until(end: Option<Duration>) {
    let Some(end) = end else { return block() };
    if end <= NOW.get() {
        return;
    }
    let (key, clock) = with(|execution| {
        let key = (end, execution.next);
        execution.next += 1;
        execution.sleepers.insert(key, me());
        (key, execution.clock.take())
    });
    clock.into_iter().for_each(unblock);
    block();
    with(|execution| execution.sleepers.remove(&key));
}

/// The end of a wait of so long.
pub(super) fn end_of(limit: Duration) -> Duration {
    NOW.get().saturating_add(limit)
}

/// The handle of a thread.
pub(super) fn handle(id: TaskId, make: impl FnOnce() -> Thread) -> Thread {
    with(|execution| execution.threads.entry(id).or_insert_with(make).clone())
}

/// Whether this thread of the system is running one of a schedule's.
pub(super) fn inside() -> bool {
    shuttle_engine::current::try_get_current_task().is_some()
}

/// Which thread this is.
pub(super) fn me() -> TaskId {
    ExecutionState::me()
}

/// Takes this thread off until it is unblocked.
pub(super) fn block() {
    ExecutionState::with(|state| state.current_mut().block(false));
    switch();
}

/// Lets a thread go on.
pub(super) fn unblock(id: TaskId) {
    ExecutionState::with(|state| {
        if let Some(task) = state.try_get_mut(id).filter(|task| !task.finished()) {
            task.unblock();
        }
    });
}

/// A number of the scheduler's.
pub(super) fn random() -> u64 {
    ExecutionState::next_u64()
}

/// Here another thread may come.
pub fn point() {
    // What unwinds is not taken off: the others would take themselves for panicking.
    if !std::thread::panicking() && !ExecutionState::should_stop() {
        switch();
    }
}

/// As `point`, in a loop that waits for others.
pub(super) fn pause() {
    if inside() {
        ExecutionState::request_yield();
        switch();
    }
}

static WATCH: OnceLock<fn(usize)> = OnceLock::new();

/// Has this called with the address of each atomic and lock before it is accessed.
pub fn watch(f: fn(usize)) {
    let _ = WATCH.set(f);
}

/// Before an access to what is here.
pub(super) fn before<T: ?Sized>(place: &T) {
    point();
    look_at(place);
}

/// Tells the watch of an access.
pub(super) fn look_at<T: ?Sized>(place: &T) {
    if let Some(watch) = WATCH.get() {
        watch(std::ptr::from_ref(place).cast::<()>().addr());
    }
}

/// A static that each schedule makes for itself.
pub struct Global<T: 'static>(fn() -> T);

impl<T> Global<T> {
    #[doc(hidden)]
    pub const fn new(make: fn() -> T) -> Self {
        Global(make)
    }
}

impl<T: Send + Sync> Deref for Global<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let key = std::ptr::from_ref(self).addr();
        let known = with(|execution| execution.globals.get(&key).copied());
        let global = known.unwrap_or_else(|| {
            let made: &'static T = Box::leak(Box::new(self.0()));
            with(|execution| *execution.globals.entry(key).or_insert(made))
        });
        global.downcast_ref().expect("made by itself")
    }
}
