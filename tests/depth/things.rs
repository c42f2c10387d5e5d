//! What is counted: things, of which each is dropped exactly once, and holders, things that end a promise when they go.

use asynckit::{Deferred, Failure, Inline, Outcome, Promise};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What all lines are made of: values and errors are both counted.
pub(crate) type Link = Promise<Thing, Thing>;

/// A book of all things of a cell of the table: how often each was dropped.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    drops: Vec<u8>,
    dropped: usize,
}

impl Ledger {
    /// A thing that owns nothing.
    pub(crate) fn thing(&self) -> Thing {
        self.enter(None)
    }

    /// A thing that owns a promise, and ends it when it is dropped.
    pub(crate) fn owner(&self, holder: Holder) -> Thing {
        self.enter(Some(Box::new(holder)))
    }

    fn enter(&self, owned: Option<Box<Holder>>) -> Thing {
        let number = self.with(|book| {
            book.drops.push(0);
            book.drops.len() - 1
        });
        Thing { ledger: self.clone(), number, owned }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Book) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many things there were, and how many drops of things.
    pub(crate) fn counts(&self) -> (usize, usize) {
        self.with(|book| (book.drops.len(), book.dropped))
    }

    /// Panics unless each thing was dropped once.
    pub(crate) fn check(&self) {
        let wrong = self.with(|book| book.drops.iter().filter(|&&drops| drops != 1).count());
        assert_eq!(wrong, 0, "things were dropped more than once, or never");
    }
}

/// A value, an error, a panic's payload, or what a closure keeps.
pub(crate) struct Thing {
    ledger: Ledger,
    number: usize,
    /// Dropped last: then the next promise ends.
    owned: Option<Box<Holder>>,
}

/// A clone owns nothing.
impl Clone for Thing {
    fn clone(&self) -> Self {
        self.ledger.thing()
    }
}

impl fmt::Debug for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thing({}{})", self.number, if self.owned.is_some() { ", an owner" } else { "" })
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        let number = self.number;
        self.ledger.with(|book| {
            book.drops[number] += 1;
            book.dropped += 1;
        });
    }
}

/// How a promise of a holder ends: gets both its ends, and what it may be settled with.
pub(crate) type End = fn(Deferred<Thing, Thing>, Link, Outcome<Thing, Thing>);

type Open = (Deferred<Thing, Thing>, Link, Outcome<Thing, Thing>);

/// A promise, both ends, and how it ends when this is dropped.
pub(crate) struct Holder {
    /// `None` once it has ended.
    open: Option<Open>,
    end: End,
}

impl Holder {
    pub(crate) fn new(
        deferred: Deferred<Thing, Thing>,
        tail: Link,
        outcome: Outcome<Thing, Thing>,
        end: End,
    ) -> Self {
        Holder { open: Some((deferred, tail, outcome)), end }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Some((deferred, tail, outcome)) = self.open.take() {
            (self.end)(deferred, tail, outcome);
        }
    }
}

/// The ends of the promise that a holder has.
pub(crate) const ENDS: &[(&str, End)] = &[
    ("settled", |deferred, tail, outcome| {
        deferred.settle(outcome);
        drop(tail);
    }),
    ("settled, then cancelled", |deferred, tail, outcome| {
        deferred.settle(outcome);
        tail.cancel();
        drop(tail);
    }),
    ("dropped, then settled", |deferred, tail, outcome| {
        drop(tail);
        deferred.settle(outcome);
    }),
    ("cancelled, then settled", |deferred, tail, outcome| {
        tail.cancel();
        deferred.settle(outcome);
        drop(tail);
    }),
    ("timed out, then settled", |deferred, tail, outcome| {
        drop(tail.deadline(Instant::now()));
        deferred.settle(outcome);
    }),
];

/// Ends of a promise that is never settled: what would settle it owns nothing, else it would nest by itself.
pub(crate) const LEFT: &[(&str, End)] = &[
    ("abandoned", |deferred, tail, _| {
        drop(deferred);
        drop(tail);
    }),
    ("dropped, then abandoned", |deferred, tail, _| {
        drop(tail);
        drop(deferred);
    }),
    ("cancelled", |deferred, tail, _| {
        tail.cancel();
        drop(tail);
        drop(deferred);
    }),
    ("cancelled on drop", |deferred, tail, _| {
        drop(tail.cancel_on_drop());
        drop(deferred);
    }),
    ("timed out", |deferred, tail, _| {
        drop(tail.deadline(Instant::now()));
        drop(deferred);
    }),
];

/// Makes an outcome of a thing.
pub(crate) type Make = fn(Thing) -> Outcome<Thing, Thing>;

/// What is made of a thing: a value, an error, a panic that has it as its payload.
pub(crate) const OUTCOMES: &[(&str, Make)] = &[
    ("value", Ok),
    ("error", |thing| Err(Failure::Error(thing))),
    ("payload", |thing| {
        let panicking = Promise::<Thing, Thing>::settled(Err(Failure::Cancelled)).via(Inline);
        let panicked = panicking.handle(move |_| -> Returned { std::panic::panic_any(thing) });
        { panicked }.try_get().expect("it has run in place")
    }),
];

type Returned = Result<Thing, Thing>;
