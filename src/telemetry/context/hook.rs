//! What others have current on a thread, and want to go along: a span of `tracing` is one case.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::{iter, mem, slice};

use super::spans::BUILT_IN;
use crate::failure::contain;
use crate::sync;
use crate::sync::{OnceLock, thread_local};

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

/// A hook that was added, and the next one: they stay, so that who asks them takes no lock.
struct Added {
    hook: Box<dyn ContextHook>,
    next: OnceLock<Box<Added>>,
}

sync::global! {
    static FIRST: OnceLock<Box<Added>> = OnceLock::new();
}

/// What the hooks have found: mostly nothing, or one thing.
pub(super) enum Captured {
    Nothing,
    One(Box<dyn CapturedContext>),
    More(Vec<Box<dyn CapturedContext>>),
}

impl Captured {
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Captured::Nothing)
    }

    fn and(self, found: Box<dyn CapturedContext>) -> Self {
        match self {
            Captured::Nothing => Captured::One(found),
            Captured::One(first) => Captured::More(vec![first, found]),
            Captured::More(mut all) => {
                all.push(found);
                Captured::More(all)
            }
        }
    }

    fn all(&self) -> &[Box<dyn CapturedContext>] {
        match self {
            Captured::Nothing => &[],
            Captured::One(one) => slice::from_ref(one),
            Captured::More(all) => all,
        }
    }
}

/// Has this hook, too, take along what is current where work is attached, in the whole process and for ever.
///
/// For what other libraries keep in thread-locals: a context of OpenTelemetry, the fields of a logger. Values of one's own are easier
/// carried by a [`ContextKey`](crate::ContextKey); with the feature `tracing` its spans go along without this. Several hooks
/// nest, the first one outermost. Where one finds something, attaching costs what it makes and one allocation more; else none. A panic in a hook is contained: the job runs, without what the hook would have made current. A
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
    let mut added = Box::new(Added { hook: Box::new(hook), next: OnceLock::new() });
    let mut place = &FIRST;
    while let Err(not) = place.set(added) {
        added = not;
        match place.get() {
            Some(other) => place = &other.next,
            None => return, // not reachable: it was taken
        }
    }
}

thread_local! {
    /// A hook is called: what it attaches would call it again.
    static ASKS: Cell<bool> = const { Cell::new(false) };
}

/// What the hooks find here.
#[inline]
pub(super) fn capture() -> Captured {
    match FIRST.get() {
        None if BUILT_IN.is_empty() => Captured::Nothing,
        first => ask(first.map(|first| &**first)),
    }
}

fn ask(first: Option<&Added>) -> Captured {
    let mut captured = Captured::Nothing;
    if ASKS.try_with(|asks| asks.replace(true)).unwrap_or(true) {
        return captured;
    }
    let added = iter::successors(first, |added| added.next.get().map(|next| &**next));
    for hook in BUILT_IN.iter().copied().chain(added.map(|added| &*added.hook)) {
        if let Some(found) = contain(|| hook.capture()).flatten() {
            captured = captured.and(found);
        }
    }
    let _ = ASKS.try_with(|asks| asks.set(false));
    captured
}

/// Runs `f` with all this current.
#[inline]
pub(super) fn within<R>(captured: &Captured, f: impl FnOnce() -> R) -> R {
    if captured.is_nothing() {
        return f();
    }
    let (mut f, mut result) = (Some(f), None);
    nest(captured.all(), &mut || {
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
