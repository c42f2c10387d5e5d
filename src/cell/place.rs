//! One word that says where a promise was made and, once it has failed, the way the failure came.

use std::panic::Location;
use std::ptr::NonNull;

use crate::sync::atomic::{AtomicPtr, Ordering};
use crate::trace::Trace;

/// The lowest bit tells a boxed trace from a location.
const BOXED: usize = 1;
/// The next bit: somebody was shown the failure, so it is not reported when it is dropped.
const SEEN: usize = 2;
const TAGS: usize = BOXED | SEEN;

/// A `&'static Location`, or a `Box<Trace>` that ends with it.
///
/// Only the owner of a settled cell touches the trace; until then the word is read-only.
pub(crate) struct Place(AtomicPtr<()>);

impl Place {
    pub(super) fn new(location: &'static Location<'static>) -> Self {
        Place(AtomicPtr::new(std::ptr::from_ref(location).cast_mut().cast()))
    }

    fn boxed(&self) -> Option<NonNull<Trace>> {
        // ORDERING: Relaxed, whoever asks owns the cell.
        let now = self.0.load(Ordering::Relaxed);
        let is_boxed = now.addr() & BOXED != 0;
        let pointer = now.map_addr(|address| address & !TAGS);
        if is_boxed { NonNull::new(pointer.cast()) } else { None }
    }

    /// Where the promise was made, as long as no trace has taken the place. From any thread that
    /// keeps the cell.
    pub(super) fn location(&self) -> Option<&'static Location<'static>> {
        // ORDERING: Relaxed, a location is static, and a trace is not looked into.
        let now = self.0.load(Ordering::Relaxed);
        if now.addr() & BOXED != 0 {
            return None;
        }
        let untagged = now.map_addr(|address| address & !TAGS);
        let pointer: *const Location<'static> = untagged.cast_const().cast();
        // SAFETY: not boxed, so it is the `&'static` that `new` stored, or null after `take`.
        unsafe { pointer.as_ref() }
    }

    /// The way of a failure that began here, in a cell of the kind `kind`. From any thread that keeps
    /// the cell: for one without an outcome, whose producer may be at work still.
    pub(crate) fn made(&self, kind: &'static str) -> Trace {
        let mut trace = Trace::new();
        if let Some(location) = self.location() {
            trace.push(kind, location);
        }
        trace
    }

    /// The way that a failure came to this cell, which is of the kind `kind`.
    ///
    /// # Safety
    /// The caller owns the settled cell, or shares it with others that only read.
    pub(crate) unsafe fn trace(&self, kind: &'static str) -> Trace {
        let mut trace = match self.boxed() {
            // SAFETY: `put` made the box; nobody writes by the caller's promise.
            Some(boxed) => unsafe { boxed.as_ref() }.clone(),
            None => self.made(kind),
        };
        trace.set_seen(self.is_seen());
        trace
    }

    /// Takes the way out of a cell of the kind `kind`.
    ///
    /// # Safety
    /// The caller owns the settled cell.
    pub(crate) unsafe fn take(&self, kind: &'static str) -> Box<Trace> {
        let boxed = self.boxed();
        let mut trace = match boxed {
            // SAFETY: `put` made the box; the word forgets it below.
            Some(boxed) => unsafe { Box::from_raw(boxed.as_ptr()) },
            // SAFETY: the caller's promise.
            None => Box::new(unsafe { self.trace(kind) }),
        };
        trace.set_seen(self.is_seen());
        let seen = if self.is_seen() { SEEN } else { 0 };
        // ORDERING: Relaxed, the caller owns the cell.
        self.0.store(std::ptr::without_provenance_mut(seen), Ordering::Relaxed);
        trace
    }

    /// A failure has come to this cell, of the kind `kind`, by the way `trace`. Without a kind the
    /// cell is no step of the way.
    ///
    /// # Safety
    /// The caller produces the cell, or owns it.
    pub(crate) unsafe fn put(&self, mut trace: Box<Trace>, kind: Option<&'static str>) {
        if let (Some(kind), Some(location)) = (kind, self.location()) {
            trace.push(kind, location);
        }
        self.store(trace);
    }

    /// The same from an item of a list.
    ///
    /// # Safety
    /// As for [`put`](Self::put).
    pub(crate) unsafe fn put_item(&self, mut trace: Box<Trace>, kind: &'static str, index: usize) {
        if let Some(location) = self.location() {
            trace.push_item(kind, location, index);
        }
        self.store(trace);
    }

    /// The way `trace` is that of this cell, which adds no step to it.
    ///
    /// # Safety
    /// As for [`put`](Self::put), and the cell has no trace.
    pub(crate) unsafe fn replace(&self, trace: Box<Trace>) {
        self.store(trace);
    }

    fn store(&self, trace: Box<Trace>) {
        let tags = if self.is_seen() || trace.is_seen() { BOXED | SEEN } else { BOXED };
        let pointer = Box::into_raw(trace).cast::<()>();
        // ORDERING: Relaxed, the caller owns the cell, or publishes it by settling.
        self.0.store(pointer.map_addr(|address| address | tags), Ordering::Relaxed);
    }

    /// Somebody was shown the failure. For whoever produces the cell, or owns it.
    pub(super) fn set_seen(&self) {
        // ORDERING: Relaxed, as in `store`.
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(now.map_addr(|address| address | SEEN), Ordering::Relaxed);
    }

    /// Whether somebody was shown the failure.
    pub(super) fn is_seen(&self) -> bool {
        // ORDERING: Relaxed, as in `store`.
        self.0.load(Ordering::Relaxed).addr() & SEEN != 0
    }

    /// The cell is about to be freed.
    ///
    /// # Safety
    /// The caller owns the cell.
    pub(super) unsafe fn clear(&self) {
        if let Some(boxed) = self.boxed() {
            // SAFETY: `put` made the box, and this is the last look at the word.
            drop(unsafe { Box::from_raw(boxed.as_ptr()) });
        }
    }
}
