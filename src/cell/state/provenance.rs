//! 32 bits that say where a promise was made and, once it has failed, the way the failure came.

use std::panic::Location;
use std::ptr::NonNull;

use super::compressed::{FLAG_1, FLAG_2, FLAG_BITS, compress, decompress};
use super::indexed::Indexed;
use crate::sync;
use crate::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::trace::Trace;

/// There is a trace: the upper bits are its index.
const TRACED: u32 = FLAG_1;
/// A reader was shown the failure, so it is not reported when it is dropped.
const SEEN: u32 = FLAG_2;

sync::global! {
    /// The traces of failures that have come to a cell: each is a `Box<Trace>`, and its cell's.
    static TRACES: Indexed = Indexed::new();
}

/// A compressed `&'static Location`, or the index of a trace that ends with it. Neither: 0.
///
/// Only the owner of a settled cell touches the trace; until then the word is read-only.
pub(crate) struct Provenance(AtomicU32);

impl Provenance {
    #[inline]
    pub(super) fn new(location: &'static Location<'static>) -> Self {
        Provenance(AtomicU32::new(compress(location)))
    }

    /// The index of the trace, and the place of its pointer.
    fn traced(&self) -> Option<(u32, &'static AtomicPtr<()>)> {
        // ORDERING: Relaxed, the caller owns the cell.
        let now = self.0.load(Ordering::Relaxed);
        if now & TRACED == 0 {
            return None;
        }
        let index = now >> FLAG_BITS;
        Some((index, TRACES.at(index)?))
    }

    fn boxed(&self) -> Option<NonNull<Trace>> {
        let (_, pointer) = self.traced()?;
        // ORDERING: Relaxed, the caller owns the cell, and with it the trace.
        NonNull::new(pointer.load(Ordering::Relaxed).cast())
    }

    /// Where the promise was made, as long as no trace has taken the place. From any thread that
    /// keeps the cell.
    pub(in crate::cell) fn location(&self) -> Option<&'static Location<'static>> {
        // ORDERING: Relaxed, a location is static, and a trace is not looked into.
        let now = self.0.load(Ordering::Relaxed);
        if now & TRACED != 0 || now & !SEEN == 0 {
            return None;
        }
        // SAFETY: neither a trace nor 0, so it is what `new` stored, and perhaps `SEEN`.
        Some(unsafe { decompress(now) })
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
            // SAFETY: `store` made the box; there is no writer by the caller's promise.
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
        // SAFETY: the caller's promise.
        let mut trace = unsafe { self.unbox() }.unwrap_or_else(|| Box::new(self.made(kind)));
        trace.set_seen(self.is_seen());
        self.empty();
        trace
    }

    /// A failure has come to this cell, of the kind `kind`, by the way `trace`. `add` puts the cell there as a step.
    ///
    /// # Safety
    /// The caller produces the cell, or owns it.
    pub(crate) unsafe fn put(
        &self,
        mut trace: Box<Trace>,
        kind: &'static str,
        add: impl FnOnce(&mut Trace, &'static str, &'static Location<'static>),
    ) {
        if let Some(location) = self.location() {
            add(&mut trace, kind, location);
        }
        self.store(trace);
    }

    /// The failure of `from`, of the kind `kind`, has come to this cell: so has the way that it came,
    /// and, where it is the `same` failure, that it was seen. Without a kind of its `own` the cell is no step of the way.
    ///
    /// # Safety
    /// The caller owns the settled cell of `from`, and produces that of `self`.
    pub(in crate::cell) unsafe fn take_over(
        &self,
        own: Option<&'static str>,
        from: &Provenance,
        kind: &'static str,
        same: bool,
    ) {
        let seen = same && from.is_seen();
        let Some((index, pointer)) = from.traced() else {
            let mut trace = Box::new(from.made(kind));
            trace.set_seen(seen);
            from.empty();
            self.add_to(&mut trace, own);
            return self.store(trace);
        };
        // The trace keeps its index: no table has to be locked for each link of a chain.
        // ORDERING: Relaxed, the trace is the caller's.
        if let Some(mut trace) = NonNull::new(pointer.load(Ordering::Relaxed).cast::<Trace>()) {
            // SAFETY: `store` made the box, and the caller owns it.
            let trace = unsafe { trace.as_mut() };
            trace.set_seen(seen);
            if !same {
                trace.set_shown_by(None);
            }
            self.add_to(trace, own);
        }
        from.empty();
        self.store_index(index, seen);
    }

    fn add_to(&self, trace: &mut Trace, kind: Option<&'static str>) {
        if let (Some(kind), Some(location)) = (kind, self.location()) {
            trace.push(kind, location);
        }
    }

    fn store(&self, trace: Box<Trace>) {
        let seen = trace.is_seen();
        let pointer = Box::into_raw(trace);
        match TRACES.add(pointer.cast()) {
            Some(index) => self.store_index(index, seen),
            // SAFETY: from `into_raw`, just above. The failure goes on without its way.
            None => drop(unsafe { Box::from_raw(pointer) }),
        }
    }

    fn store_index(&self, index: u32, seen: bool) {
        let seen = if seen || self.is_seen() { SEEN } else { 0 };
        // ORDERING: Relaxed, the caller owns the cell, or publishes it by settling.
        self.0.store(index << FLAG_BITS | TRACED | seen, Ordering::Relaxed);
    }

    /// Takes the trace out of the table; its index is void.
    ///
    /// # Safety
    /// The caller owns the cell, and lets it forget the index.
    unsafe fn unbox(&self) -> Option<Box<Trace>> {
        let (index, _) = self.traced()?;
        let boxed = self.boxed()?;
        TRACES.remove(index);
        // SAFETY: `store` made the box; the table has forgotten it.
        Some(unsafe { Box::from_raw(boxed.as_ptr()) })
    }

    /// Forgets location and trace.
    fn empty(&self) {
        // ORDERING: Relaxed, the caller owns the cell.
        let seen = self.0.load(Ordering::Relaxed) & SEEN;
        self.0.store(seen, Ordering::Relaxed);
    }

    /// A reader is shown the failure: clones of it elsewhere are not reported.
    ///
    /// # Safety
    /// The caller owns the settled cell, or produces it.
    pub(in crate::cell) unsafe fn show(&self) {
        if let Some(trace) = self.boxed() {
            // SAFETY: `store` made the box; there is no writer by the caller's promise.
            unsafe { trace.as_ref() }.show();
        }
    }

    /// A reader was shown the failure. For the producer of the cell, or its owner.
    pub(in crate::cell) fn set_seen(&self) {
        // ORDERING: Relaxed, as in `store_index`.
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(now | SEEN, Ordering::Relaxed);
    }

    /// Whether a reader was shown the failure.
    pub(super) fn is_seen(&self) -> bool {
        // ORDERING: Relaxed, as in `store_index`.
        self.0.load(Ordering::Relaxed) & SEEN != 0
    }

    /// The cell is about to be freed.
    ///
    /// # Safety
    /// The caller owns the cell.
    #[inline]
    pub(super) unsafe fn clear(&self) {
        // ORDERING: Relaxed, as in `traced`.
        if self.0.load(Ordering::Relaxed) & TRACED != 0 {
            // SAFETY: the caller's promise.
            unsafe { self.clear_trace() };
        }
    }

    /// # Safety
    /// As for [`clear`](Self::clear), and there is a trace.
    #[cold]
    #[inline(never)]
    unsafe fn clear_trace(&self) {
        // SAFETY: as in `clear`; this is the last look at the word.
        drop(unsafe { self.unbox() });
    }
}
