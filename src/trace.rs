//! `Trace`: the way a failure came, from where it began to where it was seen.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, StdArc, thread_local};

/// Of a very long way, so many steps at its origin are kept.
const FIRST: usize = 8;
/// Of a very long way, so many steps at its end are kept.
const LAST: usize = 56;

/// The way a failure came: the places in the source that it passed, from its origin on.
///
/// Of a very long way only the first 8 and the last 56 steps are kept. Displayed with one line a
/// step; an empty trace displays as nothing.
///
/// # Examples
///
/// ```
/// use asynckit::{AnyError, Pool, Promise};
///
/// let pool = Pool::new(1);
/// let failing: Promise<u32> = pool.spawn(|| Err(AnyError::msg("no network")));
/// let mut answer = failing.map(|n| n + 1);
///
/// if let Err(failure) = answer.get(None) {
///     // no network
///     // spawn at src/main.rs:4:34
///     // map at src/main.rs:5:26
///     println!("{failure}\n{}", answer.trace());
/// }
/// ```
#[derive(Clone, Default)]
pub struct Trace {
    first: Vec<TraceStep>,
    // A ring, once it has `LAST` steps. Most ways are short: then this has not allocated.
    last: VecDeque<TraceStep>,
    left_out: usize,
    /// Somebody was shown the failure on the way: it is not reported when it is dropped.
    seen: bool,
    /// The same, of a failure that others have clones of: one for all of them.
    shown: Option<Arc<AtomicBool>>,
}

/// One step of a [`Trace`]: what the failure passed, and where in the source that was written.
#[derive(Clone)]
pub struct TraceStep {
    kind: &'static str,
    location: &'static Location<'static>,
    item: Option<Item>,
}

/// Which one of many it was that failed.
#[derive(Clone)]
pub(crate) enum Item {
    Index(usize),
    Key(StdArc<str>),
    /// What had gone wrong there before.
    Note(StdArc<str>),
}

impl From<usize> for Item {
    fn from(index: usize) -> Item {
        Item::Index(index)
    }
}

impl From<&str> for Item {
    fn from(key: &str) -> Item {
        Item::Key(key.into())
    }
}

thread_local! {
    /// What is told to whoever ends something on this thread, if somebody listens.
    static NOTES: RefCell<Option<Vec<TraceStep>>> = const { RefCell::new(None) };
}

impl Trace {
    /// Begins a way, without allocating.
    pub(crate) fn new() -> Trace {
        Trace::default()
    }

    /// Says whether somebody was shown the failure.
    pub(crate) fn set_seen(&mut self, seen: bool) {
        self.seen = seen;
    }

    /// Whether somebody was shown the failure, or a clone of it.
    pub(crate) fn is_seen(&self) -> bool {
        // ORDERING: Relaxed, a report more or less where it is shown at the same time.
        self.seen || self.shown.as_ref().is_some_and(|shown| shown.load(Ordering::Relaxed))
    }

    /// From now on the failure is as good as seen when `shown` says so. `None`: it is another one.
    pub(crate) fn set_shown_by(&mut self, shown: Option<Arc<AtomicBool>>) {
        self.shown = shown;
    }

    /// Somebody is shown the failure: no clone of it is reported.
    pub(crate) fn show(&self) {
        // ORDERING: as in `is_seen`.
        self.shown.iter().for_each(|shown| shown.store(true, Ordering::Relaxed));
    }

    /// Adds the next step: `kind` is the name of the function that was called at `location`.
    pub(crate) fn push(&mut self, kind: &'static str, location: &'static Location<'static>) {
        self.push_step(TraceStep { kind, location, item: None });
    }

    /// Adds the next step, taken from the item at this index, or of this name, among many.
    pub(crate) fn push_item(
        &mut self,
        kind: &'static str,
        location: &'static Location<'static>,
        item: impl Into<Item>,
    ) {
        let item = Some(item.into());
        self.push_step(TraceStep { kind, location, item });
    }

