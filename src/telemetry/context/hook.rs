//! What others have current on a thread, and want to go along: a span of `tracing` is one case.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::spans::BUILT_IN;
use crate::failure::contain;
use crate::sync;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, RwLock, thread_local};

/// Takes along with jobs and callbacks what another library has current on a thread: see [`add_context_hook`].
pub trait ContextHook: Send + Sync + 'static {
    /// What is current on this thread. `None`: nothing that has to go along.
    ///
    /// Called where a job, a callback or a future is attached, each time. What it attaches itself takes nothing along by hooks.
    fn capture(&self) -> Option<Box<dyn CapturedContext>>;
}

/// What a [`ContextHook`] has taken along.
pub trait CapturedContext: Send + Sync + 'static {
    /// Makes it current, calls `work`, once, and takes it back.
    ///
    /// Called around the job or the callback, on the thread that runs it; for a future around each poll. `work` does not
    /// unwind.
    fn within(&self, work: &mut dyn FnMut());
}

impl<F: Fn() -> Option<Box<dyn CapturedContext>> + Send + Sync + 'static> ContextHook for F {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        self()
    }
}

sync::global! {
    static HOOKS: RwLock<Vec<Arc<dyn ContextHook>>> = RwLock::new(Vec::new());
}

/// How many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Has this hook, too, take along what is current where work is attached, in the whole process and for ever.
///
/// For what other libraries keep in thread-locals: a context of OpenTelemetry, the fields of a logger. Values of one's own are easier
/// carried by a [`ContextKey`](crate::ContextKey); with the feature `tracing` its spans go along without this. Several hooks
/// nest, the first one outermost. A panic in a hook is contained: the job runs, without what the hook would have made current. A
/// `within` that does not call its work has it called behind itself; a second call does nothing.
///
/// ```
/// use asynckit::{CapturedContext, Pool, add_context_hook};
/// use std::cell::Cell;
///
/// thread_local!(static INDENT: Cell<usize> = const { Cell::new(0) }); // of a logger, say
///
/// struct Indented(usize);
///
/// impl CapturedContext for Indented {
///     fn within(&self, work: &mut dyn FnMut()) {
///         let before = INDENT.replace(self.0);
///         work();
///         INDENT.set(before);
///     }
/// }
///
/// add_context_hook(|| {
///     let indent = INDENT.get();
///     (indent > 0).then(|| Box::new(Indented(indent)) as Box<dyn CapturedContext>)
/// });
/// INDENT.set(4);
/// assert_eq!(Pool::new(1).run(|| INDENT.get()).get(None)?, 4);
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub fn add_context_hook(hook: impl ContextHook) {
    let hook = Arc::new(hook);
    let mut hooks = HOOKS.write();
    hooks.push(hook);
    // ORDERING: Relaxed, the lock orders what it counts; work that is attached meanwhile may miss it.
    COUNT.store(hooks.len(), Ordering::Relaxed);
}

thread_local! {
    /// A hook is called: what it attaches would call it again.
    static ASKS: Cell<bool> = const { Cell::new(false) };
}

/// What the hooks find here.
#[inline]
pub(super) fn capture() -> Vec<Box<dyn CapturedContext>> {
    // ORDERING: Relaxed, as in `add_context_hook`.
    if BUILT_IN.is_empty() && COUNT.load(Ordering::Relaxed) == 0 {
        return Vec::new();
    }
    ask()
}

fn ask() -> Vec<Box<dyn CapturedContext>> {
    let mut captured = Vec::new();
    if ASKS.try_with(|asks| asks.replace(true)).unwrap_or(true) {
        return captured;
    }
    let added = HOOKS.read().clone(); // no hook is called under the lock
    for hook in BUILT_IN.iter().copied().chain(added.iter().map(|hook| &**hook)) {
        captured.extend(contain(|| hook.capture()).flatten());
    }
    let _ = ASKS.try_with(|asks| asks.set(false));
    captured
}

/// Runs `f` with all this current.
#[inline]
pub(super) fn within<R>(captured: &[Box<dyn CapturedContext>], f: impl FnOnce() -> R) -> R {
    if captured.is_empty() {
        return f();
    }
    let (mut f, mut result) = (Some(f), None);
    nest(captured, &mut || {
        if let Some(f) = f.take() {
            result = Some(catch_unwind(AssertUnwindSafe(f)));
        }
    });
    match result.expect("the innermost one is called") {
        Ok(result) => result,
        Err(payload) => resume_unwind(payload),
    }
}

/// Calls `work`, which does not unwind, inside of all of them: once, whatever they do.
fn nest(captured: &[Box<dyn CapturedContext>], work: &mut dyn FnMut()) {
    let Some((first, others)) = captured.split_first() else { return work() };
    let mut done = false;
    contain(|| {
        first.within(&mut || {
            if !mem::replace(&mut done, true) {
                nest(others, work);
            }
        });
    });
    if !done {
        nest(others, work);
    }
}
