//! What each thread is doing, for the watchdog and for findings.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use crate::finding::finding;
use crate::sync::{self, Arc, Lock};

/// What a thread is in: the innermost is the last.
#[derive(Default)]
struct Doing {
    within: Vec<&'static str>,
    since: Option<Instant>,
}

struct Slot {
    thread: String,
    doing: Lock<Doing>,
}

/// A thread's own slot; it leaves the list with its thread.
struct Own(Arc<Slot>);

static SLOTS: Lock<Vec<Arc<Slot>>> = Lock::new(Vec::new());

thread_local!(static OWN: OnceCell<Own> = const { OnceCell::new() });

impl Own {
    fn new() -> Self {
        let thread = sync::current();
        let thread = format!("{} {:?}", thread.name().unwrap_or("unnamed"), thread.id());
        let slot = Arc::new(Slot { thread, doing: Lock::default() });
        SLOTS.lock().push(Arc::clone(&slot));
        Own(slot)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        SLOTS.lock().retain(|slot| !Arc::ptr_eq(slot, &self.0));
    }
}

/// This thread's slot; nothing once the thread is ending.
fn slot() -> Option<Arc<Slot>> {
    OWN.try_with(|own| own.get_or_init(Own::new).0.clone()).ok()
}

/// How deep in operations and callbacks this thread is; as deep as can be when it is ending.
pub(crate) fn depth() -> usize {
    slot().map_or(usize::MAX, |slot| slot.doing.lock().within.len())
}

/// What this thread is in.
pub(crate) fn what_this_does() -> String {
    slot().map(|slot| slot.doing.lock().within.join(" > ")).unwrap_or_default()
}

/// The innermost of it.
pub(crate) fn innermost() -> &'static str {
    slot().and_then(|slot| slot.doing.lock().within.last().copied()).unwrap_or_default()
}

/// Does it under a name.
pub(crate) fn within<R>(name: &'static str, f: impl FnOnce() -> R) -> R {
    let _guard = slot().map(|slot| Within::new(slot, name));
    f()
}

struct Within(Arc<Slot>);

impl Within {
    fn new(slot: Arc<Slot>, name: &'static str) -> Self {
        let mut doing = slot.doing.lock();
        if doing.within.is_empty() {
            doing.since = Some(Instant::now());
        }
        doing.within.push(name);
        drop(doing);
        Within(slot)
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        self.0.doing.lock().within.pop();
    }
}

/// A line for each thread that is doing something.
pub(crate) fn what_all_do() -> Vec<String> {
    let line = |slot: &Arc<Slot>| {
        // Not `lock`: a thread may have ended the process while it held its own.
        let doing = slot.doing.try_lock()?;
        let for_so_long = doing.since?.elapsed();
        (!doing.within.is_empty())
            .then(|| format!("{}: {:?} in {}", slot.thread, for_so_long, doing.within.join(" > ")))
    };
    SLOTS.try_lock().map(|slots| slots.iter().filter_map(line).collect()).unwrap_or_default()
}

fn longest() -> Option<Duration> {
    let slots = SLOTS.lock();
    let ages = slots.iter().filter_map(|slot| {
        let doing = slot.doing.lock();
        doing.since.filter(|_| !doing.within.is_empty()).map(|since| since.elapsed())
    });
    ages.max()
}

/// Ends the process when an operation takes longer than that.
pub(crate) fn start_watchdog(limit: Duration) {
    let watch = move || {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            if longest().is_some_and(|longest| longest > limit) {
                finding(&format!("hang: something has not come to its end in {limit:?}"));
            }
        }
    };
    sync::start("watchdog", watch);
}