    /// Adds the steps that others have left while `f` ended what this failure ends: what had gone wrong
    /// there before.
    pub(crate) fn listen<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let outer = NOTES.try_with(|notes| notes.replace(Some(Vec::new())));
        let result = f();
        let notes = outer.ok().and_then(|outer| NOTES.try_with(|notes| notes.replace(outer)).ok());
        notes.flatten().into_iter().flatten().for_each(|step| self.push_step(step));
        result
    }

    fn push_step(&mut self, step: TraceStep) {
        if self.first.len() < FIRST {
            self.first.push(step);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(step);
    }

    /// The steps from the origin to the end, without those that were left out.
    #[must_use]
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &TraceStep> {
        self.first.iter().chain(&self.last)
    }

    /// How many steps were left out, all of them after the eighth.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether there is no step: nothing has failed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

impl TraceStep {
    /// Tells whoever ends something on this thread, and listens, what had gone wrong there before.
    pub(crate) fn note(
        kind: &'static str,
        location: &'static Location<'static>,
        what: impl FnOnce() -> Option<StdArc<str>>,
    ) {
        let add = |notes: &RefCell<Option<Vec<TraceStep>>>| {
            if let Some(notes) = &mut *notes.borrow_mut() {
                let item = what().map(Item::Note);
                notes.push(TraceStep { kind, location, item });
            }
        };
        let _ = NOTES.try_with(add); // where the thread ends nobody is told
    }

    /// What had gone wrong in this step before: the last error of a [`retry`](crate::retry()) that was
    /// ended by a time limit.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        match &self.item {
            Some(Item::Note(text)) => Some(text),
            _ => None,
        }
    }

    /// The function that was called: `"spawn"`, `"then"`, `"join"`, …
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The file of the call, as in [`Location::file`].
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.location.file()
    }

    /// The line of the call, counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.location.line()
    }

    /// The column of the call, counted from 1.
    #[must_use]
    pub fn column(&self) -> u32 {
        self.location.column()
    }

    /// The index of the item that failed, where this step joins many by their order.
    #[must_use]
    pub fn item(&self) -> Option<usize> {
        match self.item {
            Some(Item::Index(index)) => Some(index),
            _ => None,
        }
    }

    /// The name of the item that failed, where this step joins many by their names.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match &self.item {
            Some(Item::Key(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if index == FIRST && self.left_out > 0 {
                let steps = if self.left_out == 1 { "step" } else { "steps" };
                writeln!(f, "… {} {steps} left out …", self.left_out)?;
            }
            step.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.steps().collect();
        f.debug_struct("Trace").field("steps", &steps).field("left_out", &self.left_out).finish()
    }
}

impl fmt::Display for TraceStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        match &self.item {
            Some(Item::Index(index)) => write!(f, "[{index}]")?,
            Some(Item::Key(key)) => write!(f, "[{key:?}]")?,
            Some(Item::Note(_)) | None => {}
        }
        write!(f, " at {}", self.location)?;
        match &self.item {
            Some(Item::Note(error)) => write!(f, ", which had failed: {error}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for TraceStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way_of(steps: usize) -> Trace {
        let mut trace = Trace::new();
        for index in 0..steps {
            trace.push_item("join", Location::caller(), index);
        }
        trace
    }

    fn indices(trace: &Trace) -> Vec<usize> {
        trace.steps().filter_map(TraceStep::item).collect()
    }

    #[test]
    fn a_step_tells_what_and_where() {
        let mut trace = Trace::new();
        assert!(trace.is_empty());
        assert_eq!(trace.to_string(), "");

        let here = Location::caller();
        trace.push("spawn", here);
        trace.push_item("join", here, 3_usize);
        trace.push_item("join", here, "left");
        assert!(!trace.is_empty());
        assert_eq!(
            trace.to_string(),
            format!("spawn at {here}\njoin[3] at {here}\njoin[\"left\"] at {here}")
        );
        let steps: Vec<_> = trace.steps().collect();
        assert_eq!((steps[0].kind(), steps[0].file()), ("spawn", file!()));
        assert_eq!(steps[0].line(), here.line());
        assert_eq!(steps[0].column(), here.column());
        assert_eq!((steps[0].item(), steps[0].key()), (None, None));
        assert_eq!((steps[1].item(), steps[1].key()), (Some(3), None));
        assert_eq!((steps[2].item(), steps[2].key()), (None, Some("left")));
        let debug = format!("{trace:?}");
        assert!(debug.starts_with("Trace { steps: [spawn at "), "{debug}");
    }

    #[test]
    fn a_way_that_fits_is_kept_whole() {
        for length in [0, 1, FIRST, FIRST + 1, FIRST + LAST] {
            let trace = way_of(length);
            assert_eq!(indices(&trace), (0..length).collect::<Vec<_>>());
            assert_eq!(trace.left_out(), 0);
            assert!(!trace.to_string().contains('…'));
        }
    }

    #[test]
    fn a_very_long_way_keeps_both_ends() {
        for more in [1, 2, 1_000_000] {
            let length = FIRST + LAST + more;
            let trace = way_of(length);
            let expected: Vec<_> = (0..FIRST).chain(length - LAST..length).collect();
            assert_eq!(indices(&trace), expected);
            assert_eq!(trace.left_out(), more);
        }
    }

    #[test]
    fn display_says_what_is_left_out() {
        let text = way_of(FIRST + LAST + 12).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), FIRST + 1 + LAST);
        assert_eq!(lines[FIRST], "… 12 steps left out …");
        assert!(lines[FIRST + 1].starts_with("join[20] at "));
        let text = way_of(FIRST + LAST + 1).to_string();
        assert!(text.contains("… 1 step left out …"));
    }

    #[test]
    fn a_short_way_allocates_little() {
        let trace = way_of(3);
        assert!(trace.first.capacity() <= FIRST);
        assert_eq!(trace.last.capacity(), 0);
    }
}
